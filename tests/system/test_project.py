"""The project keeps its rules: light imports, registered plugins, documented and tested hooks."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from test_project import ROOT, modules

from benchsuite.plugins import hookspecs
from benchsuite.plugins.plugin import HOOKS


def test_examples_of_the_hooks_work(install_plugin) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """What the documentation shows can be pasted and run."""
    for hook in HOOKS:
        told = inspect.getdoc(getattr(hookspecs, hook)) or ""
        code = inspect.cleandoc(told.split("::\n", 1)[1])
        install_plugin(f"pasted-{hook}", code.replace('name="line"', 'name="pasted"'), module=f"pasted_{hook}")

    run = [sys.executable, "-m", "benchsuite", "run", "pasted", "--seeds", "4", "--treatment", "clip", "-v"]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stdout

    assert "untreated: 100.0 %" in told
    assert re.search(r"^clip +100.0 %", told, re.MULTILINE)


def test_wheel_is_complete(tmp_path: Path) -> None:
    """The wheel has every file of the core and of the plugins, each under its import name, and nothing else."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")

    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    others = [
        path
        for path in (ROOT / "benchsuite").rglob("*.*")
        if path.suffix in (".typed", ".html", ".css", ".js", ".svg", ".tmpl", ".toml")
    ]
    ours = {path.relative_to(ROOT) for path in (*modules("benchsuite"), *others)}
    theirs = {path.relative_to(ROOT / "plugins") for path in modules("plugins")}
    assert packed == {path.as_posix() for path in ours | theirs}
