"""MNIST is read as its format says, and its stand-in looks like it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pytest
from benchsuite_mnist import images, strokes
from hypothesis import given
from hypothesis import strategies as st

from benchsuite import DataError, Split, data, mean_absolute_percentage_error


def idx(count: int = 2, magic: int = 0x803, side: int = 28, pixels: bytes | None = None) -> bytes:
    """An IDX file."""
    return struct.pack(">4I", magic, count, side, side) + (bytes(count * 784) if pixels is None else pixels)


@given(st.binary(min_size=2 * 784, max_size=2 * 784))
def test_images_are_rows_of_grey_levels(pixels: bytes) -> None:
    """Every pixel is found where it was, as it was."""
    parsed = images.parse_images("file", idx(pixels=pixels))

    assert parsed.shape == (2, 784)
    assert parsed.tobytes() == pixels


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\0\0\x08", "cut short"),
        (idx(magic=0x801), "magic number 0x00000801"),
        (idx(side=32), "32 × 32"),
        (idx(count=3, pixels=bytes(784)), "announces 3 images and holds 1"),
        (idx() + b"\0", "announces 2 images"),
    ],
)
def test_wrong_file_is_told_by_name(content: bytes, said: str) -> None:
    """A file of another kind or length is refused."""
    with pytest.raises(DataError, match=said) as caught:
        images.parse_images("train-images", content)

    assert caught.value.message.startswith("train-images ")


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """Some images of the stand-in."""
    return strokes.draw_images(500, seed=0)


def test_stand_in_has_the_shape_of_mnist(drawn: np.ndarray) -> None:
    """28 × 28 grey levels, mostly black, with a constant border and correlated neighbours."""
    pictures = drawn.reshape(-1, 28, 28)

    assert drawn.dtype == np.uint8
    assert drawn.max() > 240
    assert 0.5 < (drawn == 0).mean() < 0.95
    assert not pictures[:, [0, 1, -2, -1]].any()
    assert not pictures[:, :, [0, 1, -2, -1]].any()
    assert np.corrcoef(pictures[:, 13, 13], pictures[:, 13, 14])[0, 1] > 0.5


def test_stand_in_is_the_same_every_time(drawn: np.ndarray) -> None:
    """The images depend on nothing but their seed."""
    np.testing.assert_array_equal(strokes.draw_images(500, seed=0), drawn)
    assert (strokes.draw_images(500, seed=1) != drawn).any()


@pytest.fixture
def real() -> Iterator[Split]:
    """The real files, where the machine has them."""
    try:
        yield data.load(images.MNIST, "mnist").split
    except data.UnobtainableError as error:  # a damaged file fails the test
        pytest.skip(f"MNIST is not here: {error.message}")


def test_real_files_have_the_known_mean(real: Split) -> None:
    """The training images average to the well-known 0.1307 of full white."""
    assert real.train.shape == (60_000, 784)
    assert real.test.shape == (10_000, 784)
    assert real.train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)


def test_percentage_error_is_of_the_order_of_the_source(real: Split) -> None:
    """One grey level too much on every pixel is an error of 1e9 percent on the black ones, 81 % of all."""
    y = real.test[:1000].astype(np.float64)

    error = mean_absolute_percentage_error(y + 1, y)

    assert error == pytest.approx(100 * (y == 0).mean() * 1e7, rel=1e-3)
