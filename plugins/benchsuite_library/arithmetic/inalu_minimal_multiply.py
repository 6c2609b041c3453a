"""One iNALU layer multiplies two numbers.

It has weights of its own for the product, and a sign of it.
"""

from operator import mul

from benchsuite import hookimpl

from .minimal import minimal
from .minimal_cells import Inalu, exactly

#: Of ten seeds of the source, for each range.
SOLVED = 0, 10, 10, 10, 0, 10, 10


@hookimpl
def benchsuite_cases():
    yield minimal(
        "inalu-minimal-multiply", "iNALU", "×", cell=Inalu, operation=mul, solved=SOLVED, solution=exactly(1, 1)
    )
