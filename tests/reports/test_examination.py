"""The doctor's findings as people and programs read them: golden files, one a form."""

from pathlib import Path

import pytest

from entra_deployer.core.issue import Issue, Level
from entra_deployer.doctor.findings import Examination, Finding, Health
from entra_deployer.reports import render
from entra_deployer.reports.documents.examination import examination_document

GOLDEN = Path(__file__).parents[1] / "golden"
FINDINGS = (
    Finding("versions", Health.OK, "Kibana 8.19.21, Elasticsearch 8.19.21"),
    Finding("key", Health.WARNING, "API key ci of alice expires in 3 days", "push once with a new key"),
    Finding("source", Health.ERROR, "lacks read on logs-azure.[signinlogs]-*", "`deploy doctor --role`"),
)
EXAMINATION = Examination("staging", FINDINGS)
UNABLE = Examination("staging", issues=(Issue("DEP000", Level.ERROR, "the variable STAGING_API_KEY is not set"),))

FORMS = {
    "examination.txt": lambda: render(examination_document(EXAMINATION), "text", width=100),
    "examination_narrow.txt": lambda: render(examination_document(EXAMINATION), "text", width=40),
    "examination.json": lambda: render(examination_document(EXAMINATION), "json"),
    "examination_unable.json": lambda: render(examination_document(UNABLE), "json"),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_its_golden_file(name):
    assert FORMS[name]() == (GOLDEN / name).read_text("utf-8")


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        (FINDINGS[:1], "Ready to be pushed to."),
        (FINDINGS[:2], "Ready to be pushed to, 1 warning."),
        (FINDINGS, "1 error, 1 warning: not ready."),
    ],
)
def test_the_last_line_says_whether_it_is_ready(findings, said):
    assert render(examination_document(Examination("staging", findings)), "text").splitlines()[-1] == said


def test_colour_only_where_it_is_asked_for():
    assert "\x1b[" not in render(examination_document(EXAMINATION), "text")
    assert "\x1b[" in render(examination_document(EXAMINATION), "text", colour=True)
