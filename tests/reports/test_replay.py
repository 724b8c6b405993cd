"""A replay as people and programs read it."""

import json

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.reports import render
from entra_deployer.reports.documents.replay import no_replay_document, replay_document
from entra_deployer.verify.replay import Replay, Tick

REPLAY = Replay(
    environment="staging",
    rule_id="3f0c",
    name="Rare client app",
    start="2026-03-01T00:00:00.000Z",
    end="2026-03-01T02:00:00.000Z",
    every=3600.0,
    key_columns=("user.name",),
    ticks=(
        Tick("2026-03-01T00:00:00.000Z", 0, (), ()),
        Tick("2026-03-01T01:00:00.000Z", 2, ("alice", "bob"), ("alice", "bob")),
        Tick("2026-03-01T02:00:00.000Z", 1, ("bob",), ()),
    ),
)


def test_the_text_shows_the_ticks_with_something_new_and_counts_the_others():
    assert render(replay_document(REPLAY), "text", width=80) == (
        "Rare client app  on staging\n"
        "2026-03-01T00:00:00.000Z to 2026-03-01T02:00:00.000Z, every 3600 s: 3 ticks\n"
        "\n"
        "  2026-03-01T01:00:00.000Z  alice\n"
        "                            bob\n"
        "\n"
        "Would have fired at 2 of 3 ticks, for 2 entities.\n"
    )


def test_the_json_holds_every_tick_that_fired():
    document = json.loads(render(replay_document(REPLAY), "json"))
    assert (document["ticks"], [tick["at"][11:13] for tick in document["fired"]]) == (3, ["01", "02"])
    assert document["fired"][1] == {"at": "2026-03-01T02:00:00.000Z", "rows": 1, "entities": ["bob"], "new": []}


def test_where_there_is_no_replay_the_document_says_why():
    issue = Issue("DEP000", Level.ERROR, "no such index", "", Location("x"))
    document = json.loads(render(no_replay_document("staging", (issue,)), "json"))
    assert (document["fired"], document["issues"][0]["message"]) == ([], "no such index")
