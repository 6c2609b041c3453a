"""A case, validated at construction.

This module imports no JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from benchsuite.case.claim import Claim
from benchsuite.case.dataset import Stream, Table
from benchsuite.case.diagnostic import Diagnostic, Landscape
from benchsuite.case.factory import compose_start, options_of, with_options
from benchsuite.case.metrics import largest_error, mean_squared_error, r2
from benchsuite.case.objective import (
    Measure,
    Objective,
    Player,
    check_optimizer,
    check_players,
    is_transformation,
    make_transformation,
)
from benchsuite.case.schedule import STEPS, Criterion, Schedule
from benchsuite.case.sweep import Rung, Sweep
from benchsuite.errors import DoesNotApply, near_matches, require, require_text
from benchsuite.names import is_count, is_name

if TYPE_CHECKING:
    import optax
    from flax import nnx

#: (prediction, target) → scalar.
Metric = Callable[[Any, Any], Any]

#: The types of numbers that a case may train in.
DTYPES = ("float32", "float64", "bfloat16")

#: The criterion of a case with real targets, unless it has one of its own.
_REGRESSION = Criterion("r2", at_least=0.99)


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One benchmark: a model, a dataset and a success criterion, trained from many random starts.

    Args:
        name: unique among all plugins; it seeds the random numbers, so a renamed case is another case.
        summary: one sentence.
        source: origin of the case, an address or a reference.
        model: (rngs: nnx.Rngs) → nnx.Module, a callable x → prediction, with the shape of the target where targets are
            real numbers. Treatments change its keyword options, such as activation and kernel_init.
        dataset: the examples, a `Stream` or a `Table`; None for a function of the parameters alone, with the batch ().
        optimizer: a function without required arguments that returns an optax transformation, such as
            partial(optax.sgd, learning_rate=0.01), whose options treatments and sweeps change; or a transformation.
            None with players, which have their own.
        schedule: the protocol of the source.
        quick: a shorter protocol for everyday use; by default that of the source.
        criterion: condition of success; R² ≥ 0.99 by default where targets are real numbers.
        loss: (prediction, target) → scalar to minimise; by default the mean squared error.
        objective: in place of a loss: (model, batch) → scalar to minimise, or (scalar, {name: scalar}) with metrics.
            The batch is what `prepare` of the dataset returns.
        players: in place of a loss: several objectives, each over a part of the model, in turn.
        metrics: name → (prediction, target) → scalar, or one truth value for each example, whose share is recorded; or
            name → `Measure` of the model. Recorded besides "loss" and, where targets are real numbers, "r2" and
            "largest_error".
        claims: statements of the source to check.
        starts: name → {parameter: value}, starts that are trained beside the random ones and reported apart from
            the rate. For models with at most 16 parameters, all of which must be given.
        groups: name → ({parameter: (n,) values at the start} → (n,) truth values), NumPy; kinds of starts, each with
            its own rate. Groups may overlap, and need not cover all starts.
        diagnostics: figures that explain the outcome of a training.
        solution: parameters that meet the criterion, as {parameter: value} or as (model) → None that sets them.
            Landscapes of more than two parameters are planes through it if it is given by values.
        landscape: ranges of the plots of `benchsuite landscape`.
        dtype: "float32", "float64" or "bfloat16": type to which float32 parameters, inputs and targets are converted;
            arrays of other types keep theirs.
        restarts: independent starts of every seed, trained on the same batches; the best one counts.
        family: the group of related problems that it belongs to, such as "xor"; by default the name of its ladder.
        tags: words to select it by: "core", "small" or "long", and the kind of problem, such as "regression".
        treatment: name of the treatment; set by `Treatment.apply`.
        optimizer_replaced: whether a treatment replaced the optimizer or a player; set by `Treatment.apply`.
        sweep: the values of options that are trained side by side; set by a sweep.
        setting: option → its value, where the values of a sweep are trained one after another; set by a sweep.
        rung: the place of the case in a ladder; set by `Ladder`.

    Raises:
        CaseError: a field is of the wrong kind, or two fields do not fit together.
    """

    name: str
    summary: str
    source: str
    model: Callable[[nnx.Rngs], nnx.Module]
    dataset: Stream | Table | None
    optimizer: Callable[[], optax.GradientTransformation] | optax.GradientTransformation | None = None
    schedule: Schedule
    quick: Schedule | None = None
    criterion: Criterion = None  # type: ignore[assignment]  # set by __post_init__
    loss: Metric | None = None
    objective: Objective | None = None
    players: Sequence[Player] = ()
    metrics: Mapping[str, Metric | Measure] = field(default_factory=dict)
    claims: Sequence[Claim] = ()
    starts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    groups: Mapping[str, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    diagnostics: Sequence[Diagnostic] = ()
    solution: Mapping[str, float] | Callable[[Any], None] | None = None
    landscape: Landscape = Landscape()
    dtype: str = "float32"
    restarts: int = 1
    family: str = ""
    tags: Sequence[str] = ()
    treatment: str = ""
    optimizer_replaced: bool = False
    sweep: Sweep | None = None
    setting: Mapping[str, float] = field(default_factory=dict)
    rung: Rung | None = None

    def __post_init__(self) -> None:
        for word in (self.name, *self.tags, self.family or self.name):
            require(
                is_name(word), f"a case, family or tag is named {word!r}", "use letters, digits and single - _ or ."
            )
        self._set_defaults()
        self._check_types()
        self._check_functions()
        self._check_optimizers()
        for schedule in filter(None, (self.schedule, self.quick)):
            kind = "case without dataset" if self.dataset is None else type(self.dataset).__name__
            require(
                schedule.unit == self.unit,
                f"case {self.name}: a {kind} is scheduled in {self.unit}, not {schedule.unit}",
                f"write Schedule({self.unit}=…)",
            )
        self._check_names()

    def _set_defaults(self) -> None:
        """Set the loss and the criterion of regression where nothing else is given."""
        given = [name for name in ("loss", "objective", "players") if getattr(self, name)]
        require(
            len(given) <= 1,
            f"case {self.name}: it has {' and '.join(given)}",
            "give only one of loss, objective and players",
        )
        require(
            bool(given) or self.dataset is not None,
            f"case {self.name}: it has neither a dataset nor an objective",
            "give objective or players, or a dataset",
        )
        require(
            self.loss is None or self.dataset is not None,
            f"case {self.name}: it has a loss, but no dataset",
            "give objective in place of loss, or a dataset",
        )
        if not given:
            object.__setattr__(self, "loss", mean_squared_error)
        if self.criterion is None and self.is_supervised:
            object.__setattr__(self, "criterion", _REGRESSION)
        require(
            self.criterion is not None,
            f"case {self.name}: it has no criterion",
            'give criterion, for example Criterion("loss", at_most=0.01)',
        )

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
        for name, noun in (("claims", Claim), ("diagnostics", Diagnostic)):
            for item in getattr(self, name):
                require(isinstance(item, noun), f"case {self.name}: {item!r} among its {name}", f"give {noun.__name__}")
        require(
            self.solution is None or isinstance(self.solution, Mapping) or callable(self.solution),
            f"case {self.name}: solution is a {type(self.solution).__name__}",
            "give {parameter: value}, or a function that sets the parameters of a model",
        )
        require(is_count(self.restarts), f"case {self.name}: restarts is {self.restarts!r}", "give at least 1")
        require(
            self.dtype in DTYPES, f"case {self.name}: dtype is {self.dtype!r}", near_matches(str(self.dtype), DTYPES)
        )

    def _check_functions(self) -> None:
        losses = {"loss": self.loss} if self.is_supervised else {"objective": self.objective} if self.objective else {}
        own = {name: metric for name, metric in self.metrics.items() if not isinstance(metric, Measure)}
        require(
            self.is_supervised or not own,
            f"case {self.name}: its metrics {', '.join(own)} compare predictions, which it has no loss for",
            "give a Measure, or metrics of the objective as (scalar, {name: scalar})",
        )
        for name, function in {"model": self.model, **losses, **own, **self.groups}.items():
            require(callable(function), f"case {self.name}: {name} is not callable", "give a function")

    def _check_optimizers(self) -> None:
        check_players(self.name, self.players)
        if self.players and self.optimizer is not None:
            raise DoesNotApply(
                f"case {self.name}: each of its players has an optimizer of its own", "omit the optimizer of the case"
            )
        if not self.players:
            check_optimizer(f"case {self.name}", self.optimizer)

    def _check_names(self) -> None:
        """Check that names that refer to other fields exist there."""
        require(
            not self.is_supervised or self.criterion.metric in self.all_metrics,  # others are known when it is traced
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
        swept = [
            *(f"{option}={value!r}" for option, value in self.setting.items()),
            *(self.sweep.values if self.sweep else ()),
        ]
        return self.name + (f"+{self.treatment}" if self.treatment else "") + "".join(f"@{item}" for item in swept)

    @property
    def is_supervised(self) -> bool:
        """Whether a loss of predictions is minimised, not an objective of the model."""
        return self.objective is None and not self.players

    @property
    def unit(self) -> str:
        """The unit of the schedule: "steps" or "epochs"."""
        return STEPS if self.dataset is None else self.dataset.unit

    @property
    def data_name(self) -> str:
        """The name of the dataset; "none" for a case without one."""
        return "none" if self.dataset is None else self.dataset.name

    @property
    def measures(self) -> dict[str, Measure]:
        """The metrics of the model."""
        return {name: metric for name, metric in self.metrics.items() if isinstance(metric, Measure)}

    @property
    def prediction_metrics(self) -> dict[str, Metric]:
        """The case's own metrics of predictions."""
        return {name: metric for name, metric in self.metrics.items() if not isinstance(metric, Measure)}

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
        """The options of the optimiser and their values; none where it is given as a transformation."""
        if self.optimizer is None or is_transformation(self.optimizer):
            return {}
        return options_of(self.optimizer)

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

    def with_optimizer(self, optimizer: Any = None, /, **options: Any) -> Case:
        """Replace the optimiser, by one of the kinds that `Case` takes, or change options of it.

        A sweep reaches the options of a function such as `partial(optax.adam, learning_rate=0.01)`, and those of all
        nested calls of `--optimizer`, but none of a transformation.

        Raises:
            DoesNotApply: the optimiser has no such option, or the players have optimisers of their own.
        """
        if self.optimizer is None:
            raise DoesNotApply("its players have optimisers of their own")
        changed = self.optimizer if optimizer is None else optimizer
        return replace(self, optimizer=with_options(changed, "optimiser", **options) if options else changed)

    def make_optimizer(self) -> optax.GradientTransformation:
        """Make the optax transformation.

        Raises:
            CaseError: the function of the optimiser returns something else.
        """
        return make_transformation(self.optimizer)

    @property
    def all_metrics(self) -> dict[str, Any]:
        """Metrics by name: the loss, R², the largest error and the case's own; R² and error with a loss alone."""
        if self.is_supervised:
            return {"loss": self.loss, "r2": r2, "largest_error": largest_error, **self.metrics}
        return {"loss": self.objective or self.players[0].objective, **self.metrics}


_FIELD_KINDS: dict[str, tuple[type, ...]] = {
    "dataset": (Stream, Table, type(None)),
    "players": (list, tuple),
    "schedule": (Schedule,),
    "quick": (Schedule, type(None)),
    "criterion": (Criterion,),
    "metrics": (Mapping,),
    "claims": (Sequence,),
    "starts": (Mapping,),
    "groups": (Mapping,),
    "diagnostics": (Sequence,),
    "landscape": (Landscape,),
    "tags": (list, tuple),
}
