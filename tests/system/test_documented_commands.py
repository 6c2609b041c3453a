"""Every command, file and snippet of a page works for a reader who follows the page in its order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import documented
import pytest
import vl_convert
from conftest import run
from stored import GOOD, SLOW, a_case, store_run

import benchsuite.report.board
import benchsuite.report.figures
import benchsuite.report.html
from benchsuite import Case, Schedule, publish, standings, testing
from benchsuite.engine import problem
from benchsuite.tuning import shipped_entries

#: Modules that pytester would unload after each test, of which some cannot be imported twice.
PRELOADED = (vl_convert, benchsuite.report.board, publish, standings, testing)

#: Set to 2 or more, everything is trained that takes over a minute, as in test_library.py.
ALL = int(os.environ.get("BENCHSUITE_LIBRARY", "1")) > 1

#: Beginnings of commands that are parsed only, by tests/test_docs.py, each with what it needs or does.
PARSED = {
    "git ": "GitHub",
    "pip install benchsuite-noisy-line": "PyPI",
    "pip install 'benchsuite[": "PyPI",
    "dask ": "a cluster",
    "taskset -c 0 benchsuite": "a cluster",
    "benchsuite run relu-to-relu --executor dask": "a cluster, as in test_cluster.py",
    "benchsuite run relu-to-relu --seeds 2400": "a cluster, as in test_cluster.py",
    "benchsuite run relu-to-relu --seeds 100000 --executor dask": "a cluster, as in test_cluster.py",
    "benchsuite run relu-to-relu --seeds 1000000 --executor slurm": "a cluster, as in test_slurm.py",
    "pytest cases/ --benchmark-only --benchsuite-executor dask": "a cluster, as in test_cluster.py",
    "benchsuite board -o reports/": "a clone, whose .ci/run runs it",
    "benchsuite board adam sgd random-search": "hours",
    "benchsuite run bbob-": "the extra bbob",
    "benchsuite run mnist-identity-1L": "an hour and the files of MNIST",
    "python benchmarks/": "a benchmark in a clone, minutes",
    "tox ": "a benchmark in a clone, minutes",
    "pytest tests/system/": "these tests",
}

#: Beginnings of commands that train for long even so, or what other pages and tests train: planned, unless ALL.
PLANNED = (
    "benchsuite board adam rprop new.toml",
    "benchsuite board entries/ --rules default --rules tuned-5 --reference",
    "benchsuite run --compare RUN",
    "benchsuite run euclidean-distance --sweep units=",
    'benchsuite run relu-bias --optimizer "MultiSteps(',
    'benchsuite run relu-bias --optimizer "chain(clip_by_global_norm(1.0), adam(cosine',
    'benchsuite run relu-bias --optimizer "schedule_free(',
    "benchsuite run relu-to-relu relu-bias relu-output --seeds 2000",
    "benchsuite run relu-to-relu relu-bias relu-output euclidean-distance --seeds 2000",
    "benchsuite versus mymod:make optax.adam",
    "pytest cases/ --benchmark-only --benchsuite-compare",
)

#: Commands that are left out unless ALL, since other tests do the same: test_testing.py, test_treatment.py, and the
#: environment "example" of tox.
ELSEWHERE = re.compile(r"benchsuite check .*|pytest|pytest cases/ --benchmark-only --benchsuite-treatment all")

#: Commands that need no run before them, and are run on the first page that has them.
ONCE = ("benchsuite nightly", "benchsuite check", "benchsuite landscape")

#: Names that stand for something of the reader's: a run, or a plugin.
RUNS = ("RUN", "OTHER", "REF", "OLD", "NEW", ".benchsuite/20261122-031500", ".benchsuite/20261123-031500")
NAMES = {"NAME": "my-case"}


def commands(page: Path) -> list[str]:
    """The commands of a page."""
    return [part.text for part in documented.shown(page) if part.kind == "command"]


def of_page(page: Path, kind: str) -> list[documented.Shown]:
    """The files, or the Python, of a page."""
    return [part for part in documented.shown(page) if part.kind == kind]


def named(page: Path) -> str:
    """Name a test after its page."""
    return page.relative_to(documented.ROOT).with_suffix("").as_posix()


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train every case in this process for a few steps, on few seeds."""
    given = problem.schedule_for

    def short(case: Case, protocol: str) -> tuple[str, Schedule]:
        name, schedule = given(case, protocol)
        length = {"steps": 40, "evaluate_every": 10} if schedule.steps else {"epochs": 4, "evaluate_every": 1}
        return name, replace(schedule, **length, seeds=8)

    monkeypatch.setattr(problem, "schedule_for", short)


@pytest.fixture
def reader(pytester: pytest.Pytester) -> Path:
    """The folder of a reader, with the suite's tests and what a page takes for granted: runs, and modules of theirs."""
    suite = documented.ROOT / "benchsuite" / "suite" / "test_cases.py"
    pytester.mkpydir("mypkg")
    for name in ("cases", "entries"):
        pytester.mkdir(name)
    shutil.copy(suite, "cases")
    (module,) = of_page(documented.ROOT / "docs" / "tutorials" / "optimizer.md", "file")
    (entry,) = of_page(documented.ROOT / "docs" / "howto" / "board.md", "file")
    for path, text in {"mymod.py": module.text, "mypkg/optim.py": module.text, "entries/new.toml": entry.text}.items():
        Path(path).write_text(text)
    shutil.copy(shipped_entries()["adam"], "entries")
    return pytester.path


def store_runs(command: str) -> None:
    """Write the runs that a command names, or the latest one that it reads, where they are not there."""
    latest = command.startswith(("benchsuite report", "benchsuite export")) and not Path(".benchsuite").exists()
    for name in RUNS:
        if (name in command or (latest and name == RUNS[-1])) and not Path(name).exists():
            store_run(Path(name), a_case("relu-bias" if name == "OTHER" else documented.CASE, *[GOOD, SLOW] * 4))


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what `pip install -e .` does in the working folder, without building anything."""
    about = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    folder = Path(f"{about['name'].replace('-', '_')}-{about['version']}.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    lines = [f"{name} = {module}" for name, module in about["entry-points"]["benchsuite"].items()]
    (folder / "entry_points.txt").write_text("\n".join(["[benchsuite]", *lines]))
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()), prepend=os.pathsep)


@pytest.mark.parametrize("page", [page for page in documented.PAGES if commands(page)], ids=named)
def test_page_can_be_followed(
    page: Path,
    reader: Path,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every command ends well where the ones before it on the page were run; files are those that the page shows."""
    before = documented.PAGES[: documented.PAGES.index(page)]
    done = {command.split("#")[0].strip() for other in before for command in commands(other)}
    for part in documented.shown(page):
        command = part.text.split(" #")[0].strip()
        if part.kind == "heading" and not part.text[0].isdigit():  # steps go on in the folder of the one before
            monkeypatch.chdir(reader)
        elif part.kind == "file":
            Path(part.name).write_text(part.text)
        elif part.kind == "command" and not (command.startswith(ONCE) and command in done):
            code, said = followed(part.text, pytester, monkeypatch, capsys)
            assert code == 0, f"{command}: {said}"


def followed(
    command: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Run a command as a reader would, with less to train; returns its exit code and what it says."""
    program = command.split(" ", maxsplit=1)[0]
    if command.startswith(tuple(PARSED)) or (ELSEWHERE.fullmatch(command) and not ALL):
        return 0, ""
    if program == "cd":
        monkeypatch.chdir(command.split(" ")[1])
        return 0, ""
    if program == "pip":
        install(monkeypatch)
        return 0, ""
    if program == "grep":
        found = subprocess.run(command, shell=True, check=False, capture_output=True, text=True)  # noqa: S602
        return found.returncode, found.stderr
    store_runs(command)
    words = [NAMES.get(word, word) for word in documented.less(command)]
    planned = command.startswith(PLANNED) and not ALL
    if program == "benchsuite":
        code, _, said = run(*words[1:], *["--plan"] * planned, capsys=capsys, monkeypatch=monkeypatch)
    elif words == ["pytest"]:
        tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(tests, capture_output=True, text=True, check=False)
        code, said = done.returncode, done.stdout
    else:
        result = pytester.runpytest_inprocess(*words[1:], *["--collect-only"] * planned)
        code, said = int(result.ret), result.stdout.str()
    return code, said


@pytest.mark.parametrize("page", [page for page in documented.PAGES if of_page(page, "python")], ids=named)
def test_python_of_a_page_can_be_executed(page: Path, reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of Python of a page work, one after the other."""
    monkeypatch.syspath_prepend(str(reader))
    names: dict[str, object] = {"__name__": "page"}
    for part in of_page(page, "python"):
        exec(compile(part.text, page.name, "exec"), names)  # noqa: S102


def test_exceptions_are_of_commands_that_exist() -> None:
    """No exception outlives its command."""
    shown = [command for page in documented.PAGES for command in commands(page)]

    assert not [start for start in (*PARSED, *PLANNED) if not any(c.startswith(start) for c in shown)]
    assert any(ELSEWHERE.fullmatch(command) for command in shown)
