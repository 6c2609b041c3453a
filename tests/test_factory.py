"""The options of factories: what they are, and how they are changed."""

from __future__ import annotations

from functools import partial
from typing import Any

import optax
import pytest
from benchsuite_library.relu.units import Unit
from flax import nnx

from benchsuite import DoesNotApply
from benchsuite.case.factory import UNSET, compose_start, options_of, with_options


def scaled(x: float, /, *args: float, scale: float = 2.0, shift: float, **rest: float) -> tuple[Any, ...]:
    """A function with parameters of every kind."""
    return x, args, scale, shift, rest


def test_options_have_their_values() -> None:
    """Those that are given, those by default, and those that are still to be given."""
    assert options_of(partial(optax.sgd, 0.01, nesterov=True)) == {
        "learning_rate": 0.01,
        "momentum": None,
        "nesterov": True,
        "accumulator_dtype": None,
    }
    assert options_of(optax.adam)["learning_rate"] is UNSET
    assert options_of(scaled) == {"scale": 2.0, "shift": UNSET}


def test_options_of_a_model_are_those_of_its_class() -> None:
    """Flax hides a class's arguments behind its metaclass, and the random numbers are no option."""
    assert list(options_of(Unit, arguments=1)) == ["bias", "units", "activation", "kernel_init", "bias_init"]
    assert options_of(partial(Unit, bias=True), arguments=1)["bias"] is True


def test_changed_options_replace_those_given() -> None:
    """Positional ones too; the others stay."""
    changed = with_options(partial(optax.sgd, 0.01, momentum=0.5), "optimiser", learning_rate=0.1)

    assert options_of(changed)["learning_rate"] == 0.1
    assert options_of(changed)["momentum"] == 0.5
    model = with_options(partial(Unit, bias=True), "model", 1, activation=nnx.elu)(nnx.Rngs(0))
    assert model.activation is nnx.elu
    assert model.b is not None


def test_changes_after_a_model_is_made_keep_its_options() -> None:
    """A model that is changed when it is fresh can be given other options still, however it was given the first."""

    class Net(nnx.Module):
        def __init__(self, units: int, rngs: nnx.Rngs, **rest: float) -> None:
            self.kernel = nnx.Param(rngs.normal((units,)))
            self.rest = rest

    def double(model: Any, _: nnx.Rngs) -> None:
        model.kernel[...] *= 2

    made = compose_start(partial(Net, 3, depth=4.0), double)

    assert options_of(made, 1) == options_of(partial(Net, 3, depth=4.0), 1) == {"units": 3}
    assert made(nnx.Rngs(0)).kernel == pytest.approx(2 * Net(3, nnx.Rngs(0)).kernel[...])
    wider = with_options(partial(Net, 3, depth=4.0), "model", 1, units=5)(nnx.Rngs(0))
    assert wider.kernel.shape == (5,)
    assert wider.rest == {"depth": 4.0}


def test_unknown_option_is_named_with_near_matches() -> None:
    """What a factory does not have does not apply."""
    with pytest.raises(DoesNotApply, match="its optimiser has no option 'momentun'") as refused:
        with_options(optax.sgd, "optimiser", momentun=0.9)

    assert refused.value.hint == "did you mean momentum?"
