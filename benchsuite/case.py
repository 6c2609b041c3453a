"""What a plugin supplies: a case, and the nouns that it is made of.

All of them check themselves when they are made, so that a plugin learns of a mistake where it made it.
This module imports no JAX.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from benchsuite.claim import Claim
from benchsuite.errors import CaseError, DoesNotApply, demand, demand_text, near_matches
from benchsuite.factory import UNSET, followed_by, options_of, with_options
from benchsuite.metrics import largest_error, mean_squared_error, r2
from benchsuite.sweep import Sweep

if TYPE_CHECKING:
    import jax
    import optax
    from flax import nnx

#: A batch as the model sees it: inputs and targets, examples along the first axis.
Batch = tuple[Any, Any]

#: (prediction, target) → scalar; both have the shape of the target.
Metric = Callable[[Any, Any], Any]

NAME = re.compile(r"[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _as_they_are(rows: Any) -> Batch:
    x, y = rows
    return x, y


@dataclass(frozen=True, eq=False)
class Stream:
    """A dataset without end: fresh examples, drawn on the device at every step.

    Args:
        draw: (key, n) → n rows; pure JAX, the same key gives the same rows.
        batch_size: examples for each step.
        evaluation_size: examples that every seed is judged on, drawn once for the case.
        prepare: rows → (x, y), examples along the first axis; without it rows must be a pair (x, y). A target that is
            computed here and not in `draw` is faster: rows are kept, and random numbers that x and y are both made of
            are drawn for each of the two unless they are a row themselves.
    """

    draw: Callable[[jax.Array, int], Any]
    batch_size: int
    evaluation_size: int = 4096
    prepare: Callable[[Any], Batch] = _as_they_are

    def __post_init__(self) -> None:
        demand(callable(self.draw), "Stream.draw is not a function", "give a function (key, n) -> rows")
        demand(callable(self.prepare), "Stream.prepare is not a function", "give a function rows -> (x, y)")
        for name in ("batch_size", "evaluation_size"):
            value = getattr(self, name)
            demand(_is_count(value), f"Stream.{name} is {value!r}", "give a whole number of at least 1")

    @property
    def name(self) -> str:
        """What the data are called in labels and records: the names of the functions that draw and prepare them."""
        as_drawn = inspect.unwrap(self.prepare) is _as_they_are  # which a treatment may have wrapped
        functions = [self.draw] if as_drawn else [self.draw, self.prepare]
        return "_".join(getattr(function, "__name__", type(function).__name__) for function in functions)


class Split(NamedTuple):
    """The examples of a table: arrays, or trees of arrays, with the examples along the first axis."""

    train: Any
    test: Any


@dataclass(frozen=True)
class Download:
    """The files that a dataset is made of, and where they can be had.

    Args:
        mirrors: base addresses, tried in order; each ends in "/".
        sha256: file name → digest of the *uncompressed content*, since mirrors compress differently.
    """

    mirrors: Sequence[str]
    sha256: Mapping[str, str]

    def __post_init__(self) -> None:
        demand(
            isinstance(self.mirrors, list | tuple) and bool(self.mirrors),
            f"Download.mirrors is {self.mirrors!r}",
            "give a list of at least one base address",
        )
        for mirror in self.mirrors:
            demand(
                isinstance(mirror, str) and mirror.endswith("/"),
                f"Download has the mirror {mirror!r}",
                'give a base address that ends in "/"',
            )
        for name in self.sha256:
            demand(NAME.fullmatch(name) is not None, f"Download names the file {name!r}", "give a plain file name")


@dataclass(frozen=True, eq=False)
class Table:
    """A finite dataset, loaded when it is first needed, and reshuffled for every seed and epoch.

    The last short batch of an epoch is used, with the gradient of its own mean.

    Args:
        name: what the data are called, and the folder their files lie in.
        load: {file name: uncompressed content} → Split; the mapping is empty where there is no download.
        batch_size: examples for each step.
        prepare: rows → (x, y), on the device for each batch; without it rows must be a pair (x, y).
        download: the files that `load` needs.
        stand_in: draws a Split of the same shape where the files cannot be had; its figures are kept apart.
    """

    name: str
    load: Callable[[Mapping[str, bytes]], Split]
    batch_size: int
    prepare: Callable[[Any], Batch] = _as_they_are
    download: Download | None = None
    stand_in: Callable[[], Split] | None = None

    def __post_init__(self) -> None:
        demand(_is_name(self.name), f"Table.name is {self.name!r}", "use letters, digits and single - _ or .")
        demand(callable(self.load), "Table.load is not a function", "give a function (files) -> Split")
        demand(_is_count(self.batch_size), f"Table.batch_size is {self.batch_size!r}", "give a whole number ≥ 1")
        demand(callable(self.prepare), "Table.prepare is not a function", "give a function rows -> (x, y)")
        demand(self.stand_in is None or callable(self.stand_in), "Table.stand_in is not a function", "give one or None")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


@dataclass(frozen=True)
class Schedule:
    """How long a seed trains, how often it is evaluated, and how many seeds there are unless the user says so.

    Args:
        steps: length in optimiser steps, for a Stream.
        epochs: length in passes over the training examples, for a Table.
        evaluate_every: the distance of evaluations, in the unit of the length; must divide it.
        seeds: random starts by default.
    """

    steps: int | None = None
    epochs: int | None = None
    evaluate_every: int = 1
    seeds: int = 1000

    def __post_init__(self) -> None:
        demand(
            (self.steps is None) != (self.epochs is None),
            f"Schedule has steps={self.steps} and epochs={self.epochs}",
            "give steps for a Stream, or epochs for a Table, and only one of them",
        )
        for name in ("length", "evaluate_every", "seeds"):
            value = getattr(self, name)
            demand(_is_count(value), f"Schedule's {name} is {value!r}", "give a whole number of at least 1")
        demand(
            self.length % self.evaluate_every == 0,
            f"Schedule evaluates every {self.evaluate_every} of {self.length} {self.unit}, which leaves a rest",
            "choose evaluate_every as a divisor of the length, so that the last evaluation is the end",
        )

    @property
    def unit(self) -> str:
        """What the length counts: "steps" or "epochs"."""
        return "epochs" if self.steps is None else "steps"

    @property
    def length(self) -> int:
        """The number of steps or epochs."""
        return self.steps if self.steps is not None else self.epochs  # type: ignore[return-value]  # one of them is set

    @property
    def periods(self) -> int:
        """How many evaluations follow the one at the start."""
        return self.length // self.evaluate_every


@dataclass(frozen=True)
class Criterion:
    """What success means: a bound on one metric of the evaluation data.

    Args:
        metric: "loss", "r2" or a name among the case's metrics.
        at_least: the metric must reach this from below, or
        at_most: the metric must reach this from above.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        demand(
            (self.at_least is None) != (self.at_most is None),
            f"Criterion on {self.metric!r} has at_least={self.at_least} and at_most={self.at_most}",
            "give exactly one of the two",
        )
        demand(
            isinstance(self.threshold, int | float) and math.isfinite(self.threshold),
            f"Criterion on {self.metric!r} has the bound {self.threshold!r}",
            "give a finite number",
        )

    @property
    def threshold(self) -> float:
        """The bound, whichever side it is on."""
        return self.at_least if self.at_least is not None else self.at_most  # type: ignore[return-value]  # as above

    def holds(self, values: Any) -> Any:
        """Where an array of values of the metric meets the bound; NaN never does."""
        return values >= self.at_least if self.at_least is not None else values <= self.at_most

    def __str__(self) -> str:
        return f"{self.metric} {'≥' if self.at_least is not None else '≤'} {self.threshold:g}"


@dataclass(frozen=True, eq=False)
class Diagnostic:
    """A figure that tells why a training ended as it did: one number for each seed, taken when the training has ended.

    Args:
        name: what it is called in tables and records.
        reading: one sentence that tells what it is and how to read it.
        of_model: (model, x, y) → scalar, pure JAX, on the evaluation data; or
        of_data: (Split) → number, NumPy, on a table's rows as they were loaded: the same for every seed.
    """

    name: str
    reading: str
    of_model: Callable[[Any, Any, Any], Any] | None = None
    of_data: Callable[[Split], float] | None = None

    def __post_init__(self) -> None:
        given = [function for function in (self.of_model, self.of_data) if function is not None]
        demand(
            len(given) == 1 and callable(given[0]),
            f"Diagnostic {self.name!r} has {len(given)} functions",
            "give of_model or of_data, and only one of them",
        )
        demand_text(self.name, "a diagnostic's name")
        demand_text(self.reading, f"the reading of diagnostic {self.name!r}")


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """Where to look at the loss of a case as a function of its parameters.

    Args:
        ranges: parameter → (lowest, highest) value of the picture; without one, what the paths need.
        close_up: the same for the picture of a small part.
        basins: two parameters and the (lowest, highest) start of each, where a grid of starts is trained while all
            other parameters start at 0. A case of two parameters needs none.
    """

    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    close_up: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    basins: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for ranges in (self.ranges, self.close_up, self.basins):
            for name, (low, high) in ranges.items():
                demand(low < high, f"Landscape's range of {name} is {low} to {high}", "give the lowest value first")
        demand(len(self.basins) in (0, 2), f"Landscape's basins are over {len(self.basins)} parameters", "name two")


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One benchmark: a model, a dataset and a success criterion, trained from many random starts.

    Args:
        name: unique among all plugins; it seeds the random numbers, so a renamed case is another case.
        summary: one sentence.
        source: where the case comes from, an address or a reference.
        model: (rngs: nnx.Rngs) → nnx.Module, a callable x → prediction of the shape of the target. Its keyword options,
            such as activation and kernel_init, are what treatments change.
        dataset: where the examples come from.
        optimizer: a function without required arguments that gives an optax transformation, such as
            partial(optax.sgd, learning_rate=0.01), whose options treatments and sweeps change; or a transformation.
        schedule: the source's protocol.
        quick: a shorter protocol for everyday use; without one, the source's is always used.
        criterion: what success means at the last evaluation.
        loss: (prediction, target) → scalar that is minimised.
        metrics: further metrics to record by name, besides "loss", "r2" and "largest_error".
        claims: what the source says, to be checked.
        starts: name → {parameter: value}; starts of their own interest, trained beside the random ones and reported
            apart from the rate. For models with at most 16 parameters, all of which have to be given.
        groups: name → ({parameter: (n,) values at the start} → (n,) truth values), NumPy; kinds of starts, each of
            which gets a rate of its own. They need neither cover all starts nor exclude each other.
        diagnostics: figures that tell why a training ended as it did.
        solution: parameters that meet the criterion, as {parameter: value} or as (model) → None that sets them: shows
            that it can be met. Landscapes of more than two parameters are laid through it if it is given by values.
        landscape: where `benchsuite landscape` looks.
        restarts: independent starts of every seed, trained on the same batches, of which the best counts.
        treatment: what was done to the case; set by `Treatment.apply`.
        sweep: the values of an option that are trained side by side; set by `variant.swept`.

    Raises:
        CaseError: a field is of the wrong kind, or two fields do not fit together.
    """

    name: str
    summary: str
    source: str
    model: Callable[[nnx.Rngs], nnx.Module]
    dataset: Stream | Table
    optimizer: Callable[[], optax.GradientTransformation] | optax.GradientTransformation
    schedule: Schedule
    quick: Schedule | None = None
    criterion: Criterion = Criterion("r2", at_least=0.99)
    loss: Metric = mean_squared_error
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    claims: Sequence[Claim] = ()
    starts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    groups: Mapping[str, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    diagnostics: Sequence[Diagnostic] = ()
    solution: Mapping[str, float] | Callable[[Any], None] | None = None
    landscape: Landscape = Landscape()
    restarts: int = 1
    treatment: str = ""
    sweep: Sweep | None = None

    def __post_init__(self) -> None:
        demand(_is_name(self.name), f"a case is named {self.name!r}", "use letters, digits and single - _ or .")
        self._check_types()
        unit = "steps" if isinstance(self.dataset, Stream) else "epochs"
        for schedule in filter(None, (self.schedule, self.quick)):
            demand(
                schedule.unit == unit,
                f"case {self.name}: a {type(self.dataset).__name__} is scheduled in {unit}, not {schedule.unit}",
                f"write Schedule({unit}=…)",
            )
        self._check_names()

    def _check_types(self) -> None:
        for name, kind in _FIELD_KINDS.items():
            value = getattr(self, name)
            demand(
                isinstance(value, kind),
                f"case {self.name}: {name} is a {type(value).__name__}",
                f"give {' or '.join(k.__name__ for k in kind)}",
            )
        for name in ("summary", "source"):
            demand_text(getattr(self, name), f"case {self.name}: {name}")
        for name in ("metrics", "groups", "starts"):
            for given in getattr(self, name):
                demand_text(given, f"case {self.name}: a name among its {name}")
        functions = {"model": self.model, "loss": self.loss, **self.metrics, **self.groups}
        for name, function in functions.items():
            demand(callable(function), f"case {self.name}: {name} is not callable", "give a function")
        for name, noun in (("claims", Claim), ("diagnostics", Diagnostic)):
            for item in getattr(self, name):
                demand(isinstance(item, noun), f"case {self.name}: {item!r} among its {name}", f"give {noun.__name__}")
        demand(
            self.solution is None or isinstance(self.solution, Mapping) or callable(self.solution),
            f"case {self.name}: solution is a {type(self.solution).__name__}",
            "give {parameter: value}, or a function that sets the parameters of a model",
        )
        demand(_is_count(self.restarts), f"case {self.name}: restarts is {self.restarts!r}", "give at least 1")
        self._check_optimizer()

    def _check_optimizer(self) -> None:
        if _is_transformation(self.optimizer):
            return
        demand(
            callable(self.optimizer),
            f"case {self.name}: optimizer is a {type(self.optimizer).__name__}, not an optax transformation",
            "give, for example, partial(optax.sgd, learning_rate=0.01)",
        )
        missing = [name for name, value in self.optimizer_options.items() if value is UNSET]
        demand(
            not missing,
            f"case {self.name}: the optimizer is not told its {', '.join(missing)}",
            "give, for example, partial(optax.sgd, learning_rate=0.01)",
        )

    def _check_names(self) -> None:
        """What refers to another field by name finds it there."""
        demand(
            self.criterion.metric in self.all_metrics,
            f"case {self.name}: the criterion's metric {self.criterion.metric!r} is not recorded",
            near_matches(self.criterion.metric, self.all_metrics),
        )
        for claim in self.claims:
            for said, known, what in (
                (claim.among, self.groups, "group"),
                (getattr(claim.check, "start", None), self.starts, "start"),
            ):
                demand(
                    said is None or said in known,
                    f"case {self.name}: a claim speaks of the {what} {said!r}, which the case does not have",
                    near_matches(str(said), known),
                )
        diagnostics = [diagnostic.name for diagnostic in self.diagnostics]
        demand(
            len(set(diagnostics)) == len(diagnostics),
            f"case {self.name}: two of its diagnostics share a name: {', '.join(diagnostics)}",
            "rename one",
        )
        for start in self.starts.values():
            demand(
                isinstance(start, Mapping) and all(isinstance(value, int | float) for value in start.values()),
                f"case {self.name}: among its starts is {start!r}",
                "give {parameter: number}",
            )

    @property
    def id(self) -> str:
        """The case with what was done to it: "relu-to-relu", "relu-to-relu+adam", "relu-to-relu+adam@learning_rate"."""
        return self.name + (f"+{self.treatment}" if self.treatment else "") + (f"@{self.sweep}" if self.sweep else "")

    @property
    def solution_values(self) -> Mapping[str, float]:
        """The solution, where it is given by the values of parameters."""
        return self.solution if isinstance(self.solution, Mapping) else {}

    @property
    def model_options(self) -> dict[str, Any]:
        """The options of the model and their values."""
        return options_of(self.model, arguments=1)

    @property
    def optimizer_options(self) -> dict[str, Any]:
        """The options of the optimiser and their values; none where it is given as a transformation."""
        return {} if _is_transformation(self.optimizer) else options_of(self.optimizer)

    def with_model(self, **options: Any) -> Case:
        """The case with other options of its model.

        Raises:
            DoesNotApply: the model has no such option.
        """
        return replace(self, model=with_options(self.model, "model", 1, **options))

    def with_start(self, change: Callable[[Any, Any], None]) -> Case:
        """The case with something done to every fresh model.

        Args:
            change: (model, rngs) → None, sets the model's parameters; pure JAX otherwise.
        """
        return replace(self, model=followed_by(self.model, change))

    def with_optimizer(self, **options: Any) -> Case:
        """The case with other options of its optimiser.

        Raises:
            DoesNotApply: the optimiser has no such option.
        """
        if _is_transformation(self.optimizer):
            raise DoesNotApply(
                "its optimiser is given ready-made, without options",
                "give the case partial(optax.sgd, learning_rate=0.01) in place of optax.sgd(0.01)",
            )
        return replace(self, optimizer=with_options(self.optimizer, "optimiser", **options))

    def make_optimizer(self) -> optax.GradientTransformation:
        """The optax transformation.

        Raises:
            CaseError: the optimiser's function gives something else.
        """
        made = self.optimizer if _is_transformation(self.optimizer) else self.optimizer()
        if not _is_transformation(made):
            raise CaseError(f"its optimizer gives a {type(made).__name__}", "let it give an optax transformation")
        return made

    @property
    def all_metrics(self) -> dict[str, Metric]:
        """Every metric that is recorded, by name: the loss, R², the largest error and the case's own."""
        return {"loss": self.loss, "r2": r2, "largest_error": largest_error, **self.metrics}


def _is_transformation(value: object) -> bool:
    return callable(getattr(value, "init", None)) and callable(getattr(value, "update", None))


_FIELD_KINDS: dict[str, tuple[type, ...]] = {
    "dataset": (Stream, Table),
    "schedule": (Schedule,),
    "quick": (Schedule, type(None)),
    "criterion": (Criterion,),
    "metrics": (Mapping,),
    "claims": (Sequence,),
    "starts": (Mapping,),
    "groups": (Mapping,),
    "diagnostics": (Sequence,),
    "landscape": (Landscape,),
}
