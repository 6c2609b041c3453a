"""A program of a user, which `tox -e typed` checks by mypy and pyright, strictly; it is not run."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # it has no annotations
from flax import nnx

import benchsuite as bs


class Line(nnx.Module):
    """One linear unit."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.unit = nnx.Linear(1, 1, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Predict."""
        return self.unit(x)


def draw(key: jax.Array, n: int) -> tuple[jax.Array, jax.Array]:
    """Draw examples of a line."""
    x = jax.random.normal(key, (n, 1))
    return x, jnp.add(jnp.multiply(x, 3), 1)


CASE = bs.Case(
    name="typed-line",
    summary="A linear unit learns a line.",
    source="https://example.org",
    model=Line,
    dataset=bs.Stream(draw, batch_size=32),
    optimizer=partial(optax.sgd, learning_rate=0.1),
    schedule=bs.Schedule(steps=100, evaluate_every=10, seeds=10),
    criterion=bs.Criterion("r2", at_least=0.99),
    claims=[bs.Claim("It always learns.", bs.FailureRate(equals=0.0))],
    tags=("regression",),
)


@bs.hookimpl
def benchsuite_cases() -> list[bs.Case]:
    """Supply the case as a plugin."""
    return [CASE]


class Count(bs.RunObserver):
    """Counts rounds."""

    rounds: int = 0

    def round_finished(self, event: object) -> None:
        """Count."""
        self.rounds += bool(event)


def main() -> None:
    """Run, read, compare and report."""
    results: bs.Results = bs.run(CASE, "relu-bias", seeds=range(8), treatments=["he"], observers=[Count()])
    found: bs.CaseResult = results["typed-line"]
    rate: float = found.rate
    low, high = found.interval
    frame: bs.Frame = results.summary()
    again = bs.load(results.path)
    changes: bs.Frame = results.compare(again)
    print(rate, low, high, found.outcomes["converged"], frame.height, changes.height)
    print(sorted(bs.cases()), sorted(bs.treatments()), bs.check(CASE).height)
    try:
        print(results.report("page"))
    except bs.BenchsuiteError as error:
        print(error.message, error.hint)


if __name__ == "__main__":
    main()
