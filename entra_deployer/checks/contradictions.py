"""DEP039: conditions that exclude one another, or of which one always holds."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import made_columns
from entra_deployer.esql.conditions import conjuncts, operands, strip_parentheses
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.few_values import exhausted
from entra_deployer.esql.functions import Unknown
from entra_deployer.esql.scope import Derived, Scope

type Constant = str | int | float | bool
_INFINITE = float("inf")
_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}


@dataclass(frozen=True)
class _Facts:
    """What conditions that all have to hold leave of a column: these values (None: any), this range of numbers."""

    values: frozenset[Constant] | None = None
    low: float = -_INFINITE
    high: float = _INFINITE
    low_open: bool = False
    high_open: bool = False

    def with_values(self, some: frozenset[Constant]) -> "_Facts":
        both = some if self.values is None else self.values & some
        return _Facts(both, self.low, self.high, self.low_open, self.high_open)

    def with_bound(self, operator: str, number: float) -> "_Facts":
        if operator in (">", ">=") and (number, operator == ">") > (self.low, self.low_open):
            return _Facts(self.values, number, self.high, operator == ">", self.high_open)
        if operator in ("<", "<=") and (number, operator != "<") < (self.high, not self.high_open):
            return _Facts(self.values, self.low, number, self.low_open, operator == "<")
        return self

    @property
    def impossible(self) -> bool:
        """Whether no value fulfils all."""
        if self.low > self.high or (self.low == self.high and (self.low_open or self.high_open)):
            return True
        return self.values is not None and not any(self._within(value) for value in self.values)

    def _within(self, value: Constant) -> bool:
        if isinstance(value, str | bool):
            return self.low == -_INFINITE and self.high == _INFINITE
        above = value > self.low or (value == self.low and not self.low_open)
        return above and (value < self.high or (value == self.high and not self.high_open))


def _run(subject: Subject) -> Iterator[Finding]:
    told = []
    for finding in _compared_with_constants(subject):
        told.append(finding.span)
        yield finding
    for name, part in exhausted(subject.tree):
        if part.span not in told:
            message = f"with the conditions before it this leaves {name} no value, and the rule never fires"
            yield Finding(message, part.span)


def _compared_with_constants(subject: Subject) -> Iterator[Finding]:
    known: dict[str, _Facts] = {}
    constants = Scope()
    for command in subject.tree.commands:
        constants = _constants(command, constants)
        if isinstance(command, nodes.Where):
            for part in conjuncts(command.predicate):
                yield from _contradicts(part, known)
                yield from _constant(part, constants)
            for node in command.predicate.walk():
                if isinstance(node, nodes.Expression):
                    yield from _inner(node)
                    yield from _always(node)
        for name in made_columns(command):
            known.pop(name, None)
        if isinstance(command, nodes.Stats) and not command.inline:
            groups = {group.name for group in command.groups}
            known = {name: facts for name, facts in known.items() if name in groups}


def _constants(command: nodes.Command, constants: Scope) -> Scope:
    """The columns behind a command that are the same for every event."""
    if isinstance(command, nodes.Stats):
        return constants if command.inline else Scope()
    for name in made_columns(command):
        columns = {key: made for key, made in constants.columns.items() if key != name}
        constants = Scope(columns)
    if isinstance(command, nodes.Eval):
        for item in command.assignments:
            if all(isinstance(node, nodes.Literal | nodes.Group) for node in item.value.walk()):
                constants = constants.with_column(item.name, Derived(item.value, Scope()))
    return constants


def _constant(part: nodes.Expression, constants: Scope) -> Iterator[Finding]:
    """A condition on columns that are the same for every event, and not as it asks."""
    names = sorted({node.name for node in part.walk() if isinstance(node, nodes.Column)})
    if not names or not all(constants.get(name) for name in names):
        return
    with suppress(Unknown):
        if not Evaluator({}).truth(part, constants):
            columns = " and ".join(names)
            yield Finding(f"{columns} is set to a constant for which this is never so: the rule never fires", part.span)


def _contradicts(part: nodes.Expression, known: dict[str, _Facts]) -> Iterator[Finding]:
    """Take a condition in; tell where it excludes what was asked before."""
    name, operator, constants = _asked(part)
    if not name:
        return
    before = known.get(name, _Facts())
    after = before.with_values(frozenset(constants)) if operator == "==" else before
    for constant in constants:
        if operator in (">", ">=", "<", "<=") and isinstance(constant, int | float) and not isinstance(constant, bool):
            after = after.with_bound(operator, constant)
    known[name] = after
    if after.impossible and not before.impossible:
        yield Finding(f"{name} can never be so: another condition excludes it, and the rule never fires", part.span)


def _inner(node: nodes.Expression) -> Iterator[Finding]:
    """An AND inside of an OR or a NOT, by itself."""
    match node:
        case nodes.Binary(operator="or", left=left, right=right):
            sides = [*operands(left, "or"), *operands(right, "or")]
        case nodes.Unary(operator="not", operand=operand):
            sides = [operand]
        case _:
            return
    for side in sides:
        known: dict[str, _Facts] = {}
        for part in conjuncts(side):
            for finding in _contradicts(part, known):
                yield Finding("this side never holds: its conditions exclude one another", finding.span)


def _always(node: nodes.Expression) -> Iterator[Finding]:
    """`x != a OR x != b`: every x is one of the two."""
    if not (isinstance(node, nodes.Binary) and node.operator == "or"):
        return
    unlike: dict[str, set[Constant]] = {}
    for part in operands(node, "or"):
        name, operator, constants = _asked(part)
        if operator != "!=":
            continue
        seen = unlike.setdefault(name, set())
        if seen and set(constants).isdisjoint(seen):
            yield Finding(
                f"every {name} is other than the one or other than the other: the condition always holds",
                part.span,
                hint="join what is to be left out by AND, or write NOT IN (...)",
            )
            return
        seen |= set(constants)


def _asked(part: nodes.Expression) -> tuple[str, str, tuple[Constant, ...]]:
    """The column, the operator and the constants of a comparison; "" where it is none."""
    part = strip_parentheses(part)
    match part:
        case nodes.Binary(operator=operator, left=left, right=right) if operator in _MIRRORED:
            if isinstance(strip_parentheses(left), nodes.Literal):
                left, right, operator = right, left, _MIRRORED[operator]
            column, constant = strip_parentheses(left), strip_parentheses(right)
            if isinstance(column, nodes.Column) and isinstance(constant, nodes.Literal) and constant.value is not None:
                return column.name, operator, (constant.value,)
        case nodes.In(value=value, items=items, negated=negated):
            constants = [item.value for item in map(strip_parentheses, items) if isinstance(item, nodes.Literal)]
            column = strip_parentheses(value)
            if isinstance(column, nodes.Column) and len(constants) == len(items) and None not in constants:
                some = tuple(constant for constant in constants if constant is not None)
                return column.name, "!=" if negated else "==", some
        case nodes.Unary(operator="not", operand=operand):
            name, operator, constants_ = _asked(operand)
            if operator in ("==", "!="):
                return name, "!=" if operator == "==" else "==", constants_
    return "", "", ()


CHECK = Check(
    code="DEP039",
    title="conditions that never hold together, or always",
    level=Level.WARNING,
    explanation=(
        "`x == 1 AND x == 2` holds for nothing, and neither does `n >= 5` with `n < 3` behind it: the rule never "
        "fires. `x != 1 OR x != 2` holds for everything, because each x is other than one of the two: what was to "
        "be left out is not. The usual slip is AND for OR, or the reverse."
    ),
    good=Example('from logs-a-*\n| where event.action != "a" and event.action != "b"'),
    bad=Example('from logs-a-*\n| where event.action != "a" or event.action != "b"'),
    run=_run,
)
