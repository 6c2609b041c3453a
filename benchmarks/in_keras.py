"""Time the sources' programs in Keras on TensorFlow."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}  # read when they are imported

import keras
import numpy as np
from mnist import BATCH, PIXELS, images
from theory import assert_falls, assert_learnt
from timing import Work

EPOCHS, STEPS_PER_EPOCH = 20, 100


def _batches(seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    while True:
        x = rng.standard_normal((1000, 1), np.float32)
        yield x, np.maximum(x, 0)


def _fit(seed: int) -> None:
    initializer = keras.initializers.GlorotUniform(seed=seed)
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer=initializer)
    model = keras.Sequential([keras.Input((1,)), dense, keras.layers.ReLU()])
    model.compile(keras.optimizers.SGD(0.01), "mean_squared_error")
    start = dense.get_weights()[0]
    model.fit(_batches(seed), steps_per_epoch=STEPS_PER_EPOCH, epochs=EPOCHS, verbose=0)
    assert_learnt(start, dense.get_weights()[0], EPOCHS * STEPS_PER_EPOCH)
    keras.backend.clear_session()


def relu_to_relu() -> Work:
    """Train seeds one after the other for the whole protocol, each with a new model."""
    seeds = itertools.count()
    return Work(lambda: _fit(next(seeds)), 1)


def identity(layers: int, steps: int) -> Work:
    """Train a number of steps on MNIST, counted in samples."""
    x = images(steps * BATCH)
    dense = [keras.layers.Dense(PIXELS, activation="relu") for _ in range(layers)]
    model = keras.Sequential([keras.Input((PIXELS,)), *dense])
    rmsprop = keras.optimizers.RMSprop(1e-3, rho=0.9, epsilon=1e-7)
    model.compile(rmsprop, "mean_squared_error", metrics=["mean_absolute_percentage_error"])

    def fit() -> None:
        model.fit(x, x, batch_size=BATCH, epochs=1, shuffle=True, verbose=0)

    before = model.evaluate(x, x, verbose=0)[0]
    fit()
    assert_falls(before, model.evaluate(x, x, verbose=0)[0])
    return Work(fit, len(x))
