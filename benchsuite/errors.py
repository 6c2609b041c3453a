"""What can go wrong, whose it is, and what to try."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

#: Characters that move the cursor or turn the text around: control characters but line breaks, and marks of direction;
#: and halves of characters and what is none, which no file may hold.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)

#: What no name of an array may have, and no JSON.
_UNSTORED = re.compile("[\0\ud800-\udfff]")


def printable(text: str) -> str:
    """A text from somebody else as it can be shown: what would not be seen is written as its code."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


class BenchsuiteError(Exception):
    """A failure told as a sentence for a person: what failed, and what to try.

    Args:
        message: what failed, with the name of the culprit.
        hint: what to try next; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = printable(str(message))  # a plugin may give anything
        self.hint = hint

    def __str__(self) -> str:
        return printable(f"{self.message}\n  try: {self.hint}" if self.hint else self.message)


class OptionError(BenchsuiteError):
    """An option or argument that the user gave cannot be used."""


class CaseError(BenchsuiteError):
    """What a plugin supplies breaks its contract."""


class PluginError(BenchsuiteError):
    """A plugin cannot be loaded."""


class DataError(BenchsuiteError):
    """The files of a dataset are missing, damaged or cannot be fetched."""


class StoreError(BenchsuiteError):
    """A run folder cannot be read or written."""


class DeviceError(BenchsuiteError):
    """The device that was asked for is not there, or is too small."""


class DoesNotApply(BenchsuiteError):  # noqa: N818  # it is an answer, not an error
    """A treatment or sweep makes no sense for a case; the message says why."""


class OutOfTimeError(BaseException):
    """Something took longer than it may; code that catches every `Exception` does not catch this."""


@contextmanager
def wrap_errors(blame: Callable[[str], BenchsuiteError]) -> Iterator[None]:
    """Runs code of a plugin or of the user: whatever it raises becomes a failure of the suite's own kind.

    Not what is one already, nor that somebody asks to stop.

    Args:
        blame: makes the failure of a line that says what was raised.

    Raises:
        BenchsuiteError: the code raised something.
    """
    try:
        yield
    except (BenchsuiteError, KeyboardInterrupt, GeneratorExit, OutOfTimeError):
        raise
    except BaseException as error:  # SystemExit, pytest's outcomes and panics of Rust are no Exception
        raise blame(describe_exception(error)) from error


def describe_exception(error: BaseException) -> str:
    """What was raised: its kind, and the line of its text that tells most."""
    try:
        lines = str(error).strip().splitlines() or [""]
    except Exception:  # noqa: BLE001  # it is told all the same
        lines = [""]
    told = lines[-1] if any(_TRACEBACK in line for line in lines) else lines[0]
    return f"{type(error).__name__}: {told}" if told else type(error).__name__


#: Begins a traceback, as JAX's errors have one of what was called back.
_TRACEBACK = "Traceback (most recent call last):"


def require(condition: bool, message: str, hint: str) -> None:
    """Refuse what a plugin supplies unless a condition holds.

    Raises:
        CaseError: it does not.
    """
    if not condition:
        raise CaseError(message, hint)


def require_text(value: object, what: str) -> None:
    """Refuse what is no text, or none that a file can hold.

    Raises:
        CaseError: it is not.
    """
    good = isinstance(value, str) and value and not _UNSTORED.search(value)
    require(bool(good), f"{what} is {value!r}", "give a text that a file can hold")


def near_matches(name: str, known: Iterable[str]) -> str:
    """Say which of the `known` names may be meant by `name`, else list them all."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"one of: {', '.join(known)}"
