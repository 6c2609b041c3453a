"""The parity of 3 of 20 bits by 200 ReLUs in NumPy: hinge loss, rate 0.1, batches of 32, 200 epochs."""

import numpy as np


def good(rng, decay, epochs):
    """Whether all of 200 test rows are right after one of the epochs."""
    secret = rng.choice(20, 3, replace=False)
    x = rng.choice([-1.0, 1.0], (1200, 20)).astype(np.float32)
    y = x[:, secret].prod(1)
    w, v = np.float32(rng.normal(0, (2 / 20) ** 0.5, (20, 200))), np.float32(rng.normal(0, (2 / 200) ** 0.5, 200))
    b, c = np.zeros(200, np.float32), np.float32(0)
    for _ in range(epochs):
        order = rng.permutation(1000)
        for rows in np.split(order, range(32, 1000, 32)):
            h = np.maximum(x[rows] @ w + b, 0)
            wrong = (h @ v + c) * y[rows] < 1
            if wrong.any():
                slope = np.float32(-y[rows] * wrong / len(rows))
                back = slope[:, None] * v * (h > 0)
                v = v - 0.1 * (slope @ h + decay * v)
                c = c - 0.1 * (slope.sum() + decay * c)
                w = w - 0.1 * (x[rows].T @ back + decay * w)
                b = b - 0.1 * (back.sum(0) + decay * b)
        if ((np.maximum(x[1000:] @ w + b, 0) @ v + c) * y[1000:] > 0).all():
            return True
    return False


def successes(seeds, decay, epochs=200):
    """Count the seeds, each with bits and rows of its own."""
    return sum(good(np.random.default_rng(seed), decay, epochs) for seed in range(seeds))
