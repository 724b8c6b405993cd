"""What `deploy synth` could and could not make, as a person reads it."""

from dataclasses import replace

from entra_deployer.hunts.folder import DetectionTest, Expectation
from entra_deployer.reports.documents.synthesis import unsolved_as_text, written_as_text
from entra_deployer.verify.generate.tests import Synthesis, UnsolvedCase

TEST = DetectionTest("Made", "rules/rare/t.yaml", "logs-a", (), (Expectation("all", {"user.name": "mallory"}),), ())
MADE = Synthesis("a", "Rare", (TEST,))


def test_a_reason_is_said_once_for_a_rule_with_the_first_cases():
    unsolved = [UnsolvedCase(f"not: a == {number}", "SUBSTRING") for number in range(16)]
    unsolved.insert(1, UnsolvedCase("not: b > 0", "the others imply it"))
    unsolved += [UnsolvedCase("one", "no value"), UnsolvedCase(f"a\n  {'very ' * 20}long one", "no value")]
    assert unsolved_as_text([Synthesis("a", "Rare", MADE.tests, tuple(unsolved))]) == (
        "not solved: Rare: 16 cases: SUBSTRING (not: a == 0; not: a == 1; not: a == 2; 13 more)",
        "not solved: Rare: not: b > 0: the others imply it",
        "not solved: Rare: 2 cases: no value (one; a very very very very very very very very very very very ve…)",
    )


def test_rules_of_which_nothing_was_made_are_named():
    unmade = Synthesis("b", "Odd", (), (UnsolvedCase("all of it", "ENRICH"),))
    assert unsolved_as_text([MADE, unmade]) == ("not solved: Odd: all of it: ENRICH", "nothing was made of Odd")
    assert unsolved_as_text([MADE]) == ()


def test_a_rule_that_took_long_is_told():
    assert unsolved_as_text([replace(MADE, seconds=3.2)]) == ("Rare took 3 s: its conditions have many combinations",)
    assert unsolved_as_text([replace(MADE, seconds=1.9)]) == ()


def test_after_the_files_comes_what_to_do_with_them():
    text = written_as_text([MADE], ["rules/rare/t.yaml"], ["rare", "A rule"])
    assert text == "rules/rare/t.yaml\n1 case written; now: deploy verify rare 'A rule'"


def test_where_nothing_was_made_there_is_nothing_to_verify():
    assert written_as_text([Synthesis("b", "Odd", ())], [], ["odd"]) == "Nothing was written."
