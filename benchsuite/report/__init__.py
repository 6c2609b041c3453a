"""Report: results for people to read, in a terminal, as a page or as figures.

In: what a run folder stores, and comparisons of it; no JAX.
Out: tables (`report.terminal`), an HTML page (`report.html`) and figures (`report.figures`).
"""

from benchsuite.report.extras import require_extra
from benchsuite.report.paths import check_path

__all__ = ["check_path", "require_extra"]
