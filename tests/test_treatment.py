"""Treatments change what they say, keep what must stay to be compared, and say where they make no sense."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import numpy as np
import optax
import pytest
from benchsuite_library.relu import relu_bias, relu_output, relu_to_relu
from flax import nnx
from toys import cut_down, line, line_table, treatment

from benchsuite import Case, CaseError, Criterion, DoesNotApply, Schedule, Split, Stream, Table, Treatment
from benchsuite.case.sweep import SweepRange
from benchsuite.engine.problem import Problem
from benchsuite.engine.trainer import make_plan
from benchsuite.errors import OptionError
from benchsuite.plugins.registry import load_registry
from benchsuite.plugins.selection import select_treatments, select_variants
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine
from benchsuite.variants.treatment import combine_treatments
from benchsuite.variants.variant import sweep_case

REGISTRY = load_registry()
OURS = REGISTRY.treatments

(RELU,), (BIAS,), (OUTPUT,) = (module.benchsuite_cases() for module in (relu_to_relu, relu_bias, relu_output))


def starts(case: Case, seeds: int = 16) -> np.ndarray:
    """The parameters (seeds, p) that the first seeds of a case start from."""
    problem = Problem.load(case, TrainingSettings())
    start = jax.jit(jax.vmap(problem.training.start, in_axes=(0, None, None, None)))
    return np.asarray(start(np.arange(seeds, dtype=np.uint32), None, None, problem.data)[1].parameters)


def test_positive_bias_is_that_of_the_hidden_units() -> None:
    """An output bias stays at zero."""
    b, c, *_ = starts(OURS["positive-bias"].apply(OUTPUT, bias=0.5)).T  # in the order of their names

    assert (b == 0.5).all()
    assert (c == 0).all()


def test_identity_like_start_is_near_the_identity() -> None:
    """The identity, with a tenth of Glorot's random start."""
    case = OURS["identity-like"].apply(REGISTRY.case("mnist-identity-1L"))

    (layer,) = case.model(nnx.Rngs(0)).layers  # type: ignore[attr-defined]  # the model of that case

    noise = np.asarray(layer.kernel[...]) - np.eye(784)
    assert noise.std() == pytest.approx(0.1 * (2 / (784 + 784)) ** 0.5, rel=0.01)


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
    assert sweep.at({"bias": 0.5}).id == "relu-bias+positive-bias+momentum"


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

    with pytest.raises(OptionError, match="momentum applies to no case:\n  line\\+momentum: its optimiser") as refused:
        select_variants([line()], momentum, TrainingSettings())

    assert "other cases" in refused.value.hint
    untreated, treated, other = select_variants([line()], [*momentum, null], TrainingSettings())
    assert untreated.treated
    assert other.treated
    assert not treated.applies
    with pytest.raises(OptionError, match="--sweep momentum applies to no case"):
        select_variants([line()], [], TrainingSettings(sweep=("momentum=0.5,0.9",)))


def test_a_failing_treatment_is_no_reason_to_stop() -> None:
    """It is handed on as an error, beside what can be trained."""
    broken = treatment(lambda case: 1 / 0, "broken")

    untreated, treated = select_variants([line()], [broken], TrainingSettings())

    assert untreated.treated
    assert treated.applies
    assert isinstance(treated.error, CaseError)


def test_only_a_new_optimizer_replaces_that_of_the_source() -> None:
    """What a treatment of starts or data leaves as it is, is not judged."""
    assert not OURS["he"].apply(BIAS).optimizer_replaced
    assert OURS["adam"].apply(BIAS).optimizer_replaced
    assert OURS["he"].apply(OURS["learning-rate-x10"].apply(BIAS)).optimizer_replaced


def test_memory_of_restarts_is_a_lane_each() -> None:
    """Blocks hold fewer seeds where each is several trainings."""
    settings = TrainingSettings(seeds=64, rounds=1)
    problems = [Problem.load(dataclasses.replace(line(), restarts=restarts), settings) for restarts in (1, 4)]

    wide, narrow = (make_plan(problem, settings, machine.devices()).chunk_size for problem in problems)

    assert (wide, narrow) == (128, 32)


XOR = REGISTRY.case("xor-two-relu")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("redraw", "silent"), ("flip-signs", "never silent"), ("mirrored", "pair")],
)
def test_starts_say_why_they_do_not_apply(name: str, reason: str) -> None:
    """One unit is silent somewhere, sigmoid units never are, and one unit has no partner."""
    case = {"redraw": BIAS, "flip-signs": REGISTRY.case("parity-4"), "mirrored": BIAS}[name]

    with pytest.raises(DoesNotApply, match=reason):
        OURS[name].apply(case)


def test_restarts_at_equal_budget_take_no_more_steps() -> None:
    """The steps of all attempts are those of the case."""
    treated = OURS["restarts-equal-budget"].apply(XOR, times=3)

    assert treated.restarts == 3
    assert 3 * treated.schedule.length <= XOR.schedule.length < 3 * (treated.schedule.length + 1)
