"""Write a site: nights are added and never rewritten; all other pages are rebuilt from them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from filelock import FileLock, Timeout

from benchsuite import __version__
from benchsuite.errors import OptionError, StoreError
from benchsuite.publish import badge
from benchsuite.publish.charts import over_time
from benchsuite.publish.feed import feed
from benchsuite.publish.history import ChangePoint, Series, history
from benchsuite.publish.night import Night, NightName, Point
from benchsuite.report.html import (
    PAGE,
    SUMMARY,
    chart_library,
    collect_content,
    environment,
    render_markdown,
    render_page,
)
from benchsuite.store import RunFolder
from benchsuite.system import files

#: Version of the layout.
SCHEMA = 2

_MARK, _RUNS, _CASES, _ASSETS, _NIGHT, _LOCK = "site.json", "runs", "cases", "assets", "night.json", ".lock"

_HINT = "free disk space, then publish the run again; nights already published are kept"

#: Seconds to wait for another process that publishes.
_PATIENCE = 600

#: Default title of a site.
TITLE = "Convergence by night"

#: Longest name of a page, without suffix.
_LONGEST = 200

#: Nights listed on the index; older ones are folded.
_LISTED = 60


class _Mark(msgspec.Struct, frozen=True):
    """The content of a site's own file.

    Args:
        title: of the site.
        address: where it is published.
        nights: name → SHA-256 of its file.
    """

    title: str = TITLE
    address: str = ""
    nights: dict[NightName, str] = {}  # msgspec copies it


class Site:
    """A static site in a folder.

    Args:
        path: the folder.
        title: new title; empty to keep the title.
        address: new address of publication, for the feed; empty to keep it.

    Raises:
        StoreError: the folder holds other files, a damaged site, or a site of another version.
    """

    def __init__(self, path: Path, title: str = "", address: str = "") -> None:
        self.path = path
        for name in (_RUNS, _CASES, _ASSETS):
            if (path / name).is_symlink():
                raise StoreError(f"{path / name} is a symbolic link", "replace it by a folder")
        mark = _read_mark(path)
        self._title = title or mark.title
        self._address = f"{address.rstrip('/')}/" if address else mark.address
        self._digests = dict(mark.nights)
        self._nights = {
            name: _read_night(path / _RUNS / name / _NIGHT, name, digest) for name, digest in mark.nights.items()
        }

    @property
    def nights(self) -> list[Night]:
        """All nights, the oldest first."""
        return sorted(self._nights.values(), key=lambda night: (night.created, night.name))

    @classmethod
    def publish(
        cls,
        path: Path,
        runs: Sequence[RunFolder],
        title: str = "",
        address: str = "",
        reference: RunFolder | None = None,
    ) -> list[Night]:
        """Add runs to a site under a lock, and return the new nights.

        Args:
            path: folder of the site.
            runs: one night each.
            title: of the site.
            address: where it is published.
            reference: run that the pages compare with; None for pages without a comparison.

        Raises:
            StoreError: a run or the site is damaged, or cannot be written; published nights are unchanged.
            OptionError: a run has no finished round, or the title or address is not printable.
        """
        for text in filter(None, (title, address)):
            if not text.isprintable():
                raise OptionError(
                    f"the title or address {text!r} has unprintable characters", "use printable characters"
                )
        try:
            path.mkdir(parents=True, exist_ok=True)
            with FileLock(path / _LOCK, timeout=_PATIENCE):
                site, added = cls(path, title, address), []
                try:
                    added += [night for run in runs if (night := site.add(run, reference))]
                finally:
                    if site.nights:
                        site.show()
        except Timeout as error:
            raise StoreError(f"{path} is locked for {_PATIENCE} s", "stop the other process that publishes") from error
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}", "choose another folder") from error
        return added

    def add(self, run: RunFolder, reference: RunFolder | None = None) -> Night | None:
        """Add a run with its page, and return its night; None if it was published before.

        Raises:
            StoreError: the run is damaged, or it cannot be written.
            OptionError: it has no finished round.
        """
        report = collect_content([run], reference)
        night = Night.of(run, report.results)
        if night.name in self._nights:
            return None
        try:
            Night.from_json(night.to_json())
        except (TypeError, ValueError) as error:
            raise StoreError(f"{run.path} cannot be published: {error}", "publish another run") from error
        script = self._script()
        unfinished = self.path / _RUNS / f".{night.name}.{os.getpid()}"
        try:
            files.write(unfinished / _NIGHT, night.to_json(), _HINT)
            files.write(unfinished / PAGE, render_page(report, f"../../{script}").encode(), _HINT)
            files.write(unfinished / SUMMARY, render_markdown(report).encode(), _HINT)
            shutil.rmtree(self.path / _RUNS / night.name, ignore_errors=True)  # left by a publisher that was killed
            unfinished.replace(self.path / _RUNS / night.name)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}", _HINT) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        self._nights[night.name] = night
        self._mark()
        return night

    def show(self) -> None:
        """Write index, pages of cases, feed and badge; the site must have a night.

        Raises:
            StoreError: it cannot be written.
        """
        by_label = history(self.nights)
        changes = {label: [c for one in series for c in one.changes()] for label, series in by_label.items()}
        found = [change for of_case in changes.values() for change in of_case]
        pages = _page_names(by_label)
        script = self._script()
        for label, series in by_label.items():
            content = self._case_page(label, series, changes[label], f"../{script}")
            files.write(self.path / _CASES / pages[label], content.encode(), _HINT)
        files.write(self.path / PAGE, self._index(by_label, found, pages).encode(), _HINT)
        latest = self.nights[-1]
        files.write(self.path / "feed.xml", feed(found, latest.created, self._title, self._address), _HINT)
        text, colour = badge.message(latest, found)
        drawn = _environment().get_template("badge.svg").render(label="convergence", message=text, colour=colour)
        files.write(self.path / "badge.svg", drawn.encode(), _HINT)
        files.write(self.path / "badge.json", badge.endpoint(text, colour), _HINT)

    def _index(self, by_label: dict[str, list[Series]], changes: Sequence[ChangePoint], pages: dict[str, str]) -> str:
        lines = list(_lines(by_label, changes))
        return (
            _environment()
            .get_template("index.html")
            .render(
                title=self._title,
                latest=self.nights[-1],
                lines=lines,
                sentence=_sentence(self.nights[-1], changes),
                outcomes=_outcomes(line["point"] for line in lines),
                names={line["label"]: _words(line) for line in lines},
                pages=pages,
                changes=sorted(changes, key=lambda change: change.night.created, reverse=True),
                nights=self.nights[::-1],
                listed=_LISTED,
            )
        )

    def _case_page(self, label: str, series: Sequence[Series], changes: Sequence[ChangePoint], script: str) -> str:
        figures = over_time(label, series, changes)
        return (
            _environment()
            .get_template("case.html")
            .render(
                title=label,
                series=series,
                outcomes=_outcomes(one.points[-1] for one in series),
                figures=figures,
                specs={figure.name: figure.spec() for figure in figures},
                changes=sorted(changes, key=lambda change: change.night.created, reverse=True),
                scripts=script,
            )
        )

    @cached_property
    def _library(self) -> tuple[str, bytes]:
        content = chart_library().encode()
        return f"{_ASSETS}/vega-{hashlib.sha256(content).hexdigest()[:12]}.js", content

    def _script(self) -> str:
        """Write the chart library once, and return its path in the site."""
        name, content = self._library
        if not (self.path / name).exists():
            files.write(self.path / name, content, _HINT)
        return name

    def _mark(self) -> None:
        nights = {name: self._digests.get(name) or _digest(night.to_json()) for name, night in self._nights.items()}
        about = {"schema": SCHEMA, "made_by": f"benchsuite {__version__}"}
        content = {**about, "title": self._title, "address": self._address, "nights": nights}
        files.write(self.path / _MARK, files.sealed(content), _HINT)


def _read_mark(path: Path) -> _Mark:
    """Read the site's own file; a new one if the folder is empty or was only begun."""
    mark = path / _MARK
    if not mark.exists():
        others = {found.name for found in path.iterdir()} - {_LOCK} if path.exists() else set()
        if others - {_ASSETS, _RUNS}:
            raise StoreError(f"{path} holds no site, but {min(others)}", "choose an empty folder, or a site")
        return _Mark()
    try:
        content = files.read(mark)
        schema = files.schema_of(content)
        if schema == SCHEMA:
            return files.decode(files.unsealed(content), _Mark)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"{mark} is damaged: {error}", "restore the site from a backup; nothing was written"
        ) from error
    raise StoreError(
        f"{mark} has schema {schema}, this version writes {SCHEMA}",
        "use that version of benchsuite, or choose another folder",
    )


def _read_night(path: Path, name: str, digest: str) -> Night:
    try:
        content = files.read(path)
        if _digest(content) == digest and (night := Night.from_json(content)).name == name:
            return night
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} is damaged: {error}", "restore it from a backup; nothing was written") from error
    raise StoreError(f"{path} is not what was published", "restore it from a backup; nothing was written")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _page_names(labels: Sequence[str] | dict[str, Any]) -> dict[str, str]:
    """Map each label to a unique file name."""
    names: dict[str, str] = {}
    for label in labels:
        stem = re.sub(r"[^A-Za-z0-9.+=_-]+", "-", label).strip("-.")[:_LONGEST] or "case"
        taken = set(names.values())
        names[label] = next(
            name
            for name in (f"{stem}{'' if n == 1 else f'-{n}'}.html" for n in range(1, len(taken) + 2))
            if name not in taken
        )
    return names


def _lines(by_label: dict[str, list[Series]], changes: Sequence[ChangePoint]) -> Iterator[dict[str, Any]]:
    """The latest point of every series, and its last change."""
    for label, of_case in by_label.items():
        for series in of_case:
            own = [change for change in changes if (change.label, change.series) == (label, series.name)]
            last = max(own, key=lambda change: change.night.created, default=None)
            yield {
                "label": label,
                "series": series,
                "point": series.points[-1],
                "night": series.nights[-1],
                "change": last,
            }


def _outcomes(points: Iterable[Point]) -> Counter[str]:
    """The outcomes of all seeds of the points."""
    return sum((Counter(point.outcomes) for point in points), Counter())


def _words(line: dict[str, Any]) -> list[str]:
    """The names that the filter finds a line by."""
    return list(dict.fromkeys((line["label"], line["point"].case, *filter(None, (line["point"].treatment,)))))


def _sentence(latest: Night, changes: Sequence[ChangePoint]) -> str:
    """The result of the latest night: what is known to have changed since, and what was not trained."""
    known = [change.sentence for change in changes if change.known.name == latest.name]
    cases = len({point.label for point in latest.points})
    missing = f"; {len(latest.untrained)} not trained to the end" if latest.untrained else ""
    return ("; ".join(known) or f"Nothing changed in the latest night of {cases} cases") + missing


def _environment() -> jinja2.Environment:
    return environment("benchsuite.publish")
