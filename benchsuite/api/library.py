"""The functions of the library: cases, treatments, run, load and check."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from benchsuite.api.display import in_notebook, open_progress
from benchsuite.api.messages import name_keywords, prepare_jax
from benchsuite.api.options import SharedOptions
from benchsuite.api.results import Results
from benchsuite.case import Case
from benchsuite.errors import BenchsuiteWarning, OptionError, near_matches
from benchsuite.execution import Session, SessionResult, read_settings, stored_training
from benchsuite.plugins import Registry, RunObserver, load_registry, treatment_of
from benchsuite.settings import OPTIONS, OutputSettings, TrainingSettings
from benchsuite.store import Frame, RunFolder
from benchsuite.variants import Ladder, Treatment, make_variants

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_SEEDS = next(option for option in OPTIONS if option.name == "seeds")


class RunOptions(SharedOptions, total=False):
    """The options of `run`, with the meanings that `benchsuite run --help` describes.

    `seeds` is a number of seeds, which count from 0, or the seeds themselves: a range or other whole numbers.
    `time_limit` is in seconds; `half_width` is a share, such as 0.01.
    """

    seeds: int | range | Sequence[int] | ArrayLike | str
    half_width: float
    sweep: str | Sequence[str]
    optimizer: str | Sequence[str]
    run_dir: str | Path
    resume: bool
    log: str | Path


def cases() -> dict[str, Case]:
    """List the cases of all plugins: name → `Case`, in the order of the names."""
    return dict(_warned(load_registry()).cases)


def treatments(case: str | Case | None = None) -> dict[str, Treatment]:
    """List the treatments of all plugins: name → `Treatment`.

    Args:
        case: a name or a case, to list only those that apply to it.

    Raises:
        OptionError: there is no such case.
    """
    with name_keywords():
        registry = _warned(load_registry())
        if case is None:
            return dict(registry.treatments)
        chosen = registry.case(case) if isinstance(case, str) else case
        variants = make_variants([chosen], list(registry.treatments.values()), ())
        return {v.treatment: registry.treatments[v.treatment] for v in variants if v.treated and v.treatment}


def run(
    *cases: str | Case | Ladder,
    treatments: Any = (),
    observers: Sequence[RunObserver] = (),
    progress: bool | None = None,
    **options: Unpack[RunOptions],
) -> Results:
    """Train every seed of some cases, untreated and with each treatment, on the same seeds.

    The rows are those of `benchsuite run` with the same options, to the bit. They are stored in a run folder.

    Args:
        cases: names of cases or ladders, or `Case` and `Ladder` objects; by default those with the tag core,
            and those without tags.
        treatments: one or several of: a name, as of `benchsuite run --treatment`; a `Treatment`; an optax
            transformation; a function that makes one, such as partial(optax.adam, 0.1); a function
            (case, **options) → Case. A mapping gives them names.
        observers: called when the run starts, and after every round and case.
        progress: whether to show it; by default in a notebook, and where standard error is a terminal.
        options: as of `benchsuite run`, see `RunOptions`.

    With a time limit or the Dask executor, cases and treatments that are objects are pickled by cloudpickle.

    Returns:
        The results, also of cases that failed after some rounds; a failure of one case of several is a warning. Ctrl-C
        in a notebook returns what is finished.

    Raises:
        OptionError: a name or option cannot be used.
        BenchsuiteError: no case has a finished round; the error is that of the first case that failed.
        KeyboardInterrupt: Ctrl-C outside of a notebook; its attribute `partial` holds the results so far.
    """
    with name_keywords(), prepare_jax():
        named, objects = _split(treatments)
        training, output = read_settings(_values(options) | {"treatment": named})
        with Session.open(training, output, *cases, treatments=objects, observers=observers) as session:
            _warned(session.registry)
            session.check()
            with open_progress(progress) as show:
                done = session.run(show, lambda _: None)
            trained = {case.id: case for case in session.cases}
        return _concluded(Results(done.folder, training, trained, done.failures), done)


def load(folder: str | Path | None = None) -> Results:
    """Read the results of a run, finished or not.

    Args:
        folder: of the run; by default the latest one in `.benchsuite`.

    Raises:
        StoreError: there is no run, or it is damaged.
    """
    with name_keywords():
        found = RunFolder.latest() if folder is None else RunFolder(Path(folder))
        return Results(found, stored_training(found))


def check(case: str | Case, **options: Unpack[RunOptions]) -> Frame:
    """Check that a case keeps the promises that all cases must keep; it trains a few seeds in this process.

    Args:
        case: a name or a case.
        options: as of `run`, such as data_dir.

    Returns:
        A row for each promise: promise, verdict ("passed", "failed" or "not checked"), found, and hint.

    Raises:
        OptionError: there is no such case.
    """
    from benchsuite.testing import find_results

    with name_keywords(), prepare_jax():
        training = TrainingSettings.parse(_values(options))
        session = Session.open(training, OutputSettings())
        chosen = session.registry.case(case) if isinstance(case, str) else case
        rows = [
            {"promise": one.name, "verdict": one.verdict, "found": one.found, "hint": one.hint}
            for one in find_results(chosen, training)
        ]
        return Frame.of_rows(rows, f"checks of {chosen.name}")


def _values(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as the settings read them; those of value None are not given.

    Raises:
        OptionError: an option does not exist, or there are no seeds.
    """
    for name in options:
        if name not in RunOptions.__annotations__:
            raise OptionError(f"there is no option {name!r}", near_matches(name, RunOptions.__annotations__))
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if "seeds" in given:  # arrays and empty lists, which do not compare as other options do
        given["seeds"] = _SEEDS.parse(given["seeds"])
    if isinstance(given.get("optimizer"), str):
        given["optimizer"] = [given["optimizer"]]
    return given


def _split(treatments: Any) -> tuple[list[str], list[Treatment]]:
    """Divide treatments into names and objects."""
    if isinstance(treatments, Mapping):
        return [], [treatment_of(value, name) for name, value in treatments.items()]
    several = isinstance(treatments, Iterable) and not isinstance(treatments, str) and not hasattr(treatments, "update")
    listed = list(treatments) if several else [treatments]
    return [one for one in listed if isinstance(one, str)], [
        treatment_of(one) for one in listed if not isinstance(one, str)
    ]


def _warned(registry: Registry) -> Registry:
    """Warn of the plugins that could not be loaded."""
    for plugin in registry.left_out:
        warnings.warn(f"plugin {plugin.name} is left out: {plugin.error}", BenchsuiteWarning, stacklevel=4)
    return registry


def _concluded(results: Results, done: SessionResult) -> Results:
    """Return the results, or raise what ended the run without any."""
    if done.interrupt:
        if not in_notebook():
            done.interrupt.partial = results  # type: ignore[attr-defined]  # for the caller
            raise done.interrupt
        warnings.warn(
            f"interrupted; continue with resume=True, run_dir={str(done.folder.path)!r}",
            BenchsuiteWarning,
            stacklevel=3,
        )
    elif done.failures and not results:
        raise done.failures[0]
    for error in done.failures:
        warnings.warn(f"{error.message}; the other cases were trained", BenchsuiteWarning, stacklevel=3)
    return results
