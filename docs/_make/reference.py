"""Generate the pages of the reference from the code: public names, options, and formats of files."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mkdocs.exceptions import PluginError

import benchsuite
from benchsuite.publish.site import SCHEMA as SITE_SCHEMA
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.store.documents import SCHEMA as RUN_SCHEMA

#: Sections of the public names, in the order of the page.
SECTIONS = {
    "Run and read": "run load cases treatments check Results CaseResult Frame RunObserver",
    "Compare optimisers": "versus board BoardResults",
    "Declare a case": "Case Ladder Criterion Schedule Stream Table Split Download Optimizer Player Measure Treatment",
    "Claims and diagnostics": "Claim FailureRate Bound Figure Ends Diagnostic Landscape",
    "Metrics": "r2 largest_error mean_squared_error mean_absolute_percentage_error accuracy binary_accuracy",
    "Errors": "BenchsuiteError BenchsuiteWarning CaseError DataError DoesNotApply",
    "Plugins": "hookimpl",
}

PYTHON = """# Python

`import benchsuite as bs` offers these names; [Use it from Python](../howto/python.md) shows them at work. Anything else
may change in any release.
"""

PYTEST = """# pytest

The options of `benchsuite run`, with the prefix `--benchsuite-` so that they cannot conflict with those of other pytest
plugins. Each has an ini setting, which the command line overrides. `--benchsuite-board` ranks entries in place of the
tests of the cases.
"""

FORMATS = """# File formats

A file with a schema is checked when it is read: its digest, and the type and range of each field. A file of an unknown
schema is refused with its number, never guessed. [The policy](policy.md) says which are read for how long.
"""

EXPORTS = """
Beside these, `benchsuite export` writes CSV, Parquet, and the JSON of
[Bencher](https://bencher.dev/docs/reference/bencher-metric-format) and of `github-action-benchmark`, and
pytest-benchmark's JSON has the fields of `Summary` in `extra_info`.
"""

HOOKIMPL = """### hookimpl

Marks a function of a plugin as the implementation of a hook, as in `@hookimpl`. The hooks are
"""


def pages() -> dict[str, str]:
    """The generated pages: name → Markdown."""
    return {
        "python": python_page(),
        "command-line": COMMAND_LINE,
        "pytest": pytest_page(),
        "formats": formats_page(),
    }


def check_documented(names: Sequence[str]) -> None:
    """Check that each public name, and each public member of a class, has a docstring.

    Raises:
        PluginError: one has none, which fails the build.
    """
    wrong = [name for name in names for name in _undocumented(name, getattr(benchsuite, name))]
    missing = set(names) ^ set(" ".join(SECTIONS.values()).split())
    if wrong or missing:
        raise PluginError(f"undocumented: {', '.join(wrong)}; in no section of the reference: {', '.join(missing)}")


def _undocumented(name: str, item: Any) -> Iterator[str]:
    if not inspect.getdoc(item):
        yield name
    if inspect.isclass(item):
        fields = getattr(item, "__dataclass_fields__", {})
        for member, value in vars(item).items():
            if member.startswith("_") or member in fields:
                continue
            if (inspect.isroutine(value) or isinstance(value, property)) and not inspect.getdoc(getattr(item, member)):
                yield f"{name}.{member}"


def python_page() -> str:
    """Every public name of `benchsuite`."""
    check_documented(benchsuite.__all__)
    parts = [PYTHON]
    for title, names in SECTIONS.items():
        parts += [f"## {title}", "", *(_entry(name) for name in names.split())]
    return "\n".join(parts)


def _entry(name: str) -> str:
    item = getattr(benchsuite, name)
    if name == "hookimpl":
        return HOOKIMPL + "\n" + "\n".join(f"::: benchsuite.plugins.hookspecs.{hook}\n" for hook in _hooks())
    return f"::: {item.__module__}.{item.__qualname__}\n"


def _hooks() -> Sequence[str]:
    from benchsuite.plugins.plugin import HOOKS

    return HOOKS


COMMAND_LINE = """# Command line

Exit codes: 0: success; 1: something failed, or a plugin could not be loaded; 2: an option or argument is invalid; 130:
interrupted; 143: terminated. `NO_COLOR=1` switches colours off.

::: mkdocs-click
    :module: benchsuite.cli.main
    :command: cli
    :prog_name: benchsuite
    :depth: 1
    :style: table
    :list_subcommands: true
"""


def pytest_page() -> str:
    """The options and ini settings of the pytest plugin."""
    parts = [PYTEST]
    for title, settings in (("How to train", TrainingSettings), ("What to do with the result", OutputSettings)):
        rows = [
            (f"`{option.pytest_flag}`{_values(option)}", f"`{option.ini}`", option.help.replace("|", r"\|"))
            for option in settings.options()
        ]
        parts += [f"## {title}", "", *table(("option", "ini setting", "meaning"), rows), ""]
    return "\n".join(parts)


def _values(option: Any) -> str:
    return f" `{' '.join(option.choices)}`" if option.choices else f" `{option.metavar}`" if option.metavar else ""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]


#: File → (what it is, its version, the classes that it holds).
FILES: Mapping[str, tuple[str, str, Sequence[str]]] = {
    "run.json": (
        "of a run folder: the machine, the settings and what was asked for",
        f"schema {RUN_SCHEMA}; schema 4 is read and converted",
        ("benchsuite.store.documents.RunFile", "benchsuite.store.documents.LoadFile"),
    ),
    "case/case.json": (
        "of a run folder: the definition of a case, and its summaries",
        f"schema {RUN_SCHEMA}",
        (
            "benchsuite.store.documents.CaseFile",
            "benchsuite.results.plan.Plan",
            "benchsuite.results.summary.Summary",
        ),
    ),
    "case/seeds-….npz": (
        "of a case: columns of its seeds, and the curves of the first 1,000; `starts.npz`, `surfaces.npz` beside it",
        f"schema {RUN_SCHEMA}; schema 4 is read",
        ("benchsuite.results.round.RoundFacts", "benchsuite.store.arrays.SurfacesFacts"),
    ),
    "definition.json": (
        "of a board: what it compares. `rows/` beside it has run folders, `board.json` the figures computed from them",
        "no number: a board of another definition is refused",
        ("benchsuite.standings.board.BoardDefinition", "benchsuite.tuning.options.BoardOptions"),
    ),
    "entry.toml": (
        "an entry of a board, written by hand",
        "unknown fields are refused",
        ("benchsuite.tuning.entry.Entry",),
    ),
    "site.json, night.json": (
        "of a site: its mark, and what is kept of each night",
        f"schema {SITE_SCHEMA}; other sites are refused",
        ("benchsuite.publish.night.Night", "benchsuite.publish.night.Point"),
    ),
    "--log FILE": (
        "JSON objects, one a line, with the fields of these events and `event`, their name",
        "fields may be added",
        tuple(f"benchsuite.plugins.observer.{name}" for name in ("RunStarted", "RoundFinished", "CaseFinished")),
    ),
}


def formats_page() -> str:
    """The files that the suite writes and reads, with their versions and fields."""
    from importlib import import_module

    rows = [(f"`{name}`", *about[:2]) for name, about in FILES.items()]
    parts = [FORMATS, *table(("file", "what it is", "version"), rows), EXPORTS]
    for name, (_, _, classes) in FILES.items():
        parts += [f"## {name}", ""]
        for path in classes:
            module, _, attribute = path.rpartition(".")
            made: Callable[..., Any] = getattr(import_module(module), attribute)
            if not inspect.getdoc(made):
                raise PluginError(f"undocumented: {path}")
            parts += [f"::: {path}", "    options:", "      members: false", "      merge_init_into_class: false", ""]
    return "\n".join(parts)
