"""Execution: trains cases in rounds and writes them to a run folder.

In: the registry of plugins, training settings and output settings.
Out: finished rounds on disk, summaries so far, failures, and estimates of the cost of a run.
"""

from benchsuite.execution.forecast import EarlierRun, Forecast, find_runs_of, forecast_runs
from benchsuite.execution.replay import Replay, replay_training
from benchsuite.execution.resume import read_settings, stored_training
from benchsuite.execution.runner import CaseRun, Progress, open_folder
from benchsuite.execution.session import Session, SessionResult, ShowProgress

__all__ = [
    "CaseRun",
    "EarlierRun",
    "Forecast",
    "Progress",
    "Replay",
    "Session",
    "SessionResult",
    "ShowProgress",
    "find_runs_of",
    "forecast_runs",
    "open_folder",
    "read_settings",
    "replay_training",
    "stored_training",
]
