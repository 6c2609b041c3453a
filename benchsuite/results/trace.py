"""Traces: the evaluations of trainings, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

#: Models with at most this many parameters record all of them at every evaluation.
PARAMETERS_KEPT = 16

#: The diagnostic of `Training.diagnose` that is `Trace.prediction_spread`.
SPREAD = "benchsuite.prediction_spread"


#: The diagnostics that count what an optimiser computes, where that is more than one gradient a step.
FUNCTION_EVALUATIONS, GRADIENT_EVALUATIONS = "function evaluations", "gradient evaluations"


@dataclass(frozen=True)
class Trace:
    """The evaluations of n seeds: one at the start, and one after each of the schedule's periods, e in all.

    Args:
        seeds: (n,) the seeds.
        steps: (e,) optimiser steps taken before each evaluation, 0 first.
        train: name → (n, e) the loss and the case's own metrics on the training batches, each before its own update, as
            the mean over the examples of the last epoch, or of the whole period of a stream; NaN at the start.
        metrics: name → (n, e) on the evaluation data; of truth values, the share of the examples in float64.
        gradient_norm: (n, e) Euclidean norm of the loss gradient on the evaluation data; with players, of the gradients
            of all objectives over their own parameters.
        finite: (n, e) whether every parameter is a finite number.
        parameters: (n, e, p) all parameters of a model with at most 16 of them, else p = 0.
        diagnostics: name → (n,) the case's diagnostics of the model at the end.
        settings: option → (n,) its value in a sweep, where every seed has one row for each value.
        prediction_spread: (n,) how far the predictions at the end lie apart: the largest minus the smallest over the
            evaluation examples, of the output where that is most. It is 0 where they differ by rounding alone, and NaN
            for a single example; None where a case makes no predictions.
    """

    seeds: np.ndarray
    steps: np.ndarray
    train: Mapping[str, np.ndarray]
    metrics: Mapping[str, np.ndarray]
    gradient_norm: np.ndarray
    finite: np.ndarray
    parameters: np.ndarray
    diagnostics: Mapping[str, np.ndarray]
    settings: Mapping[str, np.ndarray] = field(default_factory=dict)
    prediction_spread: np.ndarray | None = None

    def __getitem__(self, number: int) -> Trace:
        """Select one of the seeds."""
        one = slice(number, number + 1)
        return Trace(
            seeds=self.seeds[one],
            steps=self.steps,
            train={name: values[one] for name, values in self.train.items()},
            metrics={name: values[one] for name, values in self.metrics.items()},
            gradient_norm=self.gradient_norm[one],
            finite=self.finite[one],
            parameters=self.parameters[one],
            diagnostics={name: values[one] for name, values in self.diagnostics.items()},
            settings={name: values[one] for name, values in self.settings.items()},
            prediction_spread=None if self.prediction_spread is None else self.prediction_spread[one],
        )

    def thinned(self, stride: int) -> Trace:
        """Select every `stride`-th evaluation, from the first on."""
        return replace(
            self,
            steps=self.steps[::stride],
            train={name: values[:, ::stride] for name, values in self.train.items()},
            metrics={name: values[:, ::stride] for name, values in self.metrics.items()},
            gradient_norm=self.gradient_norm[:, ::stride],
            finite=self.finite[:, ::stride],
            parameters=self.parameters[:, ::stride],
        )

    @classmethod
    def join(cls, traces: Sequence[Trace]) -> Trace:
        """Concatenate traces of one case that were evaluated after the same steps."""
        spreads = [trace.prediction_spread for trace in traces if trace.prediction_spread is not None]
        return cls(
            seeds=np.concatenate([trace.seeds for trace in traces]),
            steps=traces[0].steps,
            train=_join([trace.train for trace in traces]),
            metrics=_join([trace.metrics for trace in traces]),
            gradient_norm=np.concatenate([trace.gradient_norm for trace in traces]),
            finite=np.concatenate([trace.finite for trace in traces]),
            parameters=np.concatenate([trace.parameters for trace in traces]),
            diagnostics=_join([trace.diagnostics for trace in traces]),
            settings=_join([trace.settings for trace in traces]),
            prediction_spread=np.concatenate(spreads) if len(spreads) == len(traces) else None,
        )


def _join(parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
