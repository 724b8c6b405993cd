"""What the compiler made, for a person: each rule with its schedule and query, or each rewrite with its reason."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from entra_deployer.compiler.compiled import CompiledRule, CompileReport, Rewrite
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.issue_lines import fold_issues, folded_lines
from entra_deployer.reports.words import counted


def compilation_as_text(report: CompileReport, *, width: int, colour: bool, explain: bool) -> str:
    """The rules in their order, then what is wrong, then a count. `explain`: rewrites instead of queries."""
    return draw(_lines(report, explain=explain), width=width, colour=colour)


def _lines(report: CompileReport, *, explain: bool) -> Iterator[RenderableType]:
    for rule in report.rules:
        yield from _head(rule)
        yield from _rewrites(rule.rewrites) if explain else _query(rule)
        yield Text()
    for folded in fold_issues(report.issues):
        yield from folded_lines(folded)
    if report.issues:
        yield Text()
    yield Text(f"Compiled {counted(len(report.rules), 'rule')} for {report.target}{_blocked(report)}.")


def _blocked(report: CompileReport) -> str:
    """That some of the rules are no use to the target."""
    hunts = {issue.subject for issue in report.errors}
    if not hunts:
        return ""
    errors = counted(len(report.errors), "error")
    keep = "keeps" if len(report.errors) == 1 else "keep"
    return f"; {errors} {keep} the rules of {counted(len(hunts), 'hunt')} from being deployed"


def _head(rule: CompiledRule) -> Iterator[RenderableType]:
    payload = rule.rule.payload
    yield Text(rule.rule.name, "bold")
    window = f"from {payload['from']} to {payload['to']}"
    signals = f"at most {payload['max_signals']} alerts a run"
    yield Text(f"  {rule.folder}, every {payload['interval']} {window}, {signals}", "dim")
    yield Text(f"  rule {rule.rule.key}, saved search {rule.search.key}", "dim")


def _query(rule: CompiledRule) -> Iterator[RenderableType]:
    for line in rule.rule.payload["query"].split("\n"):
        yield Padding(Text(line), (0, 0, 0, 4))


def _rewrites(rewrites: Sequence[Rewrite]) -> Iterator[RenderableType]:
    for rewrite in rewrites:
        head = Text(f"  {rewrite.code} ", "yellow")
        head.append(f"(line {rewrite.line}) ", "dim")
        yield head.append(rewrite.reason, "")
        if rewrite.before != rewrite.after:
            yield from _changed("-", rewrite.before, "red")
            yield from _changed("+", rewrite.after, "green")


def _changed(sign: str, text: str, style: str) -> Iterator[RenderableType]:
    for line in text.split("\n") if text else ():
        yield Text(f"    {sign} {line}", style)
