"""What the pushes to an environment left, at any of them. Pure."""

from collections.abc import Iterable, Sequence

from entra_deployer.ledger.entry import NumberedPush
from entra_deployer.ledger.ledger import PushState
from entra_deployer.objects.state import Kind, StateObject
from entra_deployer.plan.plan import Change, Outcome

type Key = tuple[str, Kind, str]
"""Space, kind and key of an object."""

DONE = (PushState.FINISHED, PushState.RECOVERED)
"""States of pushes whose outcomes are known and stand."""


def applied(push: NumberedPush) -> Iterable[Change]:
    """The changes that a push made."""
    if push.entry.state not in DONE:
        return ()
    return (result.change for result in push.entry.results if result.outcome is Outcome.APPLIED)


def state_after(pushes: Sequence[NumberedPush], number: int) -> dict[Key, StateObject | None]:
    """The objects that pushes behind `number` touched, each as the push `number` left it; None where it was not there.

    `pushes` are all of the environment, in any order. What a later push found and no earlier one had made (it was taken
    over) is as it was found.
    """
    wanted: dict[Key, StateObject | None] = {}
    for push in sorted(pushes, key=lambda push: push.number):
        for change in applied(push):
            key = (change.space, change.kind, change.key)
            if push.number <= number:
                wanted[key] = change.base
            elif key not in wanted:
                wanted[key] = change.existing.object if change.existing else None
    touched = {
        (change.space, change.kind, change.key) for push in pushes if push.number > number for change in applied(push)
    }
    return {key: one for key, one in wanted.items() if key in touched}
