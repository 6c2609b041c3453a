"""Pictures in files look as they did when they were approved."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from itertools import zip_longest
from pathlib import Path

import pytest
from stored import GOOD, SLOW, STUCK, WILD, a_case, store_run, treated

from benchsuite.report.figures import draw_heatmap, draw_sweep, draw_thresholds
from benchsuite.store import read_results

APPROVED = Path(__file__).parent / "data" / "pictures"

#: Pixels by which a position may differ: fonts differ from machine to machine.
PIXELS = 4.0

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def parts(path: Path) -> list[tuple[str, str]]:
    """All texts and shapes of a picture, each with its position or outline."""
    found = []
    for node in ET.parse(path).iter():
        kind = node.tag.rpartition("}")[2]
        if kind in ("text", "path", "rect", "line"):
            fill = re.sub(r"_\d+", "", node.get("fill") or "")  # gradients are counted through a process
            found.append((f"{kind} {node.text or ''} {fill}", f"{node.get('transform')} {node.get('d')}"))
    return found


def assert_alike(one: Path, other: Path) -> None:
    """Compare texts, colours and outlines, positions with a tolerance."""
    for (what, where), (approved, place) in zip_longest(parts(one), parts(other), fillvalue=("", "")):
        assert what == approved
        numbers, expected = ([float(text) for text in _NUMBER.findall(part)] for part in (where, place))
        assert numbers == pytest.approx(expected, abs=PIXELS), what


def test_pictures_are_as_approved() -> None:
    """Three kinds, with logarithmic axes; set APPROVE=1 to approve those of today after a look at them."""
    rates = {"sweep": {"learning_rate": [0.001, 0.01, 0.1]}}
    plain = store_run(Path("out"), a_case("line", *[GOOD, SLOW] * 6), a_case("steep", *[GOOD, STUCK, WILD] * 4))
    both = store_run(Path("two"), a_case("line", *[GOOD, SLOW] * 6), treated("line", "he", *[GOOD] * 12))
    swept = store_run(Path("swept"), a_case("line", *[STUCK] * 8, *[GOOD, SLOW] * 4, *[GOOD] * 8, plan=rates))
    draw_thresholds(read_results(plain), Path("thresholds.svg"))
    draw_heatmap([result.summary for result in read_results(both)], [("line", "late", "not run")], Path("heatmap.svg"))
    draw_sweep([result.summary for result in read_results(swept)], Path("sweep.svg"))

    texts = [node.text for node in ET.parse("thresholds.svg").iter() if node.tag.endswith("text")]
    assert "10⁻²" in texts
    for name in ("thresholds.svg", "heatmap.svg", "sweep.svg"):
        if os.environ.get("APPROVE"):
            APPROVED.mkdir(exist_ok=True)
            Path(name).replace(APPROVED / name)
        else:
            assert_alike(Path(name), APPROVED / name)
