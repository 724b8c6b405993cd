"""What the compiler makes a real Elasticsearch and Kibana's API take; what it refuses they refuse at the same place."""

import re
import uuid
from dataclasses import replace

import pytest

from entra_deployer.core.errors import Refused
from entra_deployer.core.target import StackVersion
from entra_deployer.data import load_knowledge
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.esql.columns import read_fields, sources
from entra_deployer.esql.embedded import beyond_embedded
from entra_deployer.esql.features import Feature
from entra_deployer.esql.rule_query import read_query
from entra_deployer.esql.tree import Span
from entra_deployer.facts import FUNCTIONS
from entra_deployer.hunts.selection import Selection
from entra_deployer.repository import OFFLINE, Repository
from entra_deployer.stack.elasticsearch import connect
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme
from tests.integration.projects import REPOSITORY
from tests.reading import there
from tests.shapes import REFUSED, TOML, TOO_NEW

pytestmark = pytest.mark.any_stack

VERSIONS = [StackVersion(8, 12, 2), OFFLINE.version, StackVersion(9, 2), StackVersion(9, 5)]
EMBEDDED = {"constant_keyword": "keyword", "wildcard": "keyword", "match_only_text": "text", "flattened": "keyword"}
"""Types that the embedded Elasticsearch does not have, and what stands for them."""


@pytest.fixture(scope="module")
def elastic(stack):
    endpoint = Endpoint(stack.elasticsearch_url, Credentials(Scheme.BASIC, stack.password, stack.user))
    client = connect(endpoint)
    yield client
    client.close()


def hunts() -> list[str]:
    own = [path.name for path in (REPOSITORY / "rules").iterdir() if path.is_dir()]
    return sorted(own) + [str(path) for path in TOML if path.stem not in TOO_NEW]


def mapping(tree: nodes.Tree) -> dict[str, str]:
    """A type for each field that a query reads: the known one, or one that its conditions leave open."""
    knowledge, patterns = load_knowledge(), sources(tree)
    types = {name: knowledge.type_of(name, patterns) or "keyword" for name in read_fields(tree)}
    for node in tree.walk():
        for name, kind in _used(node):
            if name in types and not knowledge.type_of(name, patterns):
                types[name] = kind
    return types


def _used(node: nodes.Node):
    """Columns that are compared with, or counted as, something that a keyword is not."""
    match node:
        case nodes.Binary(left=nodes.Column(name=name), right=nodes.Literal(kind="integer" | "decimal")):
            yield name, "long"
        case nodes.Binary(left=nodes.Column(name=name), right=nodes.Literal(kind="boolean")):
            yield name, "boolean"
        case nodes.Binary(operator="/" | "*", left=nodes.Column(name=name)):
            yield name, "long"
        case nodes.Call(name="sum" | "avg", arguments=(nodes.Column(name=name),)):
            yield name, "long"
        case nodes.Call(name="date_trunc", arguments=(_, nodes.Column(name=name))):
            yield name, "date"


@pytest.fixture
def index(elastic):
    """Makes an index with the fields of a query, and takes it away."""
    made = []

    def make(tree: nodes.Tree) -> str:
        name = f"compile-{uuid.uuid4().hex[:12]}"
        properties = {field: {"type": EMBEDDED.get(kind, kind)} for field, kind in mapping(tree).items()}
        elastic.create_index(name, mappings={"properties": properties})
        made.append(name)
        return name

    yield make
    for name in made:
        elastic.delete_index(name)


def test_every_compiled_query_is_accepted_by_elasticsearch(elastic, index):
    accepted, not_executed = [], []
    trees = {}
    for version in VERSIONS:
        compilation = Repository(REPOSITORY).compile(replace(OFFLINE, version=version), Selection(tuple(hunts())))
        broken = {issue.subject for issue in compilation.issues if issue.code == "DEP012"}
        for rule in compilation.rules:
            text, key = str(rule.rule.payload["query"]), rule.rule.key
            if lacking := beyond_embedded(text, version):
                not_executed.append((str(version), rule.rule.name, lacking))
                continue
            if key not in trees:
                tree = syntax_cache().parse(rule.query.text, version).tree
                trees[key] = index(tree)
            columns = elastic.check_query(read_query(text, version).at(trees[key]))
            assert columns or rule.folder in broken
            assert set(rule.key_columns) <= {column.name for column in columns}
            accepted.append((str(version), rule.rule.name))
    assert len(accepted) >= 60
    assert not_executed == []


@pytest.mark.parametrize("folder", sorted(REFUSED))
def test_what_the_compiler_refuses_a_real_elasticsearch_refuses_at_the_same_place(elastic, folder):
    [file] = [path for path in TOML if path.stem == folder]
    compilation = Repository(REPOSITORY).compile(OFFLINE, Selection((str(file),)))
    [issue] = [issue for issue in compilation.issues if issue.code == "DEP010"]
    [query] = compilation.sources[0].hunt.queries
    with pytest.raises(Refused) as refusal:
        elastic.check_query(query.text)
    line, column = map(int, there(re.search(r"line (\d+):(\d+): ", str(refusal.value))).groups())
    place = query.place(str(file), line, column)
    assert issue.location == place


def test_the_functions_of_our_table_are_those_of_a_real_elasticsearch(elastic):
    wrong = []
    for name, since in sorted(FUNCTIONS.items()):
        expected = Feature(name, Span(0, 0), since).available(elastic.version())
        if name != "categorize" and _knows(elastic, name) != expected:
            wrong.append((name, expected))
    assert wrong == []


def _knows(elastic, name: str) -> bool:
    try:
        elastic.query(f"ROW x = {name}(1, 2, 3, 4, 5, 6, 7)")
    except Refused as error:
        # FIRST and LAST are words of SORT's grammar where they are no functions
        unknown = rf"Unknown function \[{name}\]|mismatched input '{name}'|no viable alternative|extraneous input"
        return not re.search(unknown, str(error))
    return True


def test_kibana_takes_every_compiled_rule_and_search_and_a_second_push_changes_nothing(project):
    files = [path for path in TOML if path.stem not in {*REFUSED, *TOO_NEW}]
    for file in files:
        folder = project.root / "rules" / file.stem
        folder.mkdir()
        (folder / "hunt.toml").write_text(file.read_text("utf-8"), "utf-8")
    assert project.deploy("push", "test") == 0, project.errors + project.output
    assert len(project.rules()) == len(project.searches()) == len(files)
    assert project.deploy("push", "test") == 0
    assert f"No changes: {2 * len(files) + 1} objects as desired." in project.output
