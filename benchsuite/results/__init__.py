"""Results: the figures of a run in memory.

In: the traces of trained seeds, and the plan of their training.
Out: a table of seeds with their outcomes, summaries, judged claims and landscapes.
"""

from benchsuite.results.baseline import constant_meeting, share_near_bound
from benchsuite.results.claims import HOLDS, NOT_JUDGED, REFUTED, ClaimResult, judge_together
from benchsuite.results.landscape import BasinMap, LandscapeResult, Surface, TrainingPath, parameter_values
from benchsuite.results.outcome import DEFINITIONS, NEVER, Outcome, classify, steps_to_success
from benchsuite.results.plan import Plan, Whole, case_label, schedule_for
from benchsuite.results.result import FAILED, INAPPLICABLE, NOT_RUN, UNFINISHED, Curves, Result, Untrained
from benchsuite.results.round import CURVES_KEPT, OnTrained, RoundFacts, RoundResult, kept_curves
from benchsuite.results.seeds import Columns, SeedTable, columns_under, find_groups
from benchsuite.results.summary import R2_THRESHOLDS, Accumulator, Summary, summaries_judged_together, summarise
from benchsuite.results.trace import FUNCTION_EVALUATIONS, GRADIENT_EVALUATIONS, PARAMETERS_KEPT, SPREAD, Trace

__all__ = [
    "CURVES_KEPT",
    "DEFINITIONS",
    "FAILED",
    "FUNCTION_EVALUATIONS",
    "GRADIENT_EVALUATIONS",
    "HOLDS",
    "INAPPLICABLE",
    "NEVER",
    "NOT_JUDGED",
    "NOT_RUN",
    "PARAMETERS_KEPT",
    "R2_THRESHOLDS",
    "REFUTED",
    "SPREAD",
    "UNFINISHED",
    "Accumulator",
    "BasinMap",
    "ClaimResult",
    "Columns",
    "Curves",
    "LandscapeResult",
    "OnTrained",
    "Outcome",
    "Plan",
    "Result",
    "RoundFacts",
    "RoundResult",
    "SeedTable",
    "Summary",
    "Surface",
    "Trace",
    "TrainingPath",
    "Untrained",
    "Whole",
    "case_label",
    "classify",
    "columns_under",
    "constant_meeting",
    "find_groups",
    "judge_together",
    "kept_curves",
    "parameter_values",
    "schedule_for",
    "share_near_bound",
    "steps_to_success",
    "summaries_judged_together",
    "summarise",
]
