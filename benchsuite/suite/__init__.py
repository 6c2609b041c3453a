"""The suite: the test that trains every installed case, shipped with the wheel.

In: `pytest --pyargs benchsuite.suite --benchmark-only`, with the options `--benchsuite-*`, in any folder.
Out: one test for each case and treatment, as those of `cases/` in a clone.
"""

__all__: list[str] = []
