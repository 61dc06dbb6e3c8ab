"""What numeric tests share on every Keras back end."""

import contextlib

import keras
import numpy as np
from keras import ops


def float64():
    """Context in which float64 arrays stay float64 (JAX narrows them)."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.enable_x64(True)
    return contextlib.nullcontext()


def array(x):
    """NumPy array of a tensor; bfloat16, which NumPy lacks, as float32."""
    if not ops.is_tensor(x):
        return np.asarray(x)  # Untouched: JAX would narrow float64.
    if keras.backend.standardize_dtype(x.dtype) == "bfloat16":
        x = ops.cast(x, "float32")
    return ops.convert_to_numpy(x)


def gradient(function, *arguments):
    """Gradient of the sum of `function`, for each of its tensor arguments.

    Args:
        function: tensors to a tensor.
        *arguments: float arrays or tensors.

    Returns:
        NumPy array, or a list of them where there are several arguments.
    """
    tensors = [ops.convert_to_tensor(x) for x in arguments]
    if keras.backend.backend() == "jax":
        import jax

        gradients = jax.grad(
            lambda *xs: ops.sum(function(*xs)), tuple(range(len(tensors)))
        )(*tensors)
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            for x in tensors:
                tape.watch(x)
            total = ops.sum(function(*tensors))
        gradients = tape.gradient(total, tensors)
    gradients = [array(g) for g in gradients]
    return gradients[0] if len(gradients) == 1 else gradients


def assert_close(actual, expected, *, rtol=0.0, atol=0.0):
    """Compares within `atol + rtol * largest magnitude of expected`.

    The golden README's "rel" tolerance is relative to the whole array.
    """
    actual, expected = array(actual), np.asarray(expected)
    assert actual.shape == expected.shape, (actual.shape, expected.shape)
    largest = np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(
        actual, expected, rtol=0.0, atol=atol + rtol * largest
    )
