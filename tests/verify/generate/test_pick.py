"""Values that are picked for constraints: what is kept of earlier questions changes no answer."""

from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.esql.functions import compute
from entra_deployer.verify.generate.constraints import Constraint, Constraints, Kind, Step, all_hold, by_steps, holds
from entra_deployer.verify.generate.pick import Unpickable, _candidates, _picked, _satisfies, pick

TEXTS = st.sampled_from(["*a*", "value-x", "*x", "b*", "name-*", "1", "*"])
CONSTRAINTS = st.builds(
    Constraint,
    st.sampled_from([Kind.LIKE, Kind.UNLIKE, Kind.EQUAL, Kind.UNEQUAL, Kind.PRESENT, Kind.RLIKE, Kind.UNRLIKE]),
    TEXTS.map(lambda text: text.replace("*", ".*") if text.startswith("*x") else text),
    steps=st.sampled_from([(), (), (Step("to_lower"),), (Step("trim"),)]),
)


def picked(constraints):
    try:
        return pick("user.name", "keyword", constraints, "x")
    except Unpickable:
        return Unpickable


@given(st.lists(CONSTRAINTS, min_size=1, max_size=5), st.booleans())
def test_a_value_is_the_first_candidate_whatever_was_asked_for_before(constraints, forgotten):
    if forgotten:
        _picked.cache_clear()
    candidates = _candidates("user.name", "keyword", constraints, "x")
    first = next((one for one in candidates if _satisfies(one, "keyword", by_steps(constraints))), Unpickable)
    assert picked(constraints) == first


@given(st.lists(CONSTRAINTS, min_size=1, max_size=5))
def test_what_is_picked_satisfies_each_constraint(constraints):
    found = picked(constraints)
    assert found is Unpickable or all(holds(one, found) for one in constraints)


@given(st.lists(CONSTRAINTS, min_size=1, max_size=5), st.sampled_from(["A", "xa", "value-x", "1", " b "]))
def test_constraints_hold_together_where_each_of_them_holds(constraints, value):
    assert all_hold(by_steps(constraints), value) is all(holds(one, value) for one in constraints)


def test_a_truth_is_no_number():
    true, one = Constraint(Kind.EQUAL, True), Constraint(Kind.EQUAL, 1)
    assert true != one
    assert pick("flag", "boolean", (true,), "x") is True
    assert pick("count", "long", (one,), "x") is not True


def test_a_constraint_more_is_as_if_all_came_at_once():
    parts = [Constraint(Kind.LIKE, "a*"), Constraint(Kind.UNEQUAL, "ab"), Constraint(Kind.OLDER, 3.0)]
    grown = Constraints()
    for one in parts:
        grown = grown.and_then(one)
    whole = Constraints(parts)
    assert (grown, grown.keys, grown.hashed, grown.moves) == (whole, whole.keys, whole.hashed, True)


def test_replace_takes_what_java_writes():
    assert compute("replace", "abc-def", "([a-z])-", r"[$1\\\$]") == r"ab[c\$]def"
    assert compute("replace", "a.b", "[.]", "\\") == r"a\b"
    assert compute("replace", "ab", "b", "x$y") == "ax$y"
