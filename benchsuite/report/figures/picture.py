"""What all pictures share: the files they can be drawn into, and colours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.errors import OptionError, near_matches, printable
from benchsuite.results import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Endings of picture files, and so their formats.
ENDINGS = (".pdf", ".png", ".svg")

# Okabe and Ito's colours, which people with any colour vision tell apart; https://jfly.uni-koeln.de/color/
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")

#: Dashes of lines, told apart without any colour.
DASHES = ("-", "--", ":", "-.")

#: One colour for each outcome, in every picture.
OUTCOME_COLOURS = {
    Outcome.CONVERGED: "#0072B2",
    Outcome.STUCK: "#D55E00",
    Outcome.SLOW: "#E69F00",
    Outcome.DEAD: "#7A7A7A",
    Outcome.LOST: "#CC79A7",
    Outcome.DIVERGED: "#009E73",
}


def check_path(path: Path) -> None:
    """Refuse a file that no picture can be drawn into, before anything is trained for it.

    Raises:
        OptionError: its ending is none of `ENDINGS`, or its folder does not exist.
    """
    if path.suffix.lower() not in ENDINGS:
        raise OptionError(f"{path} has the ending {path.suffix!r}", near_matches(path.suffix, ENDINGS))
    if not path.parent.is_dir():
        raise OptionError(f"the folder of {path} does not exist", "choose one that does")


def save(figure: Figure, path: Path) -> None:
    """Write a figure into a file, in the format that its ending says.

    Raises:
        OptionError: the ending is not known, or the file cannot be written.
    """
    from matplotlib.text import Text

    check_path(path)
    for text in figure.findobj(Text):  # a "$" of somebody else's begins no formula
        text.set_parse_math(False)
        text.set_text(printable(text.get_text()))
    try:
        figure.savefig(path, dpi=160)
    except OSError as error:
        raise OptionError(f"{path} cannot be written: {error.strerror}", "choose a folder that exists") from error


def tidy(axes: Axes) -> None:
    """Take away what draws the eye from the lines, and tell what they are."""
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
