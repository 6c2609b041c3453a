"""Execution: runs cases in rounds and writes them to a run folder.

In: the selected cases and the settings.
Out: finished rounds on disk, summaries so far, and estimates of what a run will take.
"""

from benchsuite.execution.forecast import Forecast, forecast_runs
from benchsuite.execution.runner import CaseRun, open_folder

__all__ = ["CaseRun", "Forecast", "forecast_runs", "open_folder"]
