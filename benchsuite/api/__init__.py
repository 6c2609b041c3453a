"""The Python library: what `benchsuite` offers to scripts and notebooks, besides the names that a plugin needs.

In: names of cases and treatments, or objects that a script defines, and the options of a run as keywords.
Out: `Results` of a run, which convert to tables, show themselves in a notebook, and train single seeds again.
"""

from benchsuite.api.case_result import CaseResult, LandscapePicture, Timings
from benchsuite.api.compare import BoardKeywords, BoardResults, board, versus
from benchsuite.api.library import RunOptions, cases, check, load, run, treatments
from benchsuite.api.results import Results

__all__ = [
    "BoardKeywords",
    "BoardResults",
    "CaseResult",
    "LandscapePicture",
    "Results",
    "RunOptions",
    "Timings",
    "board",
    "cases",
    "check",
    "load",
    "run",
    "treatments",
    "versus",
]
