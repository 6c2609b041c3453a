"""Store: the files of a run.

In: plans, rounds and summaries of a run.
Out: a run folder that survives interruption, the results read back, and exports for other tools.
"""

from benchsuite.store.export import export_results, export_text
from benchsuite.store.folder import RunFolder
from benchsuite.store.frame import Frame
from benchsuite.store.frames import curve_frame, seed_frame, trace_frame
from benchsuite.store.location import folder_size, is_folder_name, make_folder, run_folders
from benchsuite.store.results import read_results

__all__ = [
    "Frame",
    "RunFolder",
    "curve_frame",
    "export_results",
    "export_text",
    "folder_size",
    "is_folder_name",
    "make_folder",
    "read_results",
    "run_folders",
    "seed_frame",
    "trace_frame",
]
