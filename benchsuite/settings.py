"""What the user decides about a run: one table of options, from which both doors make theirs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from benchsuite.case import SweepRange
from benchsuite.errors import OptionError, near_matches

QUICK, SOURCE = "quick", "source"
AUTO, STAND_IN = "auto", "stand-in"
PROTOCOLS = (QUICK, SOURCE)
PRECISIONS = ("highest", "high", "default")
PLATFORMS = (AUTO, "cpu", "gpu", "tpu")
LOCAL, DASK = "local", "dask"
EXECUTORS = (LOCAL, DASK)


def _option(default: Any, explanation: str, metavar: str = "", choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"help": explanation, "metavar": metavar, "choices": choices})


@dataclass(frozen=True)
class Settings:
    """The options of a run; each field is `--its-name` on both command lines and `benchsuite_its_name` in ini files."""

    protocol: str = _option(
        QUICK,
        "source: the training that the case's source describes; quick: a shorter one where the case has it, labelled"
        " so wherever its figures appear. A case without a quick protocol always follows its source.",
        choices=PROTOCOLS,
    )
    seeds: int | None = _option(None, "Random starts of each case, numbered from 0. [default: the case's own]", "N")
    half_width: float | None = _option(
        None,
        "Instead of --seeds: as many as bring the ends of the rate's 95 % interval this near to its middle, such as"
        " 0.01, at the rate that the latest run in .benchsuite had, or at any if there is none.",
        "SHARE",
    )
    rounds: int | None = _option(
        None,
        "Rounds that the seeds are spread over. Each is timed and ends with its rows on disk; the first one warms up"
        " and is timed apart. [default: 5, or more where the chunks would get too large]",
        "N",
    )
    precision: str = _option(
        PRECISIONS[0],
        "Precision of matrix products; `default` means TensorFloat-32 on recent NVIDIA GPUs. On CPUs all are the same.",
        choices=PRECISIONS,
    )
    dataset: str = _option(
        AUTO,
        f"{AUTO}: real data where they can be had, else the case's stand-in, said loudly; {STAND_IN}: always the"
        " stand-in; or the name of a dataset, such as mnist, whose absence is then an error.",
        "NAME",
    )
    data_dir: Path | None = _option(
        None, "Folder that holds data files, as mnist/*.gz. [default: what BENCHSUITE_DATA names]", "DIR"
    )
    platform: str = _option(AUTO, "Kind of device to run on; it is an error if there is none.", choices=PLATFORMS)
    executor: str = _option(
        LOCAL,
        f"{LOCAL}: this process trains on all of its devices; {DASK}: rounds are sent to workers, each of which uses"
        " all of its own. It needs `pip install 'benchsuite[dask]'`.",
        choices=EXECUTORS,
    )
    scheduler: str | None = _option(
        None, "The Dask scheduler whose workers train. [default: workers that are started here]", "ADDRESS"
    )
    workers: int | None = _option(
        None, "Dask workers to start here, each on its share of the cores. [default: one for each core]", "N"
    )
    time_limit: int | None = _option(
        None,
        "Seconds that a case may take from its start to its last round. Each is then trained in a process of its own:"
        " one that takes longer, takes all the memory or ends is stopped, its finished rounds are kept, and the others"
        " go on.",
        "SECONDS",
    )
    run_dir: Path | None = _option(
        None, "Folder that keeps the rows and figures of this run. [default: a new one in .benchsuite]", "DIR"
    )
    treatment: tuple[str, ...] = _option(
        (),
        "A change to be tried on every case beside the untreated one, on the same seeds; may be given several times."
        ' A name from `benchsuite treatments`, also with options or joined, as in "adam(learning_rate=0.1)" or'
        " he+adam; module:name for one of yours; all; or none. [default: none]",
        "NAME",
    )
    optimizer: tuple[str, ...] = _option(
        (),
        'An optimiser to be tried in place of each case\'s own, such as "optax.adam(1e-2)"; may be given several'
        " times.",
        "CALL",
    )
    sweep: str | None = _option(
        None,
        "Train the values of an option side by side: of the treatment, the optimiser or the model."
        " learning_rate=1e-4:1:13 are 13 values in equal ratios; momentum=0:0.9:10:linear; or bias=0.1,1,10.",
        "OPTION=RANGE",
    )
    convergence_compare: Path | None = _option(
        None, "Compare with the run in this folder: the rates, and the speeds where the machines agree.", "RUN"
    )
    convergence_compare_fail: tuple[str, ...] = _option(
        (),
        "Fail if a case has dropped since then: rate:0.01 or speed:0.01, with the level of the test (corrected for the"
        " number of cases); may be given several times.",
        "GATE",
    )
    report: Path | None = _option(
        None,
        "Write a page with pictures and tables of this run into this folder, and a summary in Markdown. It needs"
        " `pip install 'benchsuite[report]'`.",
        "DIR",
    )
    plan: bool = _option(
        False, "Train nothing: show what would run, with how many seeds, and what it took in earlier runs."
    )
    resume: bool = _option(
        False,
        "Go on with the run in --run-dir, or with the latest one, under its options: only what is missing runs. Just"
        " --report has to be said again.",
    )

    def __post_init__(self) -> None:
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise OptionError(f"--{name.replace('_', '-')} is {value}", "give a whole number of at least 1")
        if self.seeds and self.seeds > MAX_SEEDS:
            raise OptionError(f"--seeds is {self.seeds}", f"give at most {MAX_SEEDS}: a seed is a 32-bit number")
        if self.half_width is not None and not SMALLEST_HALF_WIDTH <= self.half_width < 1 / 2:
            raise OptionError(
                f"--half-width is {self.half_width}", f"give a share from {SMALLEST_HALF_WIDTH:f} to below 0.5"
            )
        if self.sweep:
            SweepRange.parse(self.sweep)
        self._check_together()
        for option in OPTIONS:
            value = getattr(self, option.name)
            if option.choices and value not in option.choices:
                raise OptionError(f"{option.flag} is {value!r}", near_matches(str(value), option.choices))

    def _check_together(self) -> None:
        if self.half_width is not None and self.seeds:
            raise OptionError("--half-width chooses the number of seeds", "leave --seeds or --half-width out")
        if (self.scheduler or self.workers) and self.executor != DASK:
            raise OptionError("there are no workers without Dask", "add --executor dask")
        if self.scheduler and self.workers:
            raise OptionError("the workers of a scheduler are started elsewhere", "leave --workers or --scheduler out")
        if self.time_limit and self.executor != LOCAL:
            raise OptionError("the workers of Dask cannot be stopped", "leave --time-limit or --executor out")
        if self.convergence_compare_fail and not self.convergence_compare:
            raise OptionError("there is a gate, but nothing to compare with", "add --convergence-compare RUN")

    @property
    def own_platform(self) -> str:
        """The kind of device that this process needs for itself: where others train, an accelerator is theirs."""
        return self.platform if self.executor == LOCAL and not self.time_limit else "cpu"

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from what a command line or an ini file says; None, "" and no values mean "not said".

        Raises:
            OptionError: a value cannot be used.
        """
        said = {name: value for name, value in values.items() if value not in UNSET_VALUES}
        return cls(**{option.name: option.parse(said[option.name]) for option in OPTIONS if option.name in said})


#: The options that are whole numbers of at least 1.
_COUNTS = ("seeds", "rounds", "workers", "time_limit")

#: What an option is that nobody has used.
UNSET_VALUES: tuple[Any, ...] = (None, "", (), [])

MAX_SEEDS = 2**32 - 1

#: Needs 2.4 billion seeds; a narrower one would soon need more than there are.
SMALLEST_HALF_WIDTH = 0.00002


@dataclass(frozen=True)
class Option:
    """One field of `Settings`, as a door presents it."""

    name: str
    help: str
    default: Any
    metavar: str
    choices: tuple[str, ...]

    @property
    def flag(self) -> str:
        """How it is written on a command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def ini(self) -> str:
        """How it is written in an ini file."""
        return f"benchsuite_{self.name}"

    @property
    def is_list(self) -> bool:
        """Whether it may be given several times."""
        return isinstance(self.default, tuple)

    @property
    def is_flag(self) -> bool:
        """Whether it takes no value."""
        return isinstance(self.default, bool)

    def parse(self, value: Any) -> Any:
        """The value of the field from its text."""
        kind, hint = self._kind
        try:
            return kind(value)
        except (TypeError, ValueError, OverflowError):
            raise OptionError(f"{self.flag} is {value!r}", hint) from None

    @property
    def _kind(self) -> tuple[Callable[[Any], Any], str]:
        """What makes the value of the field, and how it is given."""
        if self.is_list:
            return lambda values: tuple(map(_text, values)), "give texts"
        if self.is_flag:
            return bool, "give true or false"
        if self.name in _COUNTS:
            return int, "give a whole number of at least 1"
        if self.name == "half_width":
            return float, "give a share such as 0.01"
        return (lambda value: Path(_text(value)), "name a folder") if self._is_path else (_text, "give a text")

    @property
    def _is_path(self) -> bool:
        return self.metavar in ("DIR", "RUN")


def _text(value: Any) -> str:
    """A text that file systems and files bear; a file that is resumed may hold anything."""
    text = os.fspath(value)
    if not isinstance(text, str) or "\0" in text:
        raise ValueError
    text.encode()
    return text


OPTIONS = tuple(
    Option(f.name, f.metadata["help"], f.default, f.metadata["metavar"], f.metadata["choices"])
    for f in fields(Settings)
)
