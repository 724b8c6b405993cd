"""What queries read, wherever they name it."""

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.doctor.examine import what_queries_read
from entra_deployer.stack.privileges import Reads


@pytest.mark.parametrize(
    ("query", "version", "reads"),
    [
        ("FROM logs-*, -logs-x | LIMIT 1", "8.19", Reads(("logs-*",))),
        ("FROM a | LOOKUP JOIN threats ON source.ip | LIMIT 1", "8.19", Reads(("a",), joined=("threats",))),
        ("FROM a | ENRICH policy ON user.name | LIMIT 1", "8.19", Reads(("a",), enriches=True)),
        (
            "FROM a | FORK (LOOKUP JOIN b ON c) (ENRICH p ON c) | LIMIT 1",
            "9.2",
            Reads(("a",), joined=("b",), enriches=True),
        ),
        ("FROM a, (FROM b, far:c | LOOKUP JOIN d ON e) | LIMIT 1", "9.4", Reads(("a", "b"), {"far": ("c",)}, ("d",))),
    ],
)
def test_sources_joins_and_policies_are_found(query, version, reads):
    assert what_queries_read([query], StackVersion.parse(version)) == reads
