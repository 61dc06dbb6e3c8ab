"""Smooth noise and random colours, for what is drawn around people."""

import functools

import cv2
import numpy as np

_TABLE = 256  # Side of the noise tables; they repeat without a seam.
_FINE = 4  # Samples per cell of a table and axis; with it, a power of 2.
_TABLES = 6


@functools.cache
def _table(number):
    """Smooth noise with power at all scales, mean 0, about -1 to 1."""
    rng = np.random.default_rng(number)
    waves = np.fft.fftfreq(_TABLE)
    size = np.hypot(waves[:, None], waves[None, :])
    size[0, 0] = 1
    spectrum = np.fft.fft2(rng.standard_normal((_TABLE, _TABLE)))
    spectrum *= size ** -rng.uniform(0.9, 1.6)
    spectrum[0, 0] = 0
    field = np.fft.ifft2(spectrum).real
    field = np.clip(field / (2 * field.std()), -1, 1).astype(np.float32)
    # Enlarged once, so that a lookup need not interpolate.
    field = np.pad(field, 2, mode="wrap")
    field = cv2.resize(field, None, fx=_FINE, fy=_FINE)
    return field[2 * _FINE : -2 * _FINE, 2 * _FINE : -2 * _FINE].copy()


def field(rng, u, v):
    """Noise at coordinates in table cells, any number of them."""
    table = _table(int(rng.integers(_TABLES)))
    cells = _TABLE * _FINE
    u = ((u + rng.random() * _TABLE) * _FINE).astype(np.int32) & (cells - 1)
    v = ((v + rng.random() * _TABLE) * _FINE).astype(np.int32) & (cells - 1)
    return table[v, u]


def detail(rng, size):
    """`(size, size)` noise, a window of a table enlarged at random."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    zoom = rng.uniform(0.15, 1.0)
    return field(rng, x * zoom, y * zoom)


def colour(rng, *, value=(40, 220), saturation=(0.0, 0.5)):
    """`(3,)` float32 RGB."""
    hue = rng.random() * 6
    tone = np.clip(np.abs((hue + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    grey = 1 - rng.uniform(*saturation)
    return (rng.uniform(*value) * (grey + (1 - grey) * tone)).astype(np.float32)


def near(rng, colour, spread):
    return (colour + rng.uniform(-spread, spread, 3)).astype(np.float32)


def mix(low, high, share):
    return low + (high - low) * share[..., None]
