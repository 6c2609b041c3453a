"""Other optimisers and learning rates."""

from dataclasses import replace
from functools import partial

import optax

from benchsuite import DoesNotApply, Treatment, hookimpl


def momentum(case, momentum=0.9):
    return case.with_optimizer(momentum=momentum)


def adam(case, learning_rate=1e-3):
    return _with(case, optax.adam, learning_rate=learning_rate)


def adamw(case, learning_rate=1e-3, weight_decay=1e-2):
    return _with(case, optax.adamw, learning_rate=learning_rate, weight_decay=weight_decay)


def rmsprop(case, learning_rate=1e-3):
    return _with(case, optax.rmsprop, learning_rate=learning_rate)


def decay(case, decay=1e-3):
    rate = _learning_rate(case)
    if not getattr(case.optimizer, "func", case.optimizer).__module__.startswith("optax."):
        raise DoesNotApply("its optimiser is not one of optax's that takes a schedule")
    return case.with_optimizer(learning_rate=lambda step: rate / (1 + decay * step))


def larger_learning_rate(case, factor):
    return case.with_optimizer(learning_rate=factor * _learning_rate(case))


def _with(case, function, **options):
    if getattr(case.optimizer, "func", None) is function:
        if all(case.optimizer_options[name] == value for name, value in options.items()):
            raise DoesNotApply(f"its optimiser is {function.__name__} already")
        return case.with_optimizer(**options)
    return replace(case, optimizer=partial(function, **options))


def _learning_rate(case):
    rate = case.optimizer_options.get("learning_rate")
    if rate is None or callable(rate):
        raise DoesNotApply("its optimiser has no learning rate that could be changed")
    return rate


@hookimpl
def benchsuite_treatments():
    yield Treatment(
        "momentum",
        "The case's own optimiser with a momentum of 0.9.",
        "B. T. Polyak (1964), USSR Computational Mathematics and Mathematical Physics 4, 1-17",
        momentum,
    )
    yield Treatment("adam", "Adam at its usual learning rate of 0.001.", "https://arxiv.org/abs/1412.6980", adam)
    yield Treatment(
        "adamw",
        "Adam at a learning rate of 0.001, with a weight decay of 0.01 apart from the gradient.",
        "https://arxiv.org/abs/1711.05101",
        adamw,
    )
    yield Treatment(
        "rmsprop",
        "RMSprop at a learning rate of 0.001.",
        "T. Tieleman, G. Hinton (2012), Neural Networks for Machine Learning, lecture 6e",
        rmsprop,
    )
    yield Treatment(
        "decay",
        "The case's own learning rate, over 1 + 0.001 times the number of steps so far.",
        "H. Robbins, S. Monro (1951), Annals of Mathematical Statistics 22, 400-407",
        decay,
    )
    yield Treatment(
        "learning-rate-x10",
        "Ten times the case's own learning rate.",
        "https://arxiv.org/abs/1206.5533",
        partial(larger_learning_rate, factor=10.0),
    )
    # One ReLU's expected step is w ← (1 - η) w on the wrong side: above η = 1 it jumps across, above 2 it diverges.
    yield Treatment(
        "learning-rate-x150",
        "150 times the case's own learning rate: from 0.01, enough for one ReLU to jump across zero.",
        "https://stats.stackexchange.com/questions/379884",
        partial(larger_learning_rate, factor=150.0),
    )
