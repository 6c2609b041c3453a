"""A plugin to begin with: a distribution with a case, its tests, and the workflows that test and publish it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from benchsuite.case import NAME
from benchsuite.errors import OptionError, StoreError

PREFIX = "benchsuite-"

_ELSEWHERE = "name a new or empty folder with -o DIR"

#: What is written, and the template it is made of; what has a $ is filled in, in both.
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "$module.py": "module.py",
    "test_$module.py": "test_module.py",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    ".github/workflows/test.yml": "workflows/test.yml",
    ".github/workflows/publish.yml": "workflows/publish.yml",
}


def write_plugin(name: str, folder: Path, taken: Mapping[str, str] | None = None) -> list[Path]:
    """Write a distribution that supplies a case: all of its files or, where that fails, none.

    Args:
        name: what the case and its plugin are going to be called.
        folder: where to write; it is made, or there already and empty. Nothing is written outside of it.
        taken: names of cases and plugins that are there already → who supplies them.

    Returns:
        What was written.

    Raises:
        OptionError: the name cannot be used, or the folder has something in it.
        StoreError: the folder cannot be written; what was begun is removed.
    """
    module = _module(name)
    _check_free(name, module, taken or {})
    _check_empty(folder)
    values = {
        "name": name,
        "key": f'"{name}"' if "." in name else name,  # a dot in a bare key of TOML makes a table of it
        "project": PREFIX + name,
        "module": module,
        "version": version("benchsuite"),
    }
    templates = files("benchsuite.plugins").joinpath("templates")
    texts = {
        folder / Template(path).substitute(values): Template(
            templates.joinpath(*f"{template}.tmpl".split("/")).read_text(encoding="utf-8")
        ).substitute(values)
        for path, template in _FILES.items()
    }
    _write_all(texts)
    return list(texts)


def _module(name: str) -> str:
    if not NAME.fullmatch(name):
        raise OptionError(f"a case cannot be named {name!r}", "use letters, digits and single - _ or .")
    if name.lower().startswith(PREFIX):
        raise OptionError(
            f"the name {name!r} begins with {PREFIX!r}, which the distribution's name gets by itself",
            f"benchsuite new {name[len(PREFIX) :]}",
        )
    return (PREFIX + name).translate(str.maketrans("-.", "__")).lower()


def _check_free(name: str, module: str, taken: Mapping[str, str]) -> None:
    for other, owner in taken.items():
        if _normal(other) == _normal(name):
            raise OptionError(f"the name {name!r} is taken: {owner} supplies {other!r}", "choose another name")
    if find_spec(module):
        raise OptionError(f"the name {name!r} is taken: there is a module {module} already", "choose another name")


def _normal(name: str) -> str:
    """What package indexes make of a name: two that differ only in this cannot both be published."""
    return re.sub("[-_.]+", "-", name).lower()


def _check_empty(folder: Path) -> None:
    try:
        found = next(folder.iterdir(), None)
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise OptionError(f"{folder} is a file, or lies below one", _ELSEWHERE) from error
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}", _ELSEWHERE) from error
    if found:
        raise OptionError(f"{folder} is not empty, it has {found.name} in it", _ELSEWHERE)


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
