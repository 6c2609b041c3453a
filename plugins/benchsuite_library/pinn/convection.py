"""What the ladders of convection share: u_t + β u_x = 0 on [0, 2π] × [0, 1], u(x, 0) = sin x, periodic in x.

Source: https://github.com/a1k12/characterizing-pinns-failure-modes (arXiv 2109.01050), with its 100 fixed collocation
points. A public notebook (sciml-book.github.io, PINN failure modes) reports relative errors of 0.019 at β = 20 and 1.10
at β = 30, without the number of runs: shown here, not judged.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Ladder, Measure

X, T = 2 * np.pi * np.arange(256) / 256, np.linspace(0, 1, 100)

#: All points of the grid, and those of the equation: inside, drawn once for all seeds.
GRID = np.float32(np.stack(np.meshgrid(X, T), 2).reshape(-1, 2))
_inside = np.float32(np.stack(np.meshgrid(X[1:], T[1:]), 2).reshape(-1, 2))
POINTS = _inside[np.random.default_rng(0).choice(len(_inside), 100, replace=False)]

#: Points of the start, and of both sides. They are one array, since every pass through the network is compiled for
#: each of the places where L-BFGS evaluates the loss.
EDGES = np.concatenate([GRID[:256], *(np.float32(np.stack([np.full(100, x), T], 1)) for x in (0, 2 * np.pi))])

#: The start of PyTorch's linear layers: weights and biases from U(±1 / √inputs).
_torch = nnx.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


class Net(nnx.Module):
    """2-50-50-50-50-1 tanh."""

    def __init__(self, rngs, *, activation=nnx.tanh, kernel_init=_torch):
        sizes = (2, 50, 50, 50, 50)
        layers = [self._layer(rngs, n, 50, kernel_init) for n in sizes[:-1]]
        self.hidden, self.output, self.activation = nnx.List(layers), self._layer(rngs, 50, 1, kernel_init), activation

    @staticmethod
    def _layer(rngs, inputs, units, kernel_init):
        def bias_init(key, shape, dtype=jnp.float32, **_):
            return jax.random.uniform(key, shape, dtype, -(inputs**-0.5), inputs**-0.5)

        return nnx.Linear(inputs, units, kernel_init=kernel_init, bias_init=bias_init, rngs=rngs)

    def __call__(self, points):
        for layer in self.hidden:
            points = self.activation(layer(points))
        return self.output(points)[:, 0]


def losses(net, _, *, beta):
    direction = jnp.broadcast_to(jnp.array([beta, 1.0]), POINTS.shape)
    residual = (jax.jvp(net, (jnp.asarray(POINTS),), (direction,))[1] ** 2).mean()
    start, left, right = jnp.split(net(EDGES), (256, 356))
    initial, periodic = ((start - jnp.sin(X)) ** 2).mean(), ((left - right) ** 2).mean()
    return residual + initial + periodic, {"residual": residual, "initial": initial, "periodic": periodic}


def error(net, _, *, beta):
    """The relative L2 error on the grid."""
    exact = jnp.sin(GRID[:, 0] - beta * GRID[:, 1])
    return jnp.sqrt(((net(GRID) - exact) ** 2).sum() / (exact**2).sum())


def late_amplitude(net, _):
    """The largest |u| at the end, 1 for the solution: near 0, the wave was lost on the way."""
    return abs(net(GRID[-256:])).max()


def convection(optimiser, make, schedule, quick):
    """Return the ladder of an optimiser over β."""
    name = f"convection-{optimiser.lower()}"

    def case(beta):
        reading = "The largest |u| at t = 1, 1 for the solution: near 0 the wave was lost on the way."
        return Case(
            name=name,
            summary=f"A physics-informed network learns how a sine wave moves, with {optimiser}.",
            source="https://github.com/a1k12/characterizing-pinns-failure-modes",
            model=Net,
            dataset=None,
            objective=partial(losses, beta=beta),
            optimizer=make,
            schedule=schedule,
            quick=quick,
            metrics={"error": Measure(partial(error, beta=beta))},
            criterion=Criterion("error", at_most=0.1),
            diagnostics=[Diagnostic("late amplitude", reading, late_amplitude)],
            family="pinn",
            tags=("long", "function"),
        )

    return Ladder(name, "Up to which speed?", options={"beta": (1, 5, 10, 20, 30)}, case=case)
