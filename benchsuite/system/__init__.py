"""System: the machine and its operating system.

In: requests for files, processes, signals, hardware facts, caches, progress, and private parts of JAX and XLA.
Out: modules to call, as in `from benchsuite.system import files`.
"""

__all__ = ["cache", "compat", "executables", "files", "gpus", "load", "machine", "process", "progress", "signals"]
