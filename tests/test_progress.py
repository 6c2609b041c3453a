"""The progress of a run shows labels of plugins literally, at any speed."""

from __future__ import annotations

import io

import pytest

from benchsuite.system import progress
from benchsuite.system.progress import ProgressBar

#: What a plugin could call things: rich markup, an emoji code, and characters that move the cursor or turn the text.
FOREIGN = "[red]line[/red] [link=x] :warning: \x1b[2J \u202e \r \n end"

SHOWN = r"[red]line[/red] [link=x] :warning: \x1b[2J \u202e \r \n end"


class Terminal(io.StringIO):
    """A file that is a terminal."""

    def isatty(self) -> bool:
        """Whether it is one."""
        return True


def shown_in(file: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a bar writes into a file about a case with foreign names."""
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERM", "xterm")
    with ProgressBar(file, place="1/2") as live:
        live.begin(FOREIGN, 10, 0)
        live.stage(FOREIGN)
        live.advance(2)
        live.update_rate(4, 2)
        live.advance(1)
        live._progress.refresh()
    return file.getvalue()


def test_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each advance is one line, with label, stage, count, rate and time left."""
    first, second = shown_in(io.StringIO(), monkeypatch).splitlines()

    assert first.startswith(f"1/2 {SHOWN}: {SHOWN}, 2 of 10 seeds, about ")
    assert second.startswith(f"1/2 {SHOWN}: {SHOWN}, 5 of 10 seeds, 50.0 % converged, about ")


def test_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar has the label once and the stage once, as they are, and no plain line."""
    text = shown_in(Terminal(), monkeypatch)

    assert f"1/2 {SHOWN}" in text
    assert text.count(SHOWN) >= 2, "as the label and as the stage"
    assert "50.0 % converged" in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "seeds, about" not in text
