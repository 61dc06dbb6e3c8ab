"""Golden activations of the original blocks, parameter counts, shapes."""

import pathlib
import re

import keras
import numpy as np
import pytest

from ordinal_tf.models import hourglass

GOLDEN = pathlib.Path(__file__).parents[1] / "golden/residual_hourglass.npz"

# Names of the original inside an hourglass, and ours.
_BRANCHES = {
    "up1": "up1",
    "up2": "up2",
    "up4": "up3",
    "low1": "low1",
    "low2": "low2",
    "low5": "low3",
    "low6": "inner",
    "low7": "last",
}
_TRUNK = {
    "r1": "front1",
    "r4": "front2",
    "r5": "front3",
    "r6": "front4",
    "lin1": "lin1a",
    "lin2": "lin1b",
    "lin3": "lin2a",
    "lin4": "lin2b",
    "out1": "volume1",
    "out2": "volume2",
    "out1_back": "back1",
    "cat1": "merge1",
}


def _layer_name(parts):
    """`("hg1", "low6", "up1", "conv2")` to `hg1_inner_up1_conv2`."""
    names = []
    for part in parts:
        part = _TRUNK.get(part, _BRANCHES.get(part, part))
        part = re.sub(r"^bn(\d)$", r"\1_bn", part)
        names.append(part)
    return "_".join(names)


def _set_weights(model, golden, prefix, name):
    """Loads every weight below `prefix`; fails if one layer gets none."""
    found = {}
    for key in golden:
        head, _, leaf = key.rpartition("/")
        if head.startswith(prefix) and leaf != "kernel_oihw":
            parts = head[len(prefix) :].strip("/").split("/")
            if parts == [""]:
                continue
            layer = _layer_name([*name, *parts])
            found.setdefault(layer, {})[leaf] = golden[key]
    with_weights = {layer.name for layer in model.layers if layer.weights}
    assert with_weights == set(found)
    for layer, values in found.items():
        order = ("gamma", "beta", "mean", "var")
        if "kernel_hwio" in values:
            order = ("kernel_hwio", "bias")
        model.get_layer(layer).set_weights([values[k] for k in order])


def _assert_close(found, expected):
    """The golden README's tolerance: 1e-5 of the largest magnitude."""
    atol = 1e-5 * np.abs(expected).max()
    found = keras.ops.convert_to_numpy(found)
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def _nhwc(x):
    return np.transpose(x, (0, 2, 3, 1))


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return {key: file[key] for key in file}


@pytest.mark.parametrize("case", ["residual", "residual_same"])
def test_residual_block_golden(golden, case):
    x = _nhwc(golden[f"{case}/input_nchw"])
    expected = _nhwc(golden[f"{case}/output_nchw"])
    image = keras.Input(x.shape[1:])
    block = hourglass.residual_block(image, expected.shape[-1], name="b")
    model = keras.Model(image, block)
    _set_weights(model, golden, f"{case}/", ("b",))
    _assert_close(model(x), expected)


def test_hourglass_golden(golden):
    x = _nhwc(golden["hourglass/input_nchw"])
    image = keras.Input(x.shape[1:])
    y = hourglass.hourglass(image, 16, 32, order=2, modules=3, name="h")
    model = keras.Model(image, y)
    _set_weights(model, golden, "hourglass/", ("h",))
    _assert_close(model(x), _nhwc(golden["hourglass/output_nchw"]))


def test_volume_network_golden(golden):
    model = hourglass.build_volume_network(
        joints=5,
        input_size=64,
        z_resolutions=(1, 4),
        stem_features=8,
        front_features=16,
        features=16,
        out_features=32,
        order=2,
    )
    _set_weights(model, golden, "stacked2/", ())
    taps = {
        "stem_relu": "tap_stem",
        "front_pool": "tap_pool",
        "hg1_add": "tap_hg1",
        "merge1_add": "tap_int1",
        "volume1": "out1",
        "volume2": "out2",
    }
    layers = [model.get_layer(name).output for name in taps]
    x = _nhwc(golden["stacked2/input_nchw"])
    for found, key in zip(
        keras.Model(model.input, layers)(x), taps.values(), strict=True
    ):
        _assert_close(found, _nhwc(golden[f"stacked2/{key}_nchw"]))


@pytest.mark.slow  # The paper's own sizes.
# Counts of the original, by instantiation (golden README).
@pytest.mark.parametrize(
    "z_resolutions, count",
    [
        ((1, 64), 26_904_401),
        ((1, 2, 64), 40_232_051),
        ((1, 2, 4, 64), 53_585_847),
    ],
)
def test_parameter_count(z_resolutions, count):
    model = hourglass.build_volume_network(z_resolutions=z_resolutions)
    sizes = [int(np.prod(w.shape)) for w in model.trainable_weights]
    assert sum(sizes) == count


SMALL = dict(
    input_size=32,
    stem_features=4,
    front_features=4,
    features=4,
    out_features=8,
    order=2,
    modules=1,
)


@pytest.mark.parametrize("z_resolutions", [(1,), (1, 4), (1, 2, 4, 8)])
def test_volume_shapes(z_resolutions):
    model = hourglass.build_volume_network(
        joints=3, z_resolutions=z_resolutions, **SMALL
    )
    outputs = model(np.zeros((2, 32, 32, 3), "float32"))
    if len(z_resolutions) == 1:
        outputs = [outputs]
    shapes = [tuple(y.shape) for y in outputs]
    assert shapes == [(2, 8, 8, 3 * bins) for bins in z_resolutions]


@pytest.mark.parametrize("per_joint", [1, 3])
def test_regression_network(per_joint):
    model = hourglass.build_regression_network(
        joints=5, per_joint=per_joint, **SMALL
    )
    image = np.random.default_rng(0).random((2, 32, 32, 3), "float32")
    found = keras.ops.convert_to_numpy(model(image))
    assert found.shape == (2, 5, per_joint)
    assert np.isfinite(found).all()
    # Two pictures must not get one answer.
    assert np.abs(found[0] - found[1]).max() > 1e-6


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: hourglass.build_volume_network(input_size=100), "input_size"),
        (lambda: hourglass.build_volume_network(z_resolutions=()), "empty"),
        (lambda: hourglass.build_regression_network(per_joint=2), "per_joint"),
        (
            lambda: hourglass.residual_block(
                keras.Input((8, 8, 4)), 5, name="odd"
            ),
            "odd",
        ),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
