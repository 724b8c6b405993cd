"""The page of all commands, made of what `--help` says: the docs site and the man page are built from it."""

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer

type Foreign = Any
"""A command or a parameter of typer's, whose types it keeps to itself."""

_HEAD = """\
# Commands

What `deploy COMMAND --help` says, on one page.
"""
_HIDDEN = ("--help", "--install-completion", "--show-completion")
_EVERYWHERE = ("-C", "-q", "-v")


def manual() -> str:
    """All commands in Markdown, in the order of `deploy --help`; those of a group below it."""
    from entra_deployer.commands.app import app

    group: Foreign = typer.main.get_group(app())
    parts = [_HEAD, *_options(group, "## Options of every command")]
    for name, command in group.commands.items():
        parts += _command(f"deploy {name}", command, "##")
        for inner, one in getattr(command, "commands", {}).items():
            parts += _command(f"deploy {name} {inner}", one, "###")
    return "\n".join(parts)


def _command(name: str, command: Foreign, level: str) -> Iterator[str]:
    words = [_word(param) for param in command.params if param.param_type_name == "argument"]
    yield f"{level} {name}\n"
    if not hasattr(command, "commands"):
        yield f"```\n{' '.join((name, *words, '[OPTIONS]'))}\n```\n"
    yield f"{_text(command.help or '')}\n"
    yield from _options(command)
    if command.epilog:
        yield f"{_text(command.epilog)}\n"


def _options(command: Foreign, title: str = "") -> list[str]:
    """A line for each word and option with a help."""
    shown = [param for param in command.params if getattr(param, "help", None) and param.opts[0] not in _HIDDEN]
    shown = [param for param in shown if title or param.opts[0] not in _EVERYWHERE]
    if not shown:
        return []
    lines = "\n".join(f"- {_called(param)}: {_text(param.help)}{_default(param)}" for param in shown)
    return [*([f"{title}\n"] if title else []), f"{lines}\n"]


def _called(param: Foreign) -> str:
    if param.param_type_name == "argument":
        return f"`{param.metavar or param.name.upper()}`"
    value = "" if getattr(param, "is_flag", False) else f" {param.metavar or param.name.upper()}"
    return f"`{', '.join(param.opts)}{value}`"


def _word(param: Foreign) -> str:
    name = str(param.metavar or param.name.upper())
    return name if param.required else f"[{name}]"


def _default(param: Foreign) -> str:
    shown = isinstance(param.default, str | int | float) and not isinstance(param.default, bool) and param.default != ""
    return f" Without it: {param.default}." if shown else ""


def _text(text: str) -> str:
    """A help text as Markdown: stars and angle brackets stand for themselves."""
    return re.sub(r"([*<>|_])", r"\\\1", text.strip().removesuffix("\b"))


if __name__ == "__main__":
    sys.stdout.write(manual())
