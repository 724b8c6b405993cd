"""What Elasticsearch refuses in a query that parses: columns out of scope, types that do not fit, unreadable constants.

Pure; what is not known for certain is let through.

Each rule was asked of a real Elasticsearch 8.19.21 (tests/integration/test_semantics.py asks again).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses
from entra_deployer.esql.constant_faults import constant_faults, grok_faults, is_address, is_time
from entra_deployer.esql.features import did_you_mean
from entra_deployer.esql.functions import AGGREGATES, GROUPINGS, SAME, SIGNATURES, Signature
from entra_deployer.esql.tree import Span, Tree
from entra_deployer.esql.types import FAMILIES, family

PICKER = frozenset({"?_tstart", "?_tend"})
"""The parameters of Discover's time picker, for which the compiler writes the rule's own range."""

METADATA = frozenset({"_id", "_index", "_version", "_source", "_ignored", "_index_mode", "_score", "_tier", "_tsid"})

_GROK = re.compile(r"%\{\w+:([^:}]+)(?::(\w+))?\}")
_GROK_TYPES = {"int": "integer", "long": "long", "float": "double", "double": "double", "boolean": "boolean"}
_ORDER = frozenset({"<", "<=", ">", ">="})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_CASTABLE = frozenset({"date", "ip", "version", "boolean"})
"""The families to which a constant text is cast where it is compared."""


@dataclass(frozen=True)
class Fault:
    """What is refused, where, and what was meant."""

    message: str
    span: Span
    hint: str | None = None


@dataclass(frozen=True)
class Scope:
    """The columns at a point of the pipe, with their families (None: not known).

    `more`: others may exist, as far as each list of `only` has a pattern for them, and none of `gone`.
    """

    columns: Mapping[str, str | None]
    more: bool
    only: tuple[tuple[str, ...], ...] = ()
    gone: tuple[str, ...] = ()

    def may_have(self, name: str) -> bool:
        """Whether a column may exist, named or not."""
        if name in self.columns:
            return True
        if not self.more or any(fnmatchcase(name, pattern) for pattern in self.gone):
            return False
        return all(any(fnmatchcase(name, pattern) for pattern in patterns) for patterns in self.only)

    def having(self, made: Mapping[str, str | None]) -> "Scope":
        """With columns that a command makes."""
        return replace(self, columns={**self.columns, **made})

    def keeping(self, kept: Mapping[str, str | None], patterns: tuple[str, ...]) -> "Scope":
        """With the columns of a KEEP alone; `patterns` are those of its names that hold a `*`."""
        return replace(self, columns=kept, more=self.more and bool(patterns), only=(*self.only, patterns))

    def without(self, names: tuple[str, ...]) -> "Scope":
        """Without the columns of a DROP."""
        left = {one: kind for one, kind in self.columns.items() if not any(fnmatchcase(one, name) for name in names)}
        return replace(self, columns=left, gone=(*self.gone, *names))


def find_faults(tree: Tree, types: Mapping[str, str] | None = None, *, complete: bool = False) -> tuple[Fault, ...]:
    """What Elasticsearch would refuse, in the order of the query.

    `types` are those of the sources' known fields; `complete` says that they have no others.
    """
    reader = _Reader(types or {}, complete)
    for command in tree.commands:
        reader.read(command)
    return tuple(sorted({fault.span.start: fault for fault in reversed(reader.faults)}.values(), key=_place))


def _place(fault: Fault) -> int:
    return fault.span.start


@dataclass
class _Reader:
    types: Mapping[str, str]
    complete: bool = False
    faults: list[Fault] = field(default_factory=list)
    scope: Scope = field(default_factory=lambda: Scope({}, more=True))
    metadata: frozenset[str] = frozenset()

    def read(self, command: nodes.Command) -> None:
        """Check one command and go behind it."""
        if not isinstance(command, nodes.From):
            self._check_places(command)
        match command:
            case nodes.From():
                self._from(command)
            case nodes.Stats():
                self._stats(command)
            case nodes.Keep(names=names) | nodes.Drop(names=names):
                self._select(command, names)
            case nodes.Rename(old=old, new=new):
                self._rename(old, new)
            case nodes.Eval(assignments=assignments):
                self._eval(assignments)
            case nodes.Where(predicate=predicate):
                self._condition(predicate, "WHERE")
            case nodes.Extract():
                self._extract(command)
            case nodes.Other():
                self._other(command)
            case _:
                self._read_only(command)

    def _read_only(self, command: nodes.Command) -> None:
        match command:
            case nodes.MvExpand(column=column):
                self._column(column.name, column.span)
            case nodes.Sort(keys=keys):
                for key in keys:
                    self._check(key)

    def _eval(self, assignments: Sequence[nodes.Assignment]) -> None:
        for item in assignments:
            found = self._check(item.value)
            if found == "span":
                self._fault("a time span is no value of a column", item.span, "add it to a time: NOW() - 1 day")
            self.scope = self.scope.having({item.name: found})

    def _other(self, command: nodes.Other) -> None:
        made: dict[str, str | None] = {name.name: None for name in command.made}
        if command.word == "row":
            self.scope = Scope(made, more=False)
        elif command.more or any(isinstance(part, nodes.Command) for part in command.parts):
            self.scope = Scope({**self.scope.columns, **made}, more=True)
        else:
            self.scope = self.scope.having(made)

    # commands

    def _from(self, command: nodes.From) -> None:
        columns = {name: family(kind) for name, kind in self.types.items()}
        for name in command.metadata:
            if name.name not in METADATA:
                hint = did_you_mean(name.name, METADATA)
                self._fault(f"METADATA has no {name.name}", name.span, hint)
        self.metadata = frozenset(name.name for name in command.metadata)
        kinds = {"_version": "number", "_score": "number", "_source": None, "_ignored": "string"}
        columns |= {name: kinds.get(name, "string") for name in self.metadata}
        self.scope = Scope(columns, more=not (self.complete and self.types))

    def _stats(self, command: nodes.Stats) -> None:
        made: dict[str, str | None] = {}
        for group in command.groups:
            made[group.name] = self._check(group.value)
        before = self.scope
        self.scope = before.having(made)
        found: dict[str, str | None] = {}
        keys = {group.name for group in command.groups}
        for item in command.aggregates:
            found[item.name] = self._check(item.value)
            self._aggregated(item.value, keys)
            if isinstance(value := strip_parentheses(item.value), nodes.Column) and value.name in keys:
                self._fault(f"{value.name} is a column of the result already: it stands behind BY", item.span)
            if item.where is not None:
                self._condition(item.where, "WHERE")
        self.scope = self.scope.having({**found, **made}) if command.inline else Scope({**found, **made}, more=False)

    def _aggregated(self, node: nodes.Expression, keys: set[str]) -> None:
        """A column outside an aggregate has to be one of the groups."""
        node = strip_parentheses(node)
        match node:
            case nodes.Call(name=name) if name in AGGREGATES or name not in SIGNATURES:
                return
            case nodes.Column(name=name) if name not in keys:
                self._fault(f"{name} is neither counted nor grouped by", node.span, "put it behind BY, or VALUES(...)")
                return
        for child in node.children():
            if isinstance(child, nodes.Expression):
                self._aggregated(child, keys)

    def _select(self, command: nodes.Command, names: Sequence[nodes.Name]) -> None:
        kept: dict[str, str | None] = {}
        wild = tuple(name.name for name in names if "*" in name.name and not name.quoted)
        for name in names:
            if name.name in wild:
                found = [column for column in self.scope.columns if fnmatchcase(column, name.name)]
                if not found and not self._may_match(name.name):
                    self._fault(f"no column matches {name.name}", name.span)
                kept |= {column: self.scope.columns[column] for column in found}
            else:
                kept[name.name] = self._column(name.name, name.span)
        if isinstance(command, nodes.Keep):
            self.scope = self.scope.keeping(kept, wild)
        else:
            self.scope = self.scope.without(tuple(name.name for name in names))

    def _may_match(self, pattern: str) -> bool:
        """Whether a column that is not known may match; of two patterns the beginnings tell."""
        begin = pattern.partition("*")[0]
        known = [[one.partition("*")[0] for one in patterns] for patterns in self.scope.only]
        return self.scope.more and all(
            any(one.startswith(begin) or begin.startswith(one) for one in begins) for begins in known
        )

    def _rename(self, old: Sequence[nodes.Name], new: Sequence[nodes.Name]) -> None:
        for before, after in zip(old, new, strict=True):
            kind = self._column(before.name, before.span)
            self.scope = self.scope.without((before.name,)).having({after.name: kind})

    def _extract(self, command: nodes.Extract) -> None:
        kind = self._check(command.input)
        if kind not in (None, "string"):
            self._fault(f"{command.word.upper()} takes a text, not {_a(kind)}", command.input.span)
        made: dict[str, str | None] = dict.fromkeys(command.outputs, "string")
        if command.word == "grok":
            for name, cast in _GROK.findall(command.pattern):
                made[name] = family(_GROK_TYPES.get(cast, "keyword"))
            for message, hint in grok_faults(command.pattern):
                self._fault(message, command.span, hint)
        self.scope = self.scope.having(made)

    def _condition(self, node: nodes.Expression, where: str) -> None:
        kind = self._check(node)
        if kind not in (None, "boolean", "null"):
            self._fault(f"{where} takes a condition, not {_a(kind)}", strip_parentheses(node).span)

    def _check_places(self, command: nodes.Command) -> None:
        """Aggregates and groupings outside STATS."""
        if isinstance(command, nodes.Stats):
            self._check_stats(command)
            return
        for node in command.walk():
            if isinstance(node, nodes.Command) and node is not command:
                return  # the branches of a FORK
            if isinstance(node, nodes.Call) and node.name in AGGREGATES | GROUPINGS - {"sample"}:
                hint: str | None = f"| STATS x = {node.name.upper()}(...) BY ... first, then the condition on x"
                if node.name in GROUPINGS:
                    hint = "DATE_TRUNC(5 minutes, @timestamp) is for EVAL and WHERE" if node.name == "bucket" else None
                self._fault(f"{node.name.upper()} belongs into STATS alone", node.span, hint)

    def _check_stats(self, command: nodes.Stats) -> None:
        places = (
            ("stands behind BY, where rows are not counted yet", [item.value for item in command.groups]),
            ("stands in the WHERE of an aggregate", [item.where for item in command.aggregates if item.where]),
        )
        for said, parts in places:
            for node in (found for part in parts for found in part.walk()):
                if isinstance(node, nodes.Call) and node.name in AGGREGATES:
                    self._fault(f"{node.name.upper()} {said}", node.span)
        for item in command.aggregates:
            self._nested(item.value)

    def _nested(self, node: nodes.Node) -> None:
        for found in node.walk():
            if isinstance(found, nodes.Call) and found.name in AGGREGATES:
                inner = [one for part in found.arguments for one in part.walk() if isinstance(one, nodes.Call)]
                for one in inner:
                    if one.name in AGGREGATES:
                        self._fault(f"{one.name.upper()} stands inside {found.name.upper()}", one.span)

    # columns

    def _column(self, name: str, span: Span) -> str | None:
        if self.scope.may_have(name) and (name not in METADATA or name in self.scope.columns):
            return self.scope.columns.get(name)
        if name in METADATA and name not in self.metadata:
            self._fault(f"there is no column {name}", span, f"FROM ... METADATA {name} brings it")
        elif self.scope.more and not self.scope.only and not self.scope.gone:
            return None
        else:
            known = ", ".join(list(self.scope.columns)[:6])
            gone = f"an earlier command left {known}" if known and not self.scope.more else "an earlier command took it"
            hint = did_you_mean(name, self.scope.columns)
            self._fault(f"there is no column {name} here: {gone}", span, hint)
        return None

    def _fault(self, message: str, span: Span, hint: str | None = None) -> None:
        self.faults.append(Fault(message, span, hint))

    # expressions

    def _check(self, node: nodes.Expression) -> str | None:
        """The family of an expression; its faults are collected."""
        node = strip_parentheses(node)
        for message, span, hint in constant_faults(node):
            self._fault(message, span, hint)
        kind: str | None = None
        match node:
            case nodes.Column(name=name):
                kind = self._column(name, node.span)
            case nodes.Literal():
                kind = self._literal(node)
            case nodes.Duration():
                kind = "span"
            case nodes.Call(name=name, arguments=arguments):
                kind = self._call(node, name, arguments)
            case nodes.Cast():
                kind = self._cast_operator(node)
            case nodes.Unary():
                kind = self._unary(node)
            case nodes.Binary():
                kind = self._binary(node)
            case _:
                kind = self._test(node)
        return kind

    def _test(self, node: nodes.Expression) -> str | None:
        """IN, LIKE, IS NULL and the match operator."""
        kind: str | None
        match node:
            case nodes.In(value=value, items=items):
                kind = self._check(value)
                kinds = [self._check(item) for item in items]
                for item, found in zip(items, kinds, strict=True):
                    self._compare(kind, value, found, item, "IN")
                if kind is None and {"string", "number"} <= set(kinds):
                    self._fault("IN mixes texts and numbers, and no field is both", node.span)
            case nodes.Like(value=value, operator=operator):
                kind = self._check(value)
                if kind not in (None, "string", "null"):
                    hint = 'CIDR_MATCH(x, "10.0.0.0/8") asks for a network' if kind == "ip" else "TO_STRING(x)"
                    self._fault(f"{operator.upper()} takes a text, not {_a(kind)}", value.span, hint)
            case nodes.IsNull(value=value) | nodes.Match(value=value):
                self._check(value)
            case _:
                return None
        return "boolean"

    def _cast_operator(self, node: nodes.Cast) -> str | None:
        self._check(node.value)
        kind = family(node.type)
        if kind is None and node.type not in ("geo_point", "aggregate_metric_double", "dense_vector"):
            self._fault(f"there is no type {node.type}", node.span, did_you_mean(node.type, FAMILIES))
        return kind

    def _literal(self, node: nodes.Literal) -> str | None:
        if node.kind == "parameter" and node.value not in PICKER:
            self._fault(f"a rule has no value for {node.value}", node.span, "write the value itself")
        kinds = {"string": "string", "integer": "number", "decimal": "number", "boolean": "boolean", "null": "null"}
        return kinds.get(node.kind)

    def _unary(self, node: nodes.Unary) -> str | None:
        kind = self._check(node.operand)
        if node.operator == "not":
            if kind not in (None, "boolean", "null"):
                self._fault(f"NOT takes a condition, not {_a(kind)}", node.span)
            return "boolean"
        if kind not in (None, "number", "span", "null"):
            self._fault(f"- takes a number, not {_a(kind)}", node.span)
        return kind

    def _binary(self, node: nodes.Binary) -> str | None:
        left, right = self._check(node.left), self._check(node.right)
        if node.operator in ("and", "or"):
            for side, kind in ((node.left, left), (node.right, right)):
                if kind not in (None, "boolean", "null"):
                    self._fault(
                        f"{node.operator.upper()} joins conditions, not {_a(kind)}", strip_parentheses(side).span
                    )
            return "boolean"
        if node.operator in _ARITHMETIC:
            return self._arithmetic(node, left, right)
        self._compare(left, node.left, right, node.right, node.operator)
        if node.operator in _ORDER and "boolean" in (left, right):
            self._fault(f"{node.operator} takes no true and false", node.span)
        return "boolean"

    def _arithmetic(self, node: nodes.Binary, left: str | None, right: str | None) -> str | None:
        kinds = {left, right}
        if None in kinds or "null" in kinds:
            return next((kind for kind in (left, right) if kind in ("date", "number")), None)
        if kinds == {"number"}:
            return "number"
        if "span" in kinds and kinds <= {"date", "span"} and node.operator in "+-":
            return "date" if "date" in kinds else "span"
        constant = any(isinstance(strip_parentheses(side), nodes.Literal) for side in (node.left, node.right))
        if kinds == {"date", "string"} and node.operator in "+-" and constant:
            return "date"  # a constant text such as "1 day" is cast
        said = "DATE_DIFF gives the distance of two times" if kinds == {"date"} else None
        self._fault(f"{_a(left)} {node.operator} {_a(right)} has no meaning", node.span, said)
        return None

    def _compare(
        self, left: str | None, one: nodes.Expression, right: str | None, other: nodes.Expression, operator: str
    ) -> None:
        if (left == "null") != (right == "null") and operator != "IN":
            test = "IS NOT NULL" if operator == "!=" else "IS NULL"
            whole = Span(one.span.start, other.span.end)
            self._fault("a comparison with null holds for nothing", whole, f"write {test}")
            return
        if left is None or right is None or left == right or "null" in (left, right):
            return
        for kind, text in ((left, strip_parentheses(other)), (right, strip_parentheses(one))):
            if isinstance(text, nodes.Literal) and text.kind == "string" and kind in _CASTABLE:
                self._cast(kind, text)
                return
        span = Span(one.span.start, other.span.end) if operator != "IN" else other.span
        texts = [strip_parentheses(side) for side in (one, other)]
        numbers = "number" in (left, right) and any(isinstance(t, nodes.Literal) and t.kind == "string" for t in texts)
        hint = "write the number without quotes" if numbers else None
        self._fault(f"{_a(left)} is compared with {_a(right)}", span, hint)

    def _cast(self, kind: str, text: nodes.Literal) -> None:
        """A constant text that is compared with a time or an address has to be one."""
        value = str(text.value)
        if kind == "ip" and not is_address(value):
            hint = f'CIDR_MATCH(x, "{value}") asks for a network' if "/" in value else None
            self._fault(f"{value!r} is no address", text.span, hint)
        if kind == "date" and not is_time(value):
            hint = "NOW() - 1 day is a time before now" if value.startswith("now") else "write 2026-01-31T00:00:00Z"
            self._fault(f"{value!r} is no time", text.span, hint)

    # functions

    def _call(self, node: nodes.Call, name: str, arguments: Sequence[nodes.Expression]) -> str | None:
        kinds = [self._check(argument) for argument in arguments]
        signature = SIGNATURES.get(name)
        if signature is None:
            return None
        if len(arguments) < signature.least or (arguments and signature.at(len(arguments) - 1) is None):
            self._fault(f"{name.upper()} takes {_count(signature)}, here are {len(arguments)}", node.span)
            return None
        if name in ("coalesce", "case"):
            return self._alike(name, arguments, kinds)
        for position, (argument, kind) in enumerate(zip(arguments, kinds, strict=True)):
            wanted = signature.at(position)
            if wanted is not None and not self._fits(name, position, argument, kind, wanted):
                self._fault(
                    f"argument {position + 1} of {name.upper()} is {_a(kind)}, and has to be {_one_of(wanted)}",
                    argument.span,
                )
        if signature.gives == SAME:
            return kinds[0] if kinds else None
        return signature.gives or None

    def _fits(
        self, name: str, position: int, argument: nodes.Expression, kind: str | None, wanted: frozenset[str]
    ) -> bool:
        if kind is None or kind == "null" or kind in wanted:
            return True
        constant = strip_parentheses(argument)
        text = isinstance(constant, nodes.Literal) and constant.kind == "string"
        return text and bool(wanted & {"date", "span"}) and name not in AGGREGATES | {"cidr_match"} and position >= 0

    def _alike(self, name: str, arguments: Sequence[nodes.Expression], kinds: Sequence[str | None]) -> str | None:
        """COALESCE and CASE give values of one family."""
        values = list(zip(arguments, kinds, strict=True))
        if name == "case":
            pairs = len(values) // 2 * 2
            conditions = values[0:pairs:2]
            for argument, kind in conditions:
                if kind not in (None, "boolean", "null"):
                    self._fault(f"CASE takes conditions and values in turn: here is {_a(kind)}", argument.span)
            values = [*values[1:pairs:2], *values[pairs:]]
        first = next((kind for _, kind in values if kind and kind != "null"), None)
        for argument, kind in values:
            if first and kind not in (None, "null", first):
                hint = "TO_STRING(x) makes a text of it" if "string" in (first, kind) else None
                self._fault(f"{name.upper()} mixes {_a(first)} and {_a(kind)}", argument.span, hint)
                break
        return first


def _count(signature: Signature) -> str:
    most = len(signature.takes)
    if signature.repeats:
        return f"at least {signature.least} arguments"
    if signature.least == most:
        return "1 argument" if most == 1 else f"{most} arguments"
    return f"{signature.least} to {most} arguments"


_NAMES = {
    "string": "a text",
    "number": "a number",
    "date": "a time",
    "ip": "an address",
    "version": "a version",
    "boolean": "a condition",
    "span": "a time span",
    "other": "a shape",
    "null": "null",
}


def _a(kind: str | None) -> str:
    return _NAMES.get(kind or "", "something")


def _one_of(wanted: frozenset[str]) -> str:
    return " or ".join(_a(kind) for kind in sorted(wanted))
