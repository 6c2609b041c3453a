"""Create a plugin from a template: a distribution with a case, treatment or optimiser, tests, and workflows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from benchsuite.errors import OptionError, StoreError
from benchsuite.names import NAME

PREFIX = "benchsuite-"

_ELSEWHERE = "name a new or empty folder with -o DIR"

#: File -> its template; variables with a $ are substituted in both.
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "$module.py": "$kind/module.py",
    "test_$module.py": "$kind/test_module.py",
    "README.md": "$kind/README.md",
    ".gitignore": "gitignore",
    ".github/workflows/test.yml": "workflows/test.yml",
    ".github/workflows/publish.yml": "workflows/publish.yml",
}

#: Kind of plugin -> (as texts name it, description of the distribution, command that tries it).
KINDS = {
    "case": ("case", "A linear unit learns a noisy line: a case for benchsuite.", "benchsuite check {}"),
    "treatment": (
        "treatment",
        "Gradients are clipped to a norm: a treatment for benchsuite.",
        "benchsuite run relu-bias --treatment {}",
    ),
    "optimizer": (
        "optimiser",
        "Descent along a running mean of the gradient: an optimiser for benchsuite.",
        "benchsuite run relu-bias --treatment {}",
    ),
}


def write_plugin(name: str, folder: Path, taken: Mapping[str, str] | None = None, kind: str = "case") -> list[Path]:
    """Write the files of a distribution that supplies a case or treatment: all of them, or none after an error.

    Args:
        name: of the case or treatment, and its plugin.
        folder: new or empty; nothing is written outside of it.
        taken: names of existing cases, treatments and plugins -> their distributions.
        kind: one of `KINDS`; an optimiser is supplied as a treatment.

    Returns:
        The written files.

    Raises:
        OptionError: the name is invalid or taken, or the folder is not empty.
        StoreError: the folder cannot be written; partial files are removed.
    """
    noun, description, command = KINDS[kind]
    module = _module(name, noun)
    _check_free(name, module, taken or {})
    _check_empty(folder)
    values = {
        "name": name,
        "key": f'"{name}"' if "." in name else name,  # a dot in a bare key of TOML makes a table of it
        "project": PREFIX + name,
        "module": module,
        "version": version("benchsuite"),
        "kind": kind,
        "noun": noun,
        "description": description,
        "command": command.format(name),
    }
    values["development"] = _filled("development.md", values).rstrip("\n")
    texts = {
        folder / Template(path).substitute(values): _filled(Template(template).substitute(values), values)
        for path, template in _FILES.items()
    }
    _write_all(texts)
    return list(texts)


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The text of a template with its variables substituted."""
    path = files("benchsuite.plugins").joinpath("templates", *f"{template}.tmpl".split("/"))
    return Template(path.read_text(encoding="utf-8")).substitute(values)


def _module(name: str, noun: str) -> str:
    if not NAME.fullmatch(name):
        article = "an" if noun[0] in "aeiou" else "a"
        raise OptionError(
            f"{name!r} is not a valid name of {article} {noun}", "use letters, digits and single - _ or ."
        )
    if name.lower().startswith(PREFIX):
        raise OptionError(
            f"the name {name!r} begins with {PREFIX!r}, which is added to the name of the distribution",
            f"use `benchsuite new {name[len(PREFIX) :]}`",
        )
    return (PREFIX + name).translate(str.maketrans("-.", "__")).lower()


def _check_free(name: str, module: str, taken: Mapping[str, str]) -> None:
    for other, owner in taken.items():
        if _normal(other) == _normal(name):
            raise OptionError(f"the name {name!r} is taken: {owner} supplies {other!r}", "choose another name")
    if find_spec(module):
        raise OptionError(f"the name {name!r} is taken: a module {module} is installed", "choose another name")


def _normal(name: str) -> str:
    """Normalise a name as package indexes do; two names that are then equal cannot both be published."""
    return re.sub("[-_.]+", "-", name).lower()


def _check_empty(folder: Path) -> None:
    try:
        found = next(folder.iterdir(), None)
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise OptionError(f"{folder} is a file, or is below a file", _ELSEWHERE) from error
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}", _ELSEWHERE) from error
    if found:
        raise OptionError(f"{folder} is not empty: it contains {found.name}", _ELSEWHERE)


def _write_all(texts: Mapping[Path, str]) -> None:
    made: list[Path] = []
    try:
        for path, text in texts.items():
            for folder in reversed(path.parents):
                if not folder.exists():
                    folder.mkdir()
                    made.append(folder)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException as error:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise StoreError(f"{path} cannot be written: {error.strerror}", _ELSEWHERE) from error
        raise
