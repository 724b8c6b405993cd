"""What a connection tries again by itself."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier, Lock

import pytest

from entra_deployer import facts
from entra_deployer.plan.connection import RulePreviewer
from tests.memory_stack import OF_KIBANA, MemoryStack
from tests.stack.script import response

NO_SHARD = "search_phase_execution_exception Caused by: no_shard_available_action_exception: null"


@dataclass
class FreshSpace(MemoryStack):
    """The previews of a space whose index is being made say `errors`, one each, before they work."""

    errors: list = field(default_factory=list)
    previews: int = 0

    def send(self, request, *_, **__):
        if not request.url.endswith("/preview"):
            return super().send(request)
        self.previews += 1
        logs = [{"errors": [self.errors.pop(0)] if self.errors else [], "warnings": []}]
        return response(request, 200, {"previewId": "p", "logs": logs, "isAborted": False}, OF_KIBANA)


def preview(stack):
    """What a preview tells, and how long was waited between its tries."""
    pauses: list[float] = []
    with stack.connection() as connection:
        previewer = RulePreviewer(connection.rules("default"), connection.elastic, "default", pauses.append)
        return previewer.preview({}, timeframe_end="2026-11-25T12:00:00Z"), pauses


@pytest.mark.parametrize("times", [1, 4])
def test_a_preview_is_tried_again_while_its_index_is_made(times):
    stack = FreshSpace(errors=[NO_SHARD] * times)
    found, pauses = preview(stack)
    assert (found.errors, stack.previews) == ((), times + 1)
    assert pauses == [0.5 * (number + 1) for number in range(times)]


def test_that_has_a_bound():
    stack = FreshSpace(errors=[NO_SHARD] * 9)
    found, _ = preview(stack)
    assert (found.errors, stack.previews) == ((NO_SHARD,), 5)


def test_any_other_error_is_told_at_once():
    stack = FreshSpace(errors=["Unknown column [x]"])
    found, pauses = preview(stack)
    assert (found.errors, stack.previews, pauses) == (("Unknown column [x]",), 1, [])


@dataclass
class Busy(FreshSpace):
    """Counts the previews that are on their way at once, each of which waits for the others that may come."""

    lock: Lock = field(default_factory=Lock)
    full: Barrier = field(default_factory=lambda: Barrier(facts.PREVIEWS_AT_ONCE))
    running: int = 0
    most: int = 0

    def send(self, request, *args, **more):
        if not request.url.endswith("/preview"):
            return super().send(request, *args, **more)
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.full.wait(timeout=30)
        with self.lock:
            self.running -= 1
        return super().send(request, *args, **more)


def test_no_more_previews_are_on_their_way_than_kibana_takes():
    stack, many = Busy(), 2 * facts.PREVIEWS_AT_ONCE
    with stack.connection() as connection:
        previewer = connection.previewer("default")
        with ThreadPoolExecutor(many) as pool:
            found = list(pool.map(lambda _: previewer.preview({}, timeframe_end="2026-11-25T12:00:00Z"), range(many)))
    assert [one.errors for one in found] == [()] * many
    assert stack.most == facts.PREVIEWS_AT_ONCE
