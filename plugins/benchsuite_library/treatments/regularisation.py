"""Weight decay, and gradients clipped to a norm."""

import optax

from benchsuite import DoesNotApply, Treatment, hookimpl


def weight_decay(case, strength=1e-3):
    return _before(case, optax.add_decayed_weights(strength))


def clipping(case, norm=1.0):
    return _before(case, optax.clip_by_global_norm(norm))


def _before(case, transformation):
    if case.players:
        raise DoesNotApply("its players have optimisers of their own")
    return case.with_optimizer(optax.chain(transformation, case.make_optimizer()))


@hookimpl
def benchsuite_treatments():
    yield Treatment(
        "weight-decay",
        "A thousandth of the weights is added to the gradient.",
        "A. Krogh, J. A. Hertz (1991), A simple weight decay can improve generalization",
        weight_decay,
    )
    yield Treatment("clipping", "Gradients are clipped to a norm of 1.", "https://arxiv.org/abs/1211.5063", clipping)
