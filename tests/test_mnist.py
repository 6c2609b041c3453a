"""MNIST is read as its format says, and its stand-in looks like it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import pytest
from benchsuite_library.mnist import diagnostics, images, strokes
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
        yield data.load_table(images.MNIST, "mnist").split
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


class Pixelwise:
    """A map of images that is given as a function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, x: Any) -> Any:
        return self.function(x)


@pytest.fixture
def pictures() -> np.ndarray:
    """Images of six pixels: two never vary, the others do."""
    levels = np.random.default_rng(0).integers(0, 256, (400, 6)).astype(np.float32)
    levels[:, :2] = 0, 7
    return levels


def test_diagnostics_of_the_identity(pictures: np.ndarray) -> None:
    """It has no dead output and no distance from itself."""
    identity = Pixelwise(jax.nn.relu)

    assert diagnostics.dead_outputs(identity, pictures, pictures) == 0
    assert diagnostics.distance_from_identity(identity, pictures, pictures) == pytest.approx(0)


def test_dead_outputs_are_told_by_number_and_loss(pictures: np.ndarray) -> None:
    """An output that is always 0 counts where its pixel varies, and carries its share of the loss."""
    keep = np.array([0, 1, 0, 1, 1, 0.5], np.float32)
    model = Pixelwise(lambda x: x * keep)
    errors = ((pictures * (keep - 1)) ** 2).sum(axis=0)

    assert diagnostics.dead_outputs(model, pictures, pictures) == 1
    share = float(diagnostics.dead_outputs_loss(model, pictures, pictures))
    assert share == pytest.approx(errors[2] / errors.sum(), rel=1e-5)


def test_distance_is_that_of_the_jacobian(pictures: np.ndarray) -> None:
    """It is the norm of J - I by row, over rows of lit pixels and columns of live ones: 1 for a constant map."""
    matrix = np.random.default_rng(1).normal(size=(6, 6)).astype(np.float32)
    rows = ((matrix.T - np.eye(6))[2:, 2:] ** 2).sum(axis=1)

    constant = diagnostics.distance_from_identity(Pixelwise(lambda x: 0 * x + 3), pictures, pictures)
    linear = diagnostics.distance_from_identity(Pixelwise(lambda x: x @ matrix), pictures, pictures)

    assert constant == pytest.approx(1)
    assert linear == pytest.approx(np.sqrt(rows.mean()), rel=0.1), "estimated with one random direction an image"


def test_constant_pixels_are_counted(pictures: np.ndarray) -> None:
    """Whatever their level."""
    assert diagnostics.constant_pixels(Split(pictures, pictures)) == 2


def test_condition_number_is_of_pixels_that_vary(pictures: np.ndarray) -> None:
    """It is that of their covariance, and does not change with the scale."""
    expected = np.linalg.cond(np.cov(pictures[:, 2:].T.astype(float)))

    assert diagnostics.condition_number(Split(pictures, pictures)) == pytest.approx(expected)
    assert diagnostics.condition_number(Split(pictures / 255, pictures)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("factor", "diverges"), [(0.98, False), (1.02, True)])
def test_largest_learning_rate_is_where_descent_begins_to_diverge(
    pictures: np.ndarray, factor: float, diverges: bool
) -> None:
    """Gradient descent on a linear layer with a bias explodes just above it, and not just below."""
    rate = factor * diagnostics.largest_learning_rate(Split(pictures, pictures))
    x = np.c_[pictures, np.ones(len(pictures))].astype(float)
    weights = np.zeros((7, 6))
    for _ in range(2000):
        weights -= rate * 2 / (6 * len(x)) * x.T @ (x @ weights - pictures)

    assert (np.abs(weights).max() > 1e6) == diverges


def test_real_images_have_the_known_constant_pixels(real: Split) -> None:
    """67 of the 784 pixels are black in every training image."""
    assert diagnostics.constant_pixels(real) == 67
