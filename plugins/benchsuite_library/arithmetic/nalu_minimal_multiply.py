"""One NALU layer multiplies two numbers.

It has no sign of its product, so only the positive ranges 1 and 2 can be solved.
"""

from operator import mul

from benchsuite import hookimpl

from .minimal import minimal
from .minimal_cells import Nalu

#: Of ten seeds of the source, for each range.
SOLVED = 7, 10, 0, 0, 0, 0, 0


@hookimpl
def benchsuite_cases():
    yield minimal("nalu-minimal-multiply", "NALU", "×", cell=Nalu, operation=mul, solved=SOLVED)
