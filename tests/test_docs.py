"""The documentation agrees with the code: the glossary's names, the options, and plain words."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import benchsuite
from benchsuite.cli.main import cli
from benchsuite.settings import OPTIONS

ROOT = Path(__file__).parent.parent

#: Documents that users read.
DOCUMENTS = (*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")))

#: Folders and files whose English is checked.
PROSE = ("benchsuite", "plugins", "docs", "examples", "cases", "benchmarks", "README.md", "CONTRIBUTING.md")

#: Words that no search engine finds in this field, each with the word to use.
FORBIDDEN = {
    "told": "message, shown or stated",
    "whoever": "anyone who",
    "mend": "fix",
    "door": "interface",
    "foretold": "estimated",
    "forgiving": "plateau",
    "cured": "fixed",
}


def glossary() -> Iterator[tuple[str, str, list[str]]]:
    """The rows of the glossary: term, meaning, and names in the code."""
    for line in (ROOT / "docs" / "glossary.md").read_text().splitlines():
        if line.startswith("| ") and not line.startswith(("| term", "|---")):
            term, meaning, code = (cell.strip() for cell in line.strip("|").split(" |"))
            yield term, meaning, re.findall("`([^`]+)`", code)


def exists(name: str) -> bool:
    """Whether a class, a function, an option or a command has this name."""
    if name.startswith("--"):
        return name.removeprefix("--").replace("-", "_") in {option.name for option in OPTIONS}
    if name.startswith("benchsuite "):
        return name.removeprefix("benchsuite ") in cli.commands
    if "." not in name:
        return name in benchsuite.__all__
    room, _, public = name.rpartition(".")
    return public in importlib.import_module(f"benchsuite.{room}").__all__


def test_glossary_names_what_exists() -> None:
    """Every class, option and command of the glossary exists, and every term is explained once."""
    rows = list(glossary())
    terms = [term for term, _, _ in rows]

    assert len(terms) > 50
    assert len(terms) == len(set(terms))
    assert not [name for _, _, names in rows for name in names if not exists(name)]


def test_glossary_explains_every_public_class() -> None:
    """Each public class has a term in the glossary, except exceptions and warnings for callers."""
    explained = {name for _, _, names in glossary() for name in names}
    classes = {name for name in benchsuite.__all__ if name[0].isupper() and not name.endswith(("Error", "Warning"))}

    assert not classes - explained


def test_documented_options_exist() -> None:
    """Each pytest option that a document mentions is an option of the suite."""
    known = {option.name.replace("_", "-") for option in OPTIONS} | {"board"}
    wrong = [
        f"{path.name}: --benchsuite-{name}"
        for path in DOCUMENTS
        for name in re.findall(r"--benchsuite-([a-z-]*[a-z])", path.read_text())
        if name not in known
    ]

    assert not wrong, "\n".join(wrong)


def test_words_are_plain() -> None:
    """No document, docstring or message uses a word that a search engine does not find in this field."""
    pattern = re.compile(rf"\b({'|'.join(FORBIDDEN)})\b", re.IGNORECASE)
    wrong = []
    for path in prose():
        name = path.relative_to(ROOT).as_posix()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if found := pattern.search(line):
                wrong.append(f"{name}:{number}: write {FORBIDDEN[found[1].lower()]}, not {found[1]}")

    assert not wrong, "\n".join(wrong)


def prose() -> Iterator[Path]:
    """The files whose English is checked."""
    for name in PROSE:
        path = ROOT / name
        found = [path] if path.is_file() else path.rglob("*")
        yield from sorted(file for file in found if file.suffix in {".py", ".md", ".tmpl", ".html", ".js"})
