"""Train every registered case from many random starts: `pytest cases/ --benchmark-only`."""


def test_training(registered_case, bench):
    """Train and time all seeds of a case, and record their outcomes."""
    bench(registered_case)
