"""The stand-in for MNIST: images of strokes that look like it to a network, drawn without any file.

28 × 28 grey levels with two to four soft strokes each: most pixels are zero, the border always is, neighbours are
correlated. The same images every time.
"""

import numpy as np

from benchsuite import Split

SIDE = 28

#: Strokes start and end this far from the edge, so that the border never holds ink.
MARGIN = 4

#: The half width of a stroke in pixels, within which the ink fades from black to nothing.
WIDTH = 2.0

_BLOCK = 2000


def draw_split():
    """As many images as MNIST has, in the same shape."""
    return Split(train=draw_images(60_000, seed=0), test=draw_images(10_000, seed=1))


def draw_images(count, seed):
    """Draw `count` images, an array (count, 784) of grey levels 0 to 255."""
    rng = np.random.default_rng(seed)
    blocks = [_draw_block(rng, min(_BLOCK, count - start)) for start in range(0, count, _BLOCK)]
    return np.concatenate(blocks)


def _draw_block(rng, count):
    ink = np.zeros((count, SIDE * SIDE), np.float32)
    strokes = rng.integers(2, 5, count)
    start = _points(rng, count)
    for number in range(4):
        end = _points(rng, count)
        drawn = _stroke(start, end) * (number < strokes)[:, None]
        ink = np.maximum(ink, drawn)
        start = end
    return (255 * ink).astype(np.uint8)


def _points(rng, count):
    return rng.uniform(MARGIN, SIDE - 1 - MARGIN, (count, 2)).astype(np.float32)


def _stroke(start, end):
    """The ink of one straight stroke an image, (count, 784): 1 on the line, 0 from the half width on."""
    rows, columns = np.divmod(np.arange(SIDE * SIDE, dtype=np.float32), SIDE)
    along = end - start
    length2 = np.maximum((along**2).sum(1), 1e-3)[:, None]
    down, right = rows - start[:, :1], columns - start[:, 1:]
    share = np.clip((down * along[:, :1] + right * along[:, 1:]) / length2, 0, 1)
    distance2 = (down - share * along[:, :1]) ** 2 + (right - share * along[:, 1:]) ** 2
    return np.clip(1 - distance2 / WIDTH**2, 0, 1)
