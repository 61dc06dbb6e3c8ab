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
