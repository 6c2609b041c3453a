"""Wrap the undocumented parts of JAX and XLA that the suite relies on.

`tests/test_compat.py` has a test for each, which names what a new version of JAX has changed. Nothing else in the suite
reads JAX's internal settings, event names or error messages. Importing this module does not import JAX.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

#: The events that JAX records for a lookup in its compilation cache, for a program found there, and for a compilation.
CACHE_REQUEST, CACHE_HIT = "/jax/compilation_cache/compile_requests_use_cache", "/jax/compilation_cache/cache_hits"
COMPILATION = "/jax/core/compile/backend_compile_duration"

#: The text that identifies XLA's error.
OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"

#: Text of XLA's errors for exceptions in a callback to Python.
CALLBACK = "Traceback (most recent call last)"

#: Settings of JAX under which no case trains: why.
UNUSABLE = {
    "jax_disable_jit": "training is compiled",
    "jax_debug_nans": "NaN stands for a missing value, and for the loss of a diverged seed",
    "jax_debug_infs": "the loss of a diverged seed may be infinite",
}

#: Settings of JAX under which sound code may fail, with a word of the errors that they raise.
STRICT = {
    "jax_numpy_rank_promotion": "rank_promotion",
    "jax_numpy_dtype_promotion": "promotion",
    "jax_check_tracer_leaks": "leaked",
    "jax_debug_key_reuse": "reuse",
    "jax_enable_checks": "assertion",
    "jax_transfer_guard": "transfer",
    "jax_legacy_prng_key": "legacy",
    "jax_no_tracing": "no_tracing",
}

#: Values of these settings that make JAX raise an error.
_RAISES = ("True", "raise", "strict", "disallow", "disallow_explicit", "error")

#: JAX's text for a part of the state of a loop whose type changes.
_CARRY = re.compile(
    r"input carry component \w+\.(\w+)(\S*) has type (\S+) but the corresponding output carry component has type"
    r" (\S+), so"
)

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def jax_settings() -> dict[str, Any]:
    """JAX's settings as this thread sees them, name → value: a context that was entered changes them here only."""
    import jax

    return {name: getattr(jax.config, name, value) for name, value in jax.config.values.items()}


def settings_that_raise(names: Iterable[str]) -> list[str]:
    """The settings of JAX, among `names`, that make it raise errors; see `setting_name`."""
    now = jax_settings()
    found = [name for name in names if str(getattr(now.get(name), "value", now.get(name))) in _RAISES]
    return [setting_name(name) for name in found]


def setting_name(name: str) -> str:
    """The environment variable of a setting of JAX, where it is set, else the setting itself."""
    return name.upper() if name.upper() in os.environ else f"jax.config.{name}"


def xla_flags() -> dict[str, str]:
    """The options of XLA in the environment variable XLA_FLAGS: name → value."""
    words = [word.removeprefix("--").partition("=") for word in os.environ.get("XLA_FLAGS", "").split()]
    return {name: value for name, _, value in words}


def wide_numbers(dtype: str) -> AbstractContextManager[Any]:
    """Allow 64-bit numbers inside the context and in this thread alone, where a case trains in float64."""
    import jax

    return jax.enable_x64(True) if dtype == "float64" else nullcontext()


@contextmanager
def keep_number_settings() -> Iterator[None]:
    """Compute in 32 bits with partitionable random bits in this thread, and restore what changes for all threads."""
    import jax

    names = ("jax_enable_x64", "jax_threefry_partitionable")
    # A context has values of its own, so that `jax.config.values` would be those of the caller.
    before = {name: jax.config._value_holders[name].get_global() for name in names}  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        with jax.enable_x64(False), jax.threefry_partitionable(True):
            yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)


def compilation_cache_folder() -> str | None:
    """The folder in which JAX keeps compiled programs; None where it keeps none."""
    import jax

    return jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]  # made at run time


@dataclass
class EventCounts:
    """Events of JAX: lookups in its compilation cache, programs found there, and compilations."""

    requests: int = 0
    hits: int = 0
    compilations: int = 0


@contextmanager
def count_events() -> Iterator[EventCounts]:
    """Count what JAX looks up and compiles inside the context."""
    import jax

    counts = EventCounts()

    def on_event(event: str, **_: Any) -> None:
        counts.requests += event == CACHE_REQUEST
        counts.hits += event == CACHE_HIT

    def on_duration(event: str, duration_secs: float, **_: Any) -> None:
        del duration_secs
        counts.compilations += event == COMPILATION

    jax.monitoring.register_event_listener(on_event)
    jax.monitoring.register_event_duration_secs_listener(on_duration)
    try:
        yield counts
    finally:
        jax.monitoring.unregister_event_duration_listener(on_duration)
        jax.monitoring.unregister_event_listener(on_event)


def quick_options(platform: str) -> dict[str, Any]:
    """XLA's options for a program that is compiled to run once."""
    return {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True} if platform == "cpu" else {}


#: XLA's options for a GPU with which two compilations of a function are one program. An autotuner keeps the fastest of
#: the kernels that it measures, which differs from process to process. Without one, Triton's default kernels have no
#: tiles for some large products, so that products are calls of cuBLAS. Those of a few numbers are kernels of XLA, as
#: cuBLAS's tiles have 32 rows and columns or more. Scatter operations add in one order.
_GPU_OPTIONS = {
    "xla_gpu_autotune_level": 0,
    "xla_gpu_deterministic_ops": True,
    "xla_gpu_enable_triton_gemm": False,
    "xla_gpu_gemm_rewrite_size_threshold": 1000,
}


def program_options(platform: str) -> dict[str, Any]:
    """XLA's options for the programs that train, besides its defaults: name → value."""
    return dict(_GPU_OPTIONS) if platform == "gpu" else {}


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception of JAX says that a device has too little memory."""
    import jax

    return isinstance(error, jax.errors.JaxRuntimeError) and OUT_OF_MEMORY in str(error)


class TypeChange(NamedTuple):
    """A part of the state of a loop whose type changes: the field and name of the part, its type before and after."""

    field: str
    name: str
    before: str
    after: str


def type_change(error: TypeError) -> TypeChange | None:
    """Read from an exception of JAX which part of a loop's state changes its type; None for other exceptions."""
    found = _CARRY.search(str(error)) if type(error) is TypeError else None  # others may have any text
    if not found:
        return None
    field, path, before, after = found.groups()
    return TypeChange(field, ".".join(re.findall(r"\['(\w+)'\]", path)), before, after)


def is_of_callback(error: BaseException | None) -> bool:
    """Whether an exception of JAX was raised in a callback to Python."""
    import jax

    return isinstance(error, jax.errors.JaxRuntimeError) and CALLBACK in str(error)


def peak_bytes(compiled: Any) -> int:
    """The memory of a device that a compiled program takes with its arguments, in bytes; 0 where XLA predicts none."""
    sizes = compiled.memory_analysis()
    if sizes is None:
        return 0
    together = sizes.argument_size_in_bytes + sizes.output_size_in_bytes + sizes.temp_size_in_bytes
    return int(together - sizes.alias_size_in_bytes)


def code_bytes(compiled: Any) -> int:
    """The memory that the code and the constants of a compiled program take, in bytes; 0 where XLA does not say."""
    return int(getattr(compiled.memory_analysis(), "generated_code_size_in_bytes", 0))


def jaxpr_digest(traced: Sequence[Any], precision: str) -> str:
    """A digest of traced functions: 16 hexadecimal digits, the same in every process and on every platform.

    It covers operations, their parameters, shapes and constants. Names of variables and addresses in memory are left
    out, and so is the precision of matrix products where it is the one that was set.

    Args:
        traced: `jax.stages.Traced` objects.
        precision: the setting under which they were traced, such as "highest".
    """
    import jax

    writer = _JaxprWriter((jax.lax.Precision(precision),) * 2)
    text = " ".join(writer.closed(function.jaxpr) for function in traced)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def count_operations(traced: Any) -> int:
    """Count the numbers that a traced function computes, a product of matrices with each of its multiplications.

    Loops count as often as they run, and once where JAX does not know how often.
    """
    return _operations(traced.jaxpr.jaxpr)


def _operations(jaxpr: Any) -> int:
    return sum(map(_operations_of, jaxpr.eqns))


def _operations_of(equation: Any) -> int:
    inner = [_operations(found) for value in equation.params.values() for found in _jaxprs_in(value)]
    if equation.primitive.name == "cond":
        return max(inner)
    if inner:
        return int(sum(inner) * equation.params.get("length", 1))
    numbers = sum(math.prod(getattr(out.aval, "shape", ())) for out in equation.outvars)
    if equation.primitive.name == "dot_general":
        contracted = equation.params["dimension_numbers"][0][0]
        numbers *= math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    return int(numbers)


def live_bytes(traced: Any) -> int:
    """Estimate the most bytes that the values of a traced function take at a time, without its arguments.

    Values that XLA fuses into their users count as if they were stored, so that a program rarely takes more.
    """
    return _live_bytes(traced.jaxpr.jaxpr)


def argument_bytes(traced: Any) -> int:
    """The bytes of the arguments of a traced function."""
    return sum(map(_bytes_of, traced.jaxpr.jaxpr.invars))


def _live_bytes(jaxpr: Any) -> int:
    last = _last_uses(jaxpr)
    live = most = 0
    for number, equation in enumerate(jaxpr.eqns):
        inner = (_live_bytes(found) for value in equation.params.values() for found in _jaxprs_in(value))
        most = max(most, live + max(inner, default=0))
        live += sum(_bytes_of(variable) for variable in equation.outvars if variable in last)
        most = max(most, live)
        ending = {variable for variable in _variables(equation.invars) if last[variable] == number}
        live -= sum(_bytes_of(variable) for variable in ending - {*jaxpr.invars, *jaxpr.constvars})
    return most


def _last_uses(jaxpr: Any) -> dict[Any, int]:
    """Each variable that is used → the number of the last operation that uses it; results are used after all."""
    last = {variable: number for number, equation in enumerate(jaxpr.eqns) for variable in _variables(equation.invars)}
    return last | dict.fromkeys(_variables(jaxpr.outvars), len(jaxpr.eqns))


def _variables(atoms: Iterable[Any]) -> list[Any]:
    return [atom for atom in atoms if not hasattr(atom, "val")]


def _bytes_of(variable: Any) -> int:
    aval = variable.aval
    return math.prod(getattr(aval, "shape", ())) * getattr(getattr(aval, "dtype", None), "itemsize", 0)


def _jaxprs_in(value: Any) -> list[Any]:
    if type(value) in (tuple, list):
        return [found for item in value for found in _jaxprs_in(item)]
    if hasattr(value, "consts"):
        return [value.jaxpr]
    return [value] if hasattr(value, "eqns") else []


class _JaxprWriter:
    """Write jaxprs as digests, each of which depends on its content alone.

    Args:
        precision: the pair of precisions that products get by default, which is left out.
    """

    def __init__(self, precision: tuple[Any, Any]) -> None:
        self._precision = precision
        self._written: dict[int, tuple[Any, str]] = {}  # with the jaxpr, whose address would be used again without

    def closed(self, closed: Any) -> str:
        return f"{self.jaxpr(closed.jaxpr)}({','.join(map(_array_text, closed.consts))})"

    def jaxpr(self, jaxpr: Any) -> str:
        if id(jaxpr) not in self._written:
            digest = hashlib.sha256("\n".join(self._lines(jaxpr)).encode()).hexdigest()
            self._written[id(jaxpr)] = (jaxpr, digest)
        return self._written[id(jaxpr)][1]

    def _lines(self, jaxpr: Any) -> Iterator[str]:
        numbers: dict[Any, int] = {}

        def name(variable: Any) -> str:
            if hasattr(variable, "val"):
                return f"{_array_text(variable.val)}:{variable.aval}"
            return f"{numbers.setdefault(variable, len(numbers))}:{variable.aval}"

        def names(variables: Sequence[Any]) -> str:
            return " ".join(map(name, variables))

        yield f"{names(jaxpr.constvars)} ; {names(jaxpr.invars)}"
        for equation in jaxpr.eqns:
            parameters = self._mapping(equation.params)
            yield f"{equation.primitive.name}[{parameters}] {names(equation.invars)} -> {names(equation.outvars)}"
        yield names(jaxpr.outvars)

    def _mapping(self, values: Mapping[str, Any]) -> str:
        return " ".join(f"{name}={self._value(name, values[name])}" for name in sorted(values))

    def _value(self, name: str, value: Any) -> str:
        if name == "precision" and value == self._precision:
            return "default"
        if type(value) in (tuple, list):
            return f"({','.join(self._value('', item) for item in value)})"
        if hasattr(value, "consts"):
            return self.closed(value)
        return self.jaxpr(value) if hasattr(value, "eqns") else _plain_text(value)


def _plain_text(value: Any) -> str:
    """A parameter of an operation, without addresses in memory."""
    if hasattr(value, "tobytes"):
        return _array_text(value)
    if callable(value) and hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    return _ADDRESS.sub("", repr(value))


def _array_text(value: Any) -> str:
    """An array or number by its kind, shape and bytes."""
    import jax
    import numpy as np

    if isinstance(value, jax.Array) and jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key):
        return f"key:{_array_text(jax.random.key_data(value))}"
    array = np.ascontiguousarray(value)
    return f"{array.dtype.str}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()[:16]}"
