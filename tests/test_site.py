"""A site is added to and never rewritten, refuses what it does not know, and marks what changed and nothing else."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from conftest import Command
from msgspec import structs
from stored import GOOD, SLOW, a_case, store_run

from benchsuite import stats
from benchsuite.publish.badge import message
from benchsuite.publish.feed import feed
from benchsuite.publish.history import RATE, SPEED, ChangePoint, _in_units_of_noise, change_points, history
from benchsuite.publish.night import Night, Point
from benchsuite.publish.site import Site

DATA = Path(__file__).parent / "data"

ATOM = "{http://www.w3.org/2005/Atom}"


def point(label: str = "line", converged: int = 480, speed: float = 100.0, version: str = "v1") -> Point:
    """One case in one night, of 1,000 seeds."""
    return Point(
        label=label,
        case=label,
        treatment="",
        version=version,
        protocol="source",
        dataset="noisy_line",
        stand_in=False,
        device="NVIDIA H200",
        platform="gpu",
        device_count=1,
        precision="highest",
        seeds=1000,
        converged=converged,
        rate=converged / 1000,
        rate_interval=stats.rate_interval(converged, 1000),
        outcomes={"converged": converged, "stuck": 1000 - converged},
        seeds_per_second=speed,
        device_seconds_per_converged=0.1,
        slowest=0.97 * speed,
        fastest=1.03 * speed,
    )


def night(number: int, *points: Point, timing_warnings: tuple[str, ...] = ()) -> Night:
    """The night after so many others."""
    when = datetime(2026, 1, 1, 3, 15, tzinfo=UTC) + timedelta(days=number)
    return Night(f"{when:%Y%m%d-%H%M%S}-{number:06x}", when.isoformat(), "abc", {"jax": "1"}, timing_warnings, points)


def changes(nights: list[Night]) -> list[ChangePoint]:
    """All changes of all series."""
    return [change for of_case in history(nights).values() for series in of_case for change in series.changes()]


def noisy(count: int, seed: int = 0) -> Iterator[float]:
    """Speeds that differ from night to night by 3 %."""
    return iter((100 * np.random.default_rng(seed).lognormal(0, 0.03, count)).tolist())


def test_quiet_years_have_no_changes() -> None:
    """Of a hundred series, with fresh seeds every night and noisy speeds, hardly any has a change, however long."""
    for length in (10, 50, 365):
        rng = np.random.default_rng(0)
        rates = 2 * np.sqrt(1000.5) * np.arcsin(np.sqrt(rng.binomial(1000, 0.5, (100, length)) / 1000))
        speeds = [_in_units_of_noise(list(noisy(length, seed))) for seed in range(100)]

        assert sum(bool(change_points(series)) for series in rates) <= 3
        assert sum(bool(change_points(series)) for series in speeds) <= 3


@pytest.mark.parametrize("after", [380, 580])
def test_a_rate_that_changes_is_found_on_its_night(after: int) -> None:
    """In either direction, and as soon as a night has it."""
    for last in (41, 60):
        nights = [night(n, point(converged=480 if n < 40 else after)) for n in range(last)]

        (change,) = changes(nights)

        assert (change.figure, change.night, change.before, change.after) == (RATE, nights[40], 0.48, after / 1000)
        assert ("rose" if after > 480 else "fell") in change.sentence


def test_a_speed_that_changes_is_found_among_noise() -> None:
    """A fifth less is, at its night or next to it; a single slow night is not, nor nights whose timing is in doubt."""
    speeds = list(noisy(120))

    slower = [night(n, point(speed=speeds[n] * (1 if n < 80 else 0.8))) for n in range(120)]
    (change,) = changes(slower)
    assert change.figure == SPEED
    assert abs(slower.index(change.night) - 80) <= 1
    assert not changes([night(n, point(speed=speeds[n] * (0.5 if n == 80 else 1))) for n in range(120)])
    doubtful = [
        night(n, point(speed=speeds[n] * (1 if n < 80 else 0.8)), timing_warnings=("hot",) * (n >= 80))
        for n in range(90)
    ]
    assert not changes(doubtful)


def test_a_slump_at_the_end_is_not_a_change_yet() -> None:
    """Two slow nights are none; with the third one it is known, and the badge tells it that night."""
    speeds = list(noisy(60, seed=1))
    nights = [night(n, point(speed=speeds[n] * (1 if n < 50 else 0.7))) for n in range(60)]

    assert not changes(nights[:51])
    assert not changes(nights[:52])
    (change,) = changes(nights[:53])
    assert (change.night, change.known) == (nights[50], nights[52])
    assert message(nights[52], [change]) == ("1 case, 1 changed", "#B84F00")
    assert message(nights[53], changes(nights[:54]))[0] == "1 case, no change"


def test_more_seeds_are_no_change() -> None:
    """A night of another number of seeds has the same rate."""
    more = structs.replace(point(), seeds=10_000, converged=4800, rate_interval=stats.rate_interval(4800, 10_000))

    assert not changes([night(n, more if n % 3 else point()) for n in range(20)])


def test_another_version_device_or_data_is_another_series() -> None:
    """A benchmark that was changed is not compared with itself."""
    nights = [night(n, point(converged=480 if n < 5 else 900, version="v1" if n < 5 else "v2")) for n in range(10)]
    elsewhere = [
        night(20, structs.replace(point(), device="CPU")),
        night(21, structs.replace(point(), dataset="other")),
    ]

    (series,) = history(nights + elsewhere).values()

    assert [len(one.points) for one in series] == [1, 5, 5, 1]
    assert not changes(nights + elsewhere)


def test_a_night_is_read_as_it_was_written() -> None:
    """Night by night the same file."""
    one = night(3, point(), timing_warnings=("hot",))

    assert Night.from_json(one.to_json()).to_json() == one.to_json()
    with pytest.raises(ValueError, match="field"):
        Night.from_json(b"{}")


def test_a_site_of_the_version_before_takes_a_run(benchsuite: Command, tmp_path: Path) -> None:
    """It is read as it was written, its files stay the same to the byte, and its nights keep their names."""
    shutil.copytree(DATA / "site-1", "site")
    older = contents(Path("site/runs"))
    store_run(tmp_path / "run", a_case("relu-to-relu", *[GOOD, SLOW] * 4))

    (before,) = Site(Path("site")).nights
    code, _, err = benchsuite("publish", str(tmp_path / "run"), "--site=site")

    assert code == 0, err
    assert [(point.label, point.converged, point.seeds) for point in before.points][:2] == [
        ("relu-to-relu", 2, 6), ("relu-to-relu+adam", 2, 6)
    ]  # fmt: skip
    assert before.timing_warnings == []
    assert older.items() < contents(Path("site/runs")).items()
    assert Site(Path("site")).nights[0] == before
    facts = {name: value for name, value in json.loads(before.to_json()).items() if name != "name"}
    assert before.name[-6:] == hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:6], "it is found again"


def test_a_number_that_is_not_finite_is_not_written() -> None:
    """JSON has none, and a reader would take it for a missing one."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        night(3, structs.replace(point(), rate=float("nan"))).to_json()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with two runs of a case."""
    for name, last in (("one", GOOD), ("two", SLOW)):
        store_run(tmp_path / name, a_case("relu-to-relu", *[GOOD, SLOW] * 4, GOOD, last))
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder but the lock."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_publishing_adds_and_never_rewrites(benchsuite: Command, runs: Path) -> None:
    """A second night leaves the first one's files as they are; a run that is there already is not added again."""
    code, out, _ = benchsuite("publish", str(runs / "one"), "--site=site", "--title=Ours", "--address=https://a.org/b")
    first = contents(Path("site/runs"))
    benchsuite("publish", str(runs / "two"), "--site=site")
    both = contents(Path("site/runs"))
    again = benchsuite("publish", str(runs / "one"), "--site=site")

    assert code == 0
    assert "published: site/runs/" in out
    assert again[0] == 0
    assert "already published: 1 of 1" in again[1]
    assert first.items() < both.items()
    assert contents(Path("site/runs")) == both
    assert len(list(Path("site/assets").iterdir())) == 1
    assert (Path("site/index.html").read_text()).count("Ours") == 2, "a site keeps its title"
    assert "https://a.org/b/feed.xml" in Path("site/feed.xml").read_text()
    assert "relu-to-relu" in Path("site/cases/relu-to-relu.html").read_text()
    assert json.loads(Path("site/badge.json").read_text())["message"] == "1 case, no change"
    assert ET.parse("site/badge.svg").getroot().get("role") == "img"


def test_a_site_that_is_not_one_of_ours_is_refused(benchsuite: Command, runs: Path) -> None:
    """Something else, another version, or damage: said by name, and nothing is written."""
    one, two = str(runs / "one"), str(runs / "two")
    benchsuite("publish", one, "--site=site")
    (summary,) = Path("site/runs").glob("*/night.json")
    mark = Path("site/site.json")

    def refused(path: Path, content: bytes | None, reason: str) -> None:
        was = path.read_bytes()
        path.write_bytes(content) if content is not None else path.unlink()
        before = contents(Path("site"))
        code, _, err = benchsuite("publish", two, "--site=site")
        assert code == 1
        assert reason in err
        assert contents(Path("site")) == before
        path.write_bytes(was)

    refused(summary, summary.read_bytes().replace(b'"seeds": 10', b'"seeds": 99'), "is not what was published")
    refused(summary, None, "is damaged")
    refused(mark, b"{", "is damaged")
    refused(mark, b"[" * 100_000, "is damaged")
    refused(mark, mark.read_bytes().replace(b'"schema": 2', b'"schema": 3'), "has schema 3")
    refused(mark, mark.read_bytes().replace(b"Convergence", b"Konvergenz"), "was changed after it was written")
    Path("other").mkdir()
    Path("other/thesis.tex").touch()
    assert "holds no site, but thesis.tex" in benchsuite("publish", two, "--site=other")[2]
    Path("file").touch()
    assert "cannot be written" in benchsuite("publish", two, "--site=file")[2]
    Path("empty").mkdir()
    assert "holds no run" in benchsuite("publish", "empty", "--site=site")[2]
    assert benchsuite("publish", two, "--site=site")[0] == 0


def test_feed_tells_every_change_once() -> None:
    """Valid Atom, the latest first, under names that stay, whatever a case is called."""
    evil = "a<b>&\"'\n\u202e"
    nights = [night(n, point(evil, converged=480 if n < 5 else 900), point("calm")) for n in range(10)]
    of_night = [*changes(nights), *changes([night(n, point("late", 10 if n < 8 else 900)) for n in range(10)])]

    one, again = (feed(of_night, nights[-1].created, "T", "https://a.org/") for _ in range(2))

    root = ET.fromstring(one)
    entries = root.findall(f"{ATOM}entry")
    assert one == again
    assert [entry.findtext(f"{ATOM}updated") for entry in entries] == [nights[8].created, nights[5].created]
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == 2
    assert "a<b>&\"' \\u202e" in (entries[1].findtext(f"{ATOM}title") or "")
    assert all(root.find(f"{ATOM}{name}") is not None for name in ("id", "title", "updated", "author"))
