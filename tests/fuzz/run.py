"""Runs targets over many inputs, and counts what must not be."""

import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

from entra_deployer.core.errors import DeployError
from tests.fuzz.targets import MARKDOWN, TARGETS, Target, compile_hunt

SLOW = 2.0
"""The seconds of this process's own time that one input may take."""


@dataclass
class Outcome:
    """What became of a target's inputs."""

    inputs: int = 0
    refused: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    samples: dict[str, object] = field(default_factory=dict)
    slow: int = 0
    slowest: float = 0.0
    slowest_input: object = None

    @property
    def good(self) -> bool:
        """Whether nothing was a fault of ours or took too long."""
        return not self.faults and not self.slow


def run_target(target: Target, inputs: int, number: int) -> Outcome:
    """Give a target that many inputs. The same number gives the same inputs."""
    outcome = Outcome()
    compile_hunt(MARKDOWN[0])  # the parser raises the recursion limit, once

    @seed(number)
    @settings(
        max_examples=inputs, database=None, deadline=None, phases=[Phase.generate], verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(target.inputs)
    def each(value: object) -> None:
        start = time.process_time()
        try:
            target.read(value)
        except DeployError:
            outcome.refused += 1
        except Exception as error:  # what would end a command with exit 70
            trace = error.__traceback__
            while trace and trace.tb_next:
                trace = trace.tb_next
            place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""
            name = f"{type(error).__name__} at {place}: {str(error)[:80]}"
            outcome.faults[name] += 1
            outcome.samples.setdefault(name, value)
        seconds = time.process_time() - start
        outcome.inputs += 1
        outcome.slow += seconds > SLOW
        if seconds > outcome.slowest:
            outcome.slowest, outcome.slowest_input = seconds, value

    each()
    return outcome


def peak_memory() -> int:
    """The most memory that this process had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def run_all(inputs: int, number: int = 1) -> dict[str, Outcome]:
    """About that many inputs over all targets, by their shares."""
    shares = sum(target.share for target in TARGETS.values())
    return {
        name: run_target(target, max(5, inputs * target.share // shares), number) for name, target in TARGETS.items()
    }
