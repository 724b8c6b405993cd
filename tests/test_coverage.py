"""Coverage by evidence: a stage counts where all before it were reached, and each form tells it."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from entra_deployer.coverage import Coverage, Covered, RuleEvidence, Stage, compared, find_coverage, layer_of
from entra_deployer.data import load_knowledge
from entra_deployer.reports import FORMS, render
from entra_deployer.reports.documents.coverage import coverage_document
from entra_deployer.repository import OFFLINE, Repository
from tests.reading import part

HUNTS = Path(__file__).parents[0] / "data" / "hunts"
ATTACK = load_knowledge().attack
STAGES = list(Stage)
LAYER = {
    "type": "object",
    "required": ["name", "versions", "domain", "techniques"],
    "properties": {
        "name": {"type": "string"},
        "versions": {
            "type": "object",
            "required": ["navigator", "layer"],
            "properties": {name: {"type": "string"} for name in ("attack", "navigator", "layer")},
        },
        "domain": {"enum": ["enterprise-attack", "mobile-attack", "ics-attack"]},
        "gradient": {
            "type": "object",
            "required": ["colors", "minValue", "maxValue"],
            "properties": {"colors": {"type": "array", "items": {"type": "string", "pattern": "^#[0-9a-f]{6}$"}}},
        },
        "techniques": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["techniqueID"],
                "properties": {
                    "techniqueID": {"type": "string", "pattern": r"^T\d{4}(\.\d{3})?$"},
                    "score": {"type": "number"},
                    "comment": {"type": "string"},
                    "enabled": {"type": "boolean"},
                    "showSubtechniques": {"type": "boolean"},
                },
                "additionalProperties": False,
            },
        },
    },
}
"""What the Navigator's own description of its layers (4.5) says of the keys that we write."""


def evidence(name, *stages, score=None):
    return RuleEvidence(name, name.lower(), stages, score)


FIRED = evidence("Guessing", *Stage, score=0.875)
DRAFT = evidence("Draft", Stage.MAPPED)
LOUD = evidence("Loud", Stage.MAPPED, Stage.COMPILED, Stage.DEPLOYED, Stage.ENABLED, Stage.FIRED)
COVERAGE = Coverage(
    ATTACK,
    (Covered(ATTACK.techniques["T1110.001"], (FIRED, DRAFT)), Covered(ATTACK.techniques["T1539"], (LOUD,))),
    "staging",
    "Kibana 8.19.21, platinum, kibana.example, space soc",
    unknown={"T9999": "draft"},
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(STAGES), unique=True))
def test_a_rule_has_come_as_far_as_it_came_without_a_gap(stages):
    reached = RuleEvidence("r", "r", tuple(stages)).stage
    before = STAGES[: STAGES.index(reached)]
    assert set(before) <= set(stages)
    following = STAGES[STAGES.index(reached) + 1 :][:1]
    assert not set(following) & set(stages) or Stage.MAPPED not in stages


def test_a_rule_that_fired_without_a_test_is_compiled_and_no_more():
    assert LOUD.stage is Stage.COMPILED


def test_the_terminal_shows_each_tactic_and_each_technique():
    text = render(coverage_document(COVERAGE), "text", width=100)
    assert text.startswith("staging  Kibana 8.19.21, platinum, kibana.example, space soc\n")
    assert "Credential Access     2 of 80     ■■\n" in text
    assert "Impact                0 of 38\n" in text
    assert "T1110.001 ■■■■■■■ Password Guessing  fired: Guessing (mutation score 88%), Draft (mapped)\n" in text
    assert "T1539     ■■□□□□□ Steal Web Session Cookie  compiled: Loud\n" in text
    assert "T9999 of draft is no technique of ATT&CK 18.1\n" in text
    assert text.endswith("2 techniques of ATT&CK 18.1: 1 compiled, 1 fired.\n")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_it(form):
    assert "T1539" in render(coverage_document(COVERAGE), form)


def test_json_tells_the_stages_of_each_rule():
    found = json.loads(render(coverage_document(COVERAGE), "json"))
    assert [(one["id"], one["stage"]) for one in found["techniques"]] == [("T1110.001", "fired"), ("T1539", "compiled")]
    assert found["techniques"][0]["rules"][0] == {
        "name": "Guessing",
        "hunt": "guessing",
        "stage": "fired",
        "stages": [stage.value for stage in Stage],
        "mutation_score": 0.875,
    }


def test_a_layer_is_what_the_navigator_reads():
    layer = layer_of(COVERAGE, "a layer")
    assert [error.message for error in Draft202012Validator(LAYER).iter_errors(layer)] == []
    assert [(one["techniqueID"], one["score"]) for one in part(layer, "techniques")] == [("T1110.001", 7), ("T1539", 2)]


def test_a_repository_tells_what_is_mapped_compiled_and_tested(tmp_path):
    for name in ("sound", "no_query"):
        shutil.copytree(HUNTS / name, tmp_path / "rules" / name)
    found = find_coverage(Repository(tmp_path), OFFLINE)
    assert {rule.folder for one in found.techniques for rule in one.rules} == {"sound"}
    assert {one.stage for one in found.techniques} <= {Stage.COMPILED, Stage.TESTED}
    assert {issue.subject for issue in found.issues} == {"no_query"}


def covering(stages):
    """A coverage in which each technique has come to its stage."""
    known = [ATTACK.techniques[key] for key in ("T1110.001", "T1528", "T1539")]
    pairs = [(one, stage) for one, stage in zip(known, stages, strict=True) if stage]
    rules = [(evidence("R", *STAGES[: STAGES.index(stage) + 1]),) for _, stage in pairs]
    return Coverage(ATTACK, tuple(Covered(one, some) for (one, _), some in zip(pairs, rules, strict=True)))


SOME = st.lists(st.sampled_from([None, *STAGES]), min_size=3, max_size=3)


@given(SOME, SOME)
def test_what_differs_is_told_each_once_and_losses_first(before, after):
    found = compared(covering(after), covering(before), "main")
    assert sum(one != other for one, other in zip(before, after, strict=True)) == len(found.shifts)
    assert [shift.is_loss for shift in found.shifts] == sorted((shift.is_loss for shift in found.shifts), reverse=True)
    back = compared(covering(before), covering(after), "main")
    assert {(one.technique.id, one.before, one.after) for one in back.shifts} == {
        (one.technique.id, one.after, one.before) for one in found.shifts
    }
    assert not {one.technique.id for one in found.shifts if one.is_loss} & {
        one.technique.id for one in back.shifts if one.is_loss
    }


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("sarif", "junit", "github")])
def test_every_form_for_readers_tells_what_changed(form):
    found = compared(covering([Stage.TESTED, None, None]), covering([None, Stage.PROVED, None]), "main")
    text = render(coverage_document(found), form)
    assert "T1110.001" in text
    assert "T1528" in text
    assert "main" in text
