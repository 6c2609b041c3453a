"""The project keeps its own rules: layers, light imports, registered plugins, hooks that are told and tested."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import benchsuite
from benchsuite.plugins import hookspecs
from benchsuite.plugins.registry import HOOKS, load_registry

ROOT = Path(__file__).parent.parent

#: Who may import whom: a module only those of lower layers.
LAYERS = """
21  __main__
20  pytest_plugin  cli
19  nightly
18  site
17  report
16  gate
15  comparison  change  export  runner  testing
14  executor
13  cluster  isolation  audit
12  job  child
11  trainer
10  survey
 9  result  ensemble  forecast
 8  store
 7  problem  summary
 6  verdict  plugins
 5  round_result  hookspecs  variant  choice
 4  rows  landscape  treatment
 3  outcome  training  data  start  plan  version  scaffold
 2  case  settings  call
 1  claim  machine  factory  sweep  file  measure_load  interrupt
 0  errors  metrics  stats  trace  progress  prng  cache
"""

#: Only these import JAX when they are imported; machine does so inside its functions.
JAX_MODULES = {"prng", "training", "problem", "ensemble", "survey", "testing", "trainer"}

LEVEL = {name: int(line.split()[0]) for line in LAYERS.strip().splitlines() for name in line.split()[1:]}


def modules(folder: str) -> list[Path]:
    """The Python files below a folder of the project."""
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path, *, at_import_time_only: bool = False, relative: bool = True) -> set[str]:
    """The dotted names that a file imports; names imported from a package of ours count as its modules."""
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in _top_level(tree) if at_import_time_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (relative or not node.level):
            base = [*path.relative_to(ROOT).with_suffix("").parts[: -node.level], node.module or ""]
            stem = ".".join(filter(None, base)) if node.level else node.module
            found |= {f"{stem}.{alias.name}" for alias in node.names}
    return found


def _top_level(tree: ast.Module) -> list[ast.stmt]:
    return [node for node in tree.body if not isinstance(node, ast.If)]


def core(path: Path) -> str:
    """The noun of a core file: its module, or its package within benchsuite."""
    return path.relative_to(ROOT / "benchsuite").parts[0].removesuffix(".py")


CORE = [path for path in modules("benchsuite") if path != ROOT / "benchsuite" / "__init__.py"]


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_arrows_point_down(path: Path) -> None:
    """A module imports only from lower layers, or from its own package."""
    own = core(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "benchsuite" or parts[1] not in LEVEL:
            continue
        assert parts[1] == own or LEVEL[parts[1]] < LEVEL[own], f"{own} imports {parts[1]}"


def test_every_module_has_a_layer() -> None:
    """The table of layers is complete."""
    assert {core(path) for path in CORE} == set(LEVEL)


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_jax_is_imported_by_few(path: Path) -> None:
    """Importing any other module costs no JAX."""
    heavy = {name.split(".")[0] for name in imports(path, at_import_time_only=True)} & {"jax", "flax", "optax"}

    assert not heavy or core(path) in JAX_MODULES


@pytest.mark.parametrize("path", [*modules("plugins"), *modules("examples")], ids=lambda path: path.stem)
def test_plugins_use_public_names_only(path: Path) -> None:
    """Ours have no privilege: they import public names of benchsuite, and nothing of each other's packages."""
    packages = {folder.name for folder in (ROOT / "plugins").iterdir()}
    for name in imports(path, relative=False):
        first, _, rest = name.partition(".")
        assert first != "benchsuite" or rest in benchsuite.__all__
        assert first not in packages, "a plugin names its own package relatively, and no other"


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
    files = {f"{path.parent.name}.{path.stem}" for path in modules("plugins") if "@hookimpl" in path.read_text()}
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


def test_examples_of_the_hooks_work(install_plugin) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """What the documentation shows can be pasted and run."""
    for hook in HOOKS:
        told = inspect.getdoc(getattr(hookspecs, hook)) or ""
        code = inspect.cleandoc(told.split("::\n", 1)[1])
        install_plugin(f"pasted-{hook}", code.replace('name="line"', 'name="pasted"'), module=f"pasted_{hook}")

    run = [sys.executable, "-m", "benchsuite", "run", "pasted", "--seeds", "4", "--treatment", "clip"]
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
        if path.suffix in (".typed", ".html", ".css", ".js", ".svg", ".tmpl")
    ]
    ours = {path.relative_to(ROOT) for path in (*modules("benchsuite"), *others)}
    theirs = {path.relative_to(ROOT / "plugins") for path in modules("plugins")}
    assert packed == {path.as_posix() for path in ours | theirs}


def test_every_test_states_its_promise() -> None:
    """The docstring of a test says what a user may rely on."""
    for path in modules("tests"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name} has no docstring"


def test_readme_names_every_case_and_treatment() -> None:
    """The README's lists are complete."""
    readme = (ROOT / "README.md").read_text()

    for plugin in load_registry().plugins:
        for item in (*plugin.cases, *plugin.treatments) if plugin.origin.startswith("benchsuite ") else ():
            assert re.search(rf"`{item.name}`", readme)
