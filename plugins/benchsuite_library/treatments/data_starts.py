"""Starts that are chosen by what they make of the examples: drawn again, or with flipped signs.

The examples are all rows of a table, or a sample of a stream. A start is drawn again with keys derived from the seed's
own, so that a seed whose first start is accepted trains as without the treatment.
"""

from dataclasses import replace
from functools import partial, wraps
from inspect import Parameter, Signature

import jax
import jax.numpy as jnp
from flax import nnx

from benchsuite import DoesNotApply, Stream, Treatment, hookimpl

from .starts import layers_of

#: Examples of a stream, and starts that are drawn to find out whether one is ever accepted.
SAMPLE, STARTS = 512, 100


def redraw(case, margin=0.0, attempts=100):
    x = _inputs(case)

    def silent(case, key, margin=margin):
        layers = _before_activation(case, key, x)
        return 1.0 - jnp.all(jnp.stack([(z > margin).any(1).all() for z in layers]))

    with jax.ensure_compile_time_eval():
        usual = jax.lax.map(lambda key: silent(case, key, 0.0), jax.random.split(jax.random.key(0), STARTS))
    if usual.all():
        raise DoesNotApply(f"each of {STARTS} starts has a layer that is silent on an example")
    return _with_starts(case, partial(_redrawn, score=silent, enough=0.0, attempts=attempts))


def redraw_by_loss(case, below=0.0, attempts=100):
    if case.players:
        raise DoesNotApply("its players have several losses")
    batch = () if case.dataset is None else _examples(case.dataset)

    def loss(case, key):
        model = case.model(nnx.Rngs(key))
        value = case.loss(model(batch[0]), batch[1]) if case.loss else case.objective(model, batch)
        return value[0] if isinstance(value, tuple) else value

    return _with_starts(case, partial(_redrawn, score=loss, enough=below, attempts=attempts))


def flip_signs(case):
    x = _inputs(case)
    layers = len(list(layers_of(nnx.eval_shape(lambda: case.model(nnx.Rngs(0))))))
    if layers != len(jax.eval_shape(lambda: _before_activation(case, jax.random.key(0), x))):
        raise DoesNotApply("its activations are not those of its layers, one after another")
    return _with_starts(case, partial(_flipped, x=x))


def _redrawn(case, key, score, enough, attempts):
    """Draw starts until the score of one is low enough, and return that of the lowest score."""

    def key_of(attempt):
        return jax.lax.cond(attempt == 0, lambda: key, lambda: jax.random.fold_in(key, attempt))

    def again(state):
        attempt, best, lowest = state
        new = score(case, key_of(attempt))
        return attempt + 1, jnp.where(new < lowest, attempt, best), jnp.minimum(new, lowest)

    start = jnp.ones((), jnp.int32), jnp.zeros((), jnp.int32), score(case, key)
    _, best, _ = jax.lax.while_loop(lambda state: (state[2] > enough) & (state[0] < attempts), again, start)
    return case.model(nnx.Rngs(key_of(best)))


def _flipped(case, key, x):
    """Flip the first unit of each layer that is silent on more than half of the examples that reach it."""
    model, living = case.model(nnx.Rngs(key)), jnp.ones(len(x), bool)
    for number, layer in enumerate(layers_of(model)):
        z = _before_activation(case, key, x, nnx.state(model, nnx.Param))[number]
        flips = 2 * (living & (z > 0).any(1)).sum() < living.sum()
        sign, unit = jnp.where(flips, -1.0, 1.0), (..., 0) if layer[0].ndim > 1 else ...
        for parameter in layer:
            if parameter is not None:
                parameter[...] = parameter[...].at[unit].multiply(sign)
        living &= (z.at[:, 0].multiply(sign) > 0).any(1)
    return model


def _before_activation(case, key, x, parameters=None):
    """The arguments of the activation, (n, units) each, in the order of the layers."""
    activation, seen = case.model_options["activation"], []

    def watched(z):
        seen.append(z)
        return activation(z)

    model = case.model(nnx.Rngs(key), activation=watched)
    if parameters is not None:
        nnx.update(model, parameters)
    model(x)
    n = len(x)
    return [(z if z.shape[0] == n else jnp.moveaxis(z, -1, 0)).reshape(n, -1) for z in seen]


def _with_starts(case, start):
    """The case with models from start(case, key), and the same options of the model."""

    @wraps(case.model)
    def make(rngs, **options):
        return start(case.with_model(**options) if options else case, rngs.default.key[...])

    options = [Parameter(name, Parameter.KEYWORD_ONLY, default=value) for name, value in case.model_options.items()]
    make.__signature__ = Signature([Parameter("rngs", Parameter.POSITIONAL_OR_KEYWORD), *options])
    return replace(case, model=make)


def _inputs(case):
    """The inputs of the examples, where units may be silent on them."""
    if not case.is_supervised:
        raise DoesNotApply("its model is not a function of examples")
    activation = case.model_options.get("activation")
    if activation is None:
        raise DoesNotApply("its model has no option 'activation'")
    with jax.ensure_compile_time_eval():
        if activation(jnp.full((), -10.0)) != 0:
            raise DoesNotApply("its units are never silent")
    return _examples(case.dataset)[0]


def _examples(dataset):
    """All rows of a table, or a sample of a stream, prepared."""
    if not isinstance(dataset, Stream) and dataset.download:
        raise DoesNotApply("its examples are files, which are not read to draw a start")
    with jax.ensure_compile_time_eval():
        rows = dataset.draw(jax.random.key(0), SAMPLE) if isinstance(dataset, Stream) else dataset.load({}).train
        return dataset.prepare(jax.tree.map(jnp.asarray, rows))


@hookimpl
def benchsuite_treatments():
    yield Treatment(
        "redraw",
        "Starts are drawn again until every layer has an active unit for every example.",
        "https://github.com/alanoursland/tr_xor/blob/main/manuscript/relu1/reinit_study.tex",
        redraw,
    )
    yield Treatment(
        "redraw-by-loss",
        "Of 100 starts, the one with the lowest loss is trained.",
        "https://github.com/alanoursland/tr_xor/blob/main/ideas/loss_sampling_initialization_results.md",
        redraw_by_loss,
    )
    yield Treatment(
        "flip-signs",
        "A unit is flipped in each layer that is silent on more than half of the examples that reach it.",
        "https://arxiv.org/abs/2007.06192",
        flip_signs,
    )
