"""Treatments change what they say, keep what must stay to be compared, and say where they make no sense."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import numpy as np
import optax
import pytest
from benchsuite_relu import relu_bias, relu_output, relu_to_relu
from flax import nnx
from scipy.stats import binomtest, kstest
from toys import cut_down, line, line_table, run, treatment

from benchsuite import Case, CaseError, Criterion, DoesNotApply, Schedule, Split, Stream, Table, Treatment
from benchsuite.case.sweep import SweepRange
from benchsuite.engine.ensemble import Ensemble
from benchsuite.engine.problem import Problem
from benchsuite.engine.trainer import make_plan
from benchsuite.errors import OptionError
from benchsuite.plugins.registry import load_registry
from benchsuite.plugins.selection import select_treatments, select_variants
from benchsuite.results.trace import Trace
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine
from benchsuite.variants.treatment import combine_treatments
from benchsuite.variants.variant import sweep_case

REGISTRY = load_registry()
OURS = REGISTRY.treatments

(RELU,), (BIAS,), (OUTPUT,) = (module.benchsuite_cases() for module in (relu_to_relu, relu_bias, relu_output))


def train(case: Case, seeds: int = 16, **schedule: Any) -> Trace:
    """The first seeds of a case."""
    case = dataclasses.replace(case, schedule=dataclasses.replace(case.schedule, **schedule))
    problem = Problem.load(case, TrainingSettings(protocol="source"))
    return Ensemble.fitting(problem, seeds, machine.devices()).train(np.arange(seeds))[0]


def starts(case: Case, seeds: int = 16) -> np.ndarray:
    """The parameters (seeds, p) that the first seeds of a case start from."""
    problem = Problem.load(case, TrainingSettings())
    start = jax.jit(jax.vmap(problem.training.start, in_axes=(0, None, None, None)))
    return np.asarray(start(np.arange(seeds, dtype=np.uint32), None, None, problem.data)[1].parameters)


def converged(case: Case, course: Trace) -> np.ndarray:
    """Which seeds ended as the criterion wants."""
    return np.asarray(case.criterion.holds(course.metrics[case.criterion.metric][:, -1]))


#: Those of which no other has the same model with another number of layers.
CASES = [case for name, case in REGISTRY.cases.items() if name != "mnist-identity-4L"]


@pytest.mark.parametrize("name", OURS)
def test_treatment_applies_or_says_why(name: str) -> None:
    """Each of ours can be traced with every kind of case that it applies to, and applies to one at least."""
    applied = 0
    for case in map(cut_down, CASES):
        try:
            treated = OURS[name].apply(case)
        except DoesNotApply as reason:
            assert len(reason.message) > 10  # noqa: PT017  # it may also apply
            continue
        assert treated.id == f"{case.name}+{name}"
        assert Problem.load(treated, TrainingSettings()).training.steps[-1] > 0
        applied += 1

    assert applied
    assert OURS[name].summary.endswith(".")


@pytest.mark.parametrize("name", ["leaky-relu", "momentum", "adam", "learning-rate-x10"])
def test_same_starts_and_data(name: str) -> None:
    """What leaves the parameters' shape and start alone trains the same starts, to the last bit."""
    np.testing.assert_array_equal(starts(BIAS), starts(OURS[name].apply(BIAS)))


def test_starts_of_another_scale_are_the_same_numbers() -> None:
    """He's start is Glorot's times √2 for a single weight, LeCun's is the same, a larger one is doubled."""
    glorot = starts(OUTPUT)

    for name, factor in (("he", 2**0.5), ("lecun", 1.0), ("larger-start", 2.0)):
        np.testing.assert_allclose(starts(OURS[name].apply(OUTPUT)), factor * glorot, rtol=1e-6)


def test_positive_bias_is_that_of_the_hidden_units() -> None:
    """An output bias stays at zero."""
    b, c, *_ = starts(OURS["positive-bias"].apply(OUTPUT, bias=0.5)).T  # in the order of their names

    assert (b == 0.5).all()
    assert (c == 0).all()


def test_asymmetric_start_has_one_positive_draw() -> None:
    """Of w and b, one is drawn from Beta(2, 1) and the other from a normal of deviation 0.6007."""
    b, w = starts(OURS["asymmetric"].apply(BIAS), 400).T
    (alone,) = starts(OURS["asymmetric"].apply(RELU), 400).T

    assert ((w > 0) | (b > 0)).all()
    assert kstest(alone, "beta", args=(2, 1)).pvalue > 1e-3
    negative = np.concatenate([w[w < 0], b[b < 0]]) / 0.6007
    assert kstest(-negative, "halfnorm").pvalue > 1e-3


def test_identity_like_start_is_near_the_identity() -> None:
    """The identity, with a tenth of Glorot's random start."""
    case = OURS["identity-like"].apply(REGISTRY.case("mnist-identity-1L"))

    (layer,) = case.model(nnx.Rngs(0)).layers  # type: ignore[attr-defined]  # the model of that case

    noise = np.asarray(layer.kernel[...]) - np.eye(784)
    assert noise.std() == pytest.approx(0.1 * (2 / (784 + 784)) ** 0.5, rel=0.01)


def test_momentum_and_large_rates_jump_the_gap() -> None:
    """On the wrong side w shrinks by 1 - η a step: above η = 1 it lands on the right one, and all seeds learn."""
    for name in ("learning-rate-x150", "momentum", "leaky-relu"):
        treated = OURS[name].apply(RELU)
        assert converged(treated, train(treated)).all()


def test_wider_units_push_each_other_apart() -> None:
    """With a sum of units, those that all start on the wrong side do not stay there."""
    wide = OURS["wider"].apply(RELU, factor=2)
    course = train(wide, 64)

    wrong = (course.parameters[:, 0] < 0).all(axis=1)
    assert wrong.any()
    assert converged(wide, course).all()


def test_restarts_are_independent_and_cure_only() -> None:
    """The first is the seed's own start; with three, an eighth of the seeds fail where half of them did."""
    tripled = OURS["restarts"].apply(RELU, times=3)
    untreated, treated = (converged(case, train(case, 200, steps=300, evaluate_every=300)) for case in (RELU, tripled))

    assert (treated | ~untreated).all()
    assert binomtest(int(treated.sum()), 200, 7 / 8).pvalue > 1e-3


def test_restarts_count_their_cost() -> None:
    """The steps of every attempt are steps."""
    once, twice = (run(case, seeds=6).summaries()[0] for case in (line(), dataclasses.replace(line(), restarts=2)))

    assert once.converged == twice.converged == 6
    assert twice.time_to_success["expected_running_time"] == 2 * once.time_to_success["expected_running_time"]


@pytest.mark.parametrize(
    ("name", "x_range", "y_range"), [("unit-scale", (-1, 1), (-0.5, 1)), ("standardise", None, None)]
)
def test_scaling_is_measured_on_the_training_rows(name: str, x_range: Any, y_range: Any) -> None:
    """Inputs are shifted and divided, targets are divided only, and R² of the same prediction is the same."""
    case = line(dataset=line_table(), schedule=Schedule(epochs=1))
    treated = OURS[name].apply(case)
    split = treated.dataset.load({})  # type: ignore[union-attr]  # a table
    x, y = treated.dataset.prepare(split.train)  # type: ignore[union-attr]  # as above

    if name == "unit-scale":
        assert (x.min(), x.max()) == pytest.approx(x_range)
        assert (y.min(), y.max()) == pytest.approx(y_range)
    else:
        assert (x.mean(), x.std(), y.std()) == pytest.approx((0, 1, 1), abs=1e-6)
        assert y.mean() > 0.5


def halving(case: Case) -> Case:
    """A change that needs an option of the optimiser."""
    return case.with_optimizer(learning_rate=case.optimizer_options["learning_rate"] / 2)


def test_treatments_are_joined_in_their_order() -> None:
    """The second sees what the first made."""
    joined = combine_treatments([treatment(lambda c: dataclasses.replace(c, optimizer=partial(optax.sgd, 1.0)), "one"),
                       treatment(halving, "half")])  # fmt: skip

    treated = joined.apply(line())

    assert treated.id == "line+one+half"
    assert treated.optimizer_options["learning_rate"] == 0.5


@pytest.mark.parametrize("names", ["larger-start+gelu", "asymmetric+wider", "larger-start+asymmetric+he"])
def test_treatments_of_the_model_are_joined(names: str) -> None:
    """What changes a fresh model leaves its options to those that follow."""
    (joined,) = select_treatments([names], [], OURS)

    assert Problem.load(joined.apply(cut_down(BIAS)), TrainingSettings()).training.steps[-1] > 0


def test_joined_treatments_have_the_options_of_all() -> None:
    """They can be set and swept."""
    (joined,) = select_treatments(["positive-bias+momentum"], [], OURS)

    case = joined.apply(BIAS, bias=0.5, momentum=0.1)

    assert case.optimizer_options["momentum"] == 0.1
    assert joined.options == {"bias": 0.1, "momentum": 0.9}
    sweep = sweep_case(BIAS, joined, SweepRange("bias", (0.5, 1.0))).sweep
    assert sweep
    assert sweep.at(0.5).id == "relu-bias+positive-bias+momentum"


def test_scale_of_a_table_travels_with_its_rows() -> None:
    """Rows that were loaded before others keep their own scale: nothing is remembered between the calls."""
    sizes = iter((2.0, 8.0))

    def load(files: Any) -> Split:
        del files
        x = next(sizes) * np.linspace(-1, 1, 4, dtype=np.float32)[:, None]
        return Split((x, x), (x, x))

    case = line(dataset=Table("growing", load=load, batch_size=2), schedule=Schedule(epochs=1))
    table = OURS["unit-scale"].apply(case).dataset
    assert isinstance(table, Table)

    small, large = table.load({}), table.load({})

    for split in (small, large):
        for rows in split:
            assert np.abs(np.asarray(table.prepare(rows)[0])).max() == 1


def test_scaling_leaves_other_criteria_alone() -> None:
    """On another scale, a bound on the loss would be another success."""
    case = line(dataset=line_table(), schedule=Schedule(epochs=1), criterion=Criterion("loss", at_most=0.1))

    with pytest.raises(DoesNotApply, match="depends on the scale"):
        OURS["standardise"].apply(case)


def test_scaled_stream_keeps_its_name() -> None:
    """Its figures are those of the same data, whether these are prepared or drawn as pairs."""

    def wide(key: Any, n: int) -> Any:
        x = 5 * jax.random.normal(key, (n, 1))
        return x, x

    treated = OURS["standardise"].apply(line(dataset=Stream(wide, batch_size=8)))

    assert treated.dataset.name == "wide"
    np.testing.assert_allclose(np.std(treated.dataset.prepare(wide(jax.random.key(1), 10_000))[0]), 1, rtol=0.05)


def test_scaled_data_can_be_swept() -> None:
    """They are scaled once, whatever the values of an option of the optimiser."""
    tables = line(dataset=line_table(), schedule=Schedule(epochs=2), optimizer=partial(optax.sgd, learning_rate=0.1))
    wide = line(optimizer=partial(optax.sgd, learning_rate=0.1), dataset=Stream(wide_line, batch_size=8))
    (joined,) = select_treatments(["standardise+decay"], [], OURS)

    for case in (tables, wide):
        course = train(sweep_case(case, joined, SweepRange("learning_rate", (0.01, 0.1))), 2)
        assert np.isfinite(course.metrics["loss"]).all()


def wide_line(key: jax.Array, n: int) -> tuple[jax.Array, jax.Array]:
    """Inputs around 5, with a deviation of 3."""
    x = 5 + 3 * jax.random.normal(key, (n, 1))
    return x, x


BAD_CHANGES = {
    "nothing": (lambda case: None, "returns a NoneType, expected a Case"),
    "raises": (lambda case: 1 / 0, "ZeroDivisionError"),
    "renames": (lambda case: dataclasses.replace(case, name="other"), "changes its name"),
    "criterion": (
        lambda case: dataclasses.replace(case, criterion=Criterion("r2", at_least=0)),
        "changes its criterion",
    ),
    "breaks": (lambda case: dataclasses.replace(case, optimizer=3), "optimizer is a int"),
}


@pytest.mark.parametrize(("change", "said"), BAD_CHANGES.values(), ids=BAD_CHANGES)
def test_bad_change_is_told(change: Any, said: str) -> None:
    """The treatment and the case are named."""
    with pytest.raises(CaseError, match="treatment change of line") as refused:
        treatment(change).apply(line())

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "all"}, "neither all nor none"),
        ({"name": "two words"}, "two words"),
        ({"summary": ""}, "summary"),
        ({"source": None}, "source"),
        ({"change": 3}, "not a function"),
        ({"change": lambda case, other: case}, "default of its option other"),
        ({"change": lambda case, name="x": case}, "default of its option name"),
    ],
)
def test_bad_treatment_is_refused(fields: dict[str, Any], said: str) -> None:
    """A plugin learns of a mistake where it made it."""
    standard = {"name": "name", "summary": "Summary.", "source": "source", "change": lambda case: case}

    with pytest.raises(CaseError) as refused:
        Treatment(**(standard | fields))

    assert said in str(refused.value)


def test_ready_made_optimizer_says_how_to_open_its_options() -> None:
    """A case that gives a transformation has no options of it to change."""
    with pytest.raises(DoesNotApply, match="has no options") as refused:
        OURS["momentum"].apply(line())

    assert "partial(optax.sgd" in refused.value.hint


def test_what_was_chosen_must_apply_somewhere() -> None:
    """It is an error if none does; beside others it is not."""
    momentum, null = select_treatments(["momentum"], [], OURS), treatment(lambda case: case, "null")

    with pytest.raises(OptionError, match="momentum applies nowhere:\n  line\\+momentum: its optimiser") as refused:
        select_variants([line()], momentum, TrainingSettings())

    assert "other cases" in refused.value.hint
    untreated, treated, other = select_variants([line()], [*momentum, null], TrainingSettings())
    assert untreated.treated
    assert other.treated
    assert not treated.applies
    with pytest.raises(OptionError, match="--sweep momentum applies nowhere"):
        select_variants([line()], [], TrainingSettings(sweep="momentum=0.5,0.9"))


def test_a_failing_treatment_is_no_reason_to_stop() -> None:
    """It is handed on as an error, beside what can be trained."""
    broken = treatment(lambda case: 1 / 0, "broken")

    untreated, treated = select_variants([line()], [broken], TrainingSettings())

    assert untreated.treated
    assert treated.applies
    assert isinstance(treated.error, CaseError)


def test_memory_of_restarts_is_a_lane_each() -> None:
    """Chunks hold fewer seeds where each is several trainings."""
    settings = TrainingSettings(seeds=64, rounds=1)
    problems = [Problem.load(dataclasses.replace(line(), restarts=restarts), settings) for restarts in (1, 64)]

    wide, narrow = (make_plan(problem, settings, machine.devices()).chunk_size for problem in problems)

    assert wide == 64
    assert narrow == len(machine.devices()) * 256 // 64
