"""Modular addition."""

import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, Split, Table, accuracy, hookimpl


class Net(nnx.Module):
    def __init__(self, rngs):
        self.embed = nnx.Embed(5, 2, embedding_init=nnx.initializers.normal(1.0), rngs=rngs)
        self.net = nnx.Sequential(nnx.Linear(4, 8, rngs=rngs), nnx.relu, nnx.Linear(8, 5, rngs=rngs))

    def __call__(self, pairs):
        return self.net(self.embed(pairs).reshape(-1, 4))


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
        optimizer=optax.adam(0.02),
        schedule=Schedule(epochs=600, evaluate_every=150, seeds=100),
        metrics={"accuracy": accuracy},
        criterion=Criterion("accuracy", at_least=1.0),
    )
