"""Store: what a run leaves on disk.

In: plans, rounds and summaries of a run.
Out: a run folder that survives interruption, the results read back, and exports for other tools.
"""

from benchsuite.store.export import TEXTS, export
from benchsuite.store.folder import RunFolder, is_folder_name, make_folder, run_folders
from benchsuite.store.results import read_results

__all__ = ["TEXTS", "RunFolder", "export", "is_folder_name", "make_folder", "read_results", "run_folders"]
