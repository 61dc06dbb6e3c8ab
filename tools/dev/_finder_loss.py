"""What the finder's head is trained to answer."""

import numpy as np
import tensorflow as tf

from ordinal_tf.models import finder

from . import _canvases

# Standard deviation of a middle, in sides of the person; least, pixels.
_SIGMA, _LEAST_SIGMA = 0.13, 7.0
_SMALLEST = 4.0
# Where a cell is that much of a middle, it also says how far the person goes.
_NEAR = 0.4
_LEAST_EXTENT = 0.15


def targets(table, cells):
    """Targets of one picture.

    Args:
        table: `(M, 5)`, see `_canvases.draw`.
        cells: int, G, cells a side.

    Returns:
        `(G, G, 7)` float32: the middle's peak (1 at one cell of each person);
        logarithms of left, up, right, down in cells; weight of these; weight
        of the peak.
    """
    out = np.zeros((cells, cells, 7), np.float32)
    out[..., 6] = 1
    x = (np.arange(cells) + 0.5) * finder.STRIDE - 0.5
    y = x[:, None]
    half = finder.STRIDE / 2
    for left, top, right, bottom, _ in table[table[:, 4] == _canvases.PERHAPS]:
        inside = (x >= left - half) & (x <= right + half)
        inside = inside & (y >= top - half) & (y <= bottom + half)
        out[inside, 6] = 0
    best = np.zeros((cells, cells), np.float32)
    for left, top, right, bottom, _ in table[table[:, 4] == _canvases.PERSON]:
        middle = np.array([left + right, top + bottom]) / 2
        sides = np.maximum([right - left, bottom - top], _SMALLEST)
        sigma = np.maximum(_SIGMA * sides, _LEAST_SIGMA)
        peak = np.exp(
            -0.5 * ((x - middle[0]) / sigma[0]) ** 2
            - 0.5 * ((y - middle[1]) / sigma[1]) ** 2
        )
        column, row = np.clip(
            np.round((middle + 0.5) / finder.STRIDE - 0.5), 0, cells - 1
        ).astype(int)
        peak[row, column] = 1
        out[..., 0] = np.maximum(out[..., 0], peak)
        out[row, column, 6] = 1
        mine = (peak > best) & (peak > _NEAR)
        extent = np.stack(
            np.broadcast_arrays(x - left, y - top, right - x, bottom - y), -1
        )
        extent = np.maximum(extent / finder.STRIDE, _LEAST_EXTENT)
        out[mine, 1:5] = np.log(extent[mine])
        out[mine, 5] = peak[mine]
        best = np.maximum(best, peak)
    return out


def loss(target, answer):
    """CenterNet's focal loss of the middles, and GIoU of the rectangles.

    Args:
        target: `(B, G, G, 7)`, see `targets`.
        answer: `(B, G, G, 5)`, see `finder.build_head`.

    Returns:
        scalar.

    Source: Zhou et al. 2019, arXiv:1904.07850, eq. 1; Rezatofighi et al.
    2019, arXiv:1902.09630.
    """
    logit, peak, weight = answer[..., 0], target[..., 0], target[..., 6]
    chance = tf.sigmoid(logit)
    people = tf.cast(peak >= 0.999, tf.float32)
    missed = people * tf.square(1 - chance) * tf.math.log_sigmoid(logit)
    false = (1 - people) * weight * (1 - peak) ** 4 * tf.square(chance)
    false *= tf.math.log_sigmoid(-logit)
    count = tf.maximum(tf.reduce_sum(people), 1.0)
    middles = -tf.reduce_sum(missed + false) / count
    near = target[..., 5]
    total = tf.maximum(tf.reduce_sum(near), 1.0)
    want, got = target[..., 1:5], answer[..., 1:5]
    off = tf.reduce_sum(near[..., None] * tf.abs(want - got)) / total
    want, got = tf.exp(want), tf.exp(tf.minimum(got, 5.0))
    # Both rectangles hold the cell: they overlap by the smaller extents.
    both = _area(tf.minimum(want, got))
    union = _area(want) + _area(got) - both
    hull = _area(tf.maximum(want, got))
    giou = both / union - (hull - union) / hull
    return middles + 2 * tf.reduce_sum(near * (1 - giou)) / total + 0.3 * off


def _area(extent):
    left, up, right, down = tf.unstack(extent, axis=-1)
    return (left + right) * (up + down)
