"""Engine: train many seeds side by side in compiled programs. Only this room imports JAX at import time.

In: a case with its schedule; its data, which are drawn, loaded or downloaded here.
Out: a trace of every seed as NumPy arrays, the time that the devices took, and the loss over the parameters.
"""

from benchsuite.engine.ensemble import Ensemble, as_figures
from benchsuite.engine.landscape import LandscapeEvaluator, has_landscape
from benchsuite.engine.loop import State
from benchsuite.engine.model import parameter_names
from benchsuite.engine.optimizers import random_search
from benchsuite.engine.problem import Problem
from benchsuite.engine.programs import forget_programs
from benchsuite.engine.source import source_of
from benchsuite.engine.trainer import Trainer, make_plan

__all__ = [
    "Ensemble",
    "LandscapeEvaluator",
    "Problem",
    "State",
    "Trainer",
    "as_figures",
    "forget_programs",
    "has_landscape",
    "make_plan",
    "parameter_names",
    "random_search",
    "source_of",
]
