"""A document as SARIF 2.1.0, which code hosts show beside the line of a pull request."""

import re
from collections import Counter
from hashlib import sha256
from urllib.parse import quote

from entra_deployer import __version__
from entra_deployer.checks import CHECKS
from entra_deployer.checks.codes import OTHER_CODES
from entra_deployer.core.issue import Issue
from entra_deployer.core.json import Json
from entra_deployer.core.text import visible
from entra_deployer.reports.document import Document
from entra_deployer.reports.json import dumped

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_FINGERPRINT = "deployIssue/v1"


def render(document: Document) -> str:
    """One run with a result for each finding and each issue; Level has SARIF's own words."""
    issues = (*document.findings, *document.issues)
    codes = sorted({issue.code for issue in issues})
    driver = {
        "name": "entra-deployer",
        "version": __version__,
        "rules": [_rule(code, document.titles.get(code, "")) for code in codes],
    }
    seen: Counter[str] = Counter()
    results = []
    for issue in issues:
        identity = _fingerprint(issue)
        seen[identity] += 1
        results.append(_result(issue, codes.index(issue.code), f"{identity}:{seen[identity]}"))
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return dumped({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str, title: str) -> Json:
    """What a code is about, and all that `deploy explain` says of it."""
    known = CHECKS.get(code) or OTHER_CODES.get(code)
    title = known.title if known else title
    rule: dict[str, Json] = {"id": code}
    if title:
        rule["shortDescription"] = {"text": _message(title)}
    if known:
        more = f"`deploy explain {code}` shows examples." if code in CHECKS else ""
        rule["help"] = {"text": _message(" ".join(filter(None, (known.explanation, more))))}
    return rule


def _fingerprint(issue: Issue) -> str:
    """What a finding is known by from run to run: not its line, which moves with every edit above it."""
    path = issue.location.path if issue.location else issue.subject
    return sha256("\0".join((issue.code, path, issue.message)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _result(issue: Issue, index: int, fingerprint: str) -> Json:
    text = f"{issue.message} ({issue.hint})" if issue.hint else issue.message
    result: dict[str, Json] = {
        "ruleId": issue.code,
        "ruleIndex": index,
        "level": issue.level.value,
        "message": {"text": _message(text)},
        "partialFingerprints": {_FINGERPRINT: fingerprint},
    }
    if issue.location:
        path = issue.location.path.encode("utf-8", "surrogatepass")
        place: dict[str, Json] = {"artifactLocation": {"uri": quote(path)}}
        if issue.location.line:
            place["region"] = {"startLine": issue.location.line, "startColumn": issue.location.column or 1}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _message(text: str) -> str:
    r"""A message: controls are seen, and "[text](target)", SARIF's form of a link, is text."""
    return re.sub(r"\[(?=[^\]]*\]\()", r"\\[", visible(text, keep="\n"))
