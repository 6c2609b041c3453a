"""Fuzz tests of files and options: a sentence as error, or exactly the figures that were measured.

`BENCHSUITE_FUZZ=100 pytest tests/system/test_fuzz.py` tries a hundred times as many examples.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import math
import os
import random
import shutil
import struct
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from benchsuite_library.mnist import images
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mutation import mutated, mutated_archive, mutated_json
from stored import GOOD, SLOW, STUCK, WILD, a_case, store_run, treated
from toys import line

from benchsuite import Case, Claim, FailureRate, data
from benchsuite.case.claim import Bound, Ends, Figure
from benchsuite.case.sweep import SweepRange
from benchsuite.cli import main as cli
from benchsuite.comparison.gate import Gate
from benchsuite.errors import BenchsuiteError
from benchsuite.execution.forecast import EarlierRun
from benchsuite.plugins.call import Call
from benchsuite.publish.site import Site
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.store import arrays as store
from benchsuite.store.folder import RunFolder
from benchsuite.store.results import read_results
from benchsuite.system import files
from benchsuite.variants.start import find_start

#: By how many times more examples are tried than usual.
FACTOR = float(os.environ.get("BENCHSUITE_FUZZ", "1"))

#: What mutations are drawn from; an example is the seed of its chance, which hypothesis prints where it fails.
CHANCE = st.integers(0, 2**64 - 1).map(random.Random)


def fuzz(examples: int) -> Any:
    """The settings of a test with so many examples."""
    return settings(
        max_examples=max(1, int(examples * FACTOR)),
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def names(folder: Path) -> dict[str, float]:
    """All that lies in a folder, and when it was written."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


@contextlib.contextmanager
def containing(path: Path, content: bytes) -> Iterator[None]:
    """A file holds something else for a while."""
    was = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(was)


def figures(path: Path) -> str:
    """A digest of all that a run folder holds."""
    folder = RunFolder(path)
    found: list[Any] = [folder.machine, folder.settings, folder.timing_warnings, folder.inapplicable]
    found += [summary.to_json() for summary in folder.summaries.values()]
    found += [plan.to_json() for plan in folder.plans]
    for result in read_results(folder):
        found += [result.summary.to_json(), fingerprints(result.rows.columns), fingerprints(result.curves.columns)]
        found += [(s.title, fingerprints({**s.axes, "loss": s.loss}), dict(s.fixed)) for s in result.surfaces]
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def fingerprints(columns: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
    """Arrays as JSON, to the last bit."""
    return {name: [str(a.dtype), a.shape, hashlib.sha256(a.tobytes()).hexdigest()] for name, a in columns.items()}


def answer(*args: str) -> tuple[int, str, str]:
    """Run a command: exit code, standard output, standard error. Any other exception is raised."""
    out, err = io.StringIO(), io.StringIO()
    was, sys.argv = sys.argv, ["benchsuite", *args]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as exited:
        return int(str(exited.code)), out.getvalue(), err.getvalue()
    finally:
        sys.argv = was
    raise AssertionError("a command exits")


def refused_or_same(read: Callable[[], str], expected: str) -> None:
    """Reading fails with a sentence, or gives what was there before."""
    try:
        found = read()
    except BenchsuiteError as error:
        assert str(error)  # noqa: PT017  # there is a sentence
    else:
        assert found == expected


@pytest.fixture(scope="module")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with all that a run can hold: claims, groups, named starts, a treatment, a sweep."""
    path = tmp_path_factory.mktemp("fuzz") / "run"
    claims = [
        Claim("Half fail.", FailureRate(equals=0.5)),
        Claim("Of some, few fail.", FailureRate(at_most=0.5, among="right")),
        Claim("It ends so.", Figure("r2", 0.9)),
        Claim("It stays there.", Bound("w", -2.0, 2.0)),
        Claim("It succeeds.", Ends("there", converges=True)),
    ]
    plan = {"claims": [claim.to_json() for claim in claims], "starts": {"there": {"w": 1.0}}}
    groups = {"right": lambda start: start["w"] > 0}
    folder = store_run(
        path,
        a_case("line", GOOD, SLOW, STUCK, WILD, GOOD, GOOD, plan=plan, groups=groups),
        treated("line", "adam", GOOD, GOOD, GOOD, SLOW),
        a_case("line", GOOD, GOOD, SLOW, GOOD, plan={"treatment": "adam", "sweep": {"learning_rate": [0.1, 0.2]}}),
    )
    folder.write_inapplicable([("line", "wider", "it has no width")])
    folder.write_load({"clock": 1}, {"clock": 2}, ["a GPU was hot"])
    return path


@pytest.fixture(scope="module")
def expected(run_path: Path) -> str:
    """The digest of the undamaged run."""
    return figures(run_path)


def stored_files(path: Path) -> list[Path]:
    """The files of a run that hold figures."""
    return sorted(path.rglob("*.npz"))


def json_files(path: Path) -> list[Path]:
    """The JSON files of a run and its cases."""
    return sorted(path.rglob("*.json"))


@given(chance=CHANCE)
@fuzz(80)
def test_damaged_arrays(run_path: Path, expected: str, chance: random.Random) -> None:
    """Arrays with any damage are refused, or have exactly the same content."""
    files = stored_files(run_path)
    path = chance.choice(files)
    if chance.random() < 0.5:
        damaged = mutated(path.read_bytes(), chance, [other.read_bytes() for other in files])
    else:
        damaged = mutated_archive(path.read_bytes(), chance)
    with containing(path, damaged):
        refused_or_same(lambda: figures(run_path), expected)


@given(chance=CHANCE)
@fuzz(200)
def test_damaged_json(run_path: Path, expected: str, chance: random.Random) -> None:
    """A JSON file with any damage, to its bytes or its values, is refused, or has exactly the same content."""
    path = chance.choice(json_files(run_path))
    content = path.read_bytes()
    if chance.random() < 0.5:
        damaged = mutated(content, chance)
    else:
        damaged = json.dumps(mutated_json(json.loads(content), chance)).encode()
    with containing(path, damaged):
        refused_or_same(lambda: figures(run_path), expected)


def estimated(run: Path) -> None:
    """The estimates that an earlier run gives for all of its cases."""
    for plan in RunFolder(run).plans:
        found = [EarlierRun("run", plan, [result.summary for result in read_results(RunFolder(run))])]
        low, high = found[0].rates
        assert 0 <= low <= high <= 1
        assert found[0].seconds(100, 1) > 0


def published(run: Path, other: Path) -> None:
    """A site that took a run can be read, and takes the next one."""
    site = other / "out" / "site"
    answered("publish", str(run), "--site", str(site))
    code, _, err = answer("publish", str(other / "run"), "--site", str(site))
    assert code == 0, err


def answered(*args: str) -> None:
    """A command ends with a known exit code, and an error with a sentence."""
    code, _, err = answer(*args)
    assert code in (0, 1, 2)
    assert code in (0, 1) or "error:" in err


#: What is done with a run: to a folder for what is written, from a path.
USES: tuple[tuple[int, Callable[[Path, Path], object]], ...] = (
    (8, lambda run, _: figures(run)),
    (4, lambda run, _: answered("report", str(run))),
    (4, lambda run, _: answered("export", str(run), "--format", "bencher")),
    (2, lambda run, _: answered("export", str(run), "--format", "github")),
    (4, lambda run, other: answered("compare", str(other / "run"), str(run), "--fail", "rate", "--fail", "speed")),
    (3, lambda run, _: estimated(run)),
    (1, lambda run, other: answered("export", str(run), "--format", "parquet", "-o", str(other / "out" / "x.parquet"))),
    (1, lambda run, other: answered("report", str(run), "-o", str(other / "out" / "x.svg"))),
    (3, lambda run, other: answered("report", str(run), "-o", str(other / "out" / "page"))),
    (2, published),
)


def used(run_path: Path, other: Path, chance: random.Random) -> None:
    """A run is used in one of the ways; whatever it says of itself, nothing is written outside of the folder for that.

    Args:
        run_path: the run.
        other: a folder with a copy of the run as it was, and a folder "out" to write into.
        chance: chooses the way.
    """
    shutil.rmtree(other / "out", ignore_errors=True)
    (other / "out").mkdir()
    before, here = names(other.parent), names(Path.cwd())
    (use,) = chance.choices([use for _, use in USES], [weight for weight, _ in USES])
    with warnings.catch_warnings(), contextlib.suppress(BenchsuiteError):
        warnings.simplefilter("ignore")  # absurd figures may be warned of
        use(run_path, other)
    out = f"{other.name}/out"
    after = {name: time for name, time in names(other.parent).items() if not name.startswith(f"{out}/") and name != out}
    assert after == {name: time for name, time in before.items() if name != out}
    assert names(Path.cwd()) == here
    assert not Path("/x").exists(), "one of the names that are tried"


@pytest.fixture(scope="module")
def other(run_path: Path) -> Path:
    """A folder beside the run, with a copy of it and room to write."""
    path = run_path.parent / "other"
    shutil.copytree(run_path, path / "run")
    return path


@given(chance=CHANCE)
@fuzz(20)
def test_json_of_a_stranger(run_path: Path, other: Path, chance: random.Random) -> None:
    """JSON with a valid digest and any value anywhere never ends in a traceback, nor in a file elsewhere."""
    path = chance.choice(json_files(run_path))
    try:
        made_up = files.sealed(mutated_json(json.loads(path.read_bytes()), chance))
    except ValueError:  # half a character, which a stranger cannot write either
        return
    with containing(path, made_up):
        used(run_path, other, chance)


@given(chance=CHANCE)
@fuzz(25)
def test_arrays_of_a_stranger(run_path: Path, other: Path, chance: random.Random) -> None:
    """Files with a valid digest and any arrays or facts never end in a traceback, nor in a file elsewhere."""
    path = chance.choice(stored_files(run_path))
    facts, arrays = store.read_arrays(path)
    facts = mutated_json(facts, chance) if chance.random() < 0.3 else facts
    for _ in range(chance.choice((0, 1, 1, 2))):
        name = chance.choice(list(arrays))
        try:
            column = chance.choice(STRANGE)(arrays.pop(name))
        except ValueError:  # it was made strange before
            continue
        if column is not None:
            arrays[name if chance.random() < 0.8 else chance.choice(["x", "../x", "final.x", "curve.x", "0.loss"])] = (
                column
            )
    with containing(path, path.read_bytes()):
        try:
            store.write_arrays(path, facts, arrays)
        except (TypeError, ValueError, BenchsuiteError):  # what a stranger cannot write either
            return
        used(run_path, other, chance)


#: What becomes of an array; None where it is taken away.
STRANGE: tuple[Callable[[np.ndarray], np.ndarray | None], ...] = (
    lambda array: None,
    lambda array: array[:-1] if array.ndim else None,
    lambda array: array[::-1] if array.ndim else None,
    lambda array: array[..., None],
    lambda array: array.reshape(-1)[:1].reshape(()) if array.size else array,
    lambda array: np.concatenate([array, array]) if array.ndim else array,
    lambda array: array.astype("U8"),
    lambda array: array.astype("S3") if array.dtype.kind in "biufU" else array,
    lambda array: array.astype(bool) if array.dtype.kind in "biuf" else array,
    lambda array: array.astype("f4") if array.dtype.kind in "biuf" else array,
    lambda array: array.astype("c16") if array.dtype.kind in "biuf" else array,
    lambda array: array.astype("M8[s]") if array.dtype.kind in "biu" else array,
    lambda array: np.full(array.shape, np.nan),
    lambda array: np.full(array.shape, np.inf),
    lambda array: np.full(array.shape, -1),
    lambda array: np.full(array.shape, 1e300),
    lambda array: np.full(array.shape, 2**63, "u8"),
    lambda array: np.full(array.shape, np.iinfo("i8").min),
    lambda array: np.full(array.shape, "converged"),
    lambda array: np.full(array.shape, "../x"),
    lambda array: np.empty(array.shape, "V3"),
    lambda array: np.empty((10**12, 0)),
    lambda array: np.empty((0, *array.shape)),
)


@given(chance=CHANCE)
@fuzz(12)
def test_commands_on_a_damaged_run(run_path: Path, other: Path, chance: random.Random) -> None:
    """What commands print of a damaged run is what they print of the whole one, or a sentence and an exit code."""
    path = chance.choice([*json_files(run_path), *stored_files(run_path)])
    args = chance.choice(
        [
            ["report", str(run_path)],
            ["export", str(run_path), "--format", "bencher"],
            ["compare", str(other / "run"), str(run_path)],
        ]
    )
    whole = answer(*args)
    with containing(path, mutated(path.read_bytes(), chance)):
        found = answer(*args)
    if found != whole:
        code, out, err = found
        assert code == 1
        assert err.startswith("error: ")
        assert "converged" not in out


@pytest.fixture(scope="module")
def site_path(run_path: Path) -> Path:
    """A site with two nights."""
    path = run_path.parent / "nights" / "site"
    plain = a_case("line", GOOD, SLOW, STUCK, WILD)
    for number, case in enumerate((plain, treated("line", "adam", GOOD, GOOD, SLOW, WILD))):
        Site.publish(path, [store_run(path.parent / str(number), plain, *([case] if number else []))])
    return path


def content_of_site(path: Path) -> str:
    """All nights of a site."""
    return repr(Site(path).nights)


@given(chance=CHANCE)
@fuzz(200)
def test_damaged_site(site_path: Path, chance: random.Random) -> None:
    """A site with any damage is refused, or has the same content."""
    path = chance.choice([site_path / "site.json", *site_path.rglob("night.json")])
    expected, content = content_of_site(site_path), path.read_bytes()
    strange = chance.random() < 0.5
    damaged = json.dumps(mutated_json(json.loads(content), chance)).encode() if strange else mutated(content, chance)
    with containing(path, damaged):
        refused_or_same(lambda: content_of_site(site_path), expected)


@given(chance=CHANCE)
@fuzz(15)
def test_night_of_a_stranger(site_path: Path, chance: random.Random) -> None:
    """A night that somebody has made up is refused, or drawn into the site and nowhere else."""
    mark, path = site_path / "site.json", chance.choice(sorted(site_path.rglob("night.json")))
    made_up = json.dumps(mutated_json(json.loads(path.read_bytes()), chance)).encode()
    marked = json.loads(mark.read_bytes())
    marked["nights"][path.parent.name] = hashlib.sha256(made_up).hexdigest()
    before = names(site_path.parent)
    with containing(path, made_up), containing(mark, files.sealed(marked)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # absurd figures may be warned of
        with contextlib.suppress(BenchsuiteError):
            Site(site_path).show()
    made = {name for name in names(site_path.parent).keys() - before.keys() if not name.startswith("site/cases/")}
    assert not made - {f"site/{name}" for name in ("cases", "index.html", "feed.xml", "badge.svg", "badge.json")}


def text(chance: random.Random, *valid: str) -> str:
    """A valid text with any damage that a command line can carry."""
    return mutated(chance.choice(valid).encode(), chance).decode(errors="replace").replace("\0", "0")


@given(chance=CHANCE)
@fuzz(300)
def test_written_sweeps_gates_and_calls(chance: random.Random) -> None:
    """What a person writes into an option is refused with a sentence, or is finite, in order and of a bearable size."""
    with contextlib.suppress(BenchsuiteError):
        values = SweepRange.parse(text(chance, "bias=1e-4:1e9:13", "bias=-1:1:3:linear", "x=0.1,3,1e30")).values
        assert 1 <= len(values) <= 1000
        assert all(map(math.isfinite, values))
        assert list(values) == sorted(set(values))
    with contextlib.suppress(BenchsuiteError):
        assert 0 < Gate.parse(text(chance, "rate:0.01", "speed:0.001:10%")).level < 1
    with contextlib.suppress(BenchsuiteError):
        call = Call.parse(
            text(chance, "optax.adam(1e-2, b1=0.9)", "module:name(-1, x=True)", "chain(clip(1.0), [adam(.1)])"), ""
        )
        numbers = [value for value in (*call.values, *call.options.values()) if isinstance(value, int | float)]
        assert all(map(math.isfinite, numbers))
        assert not set(call.label) & set("/\\\0")
    with contextlib.suppress(BenchsuiteError):
        assert np.isfinite(find_start(LINE, text(chance, "w=1,b=2", "there"), ["w", "b"])).all()


LINE = SimpleNamespace(name="line", starts={"there": {"w": 1.0, "b": 0.0}})


@given(chance=CHANCE)
@fuzz(4)
def test_titles_and_gates_on_real_runs(run_path: Path, other: Path, chance: random.Random) -> None:
    """What a person says of a site is refused, or on a site that can be read; any gate compares, or is refused."""
    shutil.rmtree(other / "out", ignore_errors=True)
    about = [f"--{name}={text(chance, 'A title', 'https://example.org/é')}" for name in ("title", "address")]
    answered("publish", str(run_path), "--site", str(other / "out"), *about)
    assert answer("publish", str(other / "run"), "--site", str(other / "out"))[0] == 0
    ET.parse(other / "out" / "feed.xml")
    gate = text(chance, "rate:0.01", "speed:5e-324", "speed:0.01:10%")
    answered("compare", str(other / "run"), str(run_path), "--fail", gate)


@given(chance=CHANCE)
@fuzz(300)
def test_options_of_a_stranger(chance: random.Random) -> None:
    """The options that a run was begun with, as somebody has changed them, are refused or can be used."""
    was = {
        **asdict(TrainingSettings()),
        **asdict(OutputSettings()),
        "seeds": 12,
        "run_dir": "runs",
        "treatment": ["adam"],
        "sweep": "bias=0,1",
    }
    options = mutated_json({name: value for name, value in was.items() if value is not None}, chance)
    with contextlib.suppress(BenchsuiteError):
        settings, output = TrainingSettings.parse(options), OutputSettings.parse(options)
        assert settings.seeds is None or 1 <= settings.seeds < 2**32
        assert all(isinstance(path, Path) for path in (settings.data_dir, output.run_dir, output.report) if path)


@given(chance=CHANCE)
@fuzz(200)
def test_images_of_any_content(chance: random.Random) -> None:
    """A file of images is refused, or gives each byte after the header where it was."""
    content = mutated(struct.pack(">4I", 0x803, 2, 28, 28) + chance.randbytes(2 * 784), chance)
    with contextlib.suppress(BenchsuiteError):
        assert images.parse_images("images", content).tobytes() == content[16:]


@given(chance=CHANCE)
@fuzz(200)
def test_compressed_files_of_any_content(run_path: Path, chance: random.Random) -> None:
    """A compressed file is refused, or has the content that its digest tells, to the last byte."""
    path, content = run_path.parent / "images.gz", bytes(500) + chance.randbytes(300)
    path.write_bytes(mutated(gzip.compress(content), chance))
    with contextlib.suppress(BenchsuiteError):
        assert data.verified_content(path, hashlib.sha256(content).hexdigest()) == content
    path.unlink()


@given(chance=CHANCE)
@fuzz(40)
def test_command_lines(chance: random.Random) -> None:
    """Any option with any value ends in a plan or in a sentence."""
    option, valid = chance.choice(
        [
            ("--seeds", "12"),
            ("--half-width", "0.1"),
            ("--rounds", "3"),
            ("--treatment", "adam(learning_rate=0.1)"),
            ("--optimizer", "optax.adam(1e-2)"),
            ("--sweep", "learning_rate=1e-4:1:3"),
            ("--platform", "cpu"),
            ("--time-limit", "10"),
            ("--compare", "runs"),
            ("--run-dir", "runs"),
        ]
    )
    answered("run", "relu-to-relu", "--plan", option, text(chance, valid))


@pytest.mark.parametrize("place", ["run.json", "line/case.json", "line/starts.npz", "line"])
def test_pipes_and_links_in_a_run(place: str, run_path: Path, tmp_path: Path) -> None:
    """A pipe is not waited for, and no link is followed out of the folder."""
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    shutil.copytree(run_path, run)
    elsewhere.mkdir()
    (elsewhere / ".x.unfinished").write_text("mine")
    target = run / place
    if target.is_dir():
        target.rename(tmp_path / "was")
        target.symlink_to(elsewhere)
    else:
        target.unlink()
        os.mkfifo(target)

    with pytest.raises(BenchsuiteError, match=r"it is no file|is a link to somewhere else"):
        figures(run)
    with contextlib.suppress(BenchsuiteError), RunFolder(run).locked():
        pass
    assert [path.name for path in elsewhere.iterdir()] == [".x.unfinished"]


#: What a plugin may leave that would be written elsewhere, or could never be read again.
UNBEARABLE: dict[str, tuple[Callable[[RunFolder], None], str]] = {
    "path": (lambda run: keep_as(run, line(treatment="/../../escaped")), "cannot name a folder"),
    "long name": (lambda run: keep_as(run, line(name="n" * 300)), "cannot name a folder"),
    "plan": (lambda run: run.write_plan(replace(run.plans[0], protocol="another")), "Expected `str` matching"),
    "rows": (
        lambda run: run.write_round("line", replace(run.round_results("line")[0], seconds=1e308)),
        r"at `\$\.seconds`",
    ),
}


def keep_as(run: RunFolder, case: Case) -> None:
    """Keep rows of a run as those of a case."""
    run.write_round(case.id, run.round_results("line")[0])


@pytest.mark.parametrize(("keep", "said"), UNBEARABLE.values(), ids=UNBEARABLE)
def test_nothing_is_written_that_could_not_be_read(
    keep: Callable[[RunFolder], None], said: str, run_path: Path, tmp_path: Path
) -> None:
    """A plugin's names cannot escape from the run's folder, nor spoil what others have left in it."""
    run = tmp_path / "run"
    shutil.copytree(run_path, run)
    before, files = figures(run), names(tmp_path)

    with pytest.raises(BenchsuiteError, match=said):
        keep(RunFolder(run))

    assert figures(run) == before
    assert names(tmp_path) == files
