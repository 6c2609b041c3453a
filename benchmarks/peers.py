"""Compare the suite with other frameworks: `python benchmarks/peers.py [PART]...` or `tox -e peers`.

Everything is measured in one run. All frameworks take turns, so that noise affects them equally, each in a child
process with its defaults. Those that train relu-to-relu are checked against theory.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table
from timing import Rival, Row, compare, in_proportion, own_process, say, take_turns
from whole import Run, command_seconds, run

PEERS = ("keras", "tensorflow-cpu", "tensorflow", "torch")
KERAS, TORCH = ("keras", "tensorflow"), ("torch",)

#: Frameworks share the memory of a GPU.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

#: Minimum width of a table in columns.
WIDTH = 130

SWEEP = "learning_rate=1e-4:1:13"

#: Numbers of seeds: of all runs, of the reference, of `--full`, and from which one repetition is enough.
SIZES, TYPICAL, LARGEST, ONCE_FROM = (1, 10, 100, 1_000, 10_000), 1_000, 100_000, 10_000

#: Maximum repetitions of a program that takes tens of seconds.
FEW = 3


class Scope(NamedTuple):
    """What is measured.

    Args:
        repetitions: of each figure.
        full: whether `scale` has the largest number of seeds.
        seeds: of the small cases.
        plain_seeds: of relu-to-relu that plain JAX trains at once.
        torch_seeds: of relu-to-relu that PyTorch trains at once.
        mnist: (layers, seeds) of the identities.
    """

    repetitions: int
    full: bool
    seeds: int = 1000
    plain_seeds: int = 200
    torch_seeds: int = 256
    mnist: Sequence[tuple[int, int]] = ((1, 1), (1, 8), (4, 1))

    @classmethod
    def of_accelerator(cls, repetitions: int, full: bool) -> Scope:
        """As many seeds as fill a block of a large GPU."""
        return cls(repetitions, full, 16384, 16384, 16384, ((1, 16), (4, 16)))


def tiny(scope: Scope) -> list[Row]:
    """Small cases under their source's protocol, and other frameworks."""
    rows = []
    for case in ("relu-to-relu", "relu-bias", "relu-output", "euclidean-distance"):
        rivals = [
            Rival("benchsuite", "in_suite:training", {"case": case, "seeds": scope.seeds}),
            Rival(
                "floor: its random numbers",
                "in_suite:drawing",
                {"case": case, "seeds": scope.seeds},
                remark="same generator, sum only",
            ),
        ]
        if case == "relu-to-relu":
            rivals += _of_relu_to_relu(scope)
        group = compare(case, rivals, scope.repetitions, "ms a seed", 1000)
        for row in group:
            if row.samples:
                row.remark = "; ".join(filter(None, (f"{1000 / row.median:,.3g} seeds/s", row.remark)))
        rows += group
    return rows


def plain(scope: Scope) -> list[Row]:
    """Small cases of several kinds beside a plain program of each, which neither evaluates nor records."""
    rows = []
    for case in ("relu-to-relu", "relu-output", "euclidean-distance", "deep-linear-depth-4", "rosenbrock", "square"):
        rivals = [
            Rival("benchsuite", "in_suite:training", {"case": case, "seeds": scope.seeds}),
            Rival("plain JAX, jit(vmap(scan))", "plain:of_case", {"case": case, "seeds": scope.seeds}),
        ]
        rows += compare(case, rivals, scope.repetitions, "ms a seed", 1000)
    return rows


def _of_relu_to_relu(scope: Scope) -> list[Rival]:
    seeds, steps = scope.torch_seeds, 100
    return [
        Rival(
            "benchsuite, 13 learning rates",
            "in_suite:training",
            {"case": "relu-to-relu", "seeds": 1000, "sweep": SWEEP},
            remark="side by side: 13 trainings a seed",
        ),
        Rival(
            "plain JAX, jit(vmap(scan))",
            "plain:many_seeds",
            {"seeds": scope.plain_seeds},
            remark=f"{scope.plain_seeds:,} at once, JAX's default devices and generator",
        ),
        Rival(
            "PyTorch, vmap(grad)",
            "in_torch:relu_to_relu_at_once",
            {"seeds": seeds, "steps": steps},
            TORCH,
            f"{seeds} at once; scaled up from {steps} steps to 2,000",
        ),
        Rival("PyTorch, a loop", "in_torch:relu_to_relu", {}, TORCH, "one after the other"),
        Rival("Keras, a fit", "in_keras:relu_to_relu", {}, KERAS, "as in the source; one after the other"),
    ]


def mnist(scope: Scope) -> list[Row]:
    """The identity on MNIST, its matrix products, Keras and PyTorch, per sample and in FLOP/s."""
    rows = []
    for layers, seeds in scope.mnist:
        case, group = f"mnist-identity-{layers}L", f"mnist-identity-{layers}L, seeds: {seeds}"
        rivals = [
            Rival(
                "benchsuite",
                "in_suite:epoch",
                {"case": case, "seeds": seeds, "rounds": 1},
                remark="one epoch with its evaluations",
            ),
            Rival(
                "floor: its matrix products",
                "in_suite:products",
                {"layers": layers, "seeds": seeds},
                remark="of as many seeds side by side",
            ),
            Rival("Keras", "in_keras:identity", {"layers": layers, "steps": 60}, KERAS, "60 steps of one seed"),
            Rival("PyTorch", "in_torch:identity", {"layers": layers, "steps": 60}, TORCH, "60 steps of one seed"),
        ]
        few = scope.repetitions if layers * seeds == 1 else min(scope.repetitions, FEW)
        flops = (3 * layers - 1) * 2 * 784**2  # forward, of kernels, and of the inputs of all layers but the first
        compared = compare(group, rivals, few, "µs a sample", 1e6)
        for row in compared:
            if row.samples:
                row.remark = f"{flops / row.median / 1000:,.0f} GFLOP/s; {row.remark}"
        rows += compared
    return rows


def scale(scope: Scope) -> list[Row]:
    """Whole runs of relu-to-relu with increasing numbers of seeds, without cached programs."""
    say("scale")
    sizes = (*SIZES, LARGEST) if scope.full else SIZES
    calls = {size: lambda size=size: _relu_to_relu(size) for size in sizes}
    runs = take_turns({size: calls[size] for size in sizes if size < ONCE_FROM}, min(scope.repetitions, FEW))
    runs |= take_turns({size: calls[size] for size in sizes if size >= ONCE_FROM}, 1)
    # Of one seed there is no steady round, so that its only one stands in; all else holds the named start's program.
    return [
        *_by_size("steady training", "ms a seed", runs, lambda run, _: 1000 * run.steady),
        *_by_size("whole run", "ms a seed", runs, lambda run, seeds: 1000 * run.wall / seeds),
        *_by_size("tracing", "s", runs, lambda run, _: run.trace),
        *_by_size("compiling", "s", runs, lambda run, _: run.compile),
        *_by_size("all else", "s", runs, lambda run, _: run.rest),
        *_by_size("peak of resident memory", "MiB", runs, lambda run, _: run.peak),
    ]


def _relu_to_relu(seeds: int) -> Run:
    return run("relu-to-relu", "--seeds", str(seeds), environment={"JAX_ENABLE_COMPILATION_CACHE": "false"})


def _by_size(what: str, unit: str, runs: dict[int, list[Run]], figure: Callable[[Run, int], float]) -> list[Row]:
    group = f"relu-to-relu, {what}"
    rows = {
        size: Row(group, f"seeds: {size:,}", unit, [figure(run, size) for run in of_size])
        for size, of_size in runs.items()
    }
    return in_proportion(list(rows.values()), rows[TYPICAL])


def overhead(scope: Scope) -> list[Row]:
    """Overhead of the suite: commands from start to end, and the parts of a short run."""
    say("overhead: commands")
    python = sys.executable
    commands = {
        "python -c pass": [python, "-c", "pass"],
        "import jax": [python, "-c", "import jax"],
        "import benchsuite": [python, "-c", "import benchsuite"],
        "benchsuite --help": [python, "-m", "benchsuite", "--help"],
        "benchsuite list": [python, "-m", "benchsuite", "list"],
        "pytest cases/ --collect-only -q": [python, "-m", "pytest", "cases/", "--collect-only", "-q"],
    }
    calls = {what: lambda command=command: command_seconds(command) for what, command in commands.items()}
    taken = take_turns(calls, scope.repetitions)
    rows = [Row("commands", what, "s", samples) for what, samples in taken.items()]
    return in_proportion(rows, rows[0]) + _where_a_run_goes(min(scope.repetitions, FEW), taken)


def _where_a_run_goes(repetitions: int, commands: dict[str, list[float]]) -> list[Row]:
    say("overhead: a run of all cases")
    run("--seeds", "2")  # from now on all programs are in the cache
    runs = take_turns({"run": lambda: run("--seeds", "2")}, repetitions)["run"]
    group = "benchsuite run --seeds 2, all cases"
    start = statistics.median(commands["benchsuite --help"])

    def row(what: str, figure: Callable[[Run], float], remark: str = "") -> Row:
        return Row(group, what, "s", [figure(run) for run in runs], remark=remark)

    def own(run: Run) -> float:
        return start + run.plugins + run.summaries + run.tables

    rows = [
        row("whole run", lambda run: run.wall),
        row("training", lambda run: run.training, "the timed rounds"),
        row("tracing", lambda run: run.trace),
        row("programs", lambda run: run.compile, "all from the cache"),
        row("libraries", lambda run: run.libraries, "importing jax, flax, optax and scipy"),
        row("plugins", lambda run: run.plugins, "finding and loading them"),
        row("summaries", lambda run: run.summaries, "summing up rows, writing them and their figures"),
        row("tables", lambda run: run.tables, "reading it all again, and showing it"),
        row("the suite itself", own, "plugins, summaries, tables, and the time of `benchsuite --help`"),
        row(
            "all else",
            lambda run: run.rest - run.libraries - own(run),
            "reading data, versions of cases, named starts, diagnostics",
        ),
    ]
    return in_proportion(rows, rows[0])


PARTS = {part.__name__: part for part in (tiny, plain, mnist, scale, overhead)}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("parts", nargs=-1, metavar="[PART]...", type=click.Choice(list(PARTS)))
@click.option(
    "-r",
    "--repetitions",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Repetitions of each figure, at most 3 of slow ones.",
)
@click.option("--full", is_flag=True, help=f"Add {LARGEST:,} seeds to `scale`; takes a quarter of an hour.")
@click.option("--accelerator", is_flag=True, help="As many seeds as fill a block of a large GPU.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all repetitions to this file, as JSON.",
)
def main(parts: tuple[str, ...], repetitions: int, full: bool, accelerator: bool, output: Path | None) -> None:
    """Measure the speed of the suite, of other frameworks, and the limits of the machine.

    PARTs, all of them by default:

    \b
    tiny      small cases, compared with Keras, PyTorch, plain JAX and their random numbers
    plain     small cases, compared with a plain JAX program of each
    mnist     dense networks, compared with Keras, PyTorch and their matrix products
    scale     whole runs of relu-to-relu over 1 to 10,000 seeds: time, memory, compilation
    overhead  commands, and the time of a run without training

    Each figure is the median of repetitions taken in turns, with its quartiles. A ratio is relative to the row with
    ratio 1.00; above 1 is slower or larger. Frameworks that are not installed are left out.
    """  # noqa: D301  # \b is click's
    scope = Scope.of_accelerator(repetitions, full) if accelerator else Scope(repetitions, full)
    rows: dict[str, list[Row]] = {}
    for part in dict.fromkeys(parts or PARTS):
        rows[part] = PARTS[part](scope)
        Console(width=max(Console().width, WIDTH)).print(_table(part, rows[part]))
        if output:
            _write(output, rows, scope._asdict())
            say(f"wrote {output}")


def _table(part: str, rows: list[Row]) -> Table:
    doc = PARTS[part].__doc__ or ""
    table = Table(title=f"{part}: {doc}", title_justify="left")
    for heading in ("", "median", "quartiles", "ratio", "remark"):
        table.add_column(heading, justify="left" if heading in {"", "remark"} else "right")
    group = ""
    for row in rows:
        if row.group != group:
            table.add_section()
            table.add_row(f"[bold]{row.group}")
            group = row.group
        if row.samples:
            low, high = row.quartiles
            table.add_row(
                row.what,
                f"{_short(row.median)} {row.unit}",
                f"{_short(low)}–{_short(high)}",
                _short(row.ratio),
                row.remark,
            )
        else:
            table.add_row(row.what, "", "", "", row.remark)
    return table


def _short(number: float | None) -> str:
    """Format with three significant digits, or as an integer."""
    if number is None:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:#.3g}"


def _write(path: Path, rows: dict[str, list[Row]], options: dict[str, Any]) -> None:
    with own_process() as process:
        about = process.submit(_described).result()
    content = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": options,
        "machine": about,
        "peers": {package: _version(package) for package in PEERS},
        "parts": {part: [row.to_json() for row in of_part] for part, of_part in rows.items()},
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def _described() -> dict[str, Any]:
    from in_suite import describe

    return describe()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
