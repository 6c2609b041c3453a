"""A layer of GRU units copies, by the length of its sequences; the curve is ours."""

from flax import nnx

from benchsuite import hookimpl

from .tasks import copying_ladder


@hookimpl
def benchsuite_cases():
    yield copying_ladder(nnx.GRUCell, "GRU")
