"""Check the path of a picture before anything is trained for it; needs no extra."""

from __future__ import annotations

from pathlib import Path

from benchsuite.errors import OptionError, near_matches

#: Endings of picture files, and so their formats.
ENDINGS = (".pdf", ".png", ".svg")


def check_path(path: Path) -> None:
    """Check the ending and the folder of a picture file.

    Raises:
        OptionError: the ending is none of `ENDINGS`, or the folder does not exist.
    """
    if path.suffix.lower() not in ENDINGS:
        raise OptionError(f"{path} has the ending {path.suffix!r}", near_matches(path.suffix, ENDINGS))
    if not path.parent.is_dir():
        raise OptionError(f"the folder of {path} does not exist", "choose a folder that exists")
