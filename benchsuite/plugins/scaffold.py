"""Create a plugin from a template: a distribution with a case, tests, and workflows."""

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

#: File -> its template; variables with a $ are substituted in both.
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
    """Write the files of a distribution that supplies a case: all of them, or none after an error.

    Args:
        name: of the case and its plugin.
        folder: new or empty; nothing is written outside of it.
        taken: names of existing cases and plugins -> their distributions.

    Returns:
        The written files.

    Raises:
        OptionError: the name is invalid or taken, or the folder is not empty.
        StoreError: the folder cannot be written; partial files are removed.
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
        raise OptionError(f"{name!r} is not a valid name of a case", "use letters, digits and single - _ or .")
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
