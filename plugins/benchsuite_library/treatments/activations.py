"""Other activations than ReLU, whose gradient is not zero where a ReLU is silent."""

from functools import partial

from flax import nnx

from benchsuite import Treatment, hookimpl


def leaky_relu(case, leak=0.01):
    return case.with_model(activation=partial(nnx.leaky_relu, negative_slope=leak))


def elu(case):
    return case.with_model(activation=nnx.elu)


def gelu(case):
    return case.with_model(activation=nnx.gelu)


def linear_output(case):
    return case.with_model(output_activation=nnx.identity)


@hookimpl
def benchsuite_treatments():
    yield Treatment(
        "leaky-relu",
        "Units leak: a slope of 0.01 where ReLU has none.",
        "A. L. Maas, A. Y. Hannun, A. Y. Ng (2013), Rectifier nonlinearities improve neural network acoustic models",
        leaky_relu,
    )
    yield Treatment("elu", "Exponential linear units in place of ReLU.", "https://arxiv.org/abs/1511.07289", elu)
    yield Treatment("gelu", "Gaussian error linear units in place of ReLU.", "https://arxiv.org/abs/1606.08415", gelu)
    yield Treatment(
        "linear-output",
        "The last layer has no activation.",
        "I. Goodfellow, Y. Bengio, A. Courville (2016), Deep Learning, section 6.2.2.1",
        linear_output,
    )
