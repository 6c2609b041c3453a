"""Four dense ReLU layers learn to give back an MNIST image, and stay further from it than one."""

from benchsuite import hookimpl

from .identity import identity_case


@hookimpl
def benchsuite_cases():
    yield identity_case(
        name="mnist-identity-4L",
        layers=4,
        summary="Four dense ReLU layers learn the identity on raw MNIST images.",
        quick_seeds=2,
        reported={"train.loss": 456.7581, "train.mape": 351_097_677.7, "loss": 523.7151, "mape": 504_905_988.5},
    )
