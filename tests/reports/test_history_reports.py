"""The pushes as people and programs read them: golden files, one a form."""

from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.core.issue import Issue, Level
from entra_deployer.ledger.history import History, NumberedPush
from entra_deployer.objects.state import RULE, SAVED_SEARCH, FieldDiff
from entra_deployer.plan.journal import PushEntry, PushState
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome
from entra_deployer.reports import render
from entra_deployer.reports.documents.history import history_document

GOLDEN = Path(__file__).parents[1] / "golden"
UPDATE = Change(
    *(Action.UPDATE, "default", RULE, "r1", "Rare", None, None),
    diffs=(FieldDiff("severity", "low", "high"), FieldDiff("query", "FROM a\n| LIMIT 1", "FROM b\n| LIMIT 1")),
)
CREATE = Change(Action.CREATE, "soc", SAVED_SEARCH, "s1", "Rare", None, None)
DELETE = Change(Action.DELETE, "default", RULE, "r2", "Old", None, None)


def push(number, state, *results, commit="", note=""):
    at = f"2026-02-0{number}T09:30:00.000+00:00"
    return NumberedPush(number, PushEntry(str(number), "staging", at, "ci", commit, state, results, note))


HISTORY = History(
    "staging",
    (
        push(3, PushState.STARTED, ChangeResult(UPDATE, Outcome.PLANNED), commit="b" * 40 + "+"),
        push(
            2,
            PushState.FINISHED,
            ChangeResult(UPDATE, Outcome.APPLIED),
            ChangeResult(DELETE, Outcome.FAILED, "it still stands"),
            note="rollback to #1",
        ),
        push(1, PushState.RECOVERED, ChangeResult(CREATE, Outcome.APPLIED), commit="a" * 40),
    ),
    older=4,
    issues=(Issue("DEP351", Level.WARNING, "this key may not read the ledger", "staging", None, "give it read"),),
)
FORMS = {
    "history.txt": lambda: render(history_document(HISTORY), "text", width=80),
    "history_rule.txt": lambda: render(
        history_document(replace(HISTORY, rule="Rare", issues=(), older=0)), "text", width=80
    ),
    "history.json": lambda: render(history_document(HISTORY), "json"),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_as_in_its_golden_file(name):
    assert FORMS[name]() == (GOLDEN / name).read_text("utf-8")


def test_no_push_is_said():
    assert render(history_document(History("staging")), "text").splitlines()[-1] == "No push is written down."
