"""Badge with the number of cases of the latest night, of changes, and of cases that were not trained to the end."""

from __future__ import annotations

import json
from collections.abc import Sequence

from benchsuite.publish.history import ChangePoint
from benchsuite.publish.night import Night

#: Colours of a badge without and with changes, dark enough for white letters.
_QUIET, _CHANGED = "#0072B2", "#B84F00"


def message(latest: Night, changes: Sequence[ChangePoint]) -> tuple[str, str]:
    """Return the text of the badge and its colour."""
    cases = len({point.label for point in latest.points})
    changed = len({change.label for change in changes if change.known.name == latest.name})
    counted = f"{cases} cases" if cases != 1 else "1 case"
    if latest.untrained:
        return f"{counted}, {len(latest.untrained)} not trained to the end", _CHANGED
    return (f"{counted}, {changed} changed", _CHANGED) if changed else (f"{counted}, no change", _QUIET)


def endpoint(text: str, colour: str) -> bytes:
    """Encode the badge for a badge service, see https://shields.io/badges/endpoint-badge."""
    return json.dumps({"schemaVersion": 1, "label": "convergence", "message": text, "color": colour}).encode()
