"""Variants: cases that are changed, by treatments, starts and sweeps, or made in ladders.

In: a case, and a treatment, a start or the values of an option; or a ladder, which makes a case for each value.
Out: the changed case, or the reason why the change does not apply.
"""

from benchsuite.variants.ladder import Ladder
from benchsuite.variants.start import Start, find_start, start_values
from benchsuite.variants.treatment import ALL, NONE, Treatment, combine_treatments
from benchsuite.variants.variant import Variant, change_options, list_inapplicable, make_variants

__all__ = [
    "ALL",
    "NONE",
    "Ladder",
    "Start",
    "Treatment",
    "Variant",
    "change_options",
    "combine_treatments",
    "find_start",
    "list_inapplicable",
    "make_variants",
    "start_values",
]
