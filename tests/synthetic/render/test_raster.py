"""Coverage, depth and weights of triangles against ray casting."""

import cv2
import numpy as np
import pytest

from ordinal_tf import vectors
from ordinal_tf.synthetic.render import raster

CAMERA = np.array([[300.0, 0, 70.3], [0, 290.0, 40.2], [0, 0, 1]])
WINDOW = (0, 0, 160, 90)


def on_ray(x, y, depth, camera=CAMERA):
    """Camera point at a pixel and a depth."""
    ray = np.linalg.solve(camera, np.array([x, y, 1.0]))
    return ray / ray[2] * depth


def cast(vertices, faces, camera, window, supersample):
    """Nearest triangle and depth of every sample by solving for its ray."""
    x0, y0, width, height = window
    step = (np.arange(supersample) + 0.5) / supersample - 0.5
    x = (x0 + np.arange(width)[:, None] + step).ravel()
    y = (y0 + np.arange(height)[:, None] + step).ravel()
    pixels = np.stack([*np.meshgrid(x, y), np.ones((len(y), len(x)))], -1)
    rays = pixels @ np.linalg.inv(camera).T
    best = np.full(rays.shape[:2], np.inf)
    face = np.full(rays.shape[:2], -1)
    for i, corners in enumerate(faces):
        # ray = sum of weights * corners; depth of the hit is 1 / sum.
        weights = rays @ np.linalg.inv(vertices[corners].astype(float))
        total = weights.sum(-1)
        depth = 1 / np.where(total > 0, total, np.nan)
        hit = (weights >= 0).all(-1) & (depth < best)
        best[hit], face[hit] = depth[hit], i
    return face, best


def soup(seed, count=30):
    """Random triangles in front of the camera."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform([-200, -120, 800], [250, 140, 1500], (count, 3))
    corners = centre[:, None] + rng.normal(0, 70, (count, 3, 3))
    vertices = corners.reshape(-1, 3).astype(np.float32)
    return vertices, np.arange(3 * count, dtype=np.int32).reshape(-1, 3)


@pytest.mark.parametrize("window", [WINDOW, (-7, 11, 53, 70)])
@pytest.mark.parametrize("supersample", [1, 2, 3])
def test_faces_and_depth_match_ray_casting(window, supersample):
    vertices, faces = soup(0)
    drawn = raster.rasterise(
        vertices, faces, CAMERA, window, supersample=supersample
    )
    face, depth = cast(vertices, faces, CAMERA, window, supersample)
    ours = drawn.grid(drawn.face, -1)
    assert ours.shape == (window[3] * supersample, window[2] * supersample)
    # Rounding may flip a sample that an edge passes through.
    assert (ours != face).mean() < 5e-4
    same = (ours == face) & (face >= 0)
    assert same.sum() > 1000
    np.testing.assert_allclose(
        drawn.grid(drawn.depth, np.inf)[same], depth[same], rtol=1e-4
    )


def test_a_vertex_lands_on_its_pixel():
    # A small diamond around the projection of a point, in every part of the
    # image and with a principal point far from its middle.
    for x, y in [(3.2, 5.7), (150.0, 80.0), (70.3, 40.2), (81.6, 12.4)]:
        around = [(x - 1, y), (x, y - 1), (x + 1, y), (x, y + 1)]
        vertices = np.array([on_ray(*p, 2000.0) for p in around], np.float32)
        faces = np.array([[0, 1, 2], [2, 3, 0]], np.int32)
        drawn = raster.rasterise(vertices, faces, CAMERA, WINDOW, supersample=8)
        rows, columns = np.divmod(drawn.samples, drawn.shape[1])
        centre = (np.array([columns.mean(), rows.mean()]) + 0.5) / 8 - 0.5
        np.testing.assert_allclose(centre, [x, y], atol=0.5 / 8)
        np.testing.assert_allclose(
            vectors.project(vertices, CAMERA), around, atol=1e-3
        )


def test_pixel_centres_are_integers():
    corners = [(9.6, 19.6), (29.4, 19.6), (29.4, 24.4), (9.6, 24.4)]
    vertices = np.array([on_ray(*p, 900.0) for p in corners], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    drawn = raster.rasterise(vertices, faces, CAMERA, WINDOW, supersample=1)
    rows, columns = np.divmod(drawn.samples, drawn.shape[1])
    assert (columns.min(), columns.max()) == (10, 29)
    assert (rows.min(), rows.max()) == (20, 24)
    assert len(drawn.samples) == 20 * 5


def test_values_follow_perspective():
    # Values that are linear in space, such as the position itself, come out
    # as the position of the hit, on a plane seen at a slant.
    corners = [(5, 5, 600), (150, 10, 2500), (140, 85, 3000), (10, 80, 900)]
    vertices = np.array([on_ray(*p) for p in corners], np.float32)
    faces = np.array([[0, 1, 2], [0, 3, 2]], np.int32)
    drawn = raster.rasterise(vertices, faces, CAMERA, WINDOW, supersample=1)
    at = drawn.interpolate(vertices)
    rows, columns = np.divmod(drawn.samples, drawn.shape[1])
    pixels = at @ CAMERA.T
    pixels = pixels[:, :2] / pixels[:, 2:]
    np.testing.assert_allclose(pixels, np.stack([columns, rows], 1), atol=5e-3)
    np.testing.assert_allclose(at[:, 2], drawn.depth, rtol=1e-5)
    np.testing.assert_allclose(drawn.weights.sum(1), 1, atol=1e-6)


def test_the_nearer_triangle_wins_whatever_the_order():
    near = [on_ray(*p, 500.0) for p in [(40, 20), (90, 20), (60, 70)]]
    far = [on_ray(*p, 501.0) for p in [(20, 10), (140, 15), (70, 85)]]
    for order in ([near, far], [far, near]):
        vertices = np.concatenate(order).astype(np.float32)
        faces = np.arange(6, dtype=np.int32).reshape(2, 3)
        drawn = raster.rasterise(vertices, faces, CAMERA, WINDOW, supersample=1)
        depth = drawn.grid(drawn.depth, np.inf)
        assert depth[40, 62] == pytest.approx(500, rel=1e-5)
        assert depth[18, 40] == pytest.approx(501, rel=1e-5)


@pytest.mark.parametrize("depth", [500.0, 5e3, 5e4, 5e5])
def test_a_thousandth_nearer_is_nearer(depth):
    # Two squares that cross: which is nearer changes in the middle.
    corners = [(40.3, 20.3), (99.7, 20.3), (99.7, 69.7), (40.3, 69.7)]
    slopes = np.array([0.999, 1.001, 1.001, 0.999]) * depth
    both = np.concatenate([slopes, slopes[::-1][[2, 3, 0, 1]]])
    vertices = np.array(
        [on_ray(*p, z) for p, z in zip(2 * corners, both, strict=True)]
    ).astype(np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    drawn = raster.rasterise(vertices, faces, CAMERA, WINDOW, supersample=1)
    face, exact = cast(vertices, faces, CAMERA, WINDOW, 1)
    assert np.isfinite(exact).sum() > 2800
    agree = drawn.grid(drawn.face // 2, -1) == np.floor_divide(face, 2)
    assert agree.mean() > 0.99


def test_what_reaches_behind_the_camera_is_left_out():
    vertices, faces = soup(1)
    behind = np.array([[-90, 0, 700], [90, 0, 700], [0, 40, -300]])
    crossing = np.concatenate([behind.astype(np.float32), vertices])
    both = np.concatenate([[[0, 1, 2]], faces + 3]).astype(np.int32)
    plain = raster.rasterise(vertices, faces, CAMERA, WINDOW)
    drawn = raster.rasterise(crossing, both, CAMERA, WINDOW)
    np.testing.assert_array_equal(drawn.face, plain.face + 1)
    np.testing.assert_array_equal(drawn.depth, plain.depth)
    none = raster.rasterise(-vertices, faces, CAMERA, WINDOW)
    assert len(none.samples) == 0
    assert none.interpolate(vertices).shape == (0, 3)
    assert raster.window_around(-vertices, CAMERA, (90, 160)) is None


def test_same_result_whatever_the_number_of_threads():
    vertices, faces = soup(2, count=3000)
    threads = cv2.getNumThreads()
    try:
        results = []
        for count in (1, 2, 2, 4):
            cv2.setNumThreads(count)
            results.append(raster.rasterise(vertices, faces, CAMERA, WINDOW))
    finally:
        cv2.setNumThreads(threads)
    for other in results[1:]:
        for field in ("samples", "face", "weights", "depth"):
            np.testing.assert_array_equal(
                getattr(other, field), getattr(results[0], field)
            )


def test_window_around_holds_the_mesh_and_stays_inside():
    vertices, faces = soup(3)
    everywhere = raster.rasterise(
        vertices, faces, CAMERA, (-500, -500, 1300, 1300), supersample=1
    )
    rows, columns = np.divmod(everywhere.samples, everywhere.shape[1])
    x0, y0, width, height = raster.window_around(vertices, CAMERA, (5000, 5000))
    inside = (columns >= 500) & (rows >= 500)
    assert columns[inside].min() - 500 >= x0
    assert columns.max() - 500 < x0 + width
    assert rows[inside].min() - 500 >= y0
    assert rows.max() - 500 < y0 + height
    x, y, width, height = raster.window_around(vertices, CAMERA, (60, 100))
    assert x >= 0 and y >= 0 and x + width == 100 and y + height == 60
    aside = vertices + np.array([1e5, 0, 0], np.float32)
    assert raster.window_around(aside, CAMERA, (90, 160)) is None
