"""What the compiler made, as JSON: one document, or one line for each object, as Kibana's imports have them."""

from entra_deployer.compiler.compiled import CompiledRule, CompileReport
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical
from entra_deployer.objects.state import Kind, StateObject
from entra_deployer.reports.json_document import json_document

_TYPES = {Kind.SAVED_SEARCH: "search", Kind.TAG: "tag"}


def compilation_as_json(report: CompileReport) -> str:
    """The document."""
    content = {
        "target": report.target,
        "rules": [_rule(rule) for rule in report.rules],
    }
    return json_document(content, report.issues)


def compilation_as_ndjson(report: CompileReport) -> str:
    """A line for each object in the order of writing: tags, saved searches, rules."""
    objects = {(one.kind, one.key): one for rule in report.rules for one in (rule.rule, rule.search, *rule.tags)}
    return "".join(f"{canonical(_line(one))}\n" for one in sorted(objects.values(), key=lambda one: one.order))


def _line(one: StateObject) -> Json:
    if one.kind is Kind.RULE:
        return one.payload
    return {"id": one.key, "type": _TYPES[one.kind], **one.payload}


def _rule(rule: CompiledRule) -> Json:
    return {
        "hunt": rule.folder,
        "query": rule.query_key,
        "key_columns": list(rule.key_columns),
        "rule": rule.rule.payload,
        "saved_search": {"id": rule.search.key, **rule.search.payload},
        "rewrites": [
            {"code": one.code, "reason": one.reason, "line": one.line, "before": one.before, "after": one.after}
            for one in rule.rewrites
        ],
    }
