"""What the compiler made: each rule with its schedule and query, or each rewrite with its reason."""

from collections.abc import Iterator, Sequence

from entra_deployer.compiler.compiled import CompiledRule, CompileReport, Rewrite
from entra_deployer.core.issue import Level
from entra_deployer.core.json import Json, canonical
from entra_deployer.objects import order_of
from entra_deployer.objects.state import RULE, SAVED_SEARCH, TAG, StateObject
from entra_deployer.reports.document import (
    Block,
    Case,
    Code,
    Diff,
    Document,
    Fault,
    FaultKind,
    Gap,
    Issues,
    Item,
    Line,
    Section,
    Tone,
    cells,
    words,
)
from entra_deployer.reports.json import escaped
from entra_deployer.reports.words import counted

_TYPES = {SAVED_SEARCH: "search", TAG: "tag"}
_COLUMNS = ("rule", "hunt", "every", "window")
_INDENT = 2


def compilation_document(report: CompileReport, *, explain: bool = False) -> Document:
    """The rules in their order, then what is wrong, then a count. `explain`: rewrites instead of queries."""
    issues: tuple[Block, ...] = (Issues(report.issues), Gap()) if report.issues else ()
    summary = f"Compiled {counted(len(report.rules), 'rule')} for {report.target}{_blocked(report)}."
    return Document(
        name="compile",
        blocks=(
            *(block for rule in report.rules for block in (_section(rule, is_explained=explain), Gap())),
            *issues,
        ),
        summary=summary,
        summary_tone=Tone.PLAIN,
        content={"target": report.target, "rules": [_to_json(rule) for rule in report.rules]},
        issues=report.issues,
        cases=tuple(_cases(report)),
    )


def compilation_as_ndjson(report: CompileReport) -> str:
    """A line for each object in the order of writing, as Kibana's imports have them: tags, saved searches, rules."""
    objects = {(one.kind, one.key): one for rule in report.rules for one in (rule.rule, rule.search, *rule.tags)}
    return "".join(f"{escaped(canonical(_line(one)))}\n" for one in sorted(objects.values(), key=order_of))


def _blocked(report: CompileReport) -> str:
    """That some of the rules are no use to the target."""
    hunts = {issue.subject for issue in report.errors}
    if not hunts:
        return ""
    errors = counted(len(report.errors), "error")
    keep = "keeps" if len(report.errors) == 1 else "keep"
    return f"; {errors} {keep} the rules of {counted(len(hunts), 'hunt')} from being deployed"


def _section(rule: CompiledRule, *, is_explained: bool) -> Section:
    payload = rule.rule.payload
    window = f"from {payload['from']} to {payload['to']}"
    about = f"{rule.folder}, every {payload['interval']} {window}, at most {payload['max_signals']} alerts a run"
    ids = f"rule {rule.rule.key}, saved search {rule.search.key}"
    item = Item(
        name=rule.rule.name,
        line=Line(words((rule.rule.name, Tone.STRONG))),
        cells=cells(rule.rule.name, rule.folder, str(payload["interval"]), window),
        notes=tuple(Line(words((line, Tone.DIM)), _INDENT) for line in (about, ids)),
        body=tuple(_rewrites(rule.rewrites))
        if is_explained
        else (Code(str(payload["query"]), "esql", indent=2 * _INDENT),),
    )
    return Section((item,), _COLUMNS)


def _rewrites(rewrites: Sequence[Rewrite]) -> Iterator[Block]:
    for rewrite in rewrites:
        yield Line(words((f"  {rewrite.code} ", Tone.DOUBT), (f"(line {rewrite.line}) ", Tone.DIM), rewrite.reason))
        if rewrite.before != rewrite.after:
            yield Diff((*_changed("-", rewrite.before), *_changed("+", rewrite.after)), indent=_INDENT)


def _changed(sign: str, text: str) -> Iterator[str]:
    for line in text.split("\n") if text else ():
        yield f"  {sign} {line}"


def _cases(report: CompileReport) -> Iterator[Case]:
    """A case for each rule, and for each hunt that an error is of."""
    for rule in report.rules:
        yield Case(rule.folder, rule.rule.name)
    for issue in report.issues:
        if issue.level is Level.ERROR:
            fault = Fault(FaultKind.FAILURE, issue.message, issue.hint or "")
            yield Case(issue.subject, f"{issue.code} {issue.location or ''}".strip(), (fault,))


def _line(one: StateObject) -> Json:
    if one.kind == RULE:
        return one.payload
    return {"id": one.key, "type": _TYPES[one.kind], **one.payload}


def _to_json(rule: CompiledRule) -> Json:
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
