"""Rastrigin's function from U(-5.12, 5.12)ᵈ, gradient descent 0.002 in NumPy: below 1e-3 at step 300."""

import numpy as np


def successes(seeds, dimensions):
    """Count the starts that reach the lowest minimum."""
    x = np.random.default_rng(987).uniform(-5.12, 5.12, (seeds, dimensions))
    for _ in range(300):
        x -= 0.002 * (2 * x + 20 * np.pi * np.sin(2 * np.pi * x))
    return int(((x**2 + 10 - 10 * np.cos(2 * np.pi * x)).sum(1) <= 1e-3).sum())
