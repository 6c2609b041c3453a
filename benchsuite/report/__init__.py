"""What people look at, made from what is stored and without JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.errors import OptionError
from benchsuite.report.paths import check_path as check_path

if TYPE_CHECKING:
    from benchsuite.store import RunFolder

    Writer = Callable[[Sequence[RunFolder], Path, RunFolder | None], list[Path]]


@contextmanager
def installed(what: str) -> Iterator[None]:
    """Say which extra is missing where an import within fails.

    Raises:
        OptionError: it does.
    """
    try:
        yield
    except ImportError as error:
        raise OptionError(f"{what} needs {error.name}", "pip install 'benchsuite[report]'") from error


def page_writer() -> Writer:
    """What writes the page of runs into a folder: `page.page.write_report`.

    Raises:
        OptionError: the libraries that it needs are not installed.
    """
    with installed("a page"):
        from benchsuite.report.html import write_report
    return write_report
