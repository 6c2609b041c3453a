"""What a plugin supplies: a case, and the nouns that it is made of.

All of them check themselves when they are made, so that a plugin learns of a mistake where it made it.
This module imports no JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from benchsuite.case.claim import Claim
from benchsuite.case.dataset import Split, Stream, Table
from benchsuite.case.factory import UNSET, compose_start, options_of, with_options
from benchsuite.case.metrics import largest_error, mean_squared_error, r2
from benchsuite.case.names import is_count, is_name
from benchsuite.case.schedule import Criterion, Schedule
from benchsuite.case.sweep import FamilyRung, Sweep
from benchsuite.errors import CaseError, DoesNotApply, near_matches, require, require_text

if TYPE_CHECKING:
    import optax
    from flax import nnx

#: (prediction, target) → scalar; both have the shape of the target.
Metric = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Diagnostic:
    """A figure that tells why a training ended as it did: one number for each seed, taken when the training has ended.

    Args:
        name: what it is called in tables and summaries.
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
        require(
            len(given) == 1 and callable(given[0]),
            f"Diagnostic {self.name!r} has {len(given)} functions",
            "give of_model or of_data, and only one of them",
        )
        require_text(self.name, "a diagnostic's name")
        require_text(self.reading, f"the reading of diagnostic {self.name!r}")


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
                require(low < high, f"Landscape's range of {name} is {low} to {high}", "give the lowest value first")
        require(len(self.basins) in (0, 2), f"Landscape's basins are over {len(self.basins)} parameters", "name two")


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
        metrics: further metrics to summary by name, besides "loss", "r2" and "largest_error".
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
        setting: option → its value, where the values of a sweep are trained one after another; set by `sweep_cases`.
        rung: its place in a family; set by `Family`.

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
    setting: Mapping[str, float] = field(default_factory=dict)
    rung: FamilyRung | None = None

    def __post_init__(self) -> None:
        require(is_name(self.name), f"a case is named {self.name!r}", "use letters, digits and single - _ or .")
        self._check_types()
        unit = self.dataset.unit
        for schedule in filter(None, (self.schedule, self.quick)):
            require(
                schedule.unit == unit,
                f"case {self.name}: a {type(self.dataset).__name__} is scheduled in {unit}, not {schedule.unit}",
                f"write Schedule({unit}=…)",
            )
        self._check_names()

    def _check_types(self) -> None:
        for name, kind in _FIELD_KINDS.items():
            value = getattr(self, name)
            require(
                isinstance(value, kind),
                f"case {self.name}: {name} is a {type(value).__name__}",
                f"give {' or '.join(k.__name__ for k in kind)}",
            )
        for name in ("summary", "source"):
            require_text(getattr(self, name), f"case {self.name}: {name}")
        for name in ("metrics", "groups", "starts"):
            for given in getattr(self, name):
                require_text(given, f"case {self.name}: a name among its {name}")
        functions = {"model": self.model, "loss": self.loss, **self.metrics, **self.groups}
        for name, function in functions.items():
            require(callable(function), f"case {self.name}: {name} is not callable", "give a function")
        for name, noun in (("claims", Claim), ("diagnostics", Diagnostic)):
            for item in getattr(self, name):
                require(isinstance(item, noun), f"case {self.name}: {item!r} among its {name}", f"give {noun.__name__}")
        require(
            self.solution is None or isinstance(self.solution, Mapping) or callable(self.solution),
            f"case {self.name}: solution is a {type(self.solution).__name__}",
            "give {parameter: value}, or a function that sets the parameters of a model",
        )
        require(is_count(self.restarts), f"case {self.name}: restarts is {self.restarts!r}", "give at least 1")
        self._check_optimizer()

    def _check_optimizer(self) -> None:
        if _is_transformation(self.optimizer):
            return
        require(
            callable(self.optimizer),
            f"case {self.name}: optimizer is a {type(self.optimizer).__name__}, not an optax transformation",
            "give, for example, partial(optax.sgd, learning_rate=0.01)",
        )
        missing = [name for name, value in self.optimizer_options.items() if value is UNSET]
        require(
            not missing,
            f"case {self.name}: the optimizer is not told its {', '.join(missing)}",
            "give, for example, partial(optax.sgd, learning_rate=0.01)",
        )

    def _check_names(self) -> None:
        """What refers to another field by name finds it there."""
        require(
            self.criterion.metric in self.all_metrics,
            f"case {self.name}: the criterion's metric {self.criterion.metric!r} is not recorded",
            near_matches(self.criterion.metric, self.all_metrics),
        )
        for claim in self.claims:
            for said, known, what in (
                (claim.among, self.groups, "group"),
                (getattr(claim.check, "start", None), self.starts, "start"),
            ):
                require(
                    said is None or said in known,
                    f"case {self.name}: a claim speaks of the {what} {said!r}, which the case does not have",
                    near_matches(str(said), known),
                )
        diagnostics = [diagnostic.name for diagnostic in self.diagnostics]
        require(
            len(set(diagnostics)) == len(diagnostics),
            f"case {self.name}: two of its diagnostics share a name: {', '.join(diagnostics)}",
            "rename one",
        )
        for start in self.starts.values():
            require(
                isinstance(start, Mapping) and all(isinstance(value, int | float) for value in start.values()),
                f"case {self.name}: among its starts is {start!r}",
                "give {parameter: number}",
            )

    @property
    def id(self) -> str:
        """The case with what was done to it: "relu-to-relu", "relu-to-relu+adam", "relu-to-relu+adam@learning_rate"."""
        swept = [str(self.sweep)] if self.sweep else [f"{option}={value!r}" for option, value in self.setting.items()]
        return self.name + (f"+{self.treatment}" if self.treatment else "") + "".join(f"@{item}" for item in swept)

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
        return replace(self, model=compose_start(self.model, change))

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
