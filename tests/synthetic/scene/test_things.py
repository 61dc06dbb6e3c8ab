"""Things stand on the floor, where the camera sees them, by hand."""

import types

import numpy as np
import pytest

from ordinal_tf.data.mocap import views
from ordinal_tf.synthetic.scene import things

SIZE = 128
FOCAL = 1.5 * SIZE


def camera(elevation=0.0, height=1200.0, away=4000.0):
    """Looks at -z from `away` mm before the origin, `height` mm high."""
    turn = views.camera_rotations(
        np.zeros(1), np.array([elevation]), np.zeros(1)
    )[0]
    centre = (SIZE - 1) / 2
    eye = np.array([0.0, height, away])
    return types.SimpleNamespace(
        intrinsics=np.array(
            [[FOCAL, 0, centre], [0, FOCAL, centre], [0, 0, 1]]
        ),
        rotation=turn,
        translation=-turn @ eye,
    )


def draw(seed, count=10, *, indoors=False, **view):
    image = np.full((SIZE, SIZE, 3), 100, np.float32)
    rng = np.random.default_rng(seed)
    drawn = things.draw_things(
        rng, image, camera(**view), count, indoors=indoors
    )
    assert np.all(image == 100)  # The argument is left as it was.
    return drawn


@pytest.mark.parametrize("indoors", [False, True])
def test_things_are_drawn(indoors):
    drawn = [draw(seed, indoors=indoors) for seed in range(8)]
    for image in drawn:
        assert image.shape == (SIZE, SIZE, 3) and image.dtype == np.float32
        assert image.min() >= 0 and image.max() <= 255
        assert np.mean(np.abs(image - 100).max(-1) > 10) > 0.02
    assert np.abs(drawn[0] - drawn[1]).mean() > 1
    np.testing.assert_array_equal(drawn[2], draw(2, indoors=indoors))
    np.testing.assert_array_equal(draw(0, count=0), 100)


def test_feet_and_tops_by_hand():
    """A level camera 1.2 m high: 10 m away, 1 m is FOCAL / 10 pixels."""
    view, centre = camera(), (SIZE - 1) / 2
    eye = np.array([0, 1200.0, 4000.0])
    foot, up = things._stand(view, eye, centre, 10000.0, 2000.0, SIZE)
    np.testing.assert_allclose(foot, [centre, centre + FOCAL * 0.12], atol=1e-6)
    np.testing.assert_allclose(up, [0, -FOCAL * 0.2], atol=1e-6)
    # At the column that was asked for, in a level picture.
    foot, _ = things._stand(view, eye, 20.0, 10000.0, 2000.0, SIZE)
    assert foot[0] == pytest.approx(20.0)


def test_what_is_not_seen_is_left_out():
    # Straight down, the floor around the person has no horizon.
    down = draw(0, elevation=np.pi / 2, height=4000.0, away=0.0)
    np.testing.assert_array_equal(down, 100)


def test_things_keep_behind_the_person():
    """Nothing reaches the floor nearer than the person's own feet."""
    for seed in range(6):
        drawn = draw(seed, indoors=True, height=1500.0)
        feet = (SIZE - 1) / 2 + FOCAL * 1500 / 4000
        below = drawn[int(feet) + 2 :]
        np.testing.assert_array_equal(below, 100)


def sprite():
    """Eight by eight, opaque on the left half, every pixel another red."""
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[:, :4, 0] = np.arange(32).reshape(8, 4) * 4
    picture[:, :4, 3] = 255
    return (picture,)


def pasted(**given):
    canvas = np.full((20, 20, 3), 60, np.uint8)
    arguments = {
        "foot": np.array([10.0, 15.0]),
        "up": np.array([0.0, -8.0]),
        "mirrored": False,
        "gains": np.ones(3),
        "share": 0.0,
        **given,
    }
    things._paste(canvas, sprite(), **arguments)
    return canvas


def test_pasting_by_hand():
    plain = pasted()
    np.testing.assert_array_equal(
        plain[7:15, 6:10, 0], np.arange(32).reshape(8, 4) * 4
    )
    # Where it is not opaque, and around it, nothing changes.
    assert np.all(plain[:, 10:] == 60) and np.all(plain[:7] == 60)
    mirrored = pasted(mirrored=True)
    np.testing.assert_array_equal(
        mirrored[7:15, 11:15, 0], plain[7:15, 6:10, 0][:, ::-1]
    )
    brighter = pasted(gains=np.array([2.0, 1.0, 1.0]))
    np.testing.assert_array_equal(
        brighter[7:15, 6:10, 0], 2 * plain[7:15, 6:10, 0]
    )
    # Far away, everything has the colour of the air.
    far = pasted(share=1.0)
    assert np.all(far[7:15, 6:10] == things._MIST)
    dark = pasted(gains=None)
    assert np.all(dark[7:15, 6:10] == 0) and np.all(dark[:, 10:] == 60)


def test_pasting_outside_does_nothing():
    np.testing.assert_array_equal(pasted(foot=np.array([-50.0, 15.0])), 60)
    # Partly inside, only that part is drawn.
    cut = pasted(foot=np.array([0.0, 4.0]))
    assert np.all(cut[4:] == 60)
