"""Optimisers: call any optax transformation, and find out what it does. Only the engine imports this room.

In: an optax transformation, the parameters of a case, and functions of its loss on a batch.
Out: steps, the parameters to be judged, numbers of evaluations, and warnings about what the updates do.
"""

from benchsuite.engine.optimizers.adapter import EVALUATION_READINGS, HINT, Adapter, make_adapter
from benchsuite.engine.optimizers.probe import SEEDS, STEPS, Recorder, judge_record, quickly
from benchsuite.engine.optimizers.search import random_search

__all__ = [
    "EVALUATION_READINGS",
    "HINT",
    "SEEDS",
    "STEPS",
    "Adapter",
    "Recorder",
    "judge_record",
    "make_adapter",
    "quickly",
    "random_search",
]
