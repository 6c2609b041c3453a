"""A failure is blamed on what fails: the optimiser, a metric, the data, a setting of the environment."""

from __future__ import annotations

import pwd
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from toys import line, line_table, noisy_line, run

from benchsuite import Criterion, Schedule, Stream
from benchsuite.engine import Problem
from benchsuite.errors import CaseError, DeviceError, OptionError
from benchsuite.settings import TrainingSettings
from benchsuite.system import cache, compat, machine


class State(NamedTuple):
    """The state of a loop."""

    rest: dict[str, jax.Array]


def by_update(update: Any) -> Any:
    """Return a function that makes an optimiser, stateless where `update` keeps the state."""

    def mine() -> optax.GradientTransformation:
        return optax.GradientTransformation(lambda parameters: jnp.int32(0), update)

    return mine


def fails(*_: Any) -> Any:
    """Fail at once."""
    raise ZeroDivisionError("no such luck")


class Growing(nnx.Module):
    """A line whose counter changes its shape."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.line = nnx.Linear(1, 1, rngs=rngs)
        self.calls = nnx.Variable(jnp.zeros((), jnp.int32))

    def __call__(self, x: jax.Array) -> jax.Array:
        self.calls.set_value(self.calls[...][None])
        return self.line(x)


@pytest.mark.parametrize(
    ("fields", "said", "hint"),
    [
        (
            {"optimizer": by_update(fails)},
            r"its optimiser by_update.*mine failed: ZeroDivisionError: no such luck \(test_blame.py, line \d+\)",
            "choose another one",
        ),
        (
            {"optimizer": by_update(lambda g, s, p=None: (g, s) if optax.tree.norm(g) > 1 else (p, s))},
            "its optimiser .*mine branches on a traced value",
            "jnp.where",
        ),
        (
            {"optimizer": by_update(lambda g, s, p=None: (g, s + 0.5))},
            r"its optimiser .*mine failed: ValueError: next state: float32\[\] in place of int32\[\]",
            "choose another one",
        ),
        (
            {"optimizer": by_update(lambda g, s, p=None: (jax.tree.map(lambda _: jnp.ones((2, 2)), g), s))},
            r"its optimiser .*mine failed: ValueError: updates: float32\[2, 2\] in place of float32\[1\]",
            "choose another one",
        ),
        ({"optimizer": fails}, "its optimiser fails failed: ZeroDivisionError", ""),
        (
            {"model": Growing},
            r"its model changes the type of its variable calls from int32\[\] to int32\[1\]",
            "assign",
        ),
        ({"metrics": {"mine": fails}}, "its metric 'mine' failed: ZeroDivisionError", "call the metric by hand"),
        (
            {"metrics": {"mine": lambda p, t: 1.0 if (p > t).all() else 0.0}},
            "its metric 'mine' branches on a traced value",
            "jnp.where",
        ),
        (
            {"metrics": {"mine": lambda p, t: float(p.mean())}},
            "its metric 'mine' needs the value of a traced array",
            "jax.numpy",
        ),
        ({"metrics": {"mine": lambda p, t: np.sort(p)}}, "its metric 'mine' needs the value of a traced", "jax.numpy"),
        ({"loss": fails}, "its loss failed: ZeroDivisionError", "call the loss by hand"),
        (
            {"objective": fails, "criterion": Criterion("loss", at_most=1.0)},
            "its objective failed: ZeroDivisionError",
            "the objective",
        ),
        (
            {"dataset": Stream(noisy_line, batch_size=8, prepare=fails)},
            "its dataset's prepare failed: ZeroDivisionError",
            "",
        ),
        (
            {"dataset": line_table(prepare=fails), "schedule": Schedule(epochs=1)},
            "its dataset's prepare failed: ZeroDivisionError",
            "",
        ),
    ],
)
def test_failure_names_the_part_that_fails(fields: dict[str, Any], said: str, hint: str) -> None:
    """The optimiser, model, metric, loss or function of the data is named; a hint helps with it, or there is none."""
    with pytest.raises(CaseError, match=f"case line: {said}") as caught:
        Problem.load(line(**fields), TrainingSettings()).training  # noqa: B018  # traces it

    assert hint in caught.value.hint
    assert bool(hint) == bool(caught.value.hint)


@pytest.mark.parametrize("name", ["jax_disable_jit", "jax_debug_nans", "jax_debug_infs"])
def test_setting_under_which_nothing_trains_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its environment variable where that is set, before anything is trained."""
    jax.config.update(name, True)
    try:
        with pytest.raises(OptionError, match=f"jax.config.{name} is set, but"):
            run(line())
        monkeypatch.setenv(name.upper(), "1")
        with pytest.raises(OptionError, match=f"{name.upper()} is set, but") as caught:
            machine.check_settings()
    finally:
        jax.config.update(name, False)
    assert caught.value.hint == f"unset {name.upper()}"
    machine.check_settings()


def test_hint_names_a_strict_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where JAX is stricter than by default, the setting is named in place of any other hint."""
    monkeypatch.setenv("JAX_NUMPY_RANK_PROMOTION", "raise")
    case = line(loss=lambda p, t: jnp.mean((p - t) ** 2 + jnp.ones(1)))

    with jax.numpy_rank_promotion("raise"), pytest.raises(CaseError, match="its loss failed: ValueError") as caught:
        Problem.load(case, TrainingSettings()).training  # noqa: B018  # traces it

    assert caught.value.hint == "unset JAX_NUMPY_RANK_PROMOTION: JAX is stricter than by default"
    with jax.numpy_rank_promotion("raise"), pytest.raises(CaseError, match="its loss failed: ZeroDiv") as caught:
        Problem.load(line(loss=fails), TrainingSettings()).training  # noqa: B018  # traces it
    assert caught.value.hint == "call the loss by hand on one batch"


def test_overruled_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its value and what holds instead; the number of devices is not overruled."""
    assert machine.overruled_settings("highest") == []
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    monkeypatch.setenv("JAX_DEFAULT_MATMUL_PRECISION", "bfloat16")

    wide, products = machine.overruled_settings("highest")

    assert "JAX_ENABLE_X64=1 is overruled" in wide
    assert "JAX_DEFAULT_MATMUL_PRECISION=bfloat16 is overruled by --precision highest" in products


def test_platform_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where JAX_PLATFORMS excludes or names a device that there is not, the error says so."""
    monkeypatch.undo()  # the devices of the tests
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")

    with pytest.raises(DeviceError, match="no tpu device, as JAX_PLATFORMS is 'cpu'") as caught:
        machine.devices("tpu")

    assert "unset JAX_PLATFORMS" in caught.value.hint


def test_change_of_type_in_a_loop_is_recognised() -> None:
    """JAX names the part of a loop's state whose type changes; other errors are none."""

    def grow(state: State, _: None) -> tuple[State, None]:
        return State({"w": state.rest["w"][None]}), None

    with pytest.raises(TypeError) as caught:
        jax.lax.scan(grow, State({"w": jnp.zeros(())}), None, length=2)

    change = compat.type_change(caught.value)
    assert change == ("rest", "w", "float32[]", "float32[1]"), "JAX has another text for states that change their type"
    assert compat.type_change(TypeError("no")) is None


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the home directory, and forget the cache folder before and after."""
    cache.folder.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    yield
    cache.folder.cache_clear()


@pytest.mark.usefixtures("no_home")
@pytest.mark.parametrize("home", ["", "/proc/nowhere"])
def test_without_a_home_directory_caches_are_temporary(
    home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a user without one, or one that cannot be written: one line says where they are."""
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: {}[uid])

    folder = cache.folder()

    assert folder.is_relative_to(tempfile.gettempdir())
    assert cache.folder() == folder
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("note: ")
    assert said.endswith(f"; downloads and compiled programs are kept in {folder}")
