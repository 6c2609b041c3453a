"""Undocumented parts of JAX and XLA that the suite uses: each test names what a new version has changed."""

from __future__ import annotations

import os
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from benchsuite.system import compat, executables


def test_settings_can_be_listed() -> None:
    """`restore_settings` reads all settings of JAX from `jax.config.values`."""
    settings = compat.jax_settings()

    assert "jax_enable_x64" in settings, "jax.config.values no longer lists JAX's settings"
    with jax.default_matmul_precision("bfloat16"):
        changed = compat.jax_settings()["jax_default_matmul_precision"]
    assert changed == "bfloat16", "jax.config no longer has a setting inside a context as an attribute"


def test_wide_numbers_hold_inside_the_context_alone() -> None:
    """`jax.enable_x64` switches 64-bit numbers on for a context and a thread."""
    with compat.wide_numbers("float64"):
        assert jnp.arange(2.0).dtype == jnp.float64, "jax.enable_x64(True) no longer allows 64-bit numbers"
    for dtype in ("float32", "bfloat16"):
        with compat.wide_numbers(dtype):
            assert jnp.arange(2.0).dtype == jnp.float32, "jax.enable_x64(True) reaches beyond its context"


def test_folder_of_the_compilation_cache_can_be_read() -> None:
    """The folder that was set is read back."""
    folder = os.environ["JAX_COMPILATION_CACHE_DIR"]

    assert compat.compilation_cache_folder() == folder, "jax.config.jax_compilation_cache_dir is no longer the setting"


def test_events_are_counted() -> None:
    """A compilation, its lookup in the cache, and the hit of the same program are events."""

    def compile_anew() -> compat.EventCounts:
        with compat.count_events() as counts:
            jax.jit(lambda x: x + 4321).lower(1.0).compile()
        return counts

    first, second = compile_anew(), compile_anew()

    assert first.compilations, f"JAX no longer reports compilations under {compat.COMPILATION}"
    assert first.requests, f"JAX no longer reports lookups in its compilation cache under {compat.CACHE_REQUEST}"
    assert second.hits, f"JAX no longer reports hits of its compilation cache under {compat.CACHE_HIT}"


@pytest.mark.skipif(len(jax.devices("cpu")) == 1, reason="requires two CPU devices")
def test_program_is_compiled_for_one_device_and_loaded_for_another() -> None:
    """Of the same program for two CPU devices the second one is found in the cache, where it runs as it should."""
    numbers, results, hits = np.linspace(0, 1, 1000, dtype=np.float32), [], []
    for device in jax.devices("cpu")[:2]:
        with jax.default_device(device), compat.count_events() as counts, executables.shared_by_devices():
            compiled = jax.jit(lambda x: (jnp.tanh(x) * 0.8765).sum()).lower(numbers).compile()
        result = compiled(jax.device_put(numbers, device))
        assert result.devices() == {device}
        results.append(float(result))
        hits.append(counts.hits)

    assert hits[1] > 0, "jax._src.cache_key has changed: programs are compiled for each device"
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("name", "value"), sorted((compat.quick_options("cpu") | compat.program_options("gpu")).items())
)
def test_options_of_the_compiler_exist(name: str, value: bool | int) -> None:
    """XLA knows the options that compile quickly, and those for GPUs, which it accepts for a CPU too."""
    lowered = jax.jit(lambda x: x + 1).lower(1.0)

    try:
        lowered.compile({name: value})
    except jax.errors.JaxRuntimeError as error:
        pytest.fail(f"XLA no longer has the option {name}: probes of optimisers, or all cases on GPUs, fail ({error})")


def test_operations_of_a_loop_are_counted() -> None:
    """Products count with their multiplications, loops as often as they run, and branches by the larger one."""

    def run(x: jax.Array) -> jax.Array:
        product, _ = jax.lax.scan(lambda x, _: (x @ x, None), x, length=5)
        return jax.lax.cond(product[0, 0] > 0, lambda x: x + x + x, lambda x: x + x, product)

    counted = compat.count_operations(jax.jit(run).trace(jnp.ones((3, 3))))

    assert 5 * 27 + 18 <= counted <= 5 * 27 + 18 + 10, "JAX writes its programs in another form"


def test_bytes_of_live_values_are_counted() -> None:
    """Values count from their operation to their last use; those of a loop's body count once."""

    def run(x: jax.Array) -> jax.Array:
        outer = jnp.outer(x, x)
        total, _ = jax.lax.scan(lambda total, _: (total + jnp.outer(x, x).sum(), None), outer.sum(), length=1000)
        return total

    traced = jax.jit(run).trace(jnp.ones(100))

    assert compat.argument_bytes(traced) == 400, "JAX writes the arguments of its programs in another form"
    assert 40_000 <= compat.live_bytes(traced) <= 100_000, "JAX writes its programs in another form"


def test_lack_of_memory_is_recognised() -> None:
    """An array that no machine has memory for raises an error that is recognised."""
    with pytest.raises(jax.errors.JaxRuntimeError) as caught:
        jnp.ones((2**55,), jnp.int8).block_until_ready()

    assert compat.is_out_of_memory(caught.value), f"XLA has another text for a lack of memory: {caught.value}"
    assert not compat.is_out_of_memory(ValueError(compat.OUT_OF_MEMORY))


def test_memory_of_a_program_is_predicted() -> None:
    """The prediction counts arguments, results and temporary arrays."""
    compiled = jax.jit(lambda x: x @ x).lower(np.ones((100, 100), np.float32)).compile()

    assert compat.peak_bytes(compiled) >= 80_000, "memory_analysis() no longer predicts the sizes of arrays in bytes"
    assert compat.code_bytes(compiled) >= 0


def test_traced_functions_can_be_called() -> None:
    """A traced function repeats its operations, also under `vmap`, without a call of its Python code."""
    calls = []

    def square(x: jax.Array) -> jax.Array:
        calls.append(x)
        return x**2

    traced = jax.jit(square).trace(jax.ShapeDtypeStruct((), jnp.float32))

    assert jax.vmap(traced)(jnp.arange(3.0)).tolist() == [0, 1, 4], "jax.stages.Traced is no longer a function"
    assert len(calls) == 1, "calling a jax.stages.Traced traces its function again"


def digest(function: object, precision: str = "highest") -> str:
    """The digest of a function of one array (3,)."""
    with jax.default_matmul_precision(precision):
        traced = jax.jit(function).trace(jax.ShapeDtypeStruct((3,), jnp.float32))  # type: ignore[call-overload]
    return compat.jaxpr_digest([traced], precision)


def scaled_by(factor: object, x: jax.Array) -> jax.Array:
    """A function with a constant."""
    return jnp.where(x > 0, x * factor, nnx.relu(x))


def test_digest_covers_operations_and_constants() -> None:
    """Functions of the same operations share a digest; another number, array or shape is another digest."""
    one = digest(partial(scaled_by, 2.0))

    assert one == digest(lambda y: scaled_by(2.0, y))
    others = {
        digest(function)
        for function in (
            partial(scaled_by, 2.000001),
            partial(scaled_by, np.array([2, 2, 2], np.float32)),
            partial(scaled_by, np.array([2, 2, 3], np.float32)),
            lambda x: jax.lax.scan(lambda carry, value: (carry * 2, value), 1.0, x)[1],
            lambda x: jax.lax.scan(lambda carry, value: (carry * 3, value), 1.0, x)[1],
            lambda x: jax.random.normal(jax.random.key(1)) + x,
            lambda x: jax.random.normal(jax.random.key(2)) + x,
        )
    }
    assert len(others | {one}) == 8, "jaxpr_digest no longer sees all constants of a jaxpr"


def test_digest_leaves_the_precision_that_was_set_out() -> None:
    """A product has the digest of its operation under any setting; a precision of its own counts."""
    plain = lambda x: x @ x  # noqa: E731
    own = lambda x: jnp.dot(x, x, precision="high")  # noqa: E731

    assert digest(plain) == digest(plain, "default")
    assert digest(own) != digest(plain)


@pytest.mark.parametrize("name", [*compat.UNUSABLE, *compat.STRICT])
def test_settings_that_make_jax_raise_exist(name: str) -> None:
    """They are named in errors and hints; by default, none of them is set."""
    assert name in compat.jax_settings(), f"JAX no longer has the setting {name}"
    assert compat.settings_that_raise([name]) == []


def test_error_in_a_callback_is_recognised() -> None:
    """JAX passes on the traceback of an exception in Python code that a program calls."""

    def fail(_: np.ndarray) -> np.ndarray:
        raise RuntimeError("no such luck")

    with pytest.raises(jax.errors.JaxRuntimeError) as caught:
        jax.block_until_ready(jax.jit(lambda x: jax.pure_callback(fail, x, x))(jnp.ones(())))

    assert compat.is_of_callback(caught.value), "JAX has another text for exceptions in callbacks"
    assert not compat.is_of_callback(RuntimeError(compat.CALLBACK))
