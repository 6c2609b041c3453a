"""Images for all frameworks: those of the suite's MNIST cases."""

from __future__ import annotations

import numpy as np
from benchsuite_library.mnist.images import MNIST, PIXELS, raw_images_twice

from benchsuite import data

BATCH = MNIST.batch_size

__all__ = ["BATCH", "PIXELS", "images"]


def images(count: int) -> np.ndarray:
    """The first training images, (count, 784) grey levels; synthetic images if MNIST is not available."""
    return raw_images_twice(data.load_table(MNIST).split.train[:count])[0]
