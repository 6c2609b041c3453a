"""The models that the cases of this package train: scalar units, without axes of size one that would slow them down."""

from flax import nnx


class Unit(nnx.Module):
    """activation(w·x + b) for x of shape (n,), with scalar parameters; the sum over several of them where wanted.

    Args:
        rngs: random numbers for the start.
        bias: whether there is a b.
        units: how many there are; with more than one, parameters have the shape (units,).
        activation: what is applied to the sum.
        kernel_init: starts w, as the 1 × units kernel of a dense layer; Keras' default unless said otherwise.
        bias_init: starts b.
    """

    def __init__(
        self,
        rngs,
        *,
        bias=False,
        units=1,
        activation=nnx.relu,
        kernel_init=nnx.initializers.glorot_uniform(),
        bias_init=nnx.initializers.zeros,
    ):
        self.w = _drawn(kernel_init, rngs, (1, units), units)
        self.b = _drawn(bias_init, rngs, (units,), units) if bias else None
        self.units = units
        self.activation = activation

    def __call__(self, x):
        activated = self._activate(x)
        return activated if self.units == 1 else activated.sum(axis=0)

    def _activate(self, x):
        """What each unit gives, (n,) or (units, n)."""
        weighted = _beside(self.w[...]) * x
        return self.activation(weighted if self.b is None else weighted + _beside(self.b[...]))


class OutputUnit(Unit):
    """v·activation(w·x + b) + c for x of shape (n,), with scalar parameters.

    Args:
        rngs: random numbers for the start.
        units: as in `Unit`; c is one number all the same.
        activation: as in `Unit`.
        kernel_init: starts w and v, this as a units × 1 kernel; c starts at zero.
        bias_init: starts b.
    """

    def __init__(
        self,
        rngs,
        *,
        units=1,
        activation=nnx.relu,
        kernel_init=nnx.initializers.glorot_uniform(),
        bias_init=nnx.initializers.zeros,
    ):
        super().__init__(
            rngs, bias=True, units=units, activation=activation, kernel_init=kernel_init, bias_init=bias_init
        )
        self.v = _drawn(kernel_init, rngs, (units, 1), units)
        self.c = _drawn(nnx.initializers.zeros, rngs, (1,), 1)

    def __call__(self, x):
        weighted = _beside(self.v[...]) * self._activate(x)
        return (weighted if self.units == 1 else weighted.sum(axis=0)) + self.c[...]


def _drawn(init, rngs, shape, units):
    return nnx.Param(init(rngs.params(), shape).reshape(() if units == 1 else (units,)))


def _beside(parameter):
    """A parameter of each unit, ready to be multiplied with the examples."""
    return parameter if parameter.ndim == 0 else parameter[:, None]
