"""The wheel alone, outside of the clone: the command line, the suite's tests, Python, and a report."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from test_project import ROOT

#: What a user without a clone types into Python.
SCRIPT = """
import benchsuite as bs
from pathlib import Path
assert "alone" in bs.__file__, bs.__file__
res = bs.load()
print(res["relu-to-relu"].summary.seeds, len(bs.cases()) > 50)
res.report("page")
print(Path("page/index.html").exists())
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, which borrows the libraries that the tests run with."""
    folder = tmp_path_factory.mktemp("alone")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    venv.create(folder / "venv")
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(own)
    others = [path for path in sys.path if path.endswith("site-packages")]
    (own / "libraries.pth").write_text("\n".join(others))
    return folder


def run(folder: Path, *arguments: str) -> str:
    """What a command prints; Python of the environment, in an empty folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    python = folder / "venv" / "bin" / "python"
    (folder / "work").mkdir(exist_ok=True)
    done = subprocess.run(
        [python, *arguments], cwd=folder / "work", env=inherited, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


def test_wheel_alone_is_enough(alone: Path) -> None:
    """A user without a clone has the suite: its tests, the command line, the library, and a page."""
    suite = ["-m", "pytest", "--pyargs", "benchsuite.suite", "--benchmark-only", "-k", "relu-to-relu"]

    tested = run(alone, *suite, "--benchsuite-seeds", "16")
    trained = run(alone, "-m", "benchsuite", "run", "relu-to-relu", "--seeds", "16")
    read = run(alone, "-c", SCRIPT)

    assert "1 passed" in tested
    assert "relu-to-relu" in trained
    assert read.split() == ["16", "True", "True"]
