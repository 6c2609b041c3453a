"""Plugins are found by their entry points; a broken one is left out with its reason, the others stay."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from conftest import LINE, SUPPLY, InstallPlugin

from benchsuite import BenchsuiteError
from benchsuite.plugins import declared
from benchsuite.plugins.declared import DeclarationCache, Declared
from benchsuite.plugins.registry import load_registry
from benchsuite.system import cache

OURS = {"mnist-identity-1L", "mnist-identity-4L", "relu-bias", "relu-to-relu"}


def left_out(name: str) -> BenchsuiteError:
    """Why the plugin was left out; all of ours must still be there."""
    registry = load_registry()
    assert set(registry.cases) >= OURS
    (plugin,) = (plugin for plugin in registry.left_out if plugin.name == name)
    assert plugin.error
    assert plugin.supplied.cases == ()
    return plugin.error


def test_hook_benchsuite_cases(install_plugin: InstallPlugin) -> None:
    """A wrap_errors distribution's case is there with no other change."""
    install_plugin()

    registry = load_registry()

    assert registry.cases["line"].summary == "A linear unit learns a line."
    assert [plugin.name for plugin in registry.plugins] == sorted(plugin.name for plugin in registry.plugins)
    (plugin,) = (plugin for plugin in registry.plugins if plugin.place == ("line", "plugin_line", "plugin_line 1.0"))
    assert plugin.supplied.cases == (registry.cases["line"],)
    assert registry.left_out == ()


BROKEN = {
    "import": ("import not_installed_anywhere", "ModuleNotFoundError", "install its dependencies"),
    "syntax": ("def (:", "SyntaxError", "fix the plugin"),
    "exit": ("import sys; sys.exit(3)", "SystemExit", "fix the plugin"),
    "misspelt": (LINE + SUPPLY.replace("benchsuite_cases", "benchsuite_case"), "unknown hook", "benchsuite_cases"),
    "unmarked": (LINE + SUPPLY.replace("@hookimpl", ""), "implements no hook", "@benchsuite.hookimpl"),
    "argument": (LINE + SUPPLY.replace("cases()", "cases(register)"), "register", ""),
    "type": (LINE + SUPPLY.replace("line()", "'line'"), "supplied a str", "yield Case"),
    "none": (LINE + "@hookimpl\ndef benchsuite_cases():\n    return 3", "TypeError", "yield Case"),
    "field": (LINE + SUPPLY.replace("line()", "Case(name='line')"), "missing 5 required", "required field"),
    "schedule": (LINE + SUPPLY.replace("line()", "line(schedule=Schedule(steps=-1))"), "length is -1", "whole number"),
    "crash": (LINE + SUPPLY.replace("yield line()", "1 / 0; yield"), "ZeroDivisionError", ""),
    "twice": (LINE + SUPPLY + "    yield line()", "case line is already supplied", "rename it"),
}


@pytest.mark.parametrize(("code", "said", "hint"), BROKEN.values(), ids=BROKEN)
def test_broken_plugin_is_left_out(code: str, said: str, hint: str, install_plugin: InstallPlugin) -> None:
    """Whatever is wrong with a plugin is told in a sentence with a hint, and costs nobody else anything."""
    install_plugin("broken", code, module=f"broken_{abs(hash(code))}")

    error = left_out("broken")

    assert said in error.message
    assert hint in error.hint


def test_case_belongs_to_the_plugin_that_is_named_like_it(install_plugin: InstallPlugin) -> None:
    """A stranger cannot take over a case, not even one that comes first by name."""
    install_plugin("aaa", LINE + SUPPLY.replace("line()", "line('relu-to-relu')"))

    error = left_out("aaa")

    assert "relu-to-relu is already supplied by benchsuite_library.relu.relu_to_relu of benchsuite" in error.message
    assert "plugin_aaa" in error.hint


def test_two_plugins_of_one_name(install_plugin: InstallPlugin) -> None:
    """Of two plugins with one name, the second is refused, and both are named."""
    install_plugin()
    install_plugin("line", LINE + SUPPLY.replace("line()", "line('other')"), module="zzz")

    assert "plugin line is already supplied by plugin_line" in left_out("line").message


def test_unknown_case_is_told_with_near_matches() -> None:
    """A mistyped name is answered with what may have been meant."""
    with pytest.raises(BenchsuiteError, match="did you mean relu-to-relu"):
        load_registry().case("relu_to_relu")


def test_full_cache_drops_what_changed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is declared anew is not dropped for having been there before."""
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    monkeypatch.setattr(declared, "_MOST", 2)
    first, second, third = (EntryPoint(name, name, "benchsuite") for name in ("json", "csv", "ast"))

    for entries in ((first, second), (first, third)):
        kept = DeclarationCache.load()
        for entry in entries:
            kept.keep(entry, "origin 1.0", Declared(observers=(entry.name,)))
        kept.save()

    found = DeclarationCache.load()
    assert [found.recall(entry, "origin 1.0") is not None for entry in (first, second, third)] == [True, False, True]
