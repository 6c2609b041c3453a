"""Store: what a run leaves on disk.

In: plans, rounds and summaries of a run.
Out: a run folder that survives interruption, the results read back, and exports for other tools.
"""

from benchsuite.store.folder import RunFolder, is_folder_name, make_folder, resumed_settings, run_folders
from benchsuite.store.results import read_results

__all__ = ["RunFolder", "is_folder_name", "make_folder", "read_results", "resumed_settings", "run_folders"]
