"""The models that the cases of this package train: scalar units, without axes of size one that would slow them down."""

from flax import nnx


class Unit(nnx.Module):
    """activation(w·x + b) for x of shape (n,), with scalar parameters.

    Args:
        rngs: random numbers for the start.
        bias: whether there is a b, zero at the start.
        activation: what is applied to the sum.
        kernel_init: starts w, as the 1 × 1 kernel of a dense layer; Keras' default unless said otherwise.
    """

    def __init__(self, rngs, *, bias=False, activation=nnx.relu, kernel_init=nnx.initializers.glorot_uniform()):
        self.w = _weight(kernel_init, rngs)
        self.b = _zero(rngs) if bias else None
        self.activation = activation

    def __call__(self, x):
        weighted = self.w[...] * x
        return self.activation(weighted if self.b is None else weighted + self.b[...])


class OutputUnit(Unit):
    """v·activation(w·x + b) + c for x of shape (n,), with scalar parameters.

    Args:
        rngs: random numbers for the start.
        activation: as in `Unit`.
        kernel_init: starts w and v; b and c start at zero.
    """

    def __init__(self, rngs, *, activation=nnx.relu, kernel_init=nnx.initializers.glorot_uniform()):
        super().__init__(rngs, bias=True, activation=activation, kernel_init=kernel_init)
        self.v = _weight(kernel_init, rngs)
        self.c = _zero(rngs)

    def __call__(self, x):
        return self.v[...] * super().__call__(x) + self.c[...]


def _weight(kernel_init, rngs):
    return nnx.Param(kernel_init(rngs.params(), (1, 1)).reshape(()))


def _zero(rngs):
    return nnx.Param(nnx.initializers.zeros(rngs.params(), ()))
