"""Half the bytes, the same answers but for their rounding."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from ordinal_tf.export import halving

# Keras turns variables into arrays in a way that NumPy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword"
)


@pytest.fixture
def frozen():
    """`x W + b` with a large W and a small b, and an output that is neither."""
    rng = np.random.default_rng(0)
    weights = tf.constant(rng.normal(size=(64, 32)).astype("f4"))
    bias = tf.constant(rng.normal(size=32).astype("f4"))

    @tf.function
    def function(x, y):
        return x @ weights + bias, y + 1

    concrete = function.get_concrete_function(
        tf.TensorSpec((None, 64)), tf.TensorSpec((), tf.int32)
    )
    frozen = convert_to_constants.convert_variables_to_constants_v2(concrete)
    return frozen, weights.numpy(), bias.numpy()


def test_constants(frozen):
    function, weights, bias = frozen
    small = halving.narrow_constants(function)
    x = np.random.default_rng(1).normal(size=(3, 64)).astype("f4")
    product, more = small(tf.constant(x), tf.constant(4))
    expected = x @ weights.astype("f2").astype("f4") + bias
    np.testing.assert_allclose(product, expected, rtol=1e-5, atol=1e-5)
    # Rounded indeed, and the bias, which is small, not.
    assert np.abs(product - (x @ weights + bias)).max() > 1e-4
    assert more == 5
    before, after = (
        f.graph.as_graph_def().ByteSize() for f in (function, small)
    )
    assert before - after > 0.8 * weights.nbytes / 2


def test_constants_in_a_byte(frozen):
    function, weights, bias = frozen
    small = halving.narrow_constants(function, bits=8)
    x = np.eye(64, dtype="f4")
    product, more = small(tf.constant(x), tf.constant(4))
    # Half a step of a 127th of the largest weight of each channel.
    bound = np.abs(weights).max(0) / 127 / 2 + 1e-5
    error = np.abs(product - (weights + bias))
    assert (error <= bound).all() and (error.max(0) > bound / 2).all()
    assert more == 5
    before, after = (
        f.graph.as_graph_def().ByteSize() for f in (function, small)
    )
    assert before - after > 0.8 * weights.nbytes * 3 / 4


def test_kernels_in_a_byte():
    rng = np.random.default_rng(0)
    # Channels of very different size, as batch norm's folding leaves them.
    size = np.logspace(-3, 3, 40).astype("f4")
    for kernel in (
        rng.normal(size=(3, 3, 8, 40)).astype("f4") * size,
        rng.normal(size=(5, 5, 40, 1)).astype("f4") * size[:, None],
    ):
        stored, scale = halving.quartered(kernel)
        assert stored.dtype == np.int8 and scale.size == 40
        axes = (0, 1, 2) if kernel.shape[-1] == 40 else (0, 1, 3)
        largest = np.abs(kernel).max(axes)
        error = np.abs(stored * scale - kernel).max(axes)
        assert (error <= largest / 127 / 1.99).all()
    none = halving.quartered(np.zeros((30, 30), "f4"))
    assert not none[0].any() and np.isfinite(none[1]).all()
    for other in (np.ones(900, "f4"), np.ones((2, 2), "f4")):
        assert halving.quartered(other) is None


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.ones(1000, "f4"), "float16"),
        (np.ones(10, "f4"), "float32"),
        (np.full(1000, 1e5, "f4"), "float32"),  # Too large for float16.
        (np.ones(1000, "i4"), "int32"),
        (np.ones(1000, "f8"), "float64"),
    ],
)
def test_what_is_halved(array, dtype):
    found = halving.halved(array)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, array)


def test_large_weights_are_packed_too(tmp_path):
    network = keras.Sequential([keras.Input((256,)), keras.layers.Dense(256)])
    path = tmp_path / "x.weights.h5"
    network.save_weights(path)
    wanted = network.get_weights()
    halving.halve_weights(path)
    # A sign, five bits after the first and an exponent that is little chance.
    assert path.stat().st_size < 256 * 256 * 9.5 / 8 + 20_000
    network.load_weights(path)
    kernel, bias = network.get_weights()
    np.testing.assert_allclose(kernel, wanted[0], rtol=2**-5.9, atol=1e-6)
    assert np.abs(kernel / wanted[0] - 1).max() > 2**-7
    np.testing.assert_array_equal(bias, halving.halved(wanted[1]))
    # Written again they are the same.
    network.save_weights(path)
    halving.halve_weights(path)
    network.load_weights(path)
    np.testing.assert_array_equal(network.get_weights()[0], kernel)


def test_weights_file(tmp_path):
    def network():
        x = keras.Input((40,))
        y = keras.layers.Dense(30, name="wide")(x)
        return keras.Model(x, keras.layers.BatchNormalization()(y))

    one, other = network(), network()
    path = tmp_path / "x.weights.h5"
    one.save_weights(path)
    before = path.stat().st_size
    halving.halve_weights(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert before - path.stat().st_size > 0.8 * 40 * 30 * 2
    other.load_weights(path)
    for found, stored in zip(other.weights, one.weights, strict=True):
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, stored, rtol=2**-5.9)
    with h5py.File(path) as file:
        kinds = []
        file.visititems(
            lambda _, item: (
                kinds.append(item.dtype)
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    assert kinds.count(np.float16) == 1  # The rest is small.
