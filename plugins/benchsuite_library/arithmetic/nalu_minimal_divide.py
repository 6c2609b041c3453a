"""One NALU layer divides two numbers.

It has no sign of its product, so only the positive ranges 1 and 2 can be solved.
"""

from operator import truediv

from benchsuite import hookimpl

from .minimal import minimal
from .minimal_cells import Nalu

#: Of ten seeds of the source, for each range.
SOLVED = 0, 0, 0, 0, 0, 0, 0


@hookimpl
def benchsuite_cases():
    yield minimal("nalu-minimal-divide", "NALU", "÷", cell=Nalu, operation=truediv, solved=SOLVED)
