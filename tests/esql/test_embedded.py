"""What the embedded Elasticsearch cannot run is found before it would hang, or read from what it refuses."""

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.embedded import beyond_embedded, lacked

V = StackVersion(8, 19, 21)


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("FROM a | STATS c = COUNT(*) BY g = CATEGORIZE(message)", "CATEGORIZE"),
        ("FROM a | INLINE STATS c = COUNT(*) BY d", "INLINE STATS"),
        ("FROM a | CHANGE_POINT x ON y", "CHANGE_POINT"),
        ("FROM a | FORK (WHERE b > 1) (WHERE b < 1)", "FORK"),
    ],
)
def test_what_would_hang_or_is_newer_is_found_before_it_is_sent(text, lacking):
    assert beyond_embedded(text, V) == lacking


@pytest.mark.parametrize(
    "text",
    [
        "FROM a | WHERE categorize == 1 // CATEGORIZE(x) | ENRICH p",
        'FROM a | WHERE b == "| ENRICH p ON c" | EVAL enrich = 1',
        "FROM a | STATS c = COUNT(*) BY d | SORT c",
        "FROM a | nonsense",
        "FROM a | ENRICH p ON b",
        "FROM a | LOOKUP JOIN l ON b",
    ],
)
def test_what_it_can_run_or_will_refuse_itself_is_let_through(text):
    assert beyond_embedded(text, V) == ""


@pytest.mark.parametrize(
    ("refusal", "lacking"),
    [
        ("line 1:18: cannot find enrich policy [pol]", "ENRICH with the policy pol"),
        ("line 1:20: Unknown function [ST_GEOHEX]", "ST_GEOHEX"),
        ("line 1:11: mismatched input 'RERANK' expecting {'completion'}", "RERANK"),
        (
            "failed to find action [cluster:monitor/xpack/inference/get] to execute",
            "cluster:monitor/xpack/inference/get",
        ),
        (
            "A valid Enterprise license is required to run ES|QL cross-cluster searches. License found: active basic",
            "ES|QL cross-cluster searches",
        ),
        ("line 1:23: Unknown index [nolk]", ""),
        ("Failed to parse KQL query [a: (]: line 1:5: mismatched input '<EOF>' expecting {'and'}", ""),
        ("Failed to parse query [a: (]: mismatched input 'x'", ""),
        ("line 1:24: Unknown column [x]", ""),
    ],
)
def test_what_it_lacks_is_read_from_its_own_refusal(refusal, lacking):
    assert lacked(f"Found 1 problem {refusal}") == lacking
