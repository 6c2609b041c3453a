"""What people look at, made from what is stored and without JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.errors import OptionError

if TYPE_CHECKING:
    from benchsuite.store import RunFolder

    Writer = Callable[[Sequence[RunFolder], Path, RunFolder | None], list[Path]]


def page_writer() -> Writer:
    """What writes the page of runs into a folder: `page.page.write_report`.

    Raises:
        OptionError: the libraries that it needs are not installed.
    """
    try:
        from benchsuite.report.page.page import write_report
    except ImportError as error:
        raise OptionError(f"a page needs {error.name}", "pip install 'benchsuite[report]'") from error
    return write_report
