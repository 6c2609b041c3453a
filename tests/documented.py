"""What a page shows, in its order: files, Python and commands; and the same commands with less to train."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parent.parent

#: The pages whose commands are run in their order. Those of the gallery are generated, and parsed by the quick tests.
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "cases" / "symptoms.md",
    *sorted(path for part in ("tutorials", "howto", "explanation") for path in (ROOT / "docs" / part).glob("*.md")),
    ROOT / "docs" / "reference" / "optimizers.md",
]

#: First words of the commands that a page shows in a block.
PROGRAMS = ("benchsuite", "cd", "dask", "git", "grep", "pip", "pytest", "python", "taskset", "tox")

_BLOCKS = re.compile(r"^```(\w+)\n((?:.*\n)*?)```$|((?:^ {4}.*\n+)+)|^## (.*)$", re.MULTILINE)

#: A paragraph that names the file which the block below it shows.
_FILE = re.compile(r"`([\w/-]+\.(?:py|toml))`[^`]*:\s*\Z")


@dataclass(frozen=True)
class Shown:
    """A part of a page: a heading, a file that the page names, Python to execute, or a command.

    Args:
        kind: which of them.
        text: the title, the content of the file, the Python, or the command.
        name: of the file.
    """

    kind: Literal["heading", "file", "python", "command"]
    text: str
    name: str = ""


def shown(path: Path) -> Iterator[Shown]:
    """Iterate over what a page shows."""
    text = path.read_text() + "\n"
    for block in _BLOCKS.finditer(text):
        language, fenced, indented, heading = block.groups()
        code = fenced or textwrap.dedent(indented or "").strip("\n") + "\n"
        named = fenced and _FILE.search(text[: block.start()])
        if heading:
            yield Shown("heading", heading)
        elif named:
            yield Shown("file", code, named[1])
        elif language == "python":
            yield Shown("python", code)
        elif indented:
            lines = code.replace("\\\n", " ").splitlines()
            yield from (Shown("command", line) for line in lines if line.split(" ")[0] in PROGRAMS)


#: Options whose values are replaced: those that say how much is trained.
LESS = {
    "--seeds": "8",
    "--settings": "2",
    "--tune-seeds": "0:4",
    "--judge-seeds": "1000:1008",
    "--half-width": "0.4",
    "--rounds": "1",
}

#: Options that are added where they are missing.
SMALL = {
    "audit": {"--seeds": "4"},
    "landscape": {"--seeds": "1", "--grid": "4"},
    "nightly": {"--seeds": "8"},
    "versus": {"--settings": "2", "--tune-seeds": "0:4", "--judge-seeds": "1000:1008"},
    "board": {"--tune-seeds": "0:4", "--judge-seeds": "1000:1008"},
}

#: The case that is trained where a command would train all of them.
CASE = "relu-to-relu"


def less(command: str) -> list[str]:
    """Return the words of a command of benchsuite or pytest that trains less, with the same options."""
    program, *words = shlex.split(command, comments=True)
    prefix = "--benchsuite-" if program == "pytest" else "--"
    words = [word for given in words for word in (given.split("=", 1) if given.startswith(prefix) else [given])]
    for place, word in enumerate(words[:-1]):
        option = word.replace(prefix, "--", 1)
        words[place + 1] = LESS.get(option, words[place + 1])
        words[place + 1] = re.sub(r"^(tuned|once)-\d+$", r"\1-2", words[place + 1])
    return [program, *(_fewer_tests(words) if program == "pytest" else _fewer_cases(words))]


def _fewer_tests(words: list[str]) -> list[str]:
    if not words:  # the tests of a plugin
        return words
    place = words.index("-k") if "-k" in words else len(words)
    if words[place + 1 : place + 2] in ([], ["relu"]):
        words[place : place + 2] = ["-k", f"[{CASE}"]
    return words


def _fewer_cases(words: list[str]) -> list[str]:
    name = words[0]
    for option, value in SMALL.get(name, {}).items():
        if option not in words and not {"--check", "--plan"} & set(words):
            words += [option, value]
    arguments = [word for word, before in zip(words[1:], words, strict=False) if "-" not in (word[0], before[0])]
    of_all = not arguments and not {"--tag", "--family"} & set(words)
    if (name in ("run", "nightly") and of_all) or (name == "versus" and len(arguments) == 2):
        words.append(CASE)
    if name == "board" and arguments:
        words += ["--case", CASE]
    return words
