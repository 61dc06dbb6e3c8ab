import numpy as np
import pytest

from ordinal_tf import vectors
from ordinal_tf.synthetic.scene import cameras

SIZE = 256


def person(seed):
    """Points of about a person's extent, the lowest on the floor."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 1, (60, 3)) * [250, 450, 250]
    return points - [0, points[:, 1].min(), 0]


def test_camera_axes():
    camera = cameras.sample_camera(
        np.random.default_rng(0),
        person(0),
        size=SIZE,
        roll=0.0,
        elevation=(0, 0),
        steep=(0, 1),
        aside=0.0,
        cut=(0, 0),
    )
    np.testing.assert_allclose(
        camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12
    )
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    # Up in the world is up in a level picture; the person is before it.
    up = cameras.to_camera(np.array([[0, 1e3, 0], [0, 0, 0.0]]), camera)
    np.testing.assert_allclose(up[0] - up[1], [0, -1e3, 0], atol=1e-9)
    assert up[1, 2] > 0
    # The camera itself is at its own origin.
    here = cameras.to_camera(cameras.place(camera), camera)
    np.testing.assert_allclose(here, 0, atol=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_the_person_fills_the_share_in_the_middle(seed):
    points = person(seed)
    camera = cameras.sample_camera(
        np.random.default_rng(seed),
        points,
        size=SIZE,
        share=(0.6, 0.7),
        aside=0.0,
        cut=(0, 0),
        nearest_mm=500.0,
    )
    seen = cameras.to_camera(points, camera)
    pixels = vectors.project(seen, camera.intrinsics)
    share = np.ptp(pixels, axis=0).max() / SIZE
    # Nearness limits may make it smaller, never larger.
    assert share < 0.72
    if seen[:, 2].min() > 510:
        assert share > 0.58
    # Nearly the middle: moving the camera aside changes the perspective.
    middle = (pixels.min(0) + pixels.max(0)) / 2
    np.testing.assert_allclose(middle, (SIZE - 1) / 2, atol=6)
    assert seen[:, 2].min() >= 500 - 1e-6
    assert cameras.place(camera)[1] >= cameras.FLOOR_GAP_MM


def test_people_are_cut_as_often_as_asked():
    def outside(seed, cut):
        camera = cameras.sample_camera(
            np.random.default_rng(seed), person(seed), size=SIZE, cut=cut
        )
        seen = cameras.to_camera(person(seed), camera)
        pixels = vectors.project(seen, camera.intrinsics)
        return np.any((pixels < -0.5) | (pixels > SIZE - 0.5))

    # Aside by 8 % of a picture that is filled to 92 % cuts a little, too.
    never = [outside(seed, (0.0, 0.5)) for seed in range(60)]
    assert np.mean(never) < 0.3
    always = [outside(seed, (1.0, 0.5)) for seed in range(60)]
    assert np.mean(always) > 0.6


def test_same_seed_same_camera():
    one, two = (
        cameras.sample_camera(np.random.default_rng(5), person(1), size=SIZE)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.rotation, two.rotation)
    np.testing.assert_array_equal(one.translation, two.translation)


@pytest.mark.parametrize("nearest_mm", [1200.0, 4000.0])
def test_a_camera_keeps_its_distance(nearest_mm):
    """With a wide lens every camera would come nearer than asked."""
    for seed in range(20):
        points = person(seed)
        camera = cameras.sample_camera(
            np.random.default_rng(seed),
            points,
            size=SIZE,
            focal=(0.3, 0.31),
            share=(0.9, 0.92),
            cut=(0, 0),
            nearest_mm=nearest_mm,
        )
        nearest = cameras.to_camera(points, camera)[:, 2].min()
        assert nearest >= nearest_mm - 1e-6
        # It binds: no camera is farther away than it must be.
        if cameras.place(camera)[1] > cameras.FLOOR_GAP_MM + 400:
            assert nearest < nearest_mm + 1e-6


def angles(seed, **options):
    """Elevation and roll, radians, from where world's up is in the picture."""
    camera = cameras.sample_camera(
        np.random.default_rng(seed), person(seed) + [0, 5000, 0], **options
    )
    up = camera.rotation @ [0, 1, 0]
    return np.arcsin(-up[2]), np.arctan2(up[0], -up[1])


def test_elevation_and_roll_are_radians():
    usual = [angles(s, size=SIZE, steep=(0, 1), roll=0.3) for s in range(300)]
    elevation, roll = np.transpose(usual)
    assert -0.25 <= elevation.min() < -0.2 and 0.45 < elevation.max() <= 0.5
    np.testing.assert_allclose(roll.std(), 0.3, rtol=0.15)
    steep = [
        angles(s, size=SIZE, steep=(1.0, 1.2), roll=0.0)[0] for s in range(200)
    ]
    assert 0.5 <= min(steep) < 0.55 and 1.15 < max(steep) <= 1.2


def test_a_camera_below_the_floor_is_lifted():
    """Half of those that look up steeply would be below it."""
    for seed in range(40):
        camera = cameras.sample_camera(
            np.random.default_rng(seed),
            person(seed),
            size=SIZE,
            elevation=(-1.2, -0.9),
            steep=(0, 1),
        )
        assert cameras.place(camera)[1] >= cameras.FLOOR_GAP_MM
