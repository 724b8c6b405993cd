"""What wrong words on the command line are told as: our own sentences, each with what was probably meant."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from entra_deployer.commands.grammar import Parser, is_added, named_twice
from entra_deployer.core.errors import DeployError, UnknownName, UsageError
from entra_deployer.core.text import closest

type Foreign = Any
"""A context, a parameter or a command of typer's, whose types it keeps to itself."""

EXIT_CODES = {
    0: "done, or nothing to do",
    1: "could not do it: an unreadable file, a refusal, a blocker",
    2: "a difference, or a verdict or check that failed",
    3: "partly done",
    64: "wrong usage",
    130: "interrupted",
}
_PLACES = {"rule": ("--rule", "rule"), "env": ("--on", "environment")}
"""The option that takes a name, and what it is a name of, by what an argument for it is called."""
_WHOLE = {
    "status": "it looks at all of an environment: `deploy list ENV` has a line a rule",
    "coverage": "a technique is covered by all rules together",
    "doctor": "it looks at the servers and the key: `deploy check RULE` looks at a rule",
    "recover": "a push that was cut off is finished or undone whole",
    "rollback": "a push is taken back whole: for one rule, take its files back and `deploy push ENV --rule RULE`",
}
"""Why a command takes no rule, where one might think that it did."""
_UNCUT = 1000
"""Columns that no summary has."""
_NUMBERS = {int: "a whole number", float: "a number"}


class _Fitted:
    """A formatter of help that gives names less room where there is little: a longer one has a line of its own."""

    def __init__(self, formatter: Foreign) -> None:
        self._formatter = formatter

    def __getattr__(self, name: str) -> Foreign:
        return getattr(self._formatter, name)

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names with what they mean."""
        self._formatter.write_dl(rows, col_max=min(30, self._formatter.width * 3 // 7))


class _Plain:
    """Takes texts as they are, in the place of the validator that typer would load pydantic for: 0.1 s of each command.

    What is given and is no text goes the way that typer has for it.
    """

    @classmethod
    def stand_in(cls, params: Sequence[Foreign]) -> None:
        """Do it for these parameters, where typer is still made so."""
        for param in params:
            if getattr(param, "_runtime_param", "") is None:
                param._runtime_param = cls()

    def coerce(self, value: Foreign, param: Foreign, ctx: Foreign) -> Foreign:
        """The value of one text or of several."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        said = getattr(param, "type_descriptor", None)
        info = getattr(said, "parameter_info", None)
        special = any(getattr(info, name, None) is not None for name in ("parser", "click_type"))
        kind = None if special else getattr(said, "annotation", None)
        if kind in (str, int, float) and type(value) is kind:
            return value  # a number that is one already is the default
        if kind == list[str] and not isinstance(value, str) and all(isinstance(one, str) for one in value):
            return list(value)
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param, ctx)


class Command(TyperCommand):
    """A command that says in our words what is wrong with its own, and what a misplaced name would be right for."""

    def format_help(self, ctx: Foreign, formatter: Foreign) -> None:
        """As typer has it, fitted to the terminal."""
        fitted: Foreign = _Fitted(formatter)
        super().format_help(ctx, fitted)

    def make_parser(self, ctx: Foreign) -> Foreign:
        """One that takes an option for the word of its meaning."""
        return Parser(super().make_parser(ctx), self)

    def parse_args(self, ctx: Foreign, args: list[str]) -> list[str]:
        """As typer has it. Raises UsageError where the words do not fit."""
        ctx.allow_extra_args = True
        _Plain.stand_in(self.get_params(ctx))
        try:
            rest = super().parse_args(ctx, args)
        except typer.TyperException as error:
            raise _translated(error, ctx) from None
        if rest and not ctx.resilient_parsing:
            raise self._too_many(ctx, rest[0])
        return rest

    def invoke(self, ctx: Foreign) -> Foreign:
        """Run it; a name that means nothing here is looked up among the names of the other kind.

        An environment in the place of a rule is told before any server is asked.
        """
        for name in _named_rules(ctx.params):
            if _is_environment(name) and not _rule(name):
                raise UsageError(f"no rule is named {name!r}", hint=self._meant(ctx, "rule", name))
        try:
            return super().invoke(ctx)
        except UnknownName as error:
            if meant := self._meant(ctx, error.kind, error.name):
                raise UsageError(error.message, hint=meant) from error
            raise

    def _too_many(self, ctx: Foreign, word: str) -> UsageError:
        if twice := named_twice(ctx.params, word, is_environment=_is_environment(word)):
            return UsageError(twice, hint="name it once")
        message = f"{word!r} is one word too many for `{ctx.command_path}`"
        given = [str(ctx.params[param.name]) for param in self.params if _is_word(param) and param.nargs == 1]
        for kind in ("environment", "rule"):
            if meant := self._meant(ctx, kind, word, given):
                return UsageError(message, hint=meant)
        return UsageError(message, hint=f"see `{ctx.command_path} --help`")

    def _meant(self, ctx: Foreign, kind: str, name: str, given: Sequence[str] = ()) -> str:
        """What a name is that stands where a name of a `kind` belongs, and how this command takes it; "" if nothing."""
        if kind == "environment" and (rule := _rule(name)):
            return f"{rule!r} is a rule: {self._how(ctx, rule, 'rule', given)}"
        if kind == "rule" and _is_environment(name):
            return f"{name!r} is an environment: {self._how(ctx, name, 'env', given)}"
        return ""

    def _how(self, ctx: Foreign, name: str, argument: str, given: Sequence[str]) -> str:
        """The command line with the name in its place, behind the words that were right."""
        option, what = _PLACES[argument]
        if any(option in param.opts and not is_added(param) for param in self.params):
            return f"`{shlex.join((*ctx.command_path.split(), *given, option, name))}`"
        words = [param for param in self.params if _is_word(param)]
        if any(param.name == argument for param in words):
            others = [shlex.quote(name) if param.name == argument else _default(param) for param in words]
            return f"`{' '.join((ctx.command_path, *others))}`"
        return f"`{ctx.command_path}` takes no {what}"


class Group(TyperGroup):
    """Commands under one word; an unknown one is told with the one that is like it."""

    def format_help(self, ctx: Foreign, formatter: Foreign) -> None:
        """As typer has it, fitted to the terminal."""
        fitted: Foreign = _Fitted(formatter)
        super().format_help(ctx, fitted)

    def parse_args(self, ctx: Foreign, args: list[str]) -> list[str]:
        """As typer has it. Raises UsageError where the words do not fit."""
        _Plain.stand_in(self.get_params(ctx))
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if error.format_message().startswith("Usage:"):
                raise
            raise _translated(error, ctx) from None

    def resolve_command(self, ctx: Foreign, args: list[str]) -> tuple[str | None, Foreign, list[str]]:
        """As typer has it. Raises UsageError for a command that there is not."""
        if args[0] not in self.commands and not args[0].startswith("-") and not ctx.resilient_parsing:
            message = f"there is no command {f'{ctx.command_path} {args[0]}'!r}"
            raise UsageError(message, hint=_likely(args[0], list(self.commands)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Foreign, formatter: Foreign) -> None:
        """Each command with the whole of its summary, which goes on below itself where the terminal is narrow."""
        found = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(_UNCUT)) for name, command in found if not command.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def closing(example: str, *codes: int) -> str:
    """The end of a command's help: an example, and its exit codes."""
    return f"Example: {example}\n\nExit codes: {'; '.join(f'{code} {EXIT_CODES[code]}' for code in codes)}."


def choose(what: str, value: str, known: Sequence[str]) -> str:
    """The value where it is one of those known. Raises UsageError with the nearest and all of them else."""
    if value in known:
        return value
    raise UsageError(f"there is no {what} {value!r}", hint=_likely(value, known))


def _likely(value: str, known: Sequence[str]) -> str:
    """What was probably meant, and all that there is."""
    close = closest(value, known)
    return f"{f'did you mean {close}? ' if close else ''}one of {', '.join(known)}"


def _translated(error: typer.TyperException, ctx: Foreign) -> UsageError:
    """Wrong words as a UsageError of ours; typer tells its kinds apart by what they hold."""
    hint = f"see `{ctx.command_path} --help`"
    option, param = getattr(error, "option_name", None), getattr(error, "param", None)
    if hasattr(error, "possibilities"):
        for name, what in _PLACES.values():
            if option == name:
                why = _WHOLE.get(ctx.command.name, hint) if what == "rule" else hint
                return UsageError(f"`{ctx.command_path}` takes no {what}", hint=why)
        known = [name for one in ctx.command.params for name in one.opts if name.startswith("--")]
        close = closest(str(option), known)
        return UsageError(
            f"there is no option {option} of `{ctx.command_path}`", hint=f"did you mean {close}?" if close else hint
        )
    if option:
        flag = any(option in one.opts and getattr(one, "is_flag", False) for one in ctx.command.params)
        return UsageError(f"{option} {'takes no' if flag else 'needs a'} value", hint=hint)
    if hasattr(error, "param_type") and param is not None:
        words = " ".join(_metavar(one) for one in ctx.command.params if _is_word(one))
        name = _metavar(param) if _is_word(param) else param.opts[0]
        return UsageError(f"{name} is missing", hint=f"`{ctx.command_path} {words}`")
    if param is not None:
        return _wrong_value(error, param, hint)
    return UsageError(error.format_message().rstrip("."), hint=hint)


def _wrong_value(error: typer.TyperException, param: Foreign, hint: str) -> UsageError:
    """What was given, and what is taken."""
    name = _metavar(param) if _is_word(param) else param.opts[0]
    told: Foreign = getattr(error.__cause__, "errors", list)()
    given = str(told[0]["input"]) if told else ""
    annotation = param.type_descriptor.annotation
    kind = next((_NUMBERS[one] for one in (annotation, *getattr(annotation, "__args__", ())) if one in _NUMBERS), "")
    if param.type_descriptor.is_choice:
        known = [str(choice) for choice in param.type_descriptor.choices]
        return UsageError(f"there is no {name.removeprefix('--')} {given!r}", hint=_likely(given, known))
    if not kind:
        return UsageError(f"{name} cannot be {given!r}" if told else f"{name} has a wrong value", hint=hint)
    least = "" if param.min is None else f" from {param.min:g} on"
    most = "" if param.max is None else f", {param.max:g} at most"
    return UsageError(f"{name} takes {kind}{least}{most}, not {given!r}", hint=hint)


def _is_word(param: Foreign) -> bool:
    return bool(param.param_type_name == "argument")


def _default(param: Foreign) -> str:
    """What stands for a word where nobody says it."""
    return param.default if isinstance(param.default, str) else _metavar(param)


def _metavar(param: Foreign) -> str:
    name = str(param.metavar or param.name.upper())
    return name if param.required else f"[{name}]"


def _root() -> Path | None:
    from entra_deployer.core.files import find_root

    try:
        return find_root(Path.cwd())
    except DeployError:
        return None


def _named_rules(values: Mapping[str, Foreign]) -> list[str]:
    """The rules that a command line names."""
    named = [values.get("rule"), values.get("hunt")]
    return [name for one in named if one for name in ([one] if isinstance(one, str) else one)]


def _is_environment(name: str) -> bool:
    from entra_deployer.stack.environments import environments

    root = _root()
    return root is not None and name in environments(root)


def _rule(word: str) -> str:
    """The name of the rule that a word means, a path below rules/ included; "" for none."""
    from entra_deployer.api import Repository
    from entra_deployer.core.files import RULES_FOLDER
    from entra_deployer.hunts.selection import Selection

    root = _root()
    name = word.rstrip("/").removeprefix("./").removeprefix(f"{RULES_FOLDER}/")
    if root is None or not name:
        return ""
    try:
        Repository(root).catalog(Selection((name,)))
    except DeployError:
        return ""
    return name
