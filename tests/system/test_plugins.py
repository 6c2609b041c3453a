"""Plugins are listed from what they declared before, and imported where their files have changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import InstallPlugin
from test_plugins import left_out

from benchsuite.plugins.registry import load_registry

LISTING = """
import sys
from benchsuite.plugins import load_registry
registry = load_registry()
print(registry.declared["line"].summary, "jax" in sys.modules)
if "train" in sys.argv:
    relu = "benchsuite_library.relu.relu_bias" in sys.modules
    print(registry.case("line").summary, "plugin_line" in sys.modules, relu)
"""


def listing(*args: str) -> str:
    """The output of a new process that lists the plugins, and uses one if "train" is given."""
    command = [sys.executable, "-c", LISTING, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_plugins_are_listed_without_importing_them(
    install_plugin: InstallPlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the second time on a list imports neither plugins nor JAX; a case that is used imports its own plugin."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    install_plugin()
    listing()

    assert listing() == "A linear unit learns a line. False\n"
    assert listing("train") == "A linear unit learns a line. False\nA linear unit learns a line. True False\n"


def test_changed_plugin_is_imported_again(
    install_plugin: InstallPlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list is right after a file of the plugin changed, also if the plugin fails now."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = install_plugin() / "plugin_line.py"
    listing()

    path.write_text(path.read_text().replace("learns a line", "learns two lines"))

    assert listing() == "A linear unit learns two lines. True\n"
    assert listing() == "A linear unit learns two lines. False\n"
    path.write_text("import not_installed_anywhere")
    assert "line" not in load_registry().declared
    assert "not_installed_anywhere" in left_out("line").message
