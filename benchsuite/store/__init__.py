"""Store: the files of a run.

In: plans, rounds and summaries of a run.
Out: a run folder that survives interruption, the results read back, and exports for other tools.
"""

from benchsuite.store.clean import StoredRun, parse_age, parse_size, remove_run, runs_to_remove, stored_runs
from benchsuite.store.export import export_results, export_text
from benchsuite.store.folder import RunFolder
from benchsuite.store.frame import Frame
from benchsuite.store.frames import curve_frame, seed_frame, trace_frame
from benchsuite.store.location import folder_size, is_folder_name, make_folder, run_folders
from benchsuite.store.results import read_results

__all__ = [
    "Frame",
    "RunFolder",
    "StoredRun",
    "curve_frame",
    "export_results",
    "export_text",
    "folder_size",
    "is_folder_name",
    "make_folder",
    "parse_age",
    "parse_size",
    "read_results",
    "remove_run",
    "run_folders",
    "runs_to_remove",
    "seed_frame",
    "stored_runs",
    "trace_frame",
]
