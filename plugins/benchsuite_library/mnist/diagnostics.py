"""Diagnostics of the identity cases: how far a trained network is from the identity on MNIST, and where.

A *live* pixel is one that varies over the images at hand; the others carry no information.
"""

import weakref

import jax
import jax.numpy as jnp
import numpy as np

from benchsuite import Diagnostic

#: Test images that the learnt map is probed at.
PROBES = 1000

#: Images whose products are summed at once, to spare memory.
BLOCK = 5000


def _dead_and_live(prediction, y):
    dead = (prediction == 0).all(axis=0)
    live = (y != y[0]).any(axis=0)
    return dead & live


def dead_outputs(model, x, y):
    """Output units that are 0 on every test image although their pixel is live."""
    return _dead_and_live(model(x), y).sum()


def dead_outputs_loss(model, x, y):
    """The share of the test loss that those units carry."""
    prediction = model(x)
    squares = ((prediction - y) ** 2).sum(axis=0)
    return jnp.where(_dead_and_live(prediction, y), squares, 0).sum() / squares.sum()


def distance_from_identity(model, x, y):
    """Root mean square over lit pixels of the norm of their row of J - I, J the Jacobian with respect to live pixels.

    With z of random signs on the live pixels, E((J - I) z)_i² is the squared norm of row i, so one product with the
    Jacobian an image will do (M. F. Hutchinson, 1990, Commun. Stat. Simul. Comput. 19, 433-450). Only rows of lit
    pixels count, because relu is flat at 0 and the identity itself would have no derivative elsewhere.
    """
    live = (y != y[0]).any(axis=0)
    x, y = x[:PROBES], y[:PROBES]
    z = jax.random.rademacher(jax.random.key(0), x.shape, x.dtype) * live
    moved = jax.jvp(model, (x,), (z,))[1]
    lit = (y > 0) & live
    return jnp.sqrt(((moved - z) ** 2 * lit).sum() / lit.sum())


def constant_pixels(split):
    """Pixels that are the same in every training image."""
    return (split.train == split.train[0]).all(axis=0).sum()


def condition_number(split):
    """The largest over the smallest eigenvalue of the covariance of the live training pixels."""
    moment, mean = _moments(split.train)
    live = np.diag(moment) > mean**2
    eigenvalues = np.linalg.eigvalsh((moment - np.outer(mean, mean))[np.ix_(live, live)])
    rounding = eigenvalues[-1] * len(eigenvalues) * np.finfo(float).eps
    return eigenvalues[-1] / eigenvalues[eigenvalues > rounding][0]


def largest_learning_rate(split):
    """2/λ, λ the largest eigenvalue of the Hessian of the mean squared error of a linear layer with a bias."""
    moment, mean = _moments(split.train)
    extended = np.block([[moment, mean[:, None]], [mean, np.ones(1)]])
    return 2 / (2 / len(mean) * np.linalg.eigvalsh(extended)[-1])


_LAST = {}


def _moments(images):
    """E(x xᵀ) and E(x) over the images, in double precision: the spectrum spans more digits than single has.

    The result for the last images is kept, without the images, since every figure and case of MNIST needs it.
    """
    if not _LAST or _LAST["images"]() is not images:
        _LAST.update(images=weakref.ref(images), moments=_sum_up(images))
    return _LAST["moments"]


def _sum_up(images):
    total = np.zeros((images.shape[1], images.shape[1]))
    for first in range(0, len(images), BLOCK):
        block = images[first : first + BLOCK].astype(np.float64)
        total += block.T @ block
    return total / len(images), images.mean(axis=0, dtype=np.float64)


DIAGNOSTICS = (
    Diagnostic(
        "dead outputs",
        "output units that are 0 on every test image although their pixel varies: from these no gradient reaches them",
        of_model=dead_outputs,
    ),
    Diagnostic(
        "loss of dead outputs",
        "the share of the final test loss that those units carry; the rest is error of units that still learn",
        of_model=dead_outputs_loss,
    ),
    Diagnostic(
        "distance from identity",
        "how far the learnt map's Jacobian is from the identity, by lit pixel: 0 is the identity, 1 is a map that"
        " ignores its input; a small loss at a large distance means another map that does as well on these images",
        of_model=distance_from_identity,
    ),
    Diagnostic(
        "constant pixels",
        "pixels that never vary in training: their weights can be anything, so solutions are many",
        of_data=constant_pixels,
    ),
    Diagnostic(
        "condition number",
        "of the covariance of the pixels that vary: about as many steps of gradient descent separate the first"
        " direction that is learnt from the last; scaling all inputs alike does not change it",
        of_data=condition_number,
    ),
    Diagnostic(
        "largest learning rate",
        "above it gradient descent on one linear layer of these inputs diverges; smaller inputs allow a larger one",
        of_data=largest_learning_rate,
    ),
)
