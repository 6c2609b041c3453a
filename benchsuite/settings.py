"""Settings of a run: one table of options, from which the command line and pytest make theirs.

In: values of a command line, an ini file or a run folder.
Out: `TrainingSettings`, how to train, and `OutputSettings`, what to do with the result.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from benchsuite.errors import OptionError, near_matches
from benchsuite.seeds import FORMS, MAX_SEEDS, SeedNumbers, parse_seeds

QUICK, SOURCE = "quick", "source"
AUTO, STAND_IN = "auto", "stand-in"
PROTOCOLS = (QUICK, SOURCE)
PRECISIONS = ("highest", "high", "default")
PLATFORMS = (AUTO, "cpu", "gpu", "tpu")
LOCAL, DASK, SLURM = "local", "dask", "slurm"

#: The tag of the cases that are trained where none are named, and the word for all cases.
CORE, EVERY = "core", "all"
DTYPES = ("float32", "float64", "bfloat16")  # as in benchsuite.case, which pytest does not import without a case
EXECUTORS = (LOCAL, DASK, SLURM)

#: The options that are whole numbers of at least 1.
_COUNTS = ("seeds", "rounds", "workers", "time_limit")

#: Values of an option that was not given.
UNSET_VALUES: tuple[Any, ...] = (None, "", (), [])

#: Needs 2.4 billion seeds; a narrower one would soon need more than there are.
SMALLEST_HALF_WIDTH = 0.00002


def _option(default: Any, explanation: str, metavar: str = "", choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"help": explanation, "metavar": metavar, "choices": choices})


class _Settings:
    """What both classes of settings share."""

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """The fields, as the interfaces present them."""
        return tuple(
            Option(f.name, f.metadata["help"], f.default, f.metadata["metavar"], f.metadata["choices"])
            for f in fields(cls)  # type: ignore[arg-type]  # both subclasses are dataclasses
        )

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Read settings from option -> value; None, "" and empty lists count as not given, other names are ignored.

        Raises:
            OptionError: a value cannot be used.
        """
        given = {name: value for name, value in values.items() if value not in UNSET_VALUES}
        return cls(
            **{option.name: option.parse(given[option.name]) for option in cls.options() if option.name in given}
        )

    def __post_init__(self) -> None:
        for option in self.options():
            option.check(getattr(self, option.name))


@dataclass(frozen=True)
class TrainingSettings(_Settings):
    """What to train and how; each field is an option of both interfaces and an ini setting."""

    tag: tuple[str, ...] = _option(
        (),
        "Train the cases with this tag, such as small; can be repeated for the cases with any of several. all: every"
        " case. [default: core and the cases without tags, unless cases are named]",
        "TAG",
    )
    family: tuple[str, ...] = _option(
        (),
        "Train the cases of this family, such as xor; can be repeated. With --tag, those with one of the tags too.",
        "FAMILY",
    )
    protocol: str = _option(
        QUICK,
        "Training protocol. source: as the source of the case describes it; quick: shorter, where the case has such a"
        " protocol, and labelled as quick in every table.",
        choices=PROTOCOLS,
    )
    seeds: int | SeedNumbers | None = _option(
        None,
        "Random starts per case: a number of seeds, counted from 0; a range, such as 100:200 without its end; or a"
        " list, such as 3,7. [default: set by the case]",
        "SEEDS",
    )
    half_width: float | None = _option(
        None,
        "Choose the number of seeds such that the 95 % confidence interval of the success rate has this half-width,"
        " such as 0.01. Uses the rate of the latest run in .benchsuite, or the worst case without one. Excludes"
        " --seeds.",
        "SHARE",
    )
    rounds: int | None = _option(
        None,
        "Number of rounds into which the seeds are split. Each round is timed and saved when it ends; the first one"
        " is the warm-up and is timed separately. [default: 5, or more where memory requires it]",
        "N",
    )
    precision: str = _option(
        PRECISIONS[0],
        "Precision of matrix products; `default` means TensorFloat-32 on recent NVIDIA GPUs. No effect on CPUs.",
        choices=PRECISIONS,
    )
    dtype: str | None = _option(
        None,
        "Type of numbers to train in, in place of that of each case: float32 parameters, inputs and targets are"
        " converted. [default: set by the case]",
        choices=DTYPES,
    )
    dataset: str = _option(
        AUTO,
        f"{AUTO}: real data if available, else the synthetic data of the case, which is labelled; {STAND_IN}: always"
        " synthetic data; or the name of a dataset, such as mnist, which must then be available.",
        "NAME",
    )
    data_dir: Path | None = _option(
        None, "Folder with data files, such as mnist/*.gz. [default: the variable BENCHSUITE_DATA]", "DIR"
    )
    platform: str = _option(AUTO, "Kind of device to train on; it must be available.", choices=PLATFORMS)
    treatment: tuple[str, ...] = _option(
        (),
        "Change to apply to every case, compared with the untreated case on the same seeds; can be repeated. A name"
        ' from `benchsuite treatments`, optionally with options or combined, as in "adam(learning_rate=0.1)" or'
        " he+adam; module:name for your own, also with options; the name of one in a table of an earlier run; all; or"
        " none. [default: none]",
        "NAME",
    )
    optimizer: tuple[str, ...] = _option(
        (),
        'Optimiser to replace that of each case, such as "optax.adam(1e-2)" or "chain(clip_by_global_norm(1.0),'
        ' adam(cosine_decay_schedule(1e-2, 2000)))"; can be repeated.',
        "CALL",
    )
    sweep: tuple[str, ...] = _option(
        (),
        "Train several values of an option of the treatment, optimiser or model: side by side, or one after another"
        " where array shapes depend on it, as in units=1,2,4."
        " learning_rate=1e-4:1:13 gives 13 values on a logarithmic scale; momentum=0:0.9:10:linear on a linear scale;"
        " bias=0.1,1,10 lists them. An option of a nested optimiser has a path, such as adam.learning_rate. Can be"
        " repeated: all combinations are trained.",
        "OPTION=RANGE",
    )
    executor: str = _option(
        LOCAL,
        f"Where to train. {LOCAL}: in this process, on all of its devices; {DASK}: on Dask workers, each on all of its"
        f" devices; {SLURM}: on workers that are jobs of a SLURM cluster. Requires `pip install 'benchsuite[dask]'` or"
        " `pip install 'benchsuite[slurm]'`.",
        choices=EXECUTORS,
    )
    scheduler: str | None = _option(
        None, "Address of a Dask scheduler. [default: start workers on this machine]", "ADDRESS"
    )
    workers: int | None = _option(
        None,
        "Number of workers to start: of Dask on this machine, which share its cores, or SLURM jobs. [default: one per"
        " GPU, or per core without a GPU; 4 SLURM jobs]",
        "N",
    )
    slurm: tuple[str, ...] = _option(
        (),
        "Option of sbatch for the jobs of --executor slurm, without its dashes, such as partition=gpu, gres=gpu:1,"
        " cpus-per-task=8, mem=16G or time=04:00:00; can be repeated. [default: those of the cluster]",
        "OPTION",
    )
    time_limit: int | None = _option(
        None,
        "Maximum seconds per case. Each case is then trained in a child process, which is stopped when it exceeds the"
        " limit, runs out of memory or crashes; finished rounds are kept and the other cases are trained.",
        "SECONDS",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.seeds, int) and self.seeds > MAX_SEEDS:
            raise OptionError(f"--seeds is {self.seeds}", f"give at most {MAX_SEEDS}: a seed is a 32-bit number")
        if self.half_width is not None and not SMALLEST_HALF_WIDTH <= self.half_width < 1 / 2:
            raise OptionError(
                f"--half-width is {self.half_width}", f"give a share from {SMALLEST_HALF_WIDTH:f} to below 0.5"
            )
        if self.sweep:
            from benchsuite.case import SweepRange

            SweepRange.parse_all(self.sweep)
        self._check_combinations()

    def _check_combinations(self) -> None:
        if self.half_width is not None and self.seeds:
            raise OptionError("--half-width and --seeds exclude each other", "omit --seeds or --half-width")
        if self.scheduler and self.executor != DASK:
            raise OptionError("--scheduler requires --executor dask", "add --executor dask")
        if self.workers and self.executor == LOCAL:
            raise OptionError("--workers requires --executor dask or slurm", "add --executor dask")
        if self.slurm and self.executor != SLURM:
            raise OptionError("--slurm requires --executor slurm", "add --executor slurm")
        if self.scheduler and self.workers:
            raise OptionError("--scheduler and --workers exclude each other", "omit --workers or --scheduler")
        if self.time_limit and self.executor != LOCAL:
            raise OptionError("--time-limit requires --executor local", "omit --time-limit or --executor")

    @property
    def own_platform(self) -> str:
        """The kind of device that this process itself uses: the CPU where other processes train."""
        return self.platform if self.executor == LOCAL and not self.time_limit else "cpu"


@dataclass(frozen=True)
class OutputSettings(_Settings):
    """What to do with the result; each field is an option of both interfaces and an ini setting."""

    run_dir: Path | None = _option(
        None, "Folder for the results of this run. [default: a new folder in .benchsuite]", "DIR"
    )
    resume: bool = _option(
        False,
        "Resume the run in --run-dir, or the latest one, with its cases and options; only missing rounds are trained."
        " --report must be given again.",
    )
    compare: Path | None = _option(
        None, "Compare with the run in this folder: success rates, and speeds where the machines agree.", "RUN"
    )
    compare_fail: tuple[str, ...] = _option(
        (),
        "Fail if a case is significantly worse than in the run of --compare: rate:0.01 or speed:0.01:10%, with the"
        " significance level (corrected for the number of cases) and the smallest drop that fails; can be repeated.",
        "GATE",
    )
    report: Path | None = _option(
        None,
        "Write an HTML page with figures and tables, and a summary in Markdown, into this folder. Requires"
        " `pip install 'benchsuite[report]'`.",
        "DIR",
    )
    log: Path | None = _option(
        None,
        "Append what happens to this file, a JSON object a line: run started, round finished, case finished.",
        "FILE",
    )
    plan: bool = _option(
        False, "Do not train; show which cases would be trained, with how many seeds, and their estimated time."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.compare_fail and not self.compare:
            raise OptionError("--compare-fail requires --compare", "add --compare RUN")


@dataclass(frozen=True)
class Option:
    """One field of the settings, as an interface presents it."""

    name: str
    help: str
    default: Any
    metavar: str
    choices: tuple[str, ...]

    @property
    def flag(self) -> str:
        """The flag on the command line of `benchsuite`."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def pytest_flag(self) -> str:
        """The flag on the command line of pytest, where other plugins may use the short name."""
        return f"--benchsuite-{self.name.replace('_', '-')}"

    @property
    def ini(self) -> str:
        """The name of the setting in pytest's ini file, and of its destination on the command line."""
        return f"benchsuite_{self.name}"

    @property
    def is_list(self) -> bool:
        """Whether the option can be repeated."""
        return isinstance(self.default, tuple)

    @property
    def is_flag(self) -> bool:
        """Whether the option takes no value."""
        return isinstance(self.default, bool)

    def parse(self, value: Any) -> Any:
        """Convert a text, or a stored value, to the type of the field.

        Raises:
            OptionError: it cannot be converted.
        """
        kind, hint = self._kind
        try:
            return kind(value)
        except (TypeError, ValueError, OverflowError):
            raise OptionError(f"{self.flag} is {value!r}", hint) from None

    def check(self, value: Any) -> None:
        """Check a value of the field by itself.

        Raises:
            OptionError: it is out of range, or none of the choices.
        """
        if self.name in _COUNTS and isinstance(value, int) and value <= 0:
            raise OptionError(f"{self.flag} is {value}", "give a whole number of at least 1")
        if self.choices and value is not None and value not in self.choices:
            raise OptionError(f"{self.flag} is {value!r}", near_matches(str(value), self.choices))

    @property
    def _kind(self) -> tuple[Callable[[Any], Any], str]:
        """The function that makes a value of the field, and the hint where it fails."""
        if self.is_list:  # an earlier version had one text for some
            return lambda values: tuple(map(_text, [values] if isinstance(values, str) else values)), "give texts"
        if self.is_flag:
            return bool, "give true or false"
        if self.name == "seeds":
            return parse_seeds, FORMS
        if self.name in _COUNTS:
            return int, "give a whole number of at least 1"
        if self.name == "half_width":
            return float, "give a share such as 0.01"
        return (lambda value: Path(_text(value)), "name a file or folder") if self._is_path else (_text, "give a text")

    @property
    def _is_path(self) -> bool:
        return self.metavar in ("DIR", "FILE", "RUN")


def _text(value: Any) -> str:
    """A text without NUL and lone surrogates, which no file system or file accepts."""
    text = os.fspath(value)
    if not isinstance(text, str) or "\0" in text:
        raise ValueError
    text.encode()
    return text


OPTIONS = TrainingSettings.options() + OutputSettings.options()

#: A command to be typed in a shell, or the short flag of an option.
_SHORT_FLAG = re.compile(rf"`[^`\n]*`|(?<![\w-])--({'|'.join(o.flag[2:] for o in OPTIONS)})(?![\w-])")


def with_keywords(text: str) -> str:
    """Replace the flags in a message by keywords of Python, except in commands between backticks."""
    return _SHORT_FLAG.sub(lambda found: found[1].replace("-", "_") if found[1] else found[0], text)


def with_pytest_flags(text: str) -> str:
    """Replace the short flags in a message by those of pytest, except in commands between backticks."""
    return _SHORT_FLAG.sub(lambda found: f"--benchsuite-{found[1]}" if found[1] else found[0], text)
