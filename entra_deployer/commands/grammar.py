"""One grammar for all commands: an environment or a rule as a word or as an option, and what every command takes.

`deploy push staging` is `deploy push --on staging`, `deploy remove my_hunt` is `deploy remove --rule my_hunt`. A
command says which words it takes; the options of the same meaning, -C, -q and -v are added here, and its function never
sees them.
"""

import functools
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Annotated, Any

import typer

from entra_deployer.commands.complete import environments, hunts
from entra_deployer.commands.terminal import note, quiet
from entra_deployer.core.errors import InputError, Location, UsageError

type Foreign = Any
"""A context, a parameter, a parser or a command of typer's, whose types it keeps to itself."""

_OPTION = "_option"
"""How the parameter ends that is the option of an argument's name: `env` has `env_option`."""
_WORDS = {"rule": "rule", "hunt": "rule", "env": "environment", "target": "environment"}
"""What the arguments are names of that may be options too."""
_REQUESTS = "urllib3.connectionpool"
"""The logger of the library that both servers are asked by: it tells method, path, status, and no header."""


def _enter(context: Foreign, folder: Path | None) -> Path | None:
    """Stand in a folder while the command runs."""
    if folder is not None and not context.resilient_parsing:
        if not folder.is_dir():
            raise InputError("there is no such folder", location=Location(str(folder)), hint="-C names a folder")
        context.with_resource(chdir(folder))
    return folder


def _hush(context: Foreign, value: bool) -> bool:
    if value:
        before = quiet.set(True)
        context.call_on_close(lambda: quiet.reset(before))
    return value


def _tell(context: Foreign, value: bool) -> bool:
    """Tell each request while the command runs."""
    if value:
        log, handler = logging.getLogger(_REQUESTS), _Notes()
        before = log.level
        log.addHandler(handler)
        log.setLevel(logging.DEBUG)
        context.call_on_close(lambda: log.removeHandler(handler))
        context.call_on_close(lambda: log.setLevel(before))
    return value


class _Notes(logging.Handler):
    """Tells requests on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        note(record.getMessage())


FolderOption = Annotated[
    Path | None, typer.Option("-C", metavar="DIR", callback=_enter, is_eager=True, help="Work as if started in DIR.")
]
QuietOption = Annotated[bool, typer.Option("-q", callback=_hush, help="Tell no progress, only results and faults.")]
VerboseOption = Annotated[bool, typer.Option("-v", callback=_tell, help="Tell each request that is sent.")]
_EVERYWHERE = {
    "in_folder": (FolderOption, None),
    "is_quiet": (QuietOption, False),
    "is_verbose": (VerboseOption, False),
}

_AS_OPTIONS: dict[str, Any] = {
    "env": Annotated[
        str | None,
        typer.Option("--on", metavar="ENV", help="The environment, as the word ENV.", autocompletion=environments),
    ],
    "target": Annotated[
        str | None,
        typer.Option("--on", metavar="ENV", help="The environment, as the word TO.", autocompletion=environments),
    ],
    "rule": Annotated[
        list[str] | None,
        typer.Option("--rule", metavar="GLOB", help="A rule, as the word RULE.", autocompletion=hunts),
    ],
    "hunt": Annotated[
        list[str] | None,
        typer.Option("--rule", metavar="GLOB", help="A hunt, as a word HUNT.", autocompletion=hunts),
    ],
}


def with_grammar(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of its words, and those that every command takes."""
    signature = inspect.signature(command)
    added = dict(_EVERYWHERE)
    for name, parameter in signature.parameters.items():
        if name in _AS_OPTIONS and _is_word(parameter.annotation):
            added[f"{name}{_OPTION}"] = (_AS_OPTIONS[name], None)

    @functools.wraps(command)
    def run(**values: object) -> None:
        command(**{name: value for name, value in values.items() if name not in added})

    kinds = inspect.Parameter.KEYWORD_ONLY
    parameters = [one.replace(kind=kinds) for one in signature.parameters.values()]
    parameters += [
        inspect.Parameter(name, kinds, default=default, annotation=kind) for name, (kind, default) in added.items()
    ]
    run.__dict__["__signature__"] = signature.replace(parameters=parameters)
    return run


def _is_word(annotation: Foreign) -> bool:
    """Whether a parameter is an argument that names something there is: one that shells complete."""
    return any(
        type(one).__name__ == "ArgumentInfo" and one.autocompletion is not None
        for one in getattr(annotation, "__metadata__", ())
    )


class Parser:
    """A command's parser that takes an option for the word of its meaning."""

    def __init__(self, inner: Foreign, command: Foreign) -> None:
        self._inner, self._command = inner, command

    def __getattr__(self, name: str) -> Foreign:
        """What else the command asks of its parser."""
        return getattr(self._inner, name)

    def parse_args(self, args: list[str]) -> tuple[dict[str, Foreign], list[str], list[Foreign]]:
        """The values by parameter, the words that are too many, and the parameters in their order."""
        values, rest, order = self._inner.parse_args(args=args)
        words = [param for param in self._command.params if param.param_type_name == "argument"]
        said = {param.name: values.get(f"{param.name}{_OPTION}") for param in words}
        if not any(said.values()):
            return values, rest, order
        left = [word for param in words for word in _listed(values.get(param.name))] + rest
        return {**values, **_placed(words, said, left)}, left, order


def is_added(param: Foreign) -> bool:
    """Whether a parameter is an option that was added for a word."""
    return str(param.name).endswith(_OPTION)


def named_twice(values: Mapping[str, Foreign], word: str, *, is_environment: bool) -> str:
    """What is wrong with a word that is too many where an option has said it; "" where none has."""
    for name, what in _WORDS.items():
        said = values.get(f"{name}{_OPTION}")
        if said and is_environment == (what == "environment"):
            return f"the {what} is named twice: {word!r} and {_listed(said)[0]!r}"
    return ""


def _listed(value: Foreign) -> list[str]:
    return [value] if isinstance(value, str) else list(value) if isinstance(value, tuple | list) else []


def _placed(words: Sequence[Foreign], said: Mapping[str, Foreign], left: list[str]) -> dict[str, Foreign]:
    """The value of each argument; what it takes of `left` is gone from there."""
    found: dict[str, Foreign] = {}
    for param in words:
        given = _listed(said[param.name])
        if param.nargs == -1:
            found[param.name] = (*left, *given)
            left.clear()
        elif given:
            if len(given) > 1:
                raise UsageError(f"one {_WORDS[param.name]} at a time", hint=f"not {' and '.join(given)}")
            found[param.name] = given[0]
        else:
            found[param.name] = left.pop(0) if left else None
    return found
