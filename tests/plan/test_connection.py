"""What a connection tries again by itself."""

from dataclasses import dataclass, field

import pytest

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
