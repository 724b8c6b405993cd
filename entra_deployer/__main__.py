"""The one place that turns what went wrong into a line on stderr and an exit code."""

import gc
import signal
import sys
from types import FrameType

from entra_deployer.core.errors import DeployError, ExitCode, fault_of
from entra_deployer.core.text import visible


class Terminated(BaseException):
    """SIGTERM, raised where the program stands, so that every `finally` on the way out runs."""


def main() -> None:
    """Run `deploy` and leave with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    gc.set_threshold(_ALLOCATIONS)
    code = run(sys.argv[1:])
    gc.freeze()  # the end need not look for circles
    sys.exit(code)


_ALLOCATIONS = 2_000_000
"""Objects between two looks for circles: a command is over before those matter, and a large plan has millions."""


def run(arguments: list[str]) -> int:
    """Run one command line and return the exit code; every expected error is one line on stderr."""
    try:
        from entra_deployer.commands.app import invoke  # noqa: PLC0415 - a broken installation is to be reported too

        return invoke(arguments)
    except DeployError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted")
        return ExitCode.INTERRUPTED
    except Terminated:
        _say("terminated")
        return ExitCode.TERMINATED
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.OK
    except Exception as error:
        return _bug(error)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def _complain(error: DeployError) -> None:
    issues = getattr(error, "issues", None)
    if not issues:
        _say(f"error: {error}")
        return
    for issue in issues:
        place = f"{issue.location}: " if issue.location else ""
        hint = f" ({issue.hint})" if issue.hint else ""
        _say(f"error: {place}{issue.message}{hint}")


def _bug(error: Exception) -> int:
    """Where it happened in our own code, without values: they may hold secrets."""
    _say(f"bug: {fault_of(error)}: this is a fault of entra-deployer, please report it")
    return ExitCode.BUG


def _say(text: str) -> None:
    sys.stderr.write(f"{visible(text)}\n")


if __name__ == "__main__":
    main()
