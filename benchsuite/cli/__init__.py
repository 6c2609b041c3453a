"""Command line: the commands of `benchsuite`.

In: arguments of the shell.
Out: calls into the rooms below, text on the terminal, and an exit code.
"""

__all__ = ["main"]
