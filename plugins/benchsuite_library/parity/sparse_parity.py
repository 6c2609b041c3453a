"""The parity of 3 of 20 bits, by weight decay: too little memorises the rows, too much erases the weights.

Every seed has bits, rows and a test set of its own, which its model keeps; the table has the numbers of the rows. A
batch without an error of the hinge is left out, with its weight decay, as in the source, whose n is 5.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, FailureRate, Ladder, Measure, Schedule, Split, Table, hookimpl

ROWS, TESTED, BITS, RELEVANT = 1000, 200, 20, 3

#: Weight decay → runs of the source, of 5, that fail.
FAILED = {0.001: 5, 0.01: 0, 0.05: 0, 0.1: 5, 0.5: 5}


class Net(nnx.Module):
    """20 → `units` → 1, He's normal start, and the rows of its seed."""

    def __init__(self, rngs, *, units=200, activation=nnx.relu):
        layer = partial(nnx.Linear, kernel_init=nnx.initializers.variance_scaling(2.0, "fan_in", "normal"), rngs=rngs)
        self.hidden, self.output, self.activation = layer(BITS, units), layer(units, 1), activation
        rows = jax.random.bernoulli(rngs.params(), shape=(ROWS + TESTED, BITS))
        self.secret = nnx.Variable(jax.random.permutation(rngs.params(), BITS)[:RELEVANT])
        self.rows = nnx.Variable(2.0 * rows - 1)

    def margins(self, numbers):
        """The output times the sign that it should have."""
        x = self.rows[...][numbers]
        return self.output(self.activation(self.hidden(x)))[:, 0] * x[:, self.secret[...]].prod(1)


def hinge(model, numbers, decay):
    missing = jax.nn.relu(1 - model.margins(numbers))
    weights = sum((leaf**2).sum() for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
    return missing.mean() + jnp.where((missing > 0).any(), decay / 2, 0) * weights


def learnt_rows(model, _):
    return (model.margins(jnp.arange(ROWS)) > 0).mean()


def size(model, _):
    return jnp.sqrt((model.hidden.kernel[...] ** 2).sum())


def steps_of_the_sum(model):
    """Three units bend the sum of the relevant bits, -3, -1, 1 or 3, to -1, 1, -1 and 1."""
    model.hidden.kernel[...] = jnp.zeros((BITS, model.output.kernel.shape[0])).at[model.secret[...], :3].set(1.0)
    model.hidden.bias[...] = jnp.zeros_like(model.hidden.bias[...]).at[:3].set(jnp.array([3.0, 1.0, -1.0]))
    model.output.kernel[...] = jnp.zeros_like(model.output.kernel[...]).at[:3, 0].set(jnp.array([1.0, -2.0, 2.0]))
    model.output.bias[...] = -jnp.ones(1)


def numbers_of_rows(_):
    return Split(train=np.arange(ROWS), test=np.arange(ROWS, ROWS + TESTED))


def decayed(decay):
    return Case(
        name="sparse-parity",
        summary="200 ReLU units learn the parity of 3 of 20 bits from 1,000 examples.",
        source="https://github.com/cybertronai/SutroYaro/blob/main/docs/findings/exp_wd_sweep.md",
        model=Net,
        dataset=Table("numbers-of-rows", load=numbers_of_rows, batch_size=32),
        objective=partial(hinge, decay=decay),
        optimizer=partial(optax.sgd, learning_rate=0.1),
        schedule=Schedule(epochs=200, evaluate_every=1, seeds=100),
        quick=Schedule(epochs=40, evaluate_every=1, seeds=10),
        metrics={"right": Measure(lambda model, numbers: (model.margins(numbers) > 0).mean())},
        criterion=Criterion("right", at_least=1.0, when="ever"),
        diagnostics=[
            Diagnostic(
                "learnt rows", "Share of the training rows that are right: 1 in a failed seed is memory.", learnt_rows
            ),
            Diagnostic("weight norm", "Norm of the hidden weights: near 0, the weight decay erased them.", size),
        ],
        solution=steps_of_the_sum,
        family="parity",
        tags=("long", "classification"),
    )


@hookimpl
def benchsuite_cases():
    yield Ladder(
        "sparse-parity",
        "How much weight decay does it take to learn a sparse parity?",
        "https://github.com/cybertronai/SutroYaro/blob/main/docs/findings/exp_wd_sweep.md",
        options={"decay": tuple(FAILED)},
        case=decayed,
        published={decay: FailureRate(failed=failed, of=5) for decay, failed in FAILED.items()},
    )
