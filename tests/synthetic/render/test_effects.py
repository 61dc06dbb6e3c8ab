import cv2
import numpy as np
import pytest

from ordinal_tf.synthetic.render import effects

SIZE = 64
NOTHING = {
    "exposure": (1.0, 1.0),
    "contrast": (1.0, 1.0),
    "white_balance": 0.0,
    "saturation": (1.0, 1.0),
    "grey": 0.0,
    "vignette": (0.0, 0.0),
    "defocus": (0.0, 1.0),
    "motion": (0.0, 1.0),
    "shrink": (0.0, 1.0),
    "sharpen": (0.0, 1.0),
    "noise": (0.0, 0.0),
    "quality": (100, 100),
}


def picture(seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(40, 200, (8, 8, 3)).astype(np.float32)
    return cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


def finish(image, seed=0, **options):
    rng = np.random.default_rng(seed)
    return effects.finish(rng, image, **{**NOTHING, **options})[1].astype(float)


def test_nothing_is_nothing():
    # A JPEG halves the resolution of the colours, not of the brightness.
    weights = [0.299, 0.587, 0.114]
    np.testing.assert_allclose(
        finish(picture()) @ weights, picture() @ weights, atol=2
    )


def test_the_picture_is_what_the_file_decodes_to():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        data, image = effects.finish(rng, picture(seed))
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(image, decoded[..., ::-1])
        assert image.shape == (SIZE, SIZE, 3) and image.dtype == np.uint8
        again = effects.finish(np.random.default_rng(seed), picture(seed))[0]
        assert again == data


def test_exposure_and_contrast():
    dark = finish(picture(), exposure=(0.5, 0.5))
    np.testing.assert_allclose(dark, 0.5 * picture(), atol=8)
    flat = finish(picture(), contrast=(0.5, 0.5))
    np.testing.assert_allclose(flat, 118 + 0.5 * (picture() - 118), atol=8)


def test_grey_pictures_have_no_colour():
    grey = finish(picture(), grey=1.0)
    assert np.ptp(grey, axis=-1).max() <= 2
    luma = picture() @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(grey[..., 1], luma, atol=6)


def test_noise_has_the_spread_asked_for():
    flat = np.full((SIZE, SIZE, 3), 127.5, np.float32)
    noisy = finish(flat, noise=(8.0, 8.0))
    # JPEG takes a part of the chroma's.
    luma = noisy @ [0.299, 0.587, 0.114]
    expected = 8 * np.linalg.norm([0.299, 0.587, 0.114])
    assert luma.std() == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(
    "option",
    [{"defocus": (1.0, 6.0)}, {"motion": (1.0, 30.0)}, {"shrink": (1.0, 0.25)}],
)
def test_blurs_remove_detail_and_keep_the_mean(option):
    rng = np.random.default_rng(1)
    sharp = rng.uniform(60, 190, (SIZE, SIZE, 3)).astype(np.float32)
    blurred = finish(sharp, seed=3, **option)
    assert blurred.std() < 0.8 * sharp.std()
    assert blurred.mean() == pytest.approx(sharp.mean(), abs=3)


def test_corners_are_darker():
    flat = np.full((SIZE, SIZE, 3), 200, np.float32)
    image = finish(flat, vignette=(0.5, 0.5))
    assert image[SIZE // 2, SIZE // 2] == pytest.approx(200, abs=4)
    np.testing.assert_allclose(image[0, 0], 100, atol=4)
