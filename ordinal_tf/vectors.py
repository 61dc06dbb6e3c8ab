"""Directions and perspective, in plain NumPy arrays with free leading axes."""

import numpy as np


def unit(vectors, *, axis=-1, least=0.0):
    """Vectors at length 1, in their own floating dtype.

    Args:
        vectors: array; `axis` holds the coordinates.
        axis: int.
        least: float, what is shorter is divided by this instead, so that a
            vector of length 0 can stay as it is.

    Returns:
        Array of the same shape; NaN for length 0 unless `least` is above 0.
    """
    length = np.sqrt(np.sum(np.square(vectors), axis, keepdims=True))
    return vectors / np.maximum(length, length.dtype.type(least))


def project(points, intrinsics):
    """Pinhole projection without distortion.

    Args:
        points: `(..., N, 3)` in camera axes, depths not 0.
        intrinsics: `(3, 3)` or `(..., 3, 3)`, K.

    Returns:
        `(..., N, 2)` pixels x, y, in the points' dtype.
    """
    dtype = np.result_type(points, np.float32)
    pixels = points @ np.swapaxes(np.asarray(intrinsics, dtype), -1, -2)
    return pixels[..., :2] / pixels[..., 2:]
