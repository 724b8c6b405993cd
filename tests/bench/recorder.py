"""What a command sends to its servers, written down for a floor that sends the same and does nothing else."""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from entra_deployer.local.stack import LocalStack
from entra_deployer.local.state import StackFolder
from tests.fault_proxy import FaultProxy


@dataclass(frozen=True)
class Sent:
    """A request as it was sent; `type` is what its body is."""

    server: str
    method: str
    path: str
    type: str
    body: bytes


@contextmanager
def recorded(root: Path, stack: LocalStack) -> Iterator[list[Sent]]:
    """Between the project's commands and its local stack: what they send meanwhile, once it is over."""
    folder = StackFolder(root, stack.name)
    state = folder.read()
    if state is None:
        raise RuntimeError(f"no stack in {root}")
    elastic, asked = _listening(stack.elasticsearch_url)
    kibana, told = _listening(stack.kibana_url)
    sent: list[Sent] = []
    with elastic, kibana:
        folder.write(replace(state, kibana_port=kibana.port, elasticsearch_port=elastic.port))
        try:
            yield sent
        finally:
            folder.write(state)
        sent += [*asked, *told]


def _listening(url: str) -> tuple[FaultProxy, list[Sent]]:
    heard: list[Sent] = []
    return FaultProxy(url, lambda one: heard.append(Sent(url, *one))), heard


def write_phases(file: Path, phases: Iterable[Iterable[Sent]]) -> None:
    """What `floors/replay.py` reads: phases one after another, the requests of a phase side by side."""
    lines = (
        json.dumps(
            {
                "phase": number,
                "url": f"{one.server}{one.path}",
                "method": one.method,
                "type": one.type,
                "body": base64.b64encode(one.body).decode(),
            }
        )
        for number, phase in enumerate(phases)
        for one in phase
    )
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
