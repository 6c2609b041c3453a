"""The project keeps its rules: light imports, registered plugins, documented and tested hooks."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import benchsuite
from benchsuite.plugins import hookspecs
from benchsuite.plugins.declared import Declared
from benchsuite.plugins.plugin import HOOKS
from benchsuite.plugins.registry import load_registry

ROOT = Path(__file__).parent.parent


def modules(folder: str) -> list[Path]:
    """The Python files below a folder of the project."""
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """The dotted names that a file imports from other packages."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_plugins_use_public_names_only() -> None:
    """Plugins import public names of benchsuite only, what families share by its full name, and nothing of another."""
    families = {f"benchsuite_library.{path.parent.name}" for path in (ROOT / "plugins").glob("*/*/*.py")}
    wrong = []
    for path in (*modules("plugins"), *modules("examples")):
        for name in sorted(imports(path)):
            first, _, rest = name.partition(".")
            if ".".join(name.split(".")[:2]) in families or (first == "benchsuite" and rest not in benchsuite.__all__):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")

    assert not wrong, "\n".join(wrong)


def test_import_is_light() -> None:
    """`import benchsuite` loads nothing heavy."""
    code = "import sys, benchsuite; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"jax", "flax", "optax", "numpy", "scipy", "matplotlib", "rich", "pooch", "pytest"} & set(loaded)


def test_public_names_are_sorted_and_there() -> None:
    """Everything in __all__ exists, in order."""
    assert benchsuite.__all__ == sorted(benchsuite.__all__)
    assert all(hasattr(benchsuite, name) for name in benchsuite.__all__)


def test_every_plugin_file_is_registered() -> None:
    """One case = one plugin = one file = one entry point, named alike; so is a kind of treatments."""
    files = {
        f"benchsuite_library.{path.parent.name}.{path.stem}"
        for path in modules("plugins")
        if "@hookimpl" in path.read_text()
    }
    entries = {e.value: e.name for e in entry_points(group="benchsuite") if e.dist and e.dist.name == "benchsuite"}

    assert files == set(entries), "a line of pyproject.toml is missing, or `pip install -e .` after adding it"
    for target, name in entries.items():
        assert name.replace("-", "_").endswith(target.rpartition(".")[2])


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_told_and_tested(hook: str) -> None:
    """A hook has a complete example in its docstring, a place in CONTRIBUTING, and a test named after it."""
    told = inspect.getdoc(getattr(hookspecs, hook))
    tests = "".join(path.read_text() for path in modules("tests"))

    assert told
    assert "Example:" in told
    assert f"def {hook}(" in told
    assert hook in (ROOT / "CONTRIBUTING.md").read_text()
    assert f"def test_hook_{hook}(" in tests


def test_lowest_versions_are_tested() -> None:
    """`tox -e lowest` has the lowest version of each library that the package allows."""
    bounds = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    tested = (ROOT / "tox.ini").read_text().partition("[testenv:lowest]")[2].partition("[testenv")[0]

    assert not {bound.replace(">=", "==") for bound in bounds} - {line.strip() for line in tested.splitlines()}


def test_every_test_states_its_promise() -> None:
    """The docstring of a test says what a user may rely on."""
    for path in modules("tests"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name} has no docstring"


def test_documentation_names_every_case_and_treatment() -> None:
    """The gallery has all cases, and the list of treatments is complete."""
    gallery = (ROOT / "docs" / "cases" / "index.md").read_text()
    treatments = (ROOT / "docs" / "howto" / "treat.md").read_text()

    for plugin in load_registry().plugins:
        ours = plugin.declared if plugin.origin.startswith("benchsuite ") else Declared()
        cases = [case.name for case in ours.cases if not case.rung]
        for name in (*cases, *(ladder.name for ladder in ours.ladders)):
            assert re.search(rf"\b{name}\b", gallery)
        for name in ours.treatments:
            assert f"`{name}`" in treatments
