"""Train every registered case from many random starts: `pytest cases/ --benchmark-only`."""


def test_training(registered_case, bench):
    """Trains and times all seeds of a case, and records how each of them ended."""
    bench(registered_case)
