"""Execution: trains cases in rounds and writes them to a run folder.

In: the registry of plugins, training settings and output settings.
Out: finished rounds on disk, summaries so far, failures, and estimates of the cost of a run.
"""

from benchsuite.execution.forecast import Forecast, forecast_runs
from benchsuite.execution.replay import Replay, replay_training
from benchsuite.execution.runner import CaseRun, Progress, open_folder
from benchsuite.execution.session import Session, SessionResult, ShowProgress, read_settings, stored_training

__all__ = [
    "CaseRun",
    "Forecast",
    "Progress",
    "Replay",
    "Session",
    "SessionResult",
    "ShowProgress",
    "forecast_runs",
    "open_folder",
    "read_settings",
    "replay_training",
    "stored_training",
]
