"""Programs are kept from run to run unless the user decides otherwise, and each run says whether it found its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from conftest import InstallPlugin

from benchsuite.system import cache

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folder is set by a variable of Linux")

WHERE = (
    "import jax; from benchsuite.system import cache; cache.keep_programs();"
    " print(jax.config.jax_compilation_cache_dir)"
)


def python(home: Path, *arguments: str, **variables: str) -> str:
    """What a process says that has another home, and no variables for JAX but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    environment = kept | {"XDG_CACHE_HOME": str(home), "COLUMNS": "200", **variables}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, check=True
    ).stdout


def test_second_run_takes_its_programs_from_the_first(tmp_path: Path, install_plugin: InstallPlugin) -> None:
    """The summary and the table say so."""
    install_plugin()
    said, verdicts = [], []
    for name in ("one", "two"):
        folder = tmp_path / name
        options = ("--seeds", "2", "--platform", "cpu", "--run-dir", str(folder))
        said.append(python(tmp_path, "-m", "benchsuite", "run", "-v", "line", *options, JAX_NUM_CPU_DEVICES="1"))
        verdicts += [
            json.loads(path.read_text())["summaries"][0]["compile_cache"] for path in folder.glob("*/case.json")
        ]

    assert verdicts == ["miss", "hit"]
    assert "cached" not in said[0]
    assert "cached: the compiled program was loaded from an earlier run" in said[1]


def test_place_is_the_users_cache(tmp_path: Path) -> None:
    """Unless the user has named another."""
    other = str(tmp_path / "other")

    assert python(tmp_path, "-c", WHERE).strip() == str(tmp_path / "benchsuite" / "programs" / cache.processor())
    assert python(tmp_path, "-c", WHERE, JAX_COMPILATION_CACHE_DIR=other).strip() == other


def test_a_cache_that_cannot_be_written_is_temporary(tmp_path: Path) -> None:
    """A file lies where the folder should; programs are kept until the process ends, and nothing fails."""
    (tmp_path / "benchsuite").write_text("")

    kept = Path(python(tmp_path, "-c", WHERE).strip())
    assert not kept.is_relative_to(tmp_path)
    assert not kept.exists()


def test_where_nothing_is_kept_there_is_no_verdict() -> None:
    """JAX counts lookups in a cache that is not there."""
    with cache.lookups() as found:
        jax.jit(lambda x: x + 123).lower(1.0).compile()
    assert found.verdict in ("hit", "miss")

    kept = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    try:
        assert found.verdict == "off"
    finally:
        jax.config.update("jax_compilation_cache_dir", kept)
