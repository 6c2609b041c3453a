"""Exceptions; each carries a message and a hint."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

#: Control characters except line breaks, marks of direction, lone surrogates and noncharacters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)

#: Characters that neither the name of an array nor JSON can hold.
_UNSTORED = re.compile("[\0\ud800-\udfff]")


def printable(text: str) -> str:
    """Escape control characters and marks of direction in a text from a plugin or user."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def wrap_lines(text: str, width: int) -> str:
    """Break lines between words to a width; a longer word, such as an address, has a line of its own."""
    lines = []
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        wrapped = textwrap.wrap(
            line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, expand_tabs=False
        )
        lines += wrapped or [""]
    return "\n".join(lines)


class BenchsuiteError(Exception):
    """Base class of all errors of the suite.

    Args:
        message: what is wrong, with the value, and what was expected.
        hint: one imperative that says how to fix it; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = printable(str(message))  # a plugin may give anything
        self.hint = hint

    def __str__(self) -> str:
        return printable(f"{self.message}\n  try: {self.hint}" if self.hint else self.message)


class OptionError(BenchsuiteError):
    """An option or argument is invalid."""


class CaseError(BenchsuiteError):
    """A case or treatment violates its contract."""


class PluginError(BenchsuiteError):
    """A plugin cannot be loaded."""


class DataError(BenchsuiteError):
    """The files of a dataset are missing, damaged or cannot be downloaded."""


class StoreError(BenchsuiteError):
    """A run folder cannot be read or written."""


class DeviceError(BenchsuiteError):
    """The requested device is not available, or has too little memory."""


class DoesNotApply(BenchsuiteError):  # noqa: N818  # an answer, not an error
    """A treatment or sweep does not apply to a case; the message says why."""


class BenchsuiteWarning(UserWarning):
    """Something failed beside the training, such as an observer or one case of several."""


class OutOfTimeError(BaseException):
    """A time limit was exceeded; not an `Exception`, so that plugins do not catch it."""


@contextmanager
def wrap_errors(blame: Callable[[str], BenchsuiteError]) -> Iterator[None]:
    """Convert any exception of a plugin's or user's code to a `BenchsuiteError`.

    Errors of the suite, interrupts and exceeded time limits pass unchanged.

    Args:
        blame: description of the exception -> the error to raise.

    Raises:
        BenchsuiteError: the code raised an exception.
    """
    try:
        yield
    except (BenchsuiteError, KeyboardInterrupt, GeneratorExit, OutOfTimeError):
        raise
    except BaseException as error:  # SystemExit, pytest's outcomes and panics of Rust are no Exception
        raise blame(describe_exception(error)) from error


def describe_exception(error: BaseException) -> str:
    """Describe an exception in one line: its type and the relevant line of its message."""
    try:
        lines = str(error).strip().splitlines() or [""]
    except Exception:  # noqa: BLE001  # its type is described all the same
        lines = [""]
    message = lines[-1] if any(_TRACEBACK in line for line in lines) else lines[0]
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


#: First line of a traceback, which JAX's errors contain for exceptions in callbacks.
_TRACEBACK = "Traceback (most recent call last):"


def require(condition: bool, message: str, hint: str) -> None:
    """Raise an error unless a condition on a plugin's object holds.

    Raises:
        CaseError: it does not hold.
    """
    if not condition:
        raise CaseError(message, hint)


def require_text(value: object, what: str) -> None:
    """Raise an error unless a value is a non-empty text that a file can hold.

    Raises:
        CaseError: it is not.
    """
    good = isinstance(value, str) and value and not _UNSTORED.search(value)
    require(bool(good), f"{what} is {value!r}", "give a non-empty text without NUL and surrogates")


def near_matches(name: str, known: Iterable[str]) -> str:
    """Suggest the `known` names that are similar to `name`, else list them all."""
    import difflib  # rarely needed

    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"one of: {', '.join(known)}"
