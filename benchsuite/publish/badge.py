"""A badge that tells in one line how the latest night went."""

from __future__ import annotations

import json
from collections.abc import Sequence

from benchsuite.publish.history import ChangePoint
from benchsuite.publish.night import Night

#: Of the message: nothing has changed, something has.
_QUIET, _CHANGED = "#0072B2", "#D55E00"


def message(latest: Night, changes: Sequence[ChangePoint]) -> tuple[str, str]:
    """What the badge says, and its colour."""
    cases = len({point.label for point in latest.points})
    changed = len({change.label for change in changes if change.known.name == latest.name})
    said = f"{cases} cases" if cases != 1 else "1 case"
    return (f"{said}, {changed} changed", _CHANGED) if changed else (f"{said}, no change", _QUIET)


def endpoint(said: str, colour: str) -> bytes:
    """The badge for a service that draws it, see https://shields.io/badges/endpoint-badge."""
    return json.dumps({"schemaVersion": 1, "label": "convergence", "message": said, "color": colour}).encode()
