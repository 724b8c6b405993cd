"""What `check` refuses offline is what a real Elasticsearch refuses: the forms of tests/esql/forms.py, asked again."""

import pytest

from entra_deployer.core.errors import Refused
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.features import features
from entra_deployer.esql.parse import parse
from entra_deployer.esql.semantics import find_faults
from tests.esql.forms import DOCUMENT, FORMS, INDEX, MAPPING

VERSION = StackVersion(8, 19)


def offline(query: str) -> bool:
    """Whether the query is refused without a server."""
    parsed = parse(query, VERSION)
    if parsed.problems or parsed.tree is None:
        return True
    missing = any(feature.available(VERSION) is False for feature in features(parsed.tree))
    return missing or bool(find_faults(parsed.tree, MAPPING, complete=True))


@pytest.fixture(scope="module")
def ask(connection):
    elastic = connection.elastic
    properties = {name: {"type": kind} for name, kind in MAPPING.items()}
    elastic.create_index(INDEX, mappings={"properties": properties})
    elastic.bulk(INDEX, [DOCUMENT])

    def refused(query: str) -> bool:
        try:
            elastic.query(query)
        except Refused:
            return True
        return False

    yield refused
    elastic.delete_index(INDEX)


def test_no_valid_query_is_refused_and_nearly_all_refused_ones_are_found(ask):
    forms = list(dict.fromkeys(FORMS))
    assert len(forms) >= 300
    refused = {query for query in forms if ask(query)}
    found = {query for query in forms if offline(query)}
    assert not found - refused
    assert len(found) >= 0.95 * len(refused)
