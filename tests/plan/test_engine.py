"""What becomes of what `check` found once the embedded Elasticsearch was asked, and on which indices it is asked."""

from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.checked import CheckReport
from entra_deployer.core.errors import Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.target import StackVersion
from entra_deployer.plan.engine import Verdict, check_on_engine, pack
from entra_deployer.plan.preflight import Fault
from entra_deployer.stack.mapping import FieldMapping
from tests.compiler.build import rule
from tests.reading import part, there

VERSION = StackVersion(8, 19)


class Elastic:
    """Takes every query but those that hold `refuses`."""

    def __init__(self, refuses="nothing of the kind", reason="line 1:1: no"):
        self.refuses, self.reason, self.indices = refuses, reason, set()

    def create_index(self, name, *, mappings, settings):
        assert settings["index.hidden"]
        self.indices.add(name)

    def delete_index(self, name):
        self.indices.discard(name)

    def check_query(self, text):
        assert any(index in text for index in self.indices)
        if self.refuses in text:
            attributes = {"type": "verification_exception", "reason": self.reason}
            raise Refused(self.reason, status=400, attributes=attributes)


def report(*issues):
    return CheckReport("8.19", 1, 1, issues)


def issue(made, code="DEP011", line=10):
    return Issue(code, Level.ERROR, "it is said", made.folder, made.source.hunt.at(line, 1))


def asked(elastic, made, known):
    return check_on_engine(elastic, [made], VERSION, known)


def test_what_the_server_takes_is_no_error():
    made = rule("from logs-a-*\n| where b == 1")
    found = asked(Elastic(), made, report(issue(made), issue(made, "DEP017"), issue(made, line=99)))
    assert [(one.code, one.level.value) for one in found.issues] == [
        ("DEP011", "warning"), ("DEP017", "error"), ("DEP011", "error")
    ]  # fmt: skip
    assert found.target == "8.19, asked of Elasticsearch 8.19.0"


def test_what_it_refuses_is_an_error_once():
    made, elastic = rule("from logs-a-*\n| where b == 1"), Elastic("b ==", "line 2:9: no")
    (new,) = asked(elastic, made, report()).issues
    assert (new.code, new.level, str(new.location)) == ("DEP331", Level.ERROR, "rules/a_hunt/hunt.md:11:9")
    known = report(issue(made))
    assert asked(elastic, made, known).issues == known.issues
    assert not elastic.indices


def test_a_refusal_for_a_type_that_was_guessed_is_a_warning():
    made = rule("from logs-a-*\n| where b == 1")
    (new,) = asked(Elastic("b ==", "line 2:9: [b == 1] is bad"), made, report()).issues
    assert (new.level, "guessed" in there(new.hint)) == (Level.WARNING, True)
    assert Verdict(guessed=frozenset({"a.b"})).is_sure(Fault("[x.a.b] and [a.b.c]"))
    assert not Verdict(guessed=frozenset({"a.b"})).is_sure(Fault("[TO_LOWER(a.b)]"))


def test_a_query_that_would_hang_there_is_not_asked():
    made, elastic = rule("from logs-a-*\n| stats c = count(*) by k = categorize(message)"), Elastic()
    (new,) = asked(elastic, made, report()).issues
    assert new.code == "DEP332"


NAMES = st.sampled_from(["a", "a.b", "a.b.c", "d", "d.e", "f"])
MAPPINGS = st.dictionaries(NAMES, st.sampled_from(["keyword", "long"]), min_size=1, max_size=4)


@given(st.lists(MAPPINGS, max_size=6))
def test_an_index_has_each_field_in_one_type_and_no_field_within_a_field(wanted):
    asked = [
        {name: {"type": kind} for name, kind in fields.items() if not any(name.startswith(f"{o}.") for o in fields)}
        for fields in wanted
    ]
    packed = pack([(fields, False) for fields in asked])
    assert sorted(number for index in packed for number in index.readers) == list(range(len(asked)))
    for index in packed:
        for number in index.readers:
            assert asked[number].items() <= index.properties.items()
        assert not any(one.startswith(f"{other}.") for one in index.properties for other in index.properties)


def test_queries_share_an_index_unless_they_join():
    fields = {"a": {"type": "long"}}
    assert len(pack([(fields, False)] * 3)) == 1
    assert len(pack([(fields, True)] * 3)) == 3
    parts: dict[str, FieldMapping] = {"a": {"type": "long", "fields": {"text": {"type": "text"}}}}
    (index,) = pack([(fields, False), (parts, False), (replace_parts(parts), False)])
    assert part(index.properties, "a", "fields").keys() == {"text", "caseless"}


def replace_parts(mapping):
    return {"a": {**mapping["a"], "fields": {"caseless": {"type": "keyword"}}}}
