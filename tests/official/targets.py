"""Heatmap and volume targets as the published training code draws them.

The counterpart of our own is `volumes.gaussian_heatmaps`: centred on the
fraction of a cell, not cut off, and right at the borders.
"""

import math

import numpy as np

from tests.official import boxes

_WINDOW = 13


def gaussian_kernel(size):
    """Torch's `image.gaussian(size)`: peak 1, standard deviation size / 4.

    Returns:
        `(size, size)` float32.
    """
    profile = _profile(size)
    return np.outer(profile, profile).astype(np.float32)


def _profile(size):
    offset = np.arange(size) - (size - 1) / 2
    return np.exp(-0.5 * (offset / (0.25 * size)) ** 2)


def _place(profile, point, length, *, quirk):
    """A profile centred on a 1-based point of a line, cut at its ends.

    With `quirk` the profile starts where the original starts reading it: at
    its element max(1, -start) in place of max(1, 2 - start), so that a
    window from 1 cell outside lies 2 cells too far in.
    """
    half = len(profile) // 2
    start, end = point - half, point + half
    line = np.zeros(length, profile.dtype)
    if start > length or end < 1:
        return line
    first, last = max(1, start), min(end, length)
    skip = max(1, -start) - 1 if quirk else first - start
    line[first - 1 : last] = profile[skip : skip + last - first + 1]
    return line


def draw_gaussian(point_1based, size=64, *, quirk=True):
    """A 13-cell Gaussian of standard deviation 3.25 cells on a heatmap.

    Args:
        point_1based: x, y, whole cells, 1-based.
        size: int, side of the heatmap.
        quirk: draw as the original does, whose kernel lies 2 cells too far
            right or down where its window starts left of or above cell 0, and
            1 cell where it starts at 0. A point at x = 1..5 peaks at x + 2.
            False draws the same kernel where it belongs.

    Returns:
        `(size, size)` float32, rows y, columns x; zeros where the window
        misses the map.

    Source: `drawGaussian` in `img.lua`.
    """
    profile = _profile(_WINDOW)
    x, y = (_place(profile, int(p), size, quirk=quirk) for p in point_1based)
    return np.outer(y, x).astype(np.float32)


def depth_index(zind, depth_bins):
    """1-based bin of a depth given on the 1 to 64 scale, at `depth_bins`."""
    return math.ceil(zind * depth_bins / 64)


def depth_window(depth_bins):
    """Length of the Gaussian along z: 13 for 64 bins, 1 for few."""
    return 2 * math.floor((12 * depth_bins / 64 + 1) / 2) + 1


def draw_gaussian_3d(point_1based, zind, depth_bins, size=64):
    """The volume target of one joint.

    Args:
        point_1based: x, y, whole cells, 1-based.
        zind: depth bin on the scale 1 to 64.
        depth_bins: int, bins of this volume.
        size: int, side of the heatmap.

    Returns:
        `(depth_bins, size, size)` float32: z, y, x. The plane has the quirk
        of `draw_gaussian`, the depth does not.

    Source: `drawGaussian3D` in `img.lua`.
    """
    depth = _place(
        _profile(depth_window(depth_bins)),
        depth_index(zind, depth_bins),
        depth_bins,
        quirk=False,
    )
    plane = draw_gaussian(point_1based, size)
    return (depth[:, None, None] * plane).astype(np.float32)


def person_target(part, zind, center, scale, depth_bins, size=64):
    """The network's target for one annotated person.

    Args:
        part: `(K, 2)` x, y in image pixels, 0-based. A joint counts as
            annotated when x > 0; y is not looked at.
        zind: `(K,)` depth bins on the scale 1 to 64.
        center, scale: the box, as in `boxes.get_transform`.
        depth_bins: int.
        size: int, side of the heatmap.

    Returns:
        `(K * depth_bins, size, size)` float32, channel joint * D + z.

    Source: `generateSample` in `pose-c2f.lua`.
    """
    target = np.zeros((len(part), depth_bins, size, size), np.float32)
    for k, (point, depth) in enumerate(zip(part, zind, strict=True)):
        if point[0] > 0:
            cell = boxes.transform(
                np.asarray(point) + 1, center, scale, 0, size
            )
            target[k] = draw_gaussian_3d(cell, depth, depth_bins, size)
    return target.reshape(-1, size, size)
