import types

import cv2
import numpy as np
import pytest

from ordinal_tf.data.mocap import views
from ordinal_tf.synthetic.scene import backgrounds

SIZE = 96


def camera(elevation=0.0, height=1000.0, focal=1.5):
    """Looks along the floor from `height` mm, 4 m before the origin."""
    turn = views.camera_rotations(
        np.zeros(1), np.array([elevation]), np.zeros(1)
    )[0]
    centre = (SIZE - 1) / 2
    length = focal * SIZE
    return types.SimpleNamespace(
        intrinsics=np.array(
            [[length, 0, centre], [0, length, centre], [0, 0, 1]]
        ),
        rotation=turn,
        translation=np.array([0, height, 4000.0]),
    )


def draw(seed, **options):
    rng = np.random.default_rng(seed)
    return backgrounds.draw_background(rng, SIZE, camera(), **options)


@pytest.mark.parametrize("kind", backgrounds.KINDS)
def test_every_kind(kind):
    images = [draw(seed, kinds=((kind, 1.0),)) for seed in range(12)]
    for image in images:
        assert image.shape == (SIZE, SIZE, 3) and image.dtype == np.float32
        assert np.isfinite(image).all()
        assert image.min() >= 0 and image.max() <= 255
    # Others every time, and the same again from the same seed.
    for one, two in zip(images[1:], images[:-1], strict=True):
        assert np.abs(one - two).mean() > 2
    np.testing.assert_array_equal(images[3], draw(3, kinds=((kind, 1.0),)))


@pytest.mark.parametrize("elevation", [0.0, 0.15])
def test_the_horizon_is_the_cameras(elevation):
    """Looking level, the horizon is in the middle; looking down, higher."""
    rng = np.random.default_rng(0)
    rays, eye = backgrounds._rays(camera(elevation), SIZE, SIZE)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=-1), 1, rtol=1e-5)
    # camera = R world + t, so the camera is at -R' t.
    expected = -camera(elevation).rotation.T @ [0, 1000, 4000]
    np.testing.assert_allclose(eye, expected, rtol=1e-5)
    horizon = (SIZE - 1) / 2 - 1.5 * SIZE * np.tan(elevation)
    below = np.flatnonzero(rays[:, SIZE // 2, 1] < 0)
    assert below[0] == np.ceil(horizon)
    assert rng is not None


def test_pictures_replace_places(tmp_path):
    path = tmp_path / "red.png"
    red = np.zeros((200, 150, 3), np.uint8)
    red[..., 2] = 200  # BGR.
    cv2.imwrite(str(path), red)
    found = backgrounds.find_pictures(tmp_path)
    assert found == (str(path),)
    image = draw(0, pictures=found, picture_share=1.0)
    assert image[..., 0].min() > 100 and image[..., 1:].max() == 0


def test_no_pictures_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="holds no .jpg or .png"):
        backgrounds.find_pictures(tmp_path)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ((("sea", 1.0),), "`kinds` are of outdoors, .*'sea'"),
        ((("plain", 0.0),), "not all 0"),
        ((("plain", -1.0),), "0 or more"),
    ],
)
def test_bad_kinds(kinds, message):
    with pytest.raises(ValueError, match=message):
        draw(0, kinds=kinds)
