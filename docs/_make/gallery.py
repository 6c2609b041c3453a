"""Write the gallery of cases: `python docs/_make/gallery.py RUN…`; with `--check`, only say what is missing.

A case or ladder has a page in `docs/cases` with its pictures, and a card on the overview. Those that no RUN has trained
get a page without results.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import case_page
import click
import pictures
from entries import Entry, add_runs, entries

from benchsuite.settings import TrainingSettings

CASES = Path(__file__).parents[1] / "cases"

OVERVIEW = """# Cases

Every case trains a small network from random starts; most are taken from a question, a paper or a library's own tests.
A card leads to its published rate beside ours, how its seeds fail, its learning curves, and what helps. [My network
does not learn](symptoms.md) leads from what you see to a case.

<form class="filter" id="filter">
<label>family <select name="family"><option value="">all</option>{families}</select></label>
<label>tag <select name="tag"><option value="">all</option>{tags}</select></label>
<output aria-live="polite"></output>
</form>

<ul class="gallery" id="gallery">
{cards}
</ul>

<script src="../javascripts/gallery.js"></script>
"""


def write(entry: Entry, settings: TrainingSettings) -> str:
    """Write the page of an entry and its pictures; returns its card."""
    drawn = _draw(entry, settings)
    shown = {}
    for name, (content, about) in drawn.items():
        ending = "png" if content.startswith(b"\x89PNG") else "svg"
        path = f"pictures/{entry.name}-{name}.{ending}"
        (CASES / path).write_bytes(content)
        shown[name] = (path, about)
    if (CASES.parent / "pictures" / f"{entry.name}.png").exists():
        shown["loss"] = (f"../pictures/{entry.name}.png", f"{entry.name}: the loss over its parameters, and trainings")
    card = shown.get("task") or shown.pop("small", None)
    shown.pop("small", None)
    (CASES / f"{entry.name}.md").write_text(case_page.page(entry, shown))
    return case_page.card(entry, card)


def _draw(entry: Entry, settings: TrainingSettings) -> dict[str, tuple[bytes, str]]:
    made = {"task": pictures.task_picture(entry.cases[-1], settings)}
    if entry.plain:
        result = entry.plain[case_page.middle(entry)]
        made["curves"] = pictures.curves_picture(result)
        if not made["task"]:
            made["small"] = pictures.small(result)
        if entry.is_ladder:
            made["ladder"] = pictures.ladder_picture([one.summary for one in entry.plain])
    return {name: picture for name, picture in made.items() if picture}


def overview(found: Sequence[Entry], cards: Sequence[str]) -> str:
    """The overview of all cards."""
    families = sorted({entry.family for entry in found})
    tags = sorted({tag for entry in found for tag in entry.tags})
    options = ["".join(f"<option>{word}</option>" for word in words) for words in (families, tags)]
    return OVERVIEW.format(families=options[0], tags=options[1], cards="\n".join(cards))


def missing(found: Sequence[Entry]) -> list[str]:
    """Say which cases have no page or card, and which pages show pictures that are not there."""
    index = (CASES / "index.md").read_text()
    wrong = [entry.name for entry in found if f'"{entry.name}.html"' not in index]
    wrong += [entry.name for entry in found if not (CASES / f"{entry.name}.md").exists()]
    for page in CASES.glob("*.md"):
        shown = re.findall(r'src="(pictures/[^"]+)"', page.read_text())
        wrong += [path for path in shown if not (CASES / path).exists()]
    return wrong


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; fail if a case has no page.")
def main(runs: tuple[Path, ...], check: bool) -> None:
    """Write the gallery from RUNs."""
    found = entries()
    if check:
        if wrong := missing(found):
            sys.exit(f"docs/cases lacks {', '.join(wrong)}: run `python docs/_make/gallery.py RUN`")
        return
    began = time.time()
    add_runs(found, runs)
    before = {*(CASES / "pictures").glob("*"), *CASES.glob("*.md")} - {CASES / "symptoms.md"}
    (CASES / "pictures").mkdir(exist_ok=True)
    data = os.environ.get("BENCHSUITE_DATA")
    settings = TrainingSettings(data_dir=Path(data) if data else None)
    cards = [write(entry, settings) for entry in found]
    (CASES / "index.md").write_text(overview(found, cards))
    for old in before - {path for path in before if path.stat().st_mtime >= began}:
        old.unlink()


if __name__ == "__main__":
    main()
