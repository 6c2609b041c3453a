"""One iNALU layer divides two numbers.

It has weights of its own for the product, and a sign of it.
"""

from operator import truediv

from benchsuite import hookimpl

from .minimal import minimal
from .minimal_cells import Inalu, exactly

#: Of ten seeds of the source, for each range.
SOLVED = 0, 7, 3, 5, 3, 3, 3


@hookimpl
def benchsuite_cases():
    yield minimal(
        "inalu-minimal-divide", "iNALU", "÷", cell=Inalu, operation=truediv, solved=SOLVED, solution=exactly(1, -1)
    )
