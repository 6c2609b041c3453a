"""One dense ReLU layer learns to give back an MNIST image, and does not get there."""

from benchsuite import hookimpl

from .identity import identity_case


@hookimpl
def benchsuite_cases():
    yield identity_case(
        name="mnist-identity-1L",
        layers=1,
        summary="One dense ReLU layer learns the identity on raw MNIST images.",
        quick_seeds=4,
        reported={"train.loss": 180.6187, "train.mape": 209_296_481.2, "loss": 167.9543, "mape": 192_590_420.2},
    )
