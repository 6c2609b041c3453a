"""The rooms of the core: which may import which, by their public faces, without circles, small, and light."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORE = ROOT / "benchsuite"

#: From top to bottom: a room imports only from rooms below it.
ORDER = (
    "__main__",
    "suite",
    "cli",
    "pytest_plugin",
    "api",
    "publish",
    "report.board",
    "report.html",
    "report.figures",
    "report.ranking",
    "report.terminal",
    "report",
    "testing",
    "standings",
    "tuning",
    "execution",
    "execution.executors",
    "comparison",
    "engine",
    "engine.optimizers",
    "store",
    "results",
    "plugins",
    "data",
    "settings",
    "variants",
    "case",
    "system",
    "stats",
    "seeds",
    "names",
    "errors",
)

#: Rooms whose names are their modules, as in `from benchsuite.system import files`.
ROOMS_OF_MODULES = {"cli", "system"}

#: The only room that imports JAX when it is imported.
JAX_ROOM = "engine"
JAX = {"jax", "jaxlib", "flax", "optax"}

MOST_FILES, MOST_LINES = 10, 400


@dataclass(frozen=True)
class Import:
    """One imported name.

    Args:
        file: the importing file, relative to the core.
        module: the module that the statement names, without "benchsuite.".
        name: the imported name.
        at_import_time: whether the statement runs when the file is imported.
        for_types: whether it is only read by type checkers.
    """

    file: Path
    module: str
    name: str
    at_import_time: bool
    for_types: bool


def room_of(module: str) -> str:
    """The room that a module lies in: the longest entry of ORDER that it begins with."""
    return max((room for room in ORDER if f"{module}.".startswith(f"{room}.")), key=len, default="")


def files() -> list[Path]:
    """The Python files of the core, relative to it."""
    return sorted(path.relative_to(CORE) for path in CORE.rglob("*.py"))


def module_of(file: Path) -> str:
    """The dotted name of a file, without "benchsuite."."""
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def imports(file: Path) -> Iterator[Import]:
    """All that a file imports from the core, wherever the statement stands."""
    tree = ast.parse((CORE / file).read_text())
    top = set(map(id, tree.body))
    typed = {id(node) for block in tree.body if isinstance(block, ast.If) for node in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "benchsuite":
            module = (node.module or "").partition(".")[2]
            for alias in node.names:
                whole = module or alias.name
                yield Import(file, whole, alias.name, id(node) in top, id(node) in typed)


ALL = [found for file in files() for found in imports(file) if file != Path("__init__.py")]


def test_every_file_has_a_room() -> None:
    """The table of rooms is complete, and each room is there."""
    rooms = {room_of(module_of(file)) for file in files() if file != Path("__init__.py")}

    assert rooms == set(ORDER)


def test_arrows_point_down() -> None:
    """A room imports only from rooms below it."""
    wrong = [
        f"{found.file} imports {found.module}.{found.name}"
        for found in ALL
        if (theirs := room_of(found.module)) and ORDER.index(theirs) < ORDER.index(room_of(module_of(found.file)))
    ]

    assert not wrong, "\n".join(wrong)


def test_other_rooms_import_from_the_face() -> None:
    """A name of another room comes from that room's `__init__`, where `__all__` has it."""
    wrong = []
    for found in ALL:
        theirs = room_of(found.module)
        if not theirs or theirs == room_of(module_of(found.file)) or (CORE / f"{theirs}.py").exists():
            continue
        if found.module != theirs or found.name not in (*public_names(theirs), theirs):  # or the face as a whole
            wrong.append(f"{found.file} imports {found.name} from {found.module}")

    assert not wrong, "\n".join(wrong)


def public_names(room: str) -> list[str]:
    """The `__all__` of a room, read without importing it."""
    tree = ast.parse((CORE / room.replace(".", "/") / "__init__.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def test_every_face_says_what_the_room_is() -> None:
    """The docstring of a room has three lines or more, and `__all__` is sorted and complete."""
    wrong = []
    for room in ORDER:
        face = CORE / room.replace(".", "/") / "__init__.py"
        if not face.exists():
            continue
        tree = ast.parse(face.read_text())
        told, names = ast.get_docstring(tree) or "", public_names(room)
        imported = {
            alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        if len([line for line in told.splitlines() if line.strip()]) < 3:
            wrong.append(f"{room}: its docstring does not say what it is, what comes in and what goes out")
        if room not in ROOMS_OF_MODULES and imported - {"annotations", "TYPE_CHECKING"} > set(names):
            wrong.append(f"{room}: __all__ lacks {', '.join(sorted(imported - set(names)))}")

    assert not wrong, "\n".join(wrong)


def test_no_circles_inside_rooms() -> None:
    """Modules of one room do not import each other in a circle, wherever the statements stand."""
    arrows: dict[str, set[str]] = defaultdict(set)
    for found in ALL:
        target = (
            found.module
            if not (CORE / found.module.replace(".", "/") / f"{found.name}.py").exists()
            else f"{found.module}.{found.name}"
        )
        if not found.for_types:
            arrows[module_of(found.file)].add(target)
    circles = [module for module in arrows if module in reachable(arrows, module)]

    assert not circles, ", ".join(sorted(circles))


def reachable(arrows: dict[str, set[str]], start: str) -> set[str]:
    """All modules that a module reaches by one import or more."""
    seen: set[str] = set()
    waiting = list(arrows.get(start, ()))
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += arrows.get(module, ())
    return seen


def test_rooms_and_files_are_small() -> None:
    """At most ten modules a room and 400 lines a file."""
    counts = Counter(room_of(module_of(file)) for file in files() if file.name != "__init__.py")
    wrong = [f"{room} has {count} files" for room, count in counts.items() if count > MOST_FILES]
    lengths = {file: len((CORE / file).read_text().splitlines()) for file in files()}
    wrong += [f"{file} has {length} lines" for file, length in lengths.items() if length > MOST_LINES]

    assert not wrong, "\n".join(wrong)


def test_no_public_name_is_defined_twice() -> None:
    """A public class or function of the core has a name of its own."""
    where: dict[str, list[str]] = defaultdict(list)
    for file in files():
        for node in ast.parse((CORE / file).read_text()).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith(("_", "pytest_")):
                where[node.name].append(str(file))
    twice = [f"{name}: {', '.join(found)}" for name, found in where.items() if len(found) > 1]

    assert not twice, "\n".join(twice)


def test_jax_is_imported_by_the_engine_alone() -> None:
    """Importing any other room costs no JAX: the statements stand inside functions."""
    wrong = []
    for file in files():
        room = room_of(module_of(file))
        for node in ast.parse((CORE / file).read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            heavy = [
                name for name in names if name.partition(".")[0] in JAX or name.startswith(f"benchsuite.{JAX_ROOM}")
            ]
            if heavy and room.partition(".")[0] != JAX_ROOM:
                wrong.append(f"{file} imports {', '.join(heavy)}")

    assert not wrong, "\n".join(wrong)
