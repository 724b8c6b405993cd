"""What workers do in tests; it loads nothing, since each of them loads it."""

import os
import sys


def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


def where(_: int) -> int:
    """The process."""
    return os.getpid()


def die_elsewhere(number: int, home: int) -> int:
    """Twice the number, in one process alone."""
    if os.getpid() != home:
        os._exit(1)
    return 2 * number


def raises(number: int) -> int:
    """Raise for 2."""
    if number == 2:
        raise LookupError("two")
    return number


def prints(number: int) -> int:
    """Say something, as libraries do."""
    sys.stdout.write("this is no answer\n")
    return number


def stream(number: int) -> object:
    """Something that cannot be sent."""
    return sys.stdout if number else number
