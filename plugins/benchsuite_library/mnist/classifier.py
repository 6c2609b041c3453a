"""Sixteen ReLU units classify MNIST within an epoch: integer labels, and few units that may die."""

from functools import partial

import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Download, Schedule, Split, Table, accuracy, hookimpl

from .images import DOWNLOAD, parse_images

TRAIN = {"train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"}
TEST = {"t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}
FILES = Download(DOWNLOAD.mirrors, DOWNLOAD.sha256 | TRAIN | TEST)


def load(files):
    labels = [np.frombuffer(files[name], np.uint8, offset=8) for name in TRAIN | TEST]
    return Split(*zip([parse_images(name, files[name]) for name in DOWNLOAD.sha256], labels, strict=True))


def patterns():
    rng = np.random.default_rng(0)
    label = rng.integers(10, size=70_000).astype(np.uint8)
    images = (rng.uniform(64, 192, (10, 784))[label] + rng.normal(0, 64, (70_000, 784))).clip(0, 255).astype(np.uint8)
    return Split((images[:60_000], label[:60_000]), (images[60_000:], label[60_000:]))


def net(rngs, *, units=16):
    return nnx.Sequential(nnx.Linear(784, units, rngs=rngs), nnx.relu, nnx.Linear(units, 10, rngs=rngs))


def dead(model, x, _):
    return (model.layers[0](x) <= 0).all(0).sum()


@hookimpl
def benchsuite_cases():
    yield Case(
        name="mnist-classifier",
        summary="A 784-16-10 ReLU network classifies the images of MNIST.",
        source="https://doi.org/10.1109/5.726791",
        model=net,
        dataset=Table("mnist", load, 100, lambda rows: (rows[0] / 255, rows[1].astype(int)), FILES, patterns),
        loss=lambda logits, label: optax.softmax_cross_entropy_with_integer_labels(logits, label).mean(),
        optimizer=partial(optax.adam, learning_rate=0.002),
        schedule=Schedule(epochs=1, seeds=24),
        metrics={"accuracy": accuracy},
        criterion=Criterion("accuracy", at_least=0.92),
        diagnostics=[Diagnostic("dead units", "Of sixteen, those that are 0 on every test image.", dead)],
        family="mnist",
        tags=("classification",),
    )
