"""Embeddings learn to add modulo five: integers in, integer labels out.

The source trains larger tables and tests on pairs left out; here all 25 are trained, and the question is whether a
small network can be trained at all. The rate is ours.
"""

from functools import partial

import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Schedule, Split, Table, accuracy, hookimpl


class Net(nnx.Module):
    """Two embeddings of two numbers, and 4-8-5 ReLU."""

    def __init__(self, rngs):
        self.embed = nnx.Embed(5, 2, embedding_init=nnx.initializers.normal(1.0), rngs=rngs)
        self.net = nnx.Sequential(nnx.Linear(4, 8, rngs=rngs), nnx.relu, nnx.Linear(8, 5, rngs=rngs))

    def __call__(self, pairs):
        return self.net(self.embed(pairs).reshape(-1, 4))


def wrong(model, pairs, label):
    return (model(pairs).argmax(-1) != label).sum()


def sums(_):
    pairs = np.indices((5, 5)).reshape(2, -1).T
    return Split(*[(pairs, pairs.sum(1) % 5)] * 2)


@hookimpl
def benchsuite_cases():
    yield Case(
        name="modular-addition",
        summary="Embeddings and a hidden layer learn to add modulo five, from integers to integer labels.",
        source="https://arxiv.org/abs/2201.02177",
        model=Net,
        dataset=Table("sums", load=sums, batch_size=25),
        loss=lambda logits, label: optax.softmax_cross_entropy_with_integer_labels(logits, label).mean(),
        optimizer=partial(optax.adam, learning_rate=0.02),
        schedule=Schedule(epochs=600, evaluate_every=50, seeds=1000),
        metrics={"accuracy": accuracy},
        criterion=Criterion("accuracy", at_least=1.0),
        diagnostics=[Diagnostic("wrong pairs", "Pairs with a wrong sum, of 25.", wrong)],
        family="modular-addition",
        tags=("small", "classification"),
    )
