"""A site is added to and never rewritten, refuses what it does not know, and marks what changed and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from conftest import Command
from playwright.sync_api import Browser
from test_site import ATOM, contents, night, noisy, point, runs

from benchsuite.errors import StoreError
from benchsuite.publish.site import Site
from benchsuite.report.html.page import PAGE
from benchsuite.system import files


@pytest.mark.parametrize("full_after", [0, 2, 3, 6])
def test_a_full_disk_costs_nothing_that_was_published(
    benchsuite: Command, runs: Path, monkeypatch: pytest.MonkeyPatch, full_after: int
) -> None:
    """Whichever file it is that has no room: the older night stays, and publishing again makes the site whole."""
    benchsuite("publish", str(runs / "one"), "--site=site")
    older = contents(Path("site/runs"))
    left = [full_after]
    write = files.write

    def full(path: Path, content: bytes, hint: str) -> None:
        if not left[0]:
            raise StoreError(f"{path} cannot be written: No space left on device", hint)
        left[0] -= 1
        write(path, content, hint)

    monkeypatch.setattr(files, "write", full)
    code, _, err = benchsuite("publish", str(runs / "two"), "--site=site")
    monkeypatch.setattr(files, "write", write)

    assert code == 1
    assert "publish the run again" in err
    assert older.items() <= contents(Path("site/runs")).items()
    assert not list(Path("site/runs").glob(".*"))
    assert benchsuite("publish", str(runs / "two"), "--site=site")[0] == 0
    assert len(Site(Path("site")).nights) == 2
    assert Path("site/index.html").read_text().count('<li><a href="runs/') == 2


def test_two_publishers_at_once(runs: Path) -> None:
    """One waits for the other."""
    command = [sys.executable, "-m", "benchsuite", "publish", "--site=site"]
    both = [subprocess.Popen([*command, str(runs / name)], stdout=subprocess.PIPE) for name in ("one", "two")]

    assert [process.wait(timeout=120) for process in both] == [0, 0]
    for process in both:
        assert process.stdout
        process.stdout.close()
    assert len(Site(Path("site")).nights) == 2
    assert Path("site/index.html").read_text().count('<li><a href="runs/') == 2


def year(path: Path, nights: int = 365) -> None:
    """A site with so many nights of six cases, of which one becomes worse and one becomes slow."""
    path.mkdir()
    site = Site(path)
    speeds = noisy(6 * nights)
    for n in range(nights):
        points = [
            point(
                f"case-{c}",
                converged=430 if (c, n >= nights // 2) == (2, True) else 480,
                speed=next(speeds) * (0.8 if (c, n >= nights // 2) == (3, True) else 1),
            )
            for c in range(6)
        ]
        one = night(n, *points)
        (path / one.page).parent.mkdir(parents=True)
        (path / one.page).with_name("night.json").write_bytes(one.to_json())
        site._nights[one.name] = one
    site._mark()
    site.show()


def test_a_year_of_nights() -> None:
    """365 nights of six cases: what changed is told, and nothing else."""
    year(Path("site"))

    entries = ET.parse("site/feed.xml").getroot().findall(f"{ATOM}entry")
    titles = {entry.findtext(f"{ATOM}title") for entry in entries}
    assert len(titles) == 2
    assert "the rate of case-2 fell from 48.0 % to 43.0 %" in titles
    assert any((title or "").startswith("the speed of case-3 fell") for title in titles)
    assert len(list(Path("site/cases").iterdir())) == 6
    assert len(Site(Path("site")).nights) == 365


def test_site_in_a_browser(chromium: Browser, runs: Path, benchsuite: Command) -> None:
    """Index, case and night open from the file system; nothing is asked of anybody else, and no link is broken."""
    benchsuite("publish", str(runs / "one"), str(runs / "two"), "--site=site")
    noticed: list[str] = []
    page = chromium.new_context(viewport={"width": 360, "height": 740}).new_page()
    page.on("console", lambda message: noticed.append(message.text))
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith("file:") else noticed.append(asked.url))

    page.goto((Path("site") / PAGE).resolve().as_uri())
    page.wait_for_selector("body[data-drawn=all]")
    page.click("text=relu-to-relu")
    page.wait_for_selector("body[data-drawn=all]")
    drawn = page.evaluate("[...document.querySelectorAll('figure')].map(figure => figure.dataset.drawn)")
    assert drawn == ["yes", "yes"]
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.click("text=All cases")
    page.locator("ul.nights a").first.click()
    page.wait_for_selector("body[data-drawn=all]", timeout=60_000)
    assert page.locator("figure[data-drawn=yes]").count() == page.locator("figure").count() > 5
    page.click("text=All nights")
    assert page.title() == "Convergence by night"
    assert noticed == []


def test_a_publisher_that_was_killed_leaves_no_trace(benchsuite: Command, runs: Path) -> None:
    """A night that was not counted is written again."""
    benchsuite("publish", str(runs / "one"), "--site=site")
    mark = Path("site/site.json").read_bytes()
    benchsuite("publish", str(runs / "two"), "--site=site")
    Path("site/site.json").write_bytes(mark)
    name = Site(Path("site")).nights[0].name
    (orphan,) = (path for path in Path("site/runs").iterdir() if path.name != name)
    shutil.rmtree(orphan)
    orphan.mkdir()
    os.utime(orphan)

    assert benchsuite("publish", str(runs / "two"), "--site=site")[0] == 0

    assert len(Site(Path("site")).nights) == 2
    assert (orphan / PAGE).exists()
