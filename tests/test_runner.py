"""A run trains the rounds that are missing, adapts to the memory there is, and leaves every round on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optax
import pytest
from flax import nnx
from hypothesis import example, given
from hypothesis import strategies as st
from toys import Notes, line, line_table, run

from benchsuite import BenchsuiteError, Bound, Case, CaseError, Claim, Diagnostic, Schedule, Split
from benchsuite.engine import forget_programs
from benchsuite.engine.trainer import LARGEST_ROUND, choose_round_size
from benchsuite.errors import StoreError
from benchsuite.execution import read_settings
from benchsuite.execution.executors import LOCAL_EXECUTOR
from benchsuite.execution.executors.base import RemoteTrainer
from benchsuite.execution.executors.job import perform
from benchsuite.execution.runner import CaseRun, open_folder, rounds_left
from benchsuite.execution.session import Session
from benchsuite.plugins import Plugin, Registry, Supplied
from benchsuite.settings import OPTIONS, OutputSettings, TrainingSettings
from benchsuite.store.folder import RunFolder


def rows(case_run: CaseRun, folder: RunFolder) -> list[tuple[int, str]]:
    """Seed and outcome of every row on disk."""
    round_results = folder.round_results(case_run.plan.case)
    return [
        (int(s), str(o))
        for round_result in round_results
        for s, o in zip(round_result.seeds, round_result.rows.outcomes, strict=True)
    ]


def test_run_is_told_as_it_goes() -> None:
    """The observer hears of compiling, rounds, seeds and the rate so far."""
    forget_programs()
    notes = Notes()

    summary = run(line(), notes=notes, rounds=5).summaries()[0]

    assert notes.stages == ["compiling", *(f"round {n} of 5" for n in range(1, 6))]
    assert notes.seeds == pytest.approx(20)
    assert notes.begun == ("line", 20, 0)
    assert notes.rates == [(4, 4), (8, 8), (12, 12), (16, 16), (20, 20)]
    assert summary.converged == 20
    assert summary.trace_seconds > 0
    assert summary.compile_seconds > 0
    assert summary.first_run_seconds
    assert len(summary.round_seconds) == 4


def test_finished_run_is_recalled_without_compiling() -> None:
    """Resuming what is complete trains nothing and gives the same figures."""
    folder = open_folder(TrainingSettings(), OutputSettings())
    first = run(line(), folder)
    notes = Notes()

    again = run(line(), RunFolder(folder.path), notes)

    assert notes.stages == []
    assert again.summaries()[0] == first.summaries()[0]


def test_running_again_with_more_seeds_adds_them() -> None:
    """A finished run can be given more seeds."""
    folder = open_folder(TrainingSettings(), OutputSettings())
    run(line(), folder)

    more = run(line(), RunFolder(folder.path), seeds=30)

    assert more.summaries()[0].seeds == 30
    assert [seed for seed, _ in rows(more, folder)] == list(range(30))


@pytest.mark.parametrize("options", [{"precision": "default"}, {"protocol": "source"}])
def test_unlike_runs_are_not_mixed(options: dict[str, str]) -> None:
    """A run is only resumed with the definition that it was begun with."""
    case = dataclasses.replace(line(), quick=dataclasses.replace(line().schedule, steps=20))
    folder = open_folder(TrainingSettings(), OutputSettings())
    run(case, folder)

    with pytest.raises(StoreError, match=f"holds line with {next(iter(options))}"):
        run(case, RunFolder(folder.path), **options)


def test_changed_case_is_not_resumed() -> None:
    """SeedTable of a case whose training has changed since are not mixed with new ones."""
    folder = open_folder(TrainingSettings(), OutputSettings())
    run(line(), folder)

    with pytest.raises(StoreError, match="holds line with program"):
        run(line(optimizer=optax.sgd(0.2)), RunFolder(folder.path), seeds=30)


def _raise() -> None:
    raise RuntimeError("no such file")


ROWS = np.zeros((6, 1), np.float32)


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (lambda files: _raise(), "loading points failed: RuntimeError: no such file"),
        (lambda files: 3, "points is a int"),
        (lambda files: Split(None, None), "the train rows of points have the lengths"),
        (lambda files: Split((ROWS, ROWS[:3]), (ROWS, ROWS)), "the train rows of points have the lengths"),
        (lambda files: Split((ROWS, ROWS), (ROWS[:0], ROWS[:0])), "the test rows of points have the lengths"),
    ],
)
def test_unusable_rows_are_told(load: Any, said: str) -> None:
    """A table whose rows do not fit together is refused before JAX would make something up for the rest."""
    table = dataclasses.replace(line_table(), load=load)

    with pytest.raises(CaseError, match=said):
        run(line(dataset=table, schedule=Schedule(epochs=1)))


@pytest.mark.parametrize(("seeds", "rounds", "sizes"), [(7, 2, [4, 3]), (3, 9, [1, 1, 1]), (5, 1, [5])])
def test_rounds_are_as_the_user_says(seeds: int, rounds: int, sizes: list[int]) -> None:
    """--rounds spreads the seeds; the last round may be smaller, its idle lanes do not count."""
    folder = open_folder(TrainingSettings(), OutputSettings())

    case_run = run(line(), folder, seeds=seeds, rounds=rounds)

    assert [len(round_result.seeds) for round_result in folder.round_results("line")] == sizes
    assert case_run.summaries()[0].seeds == seeds


@given(st.integers(1, 20_000), st.integers(1, 4), st.sampled_from([1, 2, 32, 128, 2048]))
@example(10241, 4, 1)
@example(2049, 1, 128)
@example(8704, 4, 128)
def test_rounds_leave_few_lanes_idle(seeds: int, workers: int, turn: int) -> None:
    """Rounds take about as many turns of the devices as one round of all seeds, and stay small."""
    size = choose_round_size(seeds, workers, turn)
    rounds = -(-seeds // size)

    turns = -(-rounds // workers) * -(-size // turn)
    fewest = -(-seeds // (turn * workers))
    assert size <= max(LARGEST_ROUND, turn)
    assert turns <= fewest * 1.1 + 1


@given(st.sets(st.integers(0, 40)), st.integers(1, 40), st.integers(1, 12))
def test_rounds_left_are_what_is_missing(stored: set[int], seeds: int, round_size: int) -> None:
    """Every seed is trained once, whatever is stored already."""
    left = rounds_left(np.array(sorted(stored), int), seeds, round_size)

    assert np.concatenate([*left, []]).tolist() == sorted(set(range(seeds)) - stored)
    assert all(1 <= len(part) <= round_size for part in left)


def test_quick_protocol_is_used_only_where_there_is_one() -> None:
    """A case without a quick protocol follows its source, and is labelled so."""
    quick = dataclasses.replace(line().schedule, steps=20)

    assert run(line()).summaries()[0].protocol == "source"
    assert run(line(quick=quick)).summaries()[0].label == "line (quick)"
    assert run(line(quick=quick), protocol="source").summaries()[0].label == "line"


FAR = {"bias[0]": 0.0, "kernel[0, 0]": -10.0}


def test_named_starts_are_trained_beside_the_seeds_and_kept() -> None:
    """They are in the summary and on disk, count in no rate, and are not trained again."""
    folder = open_folder(TrainingSettings(), OutputSettings())
    notes = Notes()

    summary = run(line(starts={"far": FAR}), folder, notes).summaries()[0]

    assert summary.seeds == summary.converged == 20
    (start,) = summary.starts
    assert start["start"] == FAR
    assert start["end"]["kernel[0, 0]"] == pytest.approx(3, abs=0.05)
    assert start["outcome"] == "converged"
    assert "named starts" in notes.stages

    again = Notes()
    recalled = run(line(starts={"far": FAR}), RunFolder(folder.path), again).summaries()[0]

    assert recalled.starts == summary.starts
    assert "named starts" not in again.stages


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"starts": {"far": {"w": -10}}}, "sets 'w', which is not a parameter"),
        ({"starts": {"far": {"bias[0]": 0}}}, "lacks kernel"),
        ({"starts": {"far": FAR | {"bias[0]": float("inf")}}}, r"sets bias\[0\] to inf"),
        ({"groups": {"w < 0": lambda start: start["w"] < 0}}, "its group 'w < 0' failed: KeyError: 'w'"),
        ({"groups": {"all": lambda start: True}}, "its group 'all' gives bool of shape"),
        ({"claims": [Claim("It is small.", Bound("weight", at_most=1))]}, "is about 'weight', which is not recorded"),
    ],
)
def test_case_with_a_wrong_name_is_refused(fields: dict[str, Any], said: str) -> None:
    """A start, group or claim that names what the case does not have is told by its name."""
    with pytest.raises(CaseError, match=said):
        run(line(**fields))


def test_case_of_many_parameters_has_neither_starts_nor_groups() -> None:
    """Parameters are recorded for small models only, and what needs them is refused for others."""
    wide = {"model": lambda rngs: nnx.Sequential(nnx.Linear(1, 20, rngs=rngs), nnx.Linear(20, 1, rngs=rngs))}

    with pytest.raises(CaseError, match="the model has too many parameters"):
        run(line(**wide, starts={"far": {"w": 0}}))
    with pytest.raises(CaseError, match="too many parameters to be grouped"):
        run(line(**wide, groups={"w < 0": lambda start: start["w"] < 0}))


def test_diagnostics_are_taken_from_model_and_data() -> None:
    """Those of the model differ by seed, those of the data do not."""
    diagnostics = [
        Diagnostic("slope", "of the line", of_model=lambda model, x, y: model.kernel[0, 0]),
        Diagnostic("points", "on it", of_data=lambda split: len(split.train[0])),
    ]
    schedule = Schedule(epochs=60, seeds=20)

    slope, points = (
        run(line(dataset=line_table(), schedule=schedule, diagnostics=diagnostics)).summaries()[0].diagnostics
    )

    assert slope["median"] == pytest.approx(3, abs=0.05)
    assert slope["q05"] < slope["q95"]
    assert points == {"name": "points", "reading": "on it", "finite": 20, "q05": 10, "median": 10, "q95": 10}


@pytest.mark.parametrize(
    ("diagnostic", "said"),
    [
        (Diagnostic("slope", "of it", of_model=lambda model, x, y: model.kernel[...]), "its slope has shape"),
        (Diagnostic("slope", "of it", of_model=lambda model, x, y: model.w), "its diagnostic 'slope' failed:"),
        (Diagnostic("points", "on it", of_data=lambda split: split.train.shape), "its diagnostic 'points' failed"),
    ],
)
def test_broken_diagnostic_is_told_by_name(diagnostic: Diagnostic, said: str) -> None:
    """A plugin learns which of its figures is wrong."""
    with pytest.raises(CaseError, match=said):
        run(line(diagnostics=[diagnostic]))


class Broken(Notes):
    """An observer that is a context, as `Session.run` needs it."""

    def __enter__(self) -> Notes:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def registry(*cases: Case) -> Registry:
    """A registry of one plugin with these cases."""
    return Registry((Plugin.of("toys", "toys", "toys 1.0", Supplied(cases)),))


def test_session_trains_every_case_and_keeps_failures() -> None:
    """A case that fails is among the failures; the others have summaries, and seeds are multiplied as asked."""
    cases = registry(line(name="bad", loss=lambda p, y: p - y), line(schedule=Schedule(steps=20, seeds=4)))
    failed: list[BenchsuiteError] = []
    places: list[str] = []

    def observe(place: str) -> Broken:
        places.append(place)
        return Broken()

    with Session(cases, TrainingSettings(), OutputSettings(), seed_factor=2) as session:
        result = session.run(observe, failed.append)

    assert places == ["1/2", "2/2"]
    assert failed == list(result.failures)
    assert "case bad: its loss has shape" in str(result.failures[0])
    assert [(summary.case, summary.seeds) for summary in result.summaries] == [("line", 8)]
    assert result.interrupt is None
    assert result.folder.summaries["line"].seeds == 8


def test_session_keeps_finished_rounds_of_an_interrupted_run() -> None:
    """The interrupt is part of the result, and the summaries are those of the finished rounds."""

    class Interrupting(Broken):
        def update_rate(self, seeds: int, converged: int) -> None:  # noqa: ARG002  # as the protocol has it
            raise KeyboardInterrupt

    with Session(registry(line()), TrainingSettings(rounds=5), OutputSettings()) as session:
        result = session.run(lambda place: Interrupting(), pytest.fail)

    assert isinstance(result.interrupt, KeyboardInterrupt)
    assert [summary.seeds for summary in result.summaries] == [4]


def test_options_of_an_earlier_version_are_resumed() -> None:
    """A run folder keeps one flat mapping of options; renamed ones are read by their former names."""
    was = {"seeds": 7, "engine": "dask", "workers": 3, "convergence_compare": "before", "report": "page"}
    folder = RunFolder.create(None, {}, was)

    training, output = read_settings({"resume": True, "run_dir": str(folder.path)})
    assert (training.seeds, training.executor, training.workers) == (7, "dask", 3)
    assert (output.compare, output.report, output.run_dir) == (Path("before"), None, folder.path)

    training, _ = read_settings({"resume": True, "run_dir": str(folder.path), "executor": "local", "half_width": 0.1})
    assert (training.seeds, training.half_width, training.executor, training.workers) == (None, 0.1, "local", None)


def test_settings_of_a_run_are_stored_as_one_mapping() -> None:
    """The folder has every option of both classes."""
    folder = open_folder(TrainingSettings(seeds=3), OutputSettings())

    assert folder.settings.keys() == {option.name for option in OPTIONS}
    assert folder.settings["seeds"] == 3


def test_remote_trainer_forwards_every_operation() -> None:
    """What a channel performs by name in another process is what the trainer there does."""
    here = LOCAL_EXECUTOR.trainer(line(), TrainingSettings(seeds=4))
    called: list[str] = []

    class Here:
        def call(self, operation: str, *arguments: Any) -> Any:
            called.append(operation)
            return perform(here, operation, arguments, lambda _: None)

        def train(self, rounds: Iterable[np.ndarray], on_trained: Any) -> Iterator[Any]:
            return (perform(here, "train", [seeds], on_trained) for seeds in rounds)

    remote = RemoteTrainer(Here())
    start = {"bias[0]": np.zeros(2), "kernel[0, 0]": np.zeros(2)}

    assert remote.compile() == remote.plan == here.plan
    assert remote.groups(start, 2) == {}
    assert [surface.title for surface in remote.surfaces(start)] == ["loss"]
    (round_result,) = remote.train([np.arange(4)], lambda _: None)
    assert len(round_result.seeds) == 4
    assert called == ["plan", "compile", "groups", "surfaces"]
