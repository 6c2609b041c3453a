"""The documentation agrees with the code: the glossary's names, the options, and plain words."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import click

import benchsuite
from benchsuite.cli.main import cli
from benchsuite.errors import BenchsuiteError
from benchsuite.plugins import load_registry
from benchsuite.settings import OPTIONS, OutputSettings, TrainingSettings

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


#: Names of documented commands that are no cases of the suite: plugins that the reader writes, and placeholders.
EXAMPLES = {"noisy-line", "my-descent", "clip-by-norm", "CASE", "NAME"}

#: Commands whose arguments are cases, with treatments behind plus signs.
OF_CASES = {"run", "replay", "check", "audit", "landscape", "show"}


def documented_commands() -> Iterator[tuple[Path, str]]:
    """Every command `benchsuite …` of a document: on a line of a block, or between backticks."""
    for path in DOCUMENTS:
        text = path.read_text().replace("\\\n", " ")
        lines = re.findall(r"^ {4}(benchsuite [a-z].*)$", text, re.MULTILINE)
        spans = re.findall(r"`(benchsuite [a-z][^`\n]*)`", text)
        for command in (*lines, *spans):
            if "…" not in command and not command.startswith("benchsuite 0"):
                yield path, command


def parse_command(command: str) -> tuple[str, Sequence[str]]:
    """Parse a command and check the values of its settings; returns its name and arguments.

    Raises:
        click.UsageError, BenchsuiteError: an option or a value does not exist.
    """
    name, *words = shlex.split(command, comments=True)[1:]
    of = cli.commands.get(name)
    if of is None:
        raise click.UsageError(f"no command {name}")
    options, arguments, _ = of.make_parser(click.Context(of)).parse_args(words)
    for settings in (TrainingSettings, OutputSettings):
        known = {option.name for option in settings.options()} & {parameter.name for parameter in of.params}
        settings.parse({option: value for option, value in options.items() if option in known})
    return name, arguments


def names_of(registry_names: set[str], arguments: Sequence[str]) -> list[str]:
    """The arguments that name no case or ladder."""
    names = [re.split(r"[+(@]", argument)[0] for argument in arguments]
    return [name for name in names if name not in registry_names]


def test_documented_commands_exist() -> None:
    """Every documented command has the options and values that it is shown with, and names cases that exist."""
    found, wrong = list(documented_commands()), []
    declared = [plugin.declared for plugin in load_registry().plugins]
    known = EXAMPLES | {case.name for of in declared for case in of.cases}
    known |= {ladder.name for of in declared for ladder in of.ladders}
    for path, command in found:
        try:
            name, arguments = parse_command(command)
        except (click.UsageError, BenchsuiteError, ValueError) as error:
            wrong.append(f"{path.name}: {command}: {error}")
            continue
        if name in OF_CASES and (missing := names_of(known, arguments)):
            optional = all(one.startswith("bbob-") for one in missing)  # an extra
            wrong += [] if optional else [f"{path.name}: {command}: no case {', '.join(missing)}"]

    assert len(found) > 200
    assert not wrong, "\n".join(wrong)


def test_documented_code_is_python() -> None:
    """Every block of Python compiles; all are run by tests/system/test_documented_commands.py."""
    for path in DOCUMENTS:
        for code in re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
            compile(code, str(path), "exec")


def test_pictures_have_alternative_texts() -> None:
    """Every picture of a document is described, in more words than its name."""
    wrong = []
    for path in DOCUMENTS:
        text = path.read_text()
        shown = [(about, place) for about, place in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)]
        for tag in re.findall(r"<img [^>]*>", text):
            about = re.search(r'alt="([^"]*)"', tag)
            shown.append((about[1] if about else "", tag))
        wrong += [f"{path.name}: {place}" for about, place in shown if len(about.split()) < 3]

    assert not wrong, "\n".join(wrong)


def test_links_lead_somewhere() -> None:
    """Links between documents, pictures, and the README's absolute links to the repository name files that exist."""
    wrong = []
    ours = re.compile(
        r"https://(?:github\.com/benchsuite/benchsuite/blob|raw\.githubusercontent\.com/benchsuite/benchsuite)/main/"
    )
    generated = {ROOT / "docs" / "reference" / f"{name}.md" for name in ("python", "command-line", "pytest", "formats")}
    generated |= {path.with_suffix(".md") for path in (ROOT / "docs").rglob("*.ipynb")}
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(<?([^)\s>]+)>?\)", path.read_text()):
            place = unquote(target.partition("#")[0])
            if ours.match(place):
                file = ROOT / ours.sub("", place)
            elif not place or re.match(r"[a-z]+:", place):
                continue
            else:
                file = (path.parent / place).resolve()
            if not file.exists() and file not in generated:
                wrong.append(f"{path.relative_to(ROOT)}: {target}")

    assert not wrong, "\n".join(wrong)


def test_readme_is_short() -> None:
    """The README has at most 600 words; the rest is in the documentation."""
    assert len((ROOT / "README.md").read_text().split()) <= 600
