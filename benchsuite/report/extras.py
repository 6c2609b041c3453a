"""Check that the optional libraries of reports are installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchsuite.errors import OptionError


@contextmanager
def require_extra(what: str) -> Iterator[None]:
    """Convert a failed import inside to an error that names the extra `report`.

    Args:
        what: requires the extra, such as "a report".

    Raises:
        OptionError: an import failed.
    """
    try:
        yield
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError)
        why = f"{error.name}, which is not installed" if missing else f"what cannot be imported: {error}"
        raise OptionError(f"{what} requires {why}", "install it with `pip install 'benchsuite[report]'`") from error
