"""Report: results for people to read, in a terminal, as a page or as figures.

In: what a run folder stores, and comparisons of it; no JAX.
Out: tables (`report.terminal`), an HTML page (`report.html`) and figures (`report.figures`).
"""

from benchsuite.report.extras import require_extra

__all__ = ["require_extra"]
