"""What the cases share: the two tasks, by the cell that shall learn them.

Adding (https://doi.org/10.1162/neco.1997.9.8.1735): the sum of the two marked of `length` numbers, one in each half.
Copying: three symbols of four come first; they are to be named, in order, after a gap of `gap` blanks.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Ladder, Schedule, Stream

SYMBOLS, COPIED = 4, 3


class Net(nnx.Module):
    """A cell, and a linear layer of its last states."""

    def __init__(self, rngs, *, cell, inputs, units, outputs):
        self.rnn, self.output = nnx.RNN(cell(inputs, units, rngs=rngs)), nnx.Linear(units, outputs, rngs=rngs)

    def __call__(self, x):
        return self.output(self.rnn(x)[:, -COPIED:])


class Adder(Net):
    """The last output alone, (n,)."""

    def __call__(self, x):
        return super().__call__(x)[:, -1, 0]


def adding(key, n, length):
    numbers, first, second = jax.random.split(key, 3)
    values, half = jax.random.uniform(numbers, (n, length)), length // 2
    places = (jax.random.randint(k, (n,), low, low + half) for k, low in ((first, 0), (second, half)))
    marks = sum(jax.nn.one_hot(place, length) for place in places)
    return jnp.stack([values, marks], 2), (values * marks).sum(1)


def copying(key, n, gap):
    symbols = jax.random.randint(key, (n, COPIED), 0, SYMBOLS)
    shown = jax.nn.one_hot(symbols, SYMBOLS + 1)
    blank = jnp.zeros((n, gap, SYMBOLS + 1))
    return jnp.concatenate([shown, blank, jnp.zeros((n, COPIED, SYMBOLS + 1)).at[:, :, -1].set(1)], 1), symbols


def named(draw, **options):
    """Return a function of (key, n) that keeps the name of the task."""

    def sequences(key, n):
        return draw(key, n, **options)

    return sequences


def all_right(logits, symbols):
    return (logits.argmax(-1) == symbols).all(-1)


def named_symbols(model, x, symbols):
    return (model(x).argmax(-1) == symbols).mean()


NAMED = Diagnostic("named symbols", "Share of single symbols that are right: a quarter is guessing.", named_symbols)


def cross_entropy(logits, symbols):
    return optax.softmax_cross_entropy_with_integer_labels(logits, symbols).mean()


def adding_ladder(cell, title):
    """Return the ladder of a cell over the length."""
    return _ladder(
        "adding",
        "adds the two marked of a row of numbers",
        cell,
        title,
        option="length",
        values=(8, 16, 32),
        fields=_add,
    )


def copying_ladder(cell, title):
    """Return the ladder of a cell over the gap."""
    return _ladder(
        "copying", "repeats three symbols after a gap", cell, title, option="gap", values=(2, 4, 8, 16), fields=_copy
    )


def _ladder(task, does, cell, title, *, option, values, fields):
    name = f"{task}-{title.lower()}"

    def case(**chosen):
        return Case(
            name=name,
            summary=f"A layer of {title} units {does}.",
            family="sequence",
            tags=("small", "sequence"),
            **fields(cell, **chosen),
        )

    return Ladder(name, f"Up to which {option} does {title} learn the task?", options={option: values}, case=case)


def _add(cell, length):
    return {
        "source": "https://doi.org/10.1162/neco.1997.9.8.1735",
        "model": partial(Adder, cell=cell, inputs=2, units=8, outputs=1),
        "dataset": Stream(named(adding, length=length), batch_size=32, evaluation_size=1024),
        "optimizer": partial(optax.adam, learning_rate=0.02),
        "schedule": Schedule(steps=200, evaluate_every=50, seeds=200),
        "criterion": Criterion("loss", at_most=0.005),
    }


def _copy(cell, gap):
    return {
        "source": "https://arxiv.org/abs/1511.06464",
        "model": partial(Net, cell=cell, inputs=SYMBOLS + 1, units=16, outputs=SYMBOLS),
        "dataset": Stream(named(copying, gap=gap), batch_size=32, evaluation_size=1024),
        "loss": cross_entropy,
        "optimizer": partial(optax.adam, learning_rate=0.02),
        "schedule": Schedule(steps=400, evaluate_every=50, seeds=200),
        "metrics": {"right": all_right},
        "criterion": Criterion("right", at_least=0.99),
        "diagnostics": [NAMED],
    }
