"""A case, its diagnostics and its landscape, validated at construction.

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
    """A figure that explains the outcome of a training: one number for each seed, computed at its end.

    Args:
        name: name in tables and summaries.
        reading: definition and interpretation, in one sentence.
        of_model: (model, x, y) → scalar, pure JAX, on the evaluation data; or
        of_data: (Split) → number, NumPy, on the rows of a table as loaded: the same for every seed.

    Raises:
        CaseError: both functions are given, or none.
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
            "give exactly one of of_model and of_data",
        )
        require_text(self.name, "a diagnostic's name")
        require_text(self.reading, f"the reading of diagnostic {self.name!r}")


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """Ranges of the plots of the loss as a function of the parameters.

    Args:
        ranges: parameter → (lowest, highest) value; by default a range that includes the paths.
        close_up: the same for a plot of a small part.
        basins: two parameters → (lowest, highest) start, for a grid of starts that is trained while all other
            parameters start at 0. A case with two parameters needs none.

    Raises:
        CaseError: a range is reversed, or `basins` has another number of parameters than two.
    """

    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    close_up: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    basins: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for ranges in (self.ranges, self.close_up, self.basins):
            for name, (low, high) in ranges.items():
                require(low < high, f"Landscape's range of {name} is {low} to {high}", "give the lowest value first")
        require(
            len(self.basins) in (0, 2),
            f"Landscape's basins have {len(self.basins)} parameters, expected 2",
            "name two parameters",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One benchmark: a model, a dataset and a success criterion, trained from many random starts.

    Args:
        name: unique among all plugins; it seeds the random numbers, so a renamed case is another case.
        summary: one sentence.
        source: origin of the case, an address or a reference.
        model: (rngs: nnx.Rngs) → nnx.Module, a callable x → prediction with the shape of the target. Treatments
            change its keyword options, such as activation and kernel_init.
        dataset: the examples, a `Stream` or a `Table`.
        optimizer: a function without required arguments that returns an optax transformation, such as
            partial(optax.sgd, learning_rate=0.01), whose options treatments and sweeps change; or a transformation.
        schedule: the protocol of the source.
        quick: a shorter protocol for everyday use; by default that of the source.
        criterion: condition of success at the last evaluation.
        loss: (prediction, target) → scalar to minimise.
        metrics: name → (prediction, target) → scalar, recorded besides "loss", "r2" and "largest_error".
        claims: statements of the source to check.
        starts: name → {parameter: value}, starts that are trained beside the random ones and reported apart from
            the rate. For models with at most 16 parameters, all of which must be given.
        groups: name → ({parameter: (n,) values at the start} → (n,) truth values), NumPy; kinds of starts, each with
            its own rate. Groups may overlap, and need not cover all starts.
        diagnostics: figures that explain the outcome of a training.
        solution: parameters that meet the criterion, as {parameter: value} or as (model) → None that sets them.
            Landscapes of more than two parameters are planes through it if it is given by values.
        landscape: ranges of the plots of `benchsuite landscape`.
        restarts: independent starts of every seed, trained on the same batches; the best one counts.
        treatment: name of the treatment; set by `Treatment.apply`.
        sweep: the values of an option that are trained side by side; set by a sweep.
        setting: option → its value, where the values of a sweep are trained one after another; set by a sweep.
        rung: the place of the case in a family; set by `Family`.

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
            f"case {self.name}: the optimizer lacks {', '.join(missing)}",
            "give, for example, partial(optax.sgd, learning_rate=0.01)",
        )

    def _check_names(self) -> None:
        """Check that names that refer to other fields exist there."""
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
                    f"case {self.name}: a claim is about the {what} {said!r}, which the case does not have",
                    near_matches(str(said), known),
                )
        diagnostics = [diagnostic.name for diagnostic in self.diagnostics]
        require(
            len(set(diagnostics)) == len(diagnostics),
            f"case {self.name}: diagnostics have duplicate names: {', '.join(diagnostics)}",
            "rename one of them",
        )
        for start in self.starts.values():
            require(
                isinstance(start, Mapping) and all(isinstance(value, int | float) for value in start.values()),
                f"case {self.name}: its starts contain {start!r}",
                "give {parameter: number}",
            )

    @property
    def id(self) -> str:
        """The name with treatment and sweep: "relu-to-relu", "relu-to-relu+adam", "relu-to-relu+adam@learning_rate"."""
        swept = [str(self.sweep)] if self.sweep else [f"{option}={value!r}" for option, value in self.setting.items()]
        return self.name + (f"+{self.treatment}" if self.treatment else "") + "".join(f"@{item}" for item in swept)

    @property
    def solution_values(self) -> Mapping[str, float]:
        """The solution as {parameter: value}; empty where it is not given by values."""
        return self.solution if isinstance(self.solution, Mapping) else {}

    @property
    def model_options(self) -> dict[str, Any]:
        """The options of the model, name → value."""
        return options_of(self.model, arguments=1)

    @property
    def optimizer_options(self) -> dict[str, Any]:
        """The options of the optimiser, name → value; empty where it is given as a transformation."""
        return {} if _is_transformation(self.optimizer) else options_of(self.optimizer)

    def with_model(self, **options: Any) -> Case:
        """Change options of the model.

        Raises:
            DoesNotApply: the model has no such option.
        """
        return replace(self, model=with_options(self.model, "model", 1, **options))

    def with_start(self, change: Callable[[Any, Any], None]) -> Case:
        """Change the initial parameters of the model.

        Args:
            change: (model, rngs) → None, sets parameters of a new model; otherwise a pure JAX function.
        """
        return replace(self, model=compose_start(self.model, change))

    def with_optimizer(self, **options: Any) -> Case:
        """Change options of the optimiser.

        Raises:
            DoesNotApply: the optimiser has no such option.
        """
        if _is_transformation(self.optimizer):
            raise DoesNotApply(
                "its optimiser is an optax transformation, which has no options",
                "replace optax.sgd(0.01) by partial(optax.sgd, learning_rate=0.01)",
            )
        return replace(self, optimizer=with_options(self.optimizer, "optimiser", **options))

    def make_optimizer(self) -> optax.GradientTransformation:
        """Make the optax transformation.

        Raises:
            CaseError: the function of the optimiser returns something else.
        """
        made = self.optimizer if _is_transformation(self.optimizer) else self.optimizer()
        if not _is_transformation(made):
            raise CaseError(f"its optimizer returns a {type(made).__name__}", "return an optax transformation")
        return made

    @property
    def all_metrics(self) -> dict[str, Metric]:
        """All recorded metrics by name: the loss, R², the largest error and those of the case."""
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
