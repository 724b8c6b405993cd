"""The answers of a real Kibana 8.12.2 fit the types of their endpoints, and its refusals are told in its words."""

import json
import re
from collections import Counter
from urllib.parse import urlsplit

import pytest

from entra_deployer.core.errors import Refused, Unreachable
from entra_deployer.stack.answers import (
    BulkAction,
    DetectionPrivileges,
    ExceptionList,
    KibanaStatus,
    Nothing,
    RuleBody,
    RuleImportError,
    RulePage,
    RulePreviewed,
    RulesImported,
    SavedObjectPage,
    SavedObjectsImported,
    Space,
    typed,
)
from entra_deployer.stack.diagnosis import Answer, Diagnosis, Product
from tests.integration.recorded import steps
from tests.stack.script import KIBANA

RULES = "/api/detection_engine/rules"
TYPES = {
    "GET /api/status": KibanaStatus,
    "GET /api/detection_engine/privileges": DetectionPrivileges,
    "GET /api/spaces/space": list[Space],
    "GET /api/exception_lists": ExceptionList,
    f"GET {RULES}": RuleBody,
    f"POST {RULES}": RuleBody,
    f"PUT {RULES}": RuleBody,
    f"PATCH {RULES}": RuleBody,
    f"GET {RULES}/_find": RulePage,
    f"POST {RULES}/_import": RulesImported,
    f"POST {RULES}/_bulk_action": BulkAction,
    f"POST {RULES}/preview": RulePreviewed,
    "GET /api/saved_objects/_find": SavedObjectPage,
    "POST /api/saved_objects/_import": SavedObjectsImported,
    "DELETE /api/saved_objects/*": Nothing,
}


@pytest.fixture(scope="module")
def recorded():
    return steps()


def endpoint(step):
    """The endpoint of a request, without its space and what it names."""
    path = re.sub("^/s/[^/]+", "", urlsplit(step.path).path)
    if step.method == "DELETE" and path.startswith("/api/saved_objects/"):
        path = "/api/saved_objects/*"
    return f"{step.method} {path}"


def test_every_answer_of_200_fits_its_type(recorded):
    fitted: Counter[str] = Counter()
    for step in recorded:
        name = endpoint(step)
        if step.status == 200 and name in TYPES and isinstance(step.response, dict | list):
            typed(step.response, TYPES[name])
            fitted[name] += 1
    assert fitted.keys() == TYPES.keys()
    assert fitted.total() > 400


def test_what_an_import_did_not_take_has_a_name_and_a_reason(recorded):
    refused = [
        error
        for step in recorded
        if endpoint(step) == f"POST {RULES}/_import" and step.status == 200 and isinstance(step.response, dict)
        for error in typed(step.response, RulesImported).errors
    ]
    assert len(refused) > 10
    assert all(isinstance(error, RuleImportError) and error.key and error.error.message for error in refused)


def test_every_refusal_is_one_line_of_ours_with_kibanas_words(recorded):
    diagnosis = Diagnosis(Product.KIBANA, KIBANA.url, KIBANA)
    kinds: Counter[type] = Counter()
    for step in recorded:
        if step.status < 400 or not isinstance(step.response, dict):
            continue
        body = json.dumps(step.response).encode()
        headers = {"content-type": "application/json; charset=utf-8"}
        error = diagnosis.refusal(Answer(step.method, step.path, step.status, headers, body))
        kinds[type(error)] += 1
        assert KIBANA.url in str(error)
        assert "\n" not in str(error)
        plain = isinstance(error, Refused) and error.status == step.status
        assert plain or step.response.get("message") == "Not Found" or step.status >= 500, step
    assert kinds.keys() <= {Refused, Unreachable}
    assert kinds[Refused] > 200
