"""Light against closed forms; coverage and depth of whole people."""

import dataclasses

import cv2
import numpy as np
import pytest

from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.body import posing
from ordinal_tf.synthetic.clothes import looks
from ordinal_tf.synthetic.render import raster, shading

CAMERA = np.array([[400.0, 0, 63.5], [0, 400.0, 63.5], [0, 0, 1]])


def light(direction=(0.0, 0.0, -1.0), sky=0.0, ground=0.0, colour=1.0):
    direction = np.asarray(direction, np.float32)
    return shading.Light(
        direction=direction / np.linalg.norm(direction),
        colour=np.full(3, colour, np.float32),
        sky=np.full(3, sky, np.float32),
        ground=np.full(3, ground, np.float32),
        up=np.float32([0, -1, 0]),
    )


def sphere(radius=300.0, depth=2000.0, rings=90):
    """A sphere in front of the camera, counter-clockwise from outside."""
    polar = np.linspace(0, np.pi, rings)
    around = np.linspace(0, 2 * np.pi, 2 * rings)
    p, a = np.meshgrid(polar, around, indexing="ij")
    out = np.stack(
        [np.sin(p) * np.cos(a), np.cos(p), np.sin(p) * np.sin(a)], -1
    )
    number = np.arange(p.size).reshape(p.shape)
    a, b = number[:-1, :-1].ravel(), number[:-1, 1:].ravel()
    c, d = number[1:, 1:].ravel(), number[1:, :-1].ravel()
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    vertices = radius * out.reshape(-1, 3) + [0, 0, depth]
    return vertices.astype(np.float32), faces.astype(np.int32)


@pytest.fixture(scope="module")
def person():
    """A person at rest who faces the camera, three metres away."""
    body = bodies.load_body()
    turn = np.diag([1, -1, -1]).astype(np.float32)
    vertices = body.vertices @ turn + np.float32([0, 850, 7000])
    return body, vertices, posing.normals(body.vertices, body.faces) @ turn


def draw(person, look=None, lamp=None, size=128, camera=CAMERA):
    body, vertices, normals = person
    look = look or looks.sample_look(np.random.default_rng(0))
    return shading.render(
        vertices,
        normals,
        body,
        look,
        lamp or light(sky=0.3, ground=0.2),
        camera,
        size,
    )


def test_a_sphere_follows_lamberts_law():
    vertices, faces = sphere()
    lamp = light((0.6, -0.5, -0.7), colour=0.9)
    drawn = raster.rasterise(
        vertices, faces, CAMERA, (0, 0, 128, 128), supersample=1
    )
    normal = drawn.interpolate(posing.normals(vertices, faces)).T
    normal = normal / np.linalg.norm(normal, axis=0)
    albedo = np.full_like(normal, 0.5)
    # By geometry alone: where the pixel's ray meets the sphere.
    rows, columns = np.divmod(drawn.samples, 128)
    rays = np.stack([columns, rows, np.ones_like(rows)], -1)
    rays = rays @ np.linalg.inv(CAMERA).T
    b = rays[:, 2] * 2000.0
    square = (rays**2).sum(1)
    root = np.sqrt(np.maximum(b**2 - square * (2000.0**2 - 300.0**2), 0))
    hit = rays * ((b - root) / square)[:, None]
    exact = (hit - [0, 0, 2000.0]) / 300.0
    expected = 0.5 * 0.9 * np.maximum(exact @ lamp.direction, 0)
    ours = shading.shade(normal, albedo, lamp)
    well_inside = root > 0.2 * b.max() * 0.1
    assert well_inside.sum() > 5000
    np.testing.assert_allclose(
        ours[:, well_inside], np.tile(expected[well_inside], (3, 1)), atol=0.01
    )


def test_light_from_all_sides():
    normal = np.float32([[0, 0, 1], [-1, 1, 0], [0, 0, 0]])
    albedo = np.full((3, 3), 0.5, np.float32)
    lamp = light(sky=0.8, ground=0.2, colour=0.0)
    ours = shading.shade(normal, albedo, lamp)
    # Up sees the sky, down the ground, sideways half of each.
    np.testing.assert_allclose(ours[0], [0.4, 0.1, 0.25], rtol=1e-6)
    half = shading.shade(normal, albedo, lamp, open_to_sky=0.5)
    np.testing.assert_allclose(half, ours / 2, rtol=1e-6)
    assert ours.dtype == np.float32


def test_highlight_lies_where_light_is_mirrored():
    lamp = light((1.0, 0.0, 0.0))
    mirror = np.float32([[1], [0], [-1]]) / np.float32(np.sqrt(2))
    aside = np.float32([[1], [0], [0]])
    black = np.zeros((3, 1), np.float32)
    bright = shading.shade(mirror, black, lamp, gloss=0.1)
    np.testing.assert_allclose(bright, 0.4, rtol=1e-5)
    dull = shading.shade(aside, black, lamp, gloss=0.1)
    np.testing.assert_allclose(dull, 0.4 * 0.5**8, rtol=1e-4)
    assert not shading.shade(mirror, black, lamp, lit=0.0, gloss=0.1).any()


def test_a_blocker_shadows_what_lies_behind_it():
    # A square between the light on the left and the points.
    corners = [[0, -100, 900], [0, 100, 900], [0, 100, 1100], [0, -100, 1100]]
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    far = [[500, -400, 1000], [500, 400, 1000], [510, 0, 1400]]
    vertices = np.array(corners + far, np.float32)
    faces = np.concatenate([faces, faces[:, ::-1], [[4, 5, 6], [4, 6, 5]]])
    points = np.array(
        [[200, 0, 1000], [200, 150, 1000], [-200, 0, 1000], [200, 0, 850]],
        np.float32,
    ).T
    lit = shading.shadow(
        vertices, faces.astype(np.int32), light((-1.0, 0, 0)), points
    )
    np.testing.assert_allclose(lit, [0, 1, 1, 1], atol=1e-6)


def test_shadow_of_a_sphere_falls_on_its_far_side():
    vertices, faces = sphere()
    lamp = light((-1.0, 0.0, 0.0))
    normal = (vertices - [0, 0, 2000]) / 300
    lit = shading.shadow(
        vertices, faces, lamp, (vertices + 15 * normal).T.astype(np.float32)
    )
    facing = normal @ lamp.direction
    assert lit[facing > 0.15].min() == 1
    # 15 mm off the sphere, light passes beside it at first.
    assert lit[facing < -0.4].max() == 0
    assert lit.dtype == np.float32


def test_depth_and_mask_are_those_of_the_mesh(person):
    plain = looks.sample_look(np.random.default_rng(1), clothes=False)
    drawn = draw(person, plain)
    body, vertices, _ = person
    assert drawn.rgb.shape == (128, 128, 3) and drawn.rgb.dtype == np.float32
    assert drawn.depth.dtype == drawn.alpha.dtype == np.float32
    np.testing.assert_array_equal(drawn.mask, drawn.alpha >= 0.5)
    np.testing.assert_array_equal(np.isfinite(drawn.depth), drawn.alpha > 0)
    # Colours carry their coverage and stay within it.
    assert (drawn.rgb <= 255 * drawn.alpha[..., None] + 1e-3).all()
    skin = body.faces[body.face_layer <= 1]
    whole = raster.rasterise(
        vertices, skin, CAMERA, (0, 0, 128, 128), supersample=2
    )
    share = whole.grid(np.ones(len(whole.samples), np.float32), 0)
    share = share.reshape(128, 2, 128, 2).mean((1, 3))
    # The suit is 3 mm thick, and a pixel 17 mm wide.
    assert np.abs(share - drawn.alpha).mean() < 0.01
    both = (share == 1) & (drawn.alpha == 1)
    depth = whole.grid(whole.depth, np.inf).reshape(128, 2, 128, 2)
    gap = depth.min((1, 3))[both] - drawn.depth[both]
    assert both.sum() > 1000
    # Smoothed in concave places, otherwise just outside of the skin.
    assert -3 < np.median(gap) < 8 and np.abs(gap).max() < 60


def test_the_same_twice_whatever_the_number_of_threads(person):
    threads = cv2.getNumThreads()
    try:
        results = []
        for count in (1, 2):
            cv2.setNumThreads(count)
            results.append(draw(person))
    finally:
        cv2.setNumThreads(threads)
    for field in ("rgb", "alpha", "depth", "mask"):
        np.testing.assert_array_equal(
            getattr(results[0], field), getattr(results[1], field)
        )


def test_a_crop_is_part_of_the_picture(person):
    # Moving the principal point moves the picture, pixel by pixel.
    moved = CAMERA - [[0, 0, 20], [0, 0, 10], [0, 0, 0]]
    whole = draw(person)
    part = draw(person, size=(100, 90), camera=moved)
    assert part.alpha.shape == (100, 90)
    gap = np.abs(whole.alpha[10:110, 20:110] - part.alpha)
    # Rounding may move a sample over an edge.
    assert gap.mean() < 1e-3


def test_nothing_is_drawn_of_who_is_out_of_the_picture(person):
    body, vertices, normals = person
    for shift in ([9000, 0, 0], [0, 0, -20000]):
        aside = (body, vertices + np.float32(shift), normals)
        drawn = draw(aside)
        assert not drawn.rgb.any() and not drawn.alpha.any()
        assert np.isinf(drawn.depth).all() and not drawn.mask.any()


@pytest.mark.parametrize("metres", [40, 400, 4000])
def test_people_as_small_as_a_pixel(person, metres):
    body, vertices, normals = person
    far = vertices + np.float32([0, 0, 1000 * metres])
    look = dataclasses.replace(
        looks.sample_look(np.random.default_rng(0)), garments=()
    )
    drawn = draw((body, far, normals), look)
    height = CAMERA[0, 0] * 1.68 / (metres + 7)
    assert drawn.alpha.sum() < 3 * max(height, 0.2) ** 2
    assert np.isfinite(drawn.rgb).all()
    if height > 5:  # Less may fall between the samples.
        assert drawn.depth.min() == pytest.approx(
            1000 * metres + 7000, rel=0.01
        )


def test_brightness_follows_the_light(person):
    bright = draw(person, lamp=light((0.3, -0.4, -1), sky=0.4, ground=0.3))
    dim = draw(person, lamp=light((0.3, -0.4, 1), sky=0.1, ground=0.05))
    assert bright.rgb.sum() > 1.5 * dim.rgb.sum()
    np.testing.assert_array_equal(bright.alpha, dim.alpha)


def test_sampled_lights_come_from_above_the_ground():
    up = np.float32([0.1, -0.9, -0.4])
    up /= np.linalg.norm(up)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        lamp = shading.sample_light(rng, up=up, flash=0.0)
        again = shading.sample_light(
            np.random.default_rng(seed), up=up, flash=0.0
        )
        np.testing.assert_array_equal(lamp.direction, again.direction)
        assert np.linalg.norm(lamp.direction) == pytest.approx(1, abs=1e-5)
        assert np.sin(0.14) < lamp.direction @ up < np.sin(1.36)
        for colour in (lamp.colour, lamp.sky, lamp.ground):
            assert (colour > 0).all() and (colour < 2.5).all()
    flash = shading.sample_light(np.random.default_rng(0), up=up, flash=1.0)
    assert flash.direction[2] < -0.9


def test_ground_shadow_lies_away_from_the_light(person):
    _, vertices, _ = person
    floor = np.float32([0, vertices[:, 1].max(), 7000])
    low = np.array([[200.0, 0, 63.5], [0, 200.0, 30.0], [0, 0, 1]])
    for side in (-1, 1):
        lamp = light((side, -1.0, 0.0), sky=0.2)
        left = shading.ground_shadow(vertices, lamp, low, 128, floor=floor)
        assert left.shape == (128, 128)
        assert left.min() >= 0 and left.max() <= 1
        # Light from the right throws the shadow to the left.
        columns = np.arange(128) - 63.5
        assert ((1 - left) * columns).sum() * side < 0
        # Nothing falls above the horizon, where the floor ends.
        assert left[:24].min() > 0.98
