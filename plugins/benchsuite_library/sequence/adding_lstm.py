"""A layer of LSTM units adds, by the length of its sequences; the curve is ours."""

from flax import nnx

from benchsuite import hookimpl

from .tasks import adding_ladder


@hookimpl
def benchsuite_cases():
    yield adding_ladder(nnx.LSTMCell, "LSTM")
