"""MNIST: where its files come from, how they are read, and the dataset that the cases of this package share.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits.
"""

import struct

import numpy as np

from benchsuite import DataError, Download, Split, Table

from .strokes import draw_split

SIDE = 28
PIXELS = SIDE * SIDE

#: Unsigned bytes in three dimensions, the magic number of an IDX file of images.
IDX_IMAGES = 0x00000803

#: Bytes before the first pixel: the magic number, and the three dimensions.
HEADER = 16

TRAIN, TEST = "train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"

DOWNLOAD = Download(
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    sha256={
        TRAIN: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        TEST: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
)


def parse_images(name, content):
    """The images of an IDX file as an array (n, 784) of grey levels 0 to 255.

    Args:
        name: the file's name, for errors.
        content: the uncompressed file.

    Raises:
        DataError: it is not an IDX file of 28 × 28 images, or is cut short.
    """
    hint = "delete the file and let `benchsuite data` fetch it again"
    if len(content) < HEADER:
        raise DataError(f"{name} is cut short: {len(content)} bytes are no IDX header", hint)
    magic, count, *sides = struct.unpack(">4I", content[:HEADER])
    if magic != IDX_IMAGES:
        raise DataError(f"{name} has the magic number {magic:#010x}, IDX images have {IDX_IMAGES:#010x}", hint)
    if sides != [SIDE, SIDE]:
        raise DataError(f"{name} holds images of {sides[0]} × {sides[1]} pixels, not {SIDE} × {SIDE}", hint)
    if len(content) != HEADER + count * PIXELS:
        raise DataError(f"{name} announces {count} images and holds {(len(content) - HEADER) / PIXELS:g}", hint)
    return np.frombuffer(content, np.uint8, offset=HEADER).reshape(count, PIXELS)


def load_images(files):
    """The images of both files; the labels are not needed."""
    return Split(train=parse_images(TRAIN, files[TRAIN]), test=parse_images(TEST, files[TEST]))


def raw_images_twice(images):
    """Grey levels 0 to 255 as they are, for input and target."""
    levels = images.astype("float32")
    return levels, levels


MNIST = Table(
    name="mnist",
    load=load_images,
    batch_size=128,
    prepare=raw_images_twice,
    download=DOWNLOAD,
    stand_in=draw_split,
)
