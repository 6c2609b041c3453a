"""Everybody can read what is shown: contrast of texts by day, by night and in print, and no colours where unwanted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.text import Text

from benchsuite.cli.common import stdout_console
from benchsuite.publish import badge

TEMPLATES = Path(badge.__file__).parents[1] / "report" / "html" / "templates"

#: The least contrast of text with its background, see https://www.w3.org/TR/WCAG22/#contrast-minimum.
LEAST = 4.5

#: Colours of texts, and of what is behind them.
TEXTS, BACKGROUNDS = ("ink", "soft", "link", "alarm"), ("paper", "tint")


def luminance(colour: str) -> float:
    """The relative luminance of a colour such as "#0072B2"."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def themes() -> Iterator[dict[str, str]]:
    """The colours of the page by name: by day, by night, and in print."""
    day: dict[str, str] = {}
    for colours in re.findall(r":root \{([^}]*--paper[^}]*)\}", (TEMPLATES / "style.css").read_text()):
        day = {**day, **dict(re.findall(r"--(\w+): (#\w{6});", colours))}
        yield day


def test_texts_of_the_page_stand_out() -> None:
    """By day, by night and in print, also where a cell is tinted."""
    found = list(themes())
    low = [
        f"{text} on {behind}: {contrast(theme[text], theme[behind]):.1f}"
        for theme in found
        for text, behind in (*((t, b) for t in TEXTS for b in BACKGROUNDS), ("ink", "good"), ("ink", "bad"))
        if contrast(theme[text], theme[behind]) < LEAST
    ]

    assert len(found) == 3
    assert not low, "\n".join(low)


@pytest.mark.parametrize("colour", [badge._QUIET, badge._CHANGED])
def test_text_of_the_badge_stands_out(colour: str) -> None:
    """White on either colour."""
    assert contrast("#ffffff", colour) >= LEAST


@pytest.mark.parametrize("no_colour", [True, False])
def test_no_color_switches_colours_off(
    no_colour: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`NO_COLOR` holds in a terminal with colours, see https://no-color.org."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "NO_COLOR": "1" if no_colour else ""}.items():
        monkeypatch.setenv(name, value)

    stdout_console().print(Text("on STAND-IN data", "bold red"))

    assert ("\x1b[1;31m" in capsys.readouterr().out) is not no_colour
