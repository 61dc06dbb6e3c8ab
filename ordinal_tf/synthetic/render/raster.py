"""Which triangle of a mesh each pixel shows, and where in the triangle.

OpenCV's z-buffer draws the number of the nearest triangle into each sample;
everything else (depth, barycentric weights, interpolated values) follows
per covered sample in NumPy. Samples lie on a grid finer than the pixels.
"""

import dataclasses

import cv2
import numpy as np

from ordinal_tf import vectors

# Nearer than this to the camera's plane, nothing is drawn.
NEAR_MM = 50.0


@dataclasses.dataclass(frozen=True)
class Fragments:
    """The covered samples of a window, P of them, in scan order.

    Attributes:
        shape: `(rows, columns)` of the grid of samples.
        samples: `(P,)` int64, index of each into the flattened grid.
        face: `(P,)` int32, the triangle that it shows.
        corners: `(P, 3)` int32, the vertices of that triangle.
        weights: `(P, 3)` float32, what the corners weigh there, 1 in all;
            perspective included.
        depth: `(P,)` float32 mm along the optical axis.
    """

    shape: tuple[int, int]
    samples: np.ndarray
    face: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    depth: np.ndarray

    def interpolate(self, values):
        """Values `(V, C)` at the vertices as `(P, C)` float32 at samples."""
        at = np.take(values.astype(np.float32, copy=False), self.corners, 0)
        return np.einsum("pk,pkc->pc", self.weights, at)

    def grid(self, values, empty):
        """Values `(P, ...)` on the grid, `empty` where nothing is drawn."""
        values = np.asarray(values)
        shape = (self.shape[0] * self.shape[1], *values.shape[1:])
        out = np.full(shape, empty, values.dtype)
        out[self.samples] = values
        return out.reshape(*self.shape, *values.shape[1:])


def window_around(vertices, camera, size):
    """The part of an image that a mesh may cover, and a pixel on each side.

    Args:
        vertices: `(V, 3)` mm, camera axes.
        camera: `(3, 3)` intrinsics.
        size: `(height, width)` of the image in pixels.

    Returns:
        `(x0, y0, width, height)` ints inside the image, or None where the
        mesh lies outside of it.
    """
    height, width = size
    if (vertices[:, 2] <= NEAR_MM).any():
        vertices = vertices[vertices[:, 2] > NEAR_MM]
        if not len(vertices):
            return None
    x, y = vectors.project(vertices, camera).T
    x0, x1 = _pixels(x.min() - 1, x.max() + 1, width)
    y0, y1 = _pixels(y.min() - 1, y.max() + 1, height)
    if x0 == x1 or y0 == y1:
        return None
    return x0, y0, x1 - x0, y1 - y0


def _pixels(low, high, limit):
    """First pixel from `low` to `high`, and the one after the last."""
    # A pixel reaches half a pixel around its centre.
    return (
        int(min(max(np.floor(edge), 0), limit))
        for edge in (low + 0.5, high + 1.5)
    )


def rasterise(vertices, faces, camera, window, *, supersample=2):
    """Draws triangles, seen from either side, with a z-buffer.

    A pixel is a square around its integer centre; each holds `supersample`
    by `supersample` samples in the middles of equal parts. Triangles that
    come nearer than `NEAR_MM` to the camera's plane are left out.

    Args:
        vertices: `(V, 3)` float32 mm, camera axes (x right, y down, z away).
        faces: `(F, 3)` int32, fewer than 2 ** 24.
        camera: `(3, 3)` intrinsics; pixel = camera @ vertex / depth.
        window: `(x0, y0, width, height)` ints, pixels; may leave the image.
        supersample: int, samples per pixel and axis.

    Returns:
        `Fragments` with a grid of `(height, width) * supersample` samples.
    """
    rows, columns = window[3] * supersample, window[2] * supersample
    in_front = vertices[:, 2] > NEAR_MM
    kept = None
    if not in_front.all():
        kept = np.flatnonzero(in_front[faces].all(1)).astype(np.int32)
    numbers = _face_numbers(
        vertices,
        faces if kept is None else faces[kept],
        camera,
        window,
        (rows, columns),
    ).reshape(-1)
    samples = np.flatnonzero(numbers)
    face = numbers[samples] - 1
    if kept is not None:
        face = kept[face]
    corners = faces[face]
    homogeneous = vertices @ _to_samples(camera, window, supersample).T
    weights = _weights(homogeneous, faces, face, samples, columns)
    depth = np.einsum("pk,pk->p", weights, vertices[:, 2][corners])
    return Fragments((rows, columns), samples, face, corners, weights, depth)


def facing(vertices, faces):
    """Which triangles turn their outside to the camera.

    Args:
        vertices: `(V, 3)` float32 mm, camera axes, all before the camera.
        faces: `(F, 3)` int32, counter-clockwise seen from outside.

    Returns:
        `(F,)` bool.
    """
    x, y = vertices[:, 0] / vertices[:, 2], vertices[:, 1] / vertices[:, 2]
    a, b, c = np.ascontiguousarray(faces.T)
    ax, ay = x[a], y[a]
    # Clockwise on the screen, because its y points down.
    return (x[b] - ax) * (y[c] - ay) < (x[c] - ax) * (y[b] - ay)


def depth_map(vertices, faces, camera, shape, *, near_mm, far_mm):
    """Depth of the nearest triangle in every pixel.

    Args:
        vertices: `(V, 3)` float32 mm, camera axes.
        faces: `(F, 3)` int32.
        camera: `(3, 3)` intrinsics.
        shape: `(rows, columns)`; the image starts at pixel (0, 0).
        near_mm, far_mm: all vertices lie between these depths.

    Returns:
        `(rows, columns)` float32 mm; `far_mm` where there is nothing.
    """
    depth = np.full(shape, far_mm, np.float32)
    cv2.triangleRasterizeDepth(
        vertices @ _to_opencv(camera, (0, 0, shape[1], shape[0])).T,
        np.ascontiguousarray(faces),
        depth,
        np.eye(4, dtype=np.float32),
        np.pi / 2,
        near_mm,
        far_mm,
        _settings(cv2.RASTERIZE_COMPAT_DISABLED),
    )
    return depth


def _to_samples(camera, window, supersample):
    """Intrinsics `(3, 3)` float64 whose pixels are the window's samples."""
    x0, y0 = window[:2]
    # A pixel's left edge, at -0.5, is that of its first sample.
    shift = np.array(
        [
            [supersample, 0, supersample * (0.5 - x0) - 0.5],
            [0, supersample, supersample * (0.5 - y0) - 0.5],
            [0, 0, 1],
        ]
    )
    return shift @ np.asarray(camera, np.float64)


def _face_numbers(vertices, faces, camera, window, shape):
    """Image `(rows, columns)` int32 of face numbers from 1; 0 for none."""
    points = vertices @ _to_opencv(camera, window).T
    # Flat colour is that of the first corner, so each face needs its own.
    points = np.concatenate([points, points[faces[:, 0]]])
    corners = np.concatenate(
        [
            np.arange(len(vertices), len(points), dtype=np.int32)[:, None],
            faces[:, 1:],
        ],
        axis=1,
    )
    colours = np.zeros((len(points), 3), np.float32)
    colours[len(vertices) :, 0] = np.arange(1, len(faces) + 1)
    drawn = np.zeros((*shape, 3), np.float32)
    if len(faces):
        # The closer the limits, the finer the z-buffer.
        depths = vertices[:, 2][vertices[:, 2] > NEAR_MM]
        cv2.triangleRasterize(
            points,
            np.ascontiguousarray(corners),
            colours,
            drawn,
            np.ones(shape, np.float32),
            np.eye(4, dtype=np.float32),
            np.pi / 2,
            max(float(depths.min()) * 0.98, NEAR_MM),
            float(depths.max()) * 1.02,
            # Spares OpenCV the conversion of depths, which are found later.
            _settings(cv2.RASTERIZE_COMPAT_INVDEPTH),
        )
    return drawn[..., 0].astype(np.int32)


def _to_opencv(camera, window):
    """Linear map `(3, 3)` float32 of camera points for OpenCV.

    Its camera looks along -z with y up, its principal point is the middle of
    the image, its pixel centres lie on halves. With a field of view of 90
    degrees, this map is all the difference.
    """
    x0, y0, width, height = window
    change = np.array(
        [
            [2 / height, 0, (1 - 2 * x0 - width) / height],
            [0, -2 / height, -(1 - 2 * y0 - height) / height],
            [0, 0, -1],
        ]
    )
    return (change @ np.asarray(camera, np.float64)).astype(np.float32)


def _settings(depths):
    return (
        cv2.TriangleRasterizeSettings()
        .setShadingType(cv2.RASTERIZE_SHADING_FLAT)
        .setCullingMode(cv2.RASTERIZE_CULLING_NONE)
        .setGlCompatibleMode(depths)
    )


def _weights(homogeneous, faces, face, samples, columns):
    """Barycentric weights `(P, 3)` float32 of samples.

    A sample's ray `r = (x, y, 1)` is a sum of the corners with weights
    proportional to `r . (b x c)`, and so on around the triangle.
    """
    seen = np.zeros(len(faces), bool)
    seen[face] = True
    shown = np.flatnonzero(seen)
    place = np.empty(len(faces), np.int32)
    place[shown] = np.arange(len(shown), dtype=np.int32)
    a, b, c = np.moveaxis(homogeneous[faces[shown]], 1, 0)
    planes = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)], axis=-1)
    # The sign of the volume says from which side the triangle is seen;
    # divided by it, the weights of what is inside are positive.
    volume = np.einsum("fi,fi->f", a, planes[..., 0])
    planes /= np.where(volume == 0, 1.0, volume)[:, None, None]
    planes = planes.reshape(-1, 9).T.astype(np.float32)
    number = place[face]
    row, column = np.divmod(samples, columns)
    x, y = column.astype(np.float32), row.astype(np.float32)
    weights = np.empty((3, len(samples)), np.float32)
    for k in range(3):
        weights[k] = planes[k][number] * x
        weights[k] += planes[3 + k][number] * y
        weights[k] += planes[6 + k][number]
    # A sample on the very edge may come out a rounding error outside.
    np.maximum(weights, 1e-12, out=weights)
    weights /= weights.sum(0)
    return np.ascontiguousarray(weights.T)


def _cross(a, b):
    """Cross product of `(N, 3)` arrays; np.cross takes thrice as long."""
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    return np.stack(
        [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1
    )
