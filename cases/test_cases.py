"""Train every registered case from many random starts: `pytest cases/ --benchmark-only`."""

from benchsuite.suite.test_cases import test_training

__all__ = ["test_training"]
