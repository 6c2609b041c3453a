"""Other random starts."""

import jax
import jax.numpy as jnp
from flax import nnx

from benchsuite import DoesNotApply, Treatment, hookimpl

#: Scale of the normal weights in asymmetric starts, which keeps the expected square of a layer's output.
#: Source: https://arxiv.org/abs/1903.06733, section 4.2.
ASYMMETRIC_SCALE = 0.6007


def he(case):
    return case.with_model(kernel_init=nnx.initializers.he_uniform())


def lecun(case):
    return case.with_model(kernel_init=nnx.initializers.lecun_uniform())


def positive_bias(case, bias=0.1):
    if case.model_options.get("bias") is False:
        raise DoesNotApply("its model has no bias")
    return case.with_model(bias_init=nnx.initializers.constant(bias))


def scaled(case, scale=2.0):
    def multiply(model, _):
        for _, parameter in nnx.iter_graph(model):
            if isinstance(parameter, nnx.Param):
                parameter[...] = scale * parameter[...]

    return case.with_start(multiply)


def asymmetric(case):
    return case.with_start(_make_asymmetric)


def mirrored(case):
    layers = list(layers_of(nnx.eval_shape(lambda: case.model(nnx.Rngs(0)))))
    if not any(kernel.ndim > 1 and kernel.shape[-1] > 1 for kernel, _ in layers):
        raise DoesNotApply("none of its layers has a pair of units")
    return case.with_start(_mirror)


def _mirror(model, _):
    for layer in layers_of(model):
        if layer[0].ndim > 1:
            half = layer[0].shape[-1] // 2
            for parameter in layer:
                if parameter is not None:
                    parameter[...] = parameter[...].at[..., half : 2 * half].set(-parameter[..., :half])


def identity_like(case, noise=0.1):
    kernels = [kernel for kernel, _ in layers_of(nnx.eval_shape(lambda: case.model(nnx.Rngs(0)))) if kernel.ndim]
    if not kernels:
        raise DoesNotApply("it has no layers, only single units")
    if any(kernel.shape != kernel.shape[:1] * 2 for kernel in kernels):
        raise DoesNotApply("its layers are not square")
    glorot = nnx.initializers.glorot_uniform()
    return case.with_model(kernel_init=lambda key, shape, *dtype: jnp.eye(*shape) + noise * glorot(key, shape, *dtype))


def layers_of(model):
    """The kernel and bias of every layer that an activation follows: called so, as flax does, or w and b."""
    for path, module in nnx.iter_modules(model):
        kernel, bias = (getattr(module, a, getattr(module, b, None)) for a, b in (("kernel", "w"), ("bias", "b")))
        if isinstance(kernel, nnx.Param) and "output" not in path:
            yield kernel, bias


def _make_asymmetric(model, rngs):
    for kernel, bias in layers_of(model):
        weights = kernel[...].reshape(-1, *kernel.shape[-1:] if kernel.ndim > 1 else (kernel.size,))
        fan_in, units = weights.shape
        normal, place, positive = jax.random.split(rngs.params(), 3)
        rows = fan_in + (bias is not None)
        drawn = ASYMMETRIC_SCALE / fan_in**0.5 * jax.random.normal(normal, (rows, units))
        chosen = jax.random.randint(place, (units,), 0, rows)
        drawn = drawn.at[chosen, jnp.arange(units)].set(jax.random.beta(positive, 2, 1, (units,)))
        kernel[...] = drawn[:fan_in].reshape(kernel.shape)
        if bias is not None:
            bias[...] = drawn[fan_in].reshape(bias.shape)


@hookimpl
def benchsuite_treatments():
    yield Treatment(
        "he",
        "He's uniform start, of twice the variance for layers as wide as their input.",
        "https://arxiv.org/abs/1502.01852",
        he,
    )
    yield Treatment(
        "lecun",
        "LeCun's uniform start, by the number of inputs alone.",
        "Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), Efficient BackProp, section 4.6",
        lecun,
    )
    yield Treatment(
        "positive-bias",
        "Biases start at 0.1, so that units are active at first.",
        "I. Goodfellow, Y. Bengio, A. Courville (2016), Deep Learning, section 6.3.1",
        positive_bias,
    )
    yield Treatment(
        "asymmetric",
        "Randomised asymmetric start: of each unit's weights and bias, one is drawn positive.",
        "https://arxiv.org/abs/1903.06733",
        asymmetric,
    )
    yield Treatment(
        "identity-like",
        "Kernels start as the identity, with a tenth of Glorot's random start added.",
        "https://arxiv.org/abs/1504.00941",
        identity_like,
    )
    yield Treatment(
        "larger-start",
        "All parameters start at twice their value.",
        "https://arxiv.org/abs/1812.07956",
        scaled,
    )
    yield Treatment(
        "mirrored",
        "Half of the units of each layer start as the other half with opposite signs.",
        "https://github.com/alanoursland/tr_xor/blob/main/manuscript/relu1/mirror_init_study.tex",
        mirrored,
    )
