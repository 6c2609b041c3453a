"""Engine: trains many seeds in one compiled program. The only room that imports JAX at import time.

In: a case with its schedule and data.
Out: a trace of every seed as NumPy arrays, and the time that the devices took.
"""

from benchsuite.engine.data import obtain, verified_content
from benchsuite.engine.ensemble import Ensemble
from benchsuite.engine.landscape import LandscapeEvaluator, has_landscape
from benchsuite.engine.loop import State, data_key, fingerprint, parameter_names
from benchsuite.engine.problem import Problem
from benchsuite.engine.trainer import OnTrained, Trainer, make_plan

__all__ = [
    "Ensemble",
    "LandscapeEvaluator",
    "OnTrained",
    "Problem",
    "State",
    "Trainer",
    "data_key",
    "fingerprint",
    "has_landscape",
    "make_plan",
    "obtain",
    "parameter_names",
    "verified_content",
]
