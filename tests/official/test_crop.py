"""The published crop against golden vectors."""

import numpy as np
import pytest

from tests.official import crop

CASES = range(11)
FULL = (2, 5, 8, 9)


@pytest.fixture(scope="module")
def vectors(golden):
    with np.load(golden / "crop.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def case(vectors):
    """Function of a case's number: its image and crop arguments."""

    def arguments(i):
        image = vectors["images_uint8"][vectors["image_index"][i]]
        return image, (
            vectors["center"][i],
            float(vectors["scale"][i]),
            float(vectors["rot_deg"][i]),
            int(vectors["res"]),
        )

    return arguments


@pytest.mark.parametrize("i", CASES)
def test_boxes_and_patches_golden(vectors, case, i):
    image, box = case(i)
    first, second, margin = crop.crop_box(*box)
    np.testing.assert_array_equal(first, vectors["ul_1based"][i])
    np.testing.assert_array_equal(second, vectors["br_1based"][i])
    assert margin == vectors["pad"][i]
    patch = crop.cut_patch(image, first, second)
    np.testing.assert_array_equal(patch.shape[:2], vectors["patch_hw"][i])
    np.testing.assert_array_equal(patch, vectors[f"patch_{i:02}"])


@pytest.mark.parametrize("i", CASES)
def test_crop_golden(vectors, case, i):
    image, box = case(i)
    result = crop.crop(image / np.float32(255), *box)
    expected = vectors[f"out_sub4_{i:02}"]
    np.testing.assert_allclose(result[::4, ::4], expected, rtol=0, atol=2e-5)
    for axis, key in ((1, "rowmean"), (0, "colmean")):
        mean = result.mean(axis, dtype=np.float64)
        expected = vectors[f"out_{key}_{i:02}"]
        np.testing.assert_allclose(mean, expected, rtol=0, atol=1e-5)
    if i in FULL:
        counts = np.round(result.astype(np.float64) * 65535)
        difference = counts - vectors[f"out_full_u16_{i:02}"]
        assert np.abs(difference).max() <= 2


def test_every_full_crop_is_compared(vectors):
    full = [key for key in vectors if key.startswith("out_full_u16_")]
    assert sorted(full) == [f"out_full_u16_{i:02}" for i in FULL]


@pytest.mark.parametrize(("source", "target"), [(3, 5), (5, 3), (4, 4)])
def test_resize_weights_by_hand(source, target):
    expected = {
        3: [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]],
        4: np.eye(4),
        # Output pixels cover 5 / 3 of an input pixel each.
        5: np.array([[3, 2, 0, 0, 0], [0, 1, 3, 1, 0], [0, 0, 0, 2, 3]]) / 5,
    }[source]
    weights = crop.resize_weights(source, target)
    np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_rotation_without_margin_is_refused():
    with pytest.raises(ValueError, match="half diagonal.*box of 2 px"):
        crop.crop(np.zeros((9, 9, 3)), (4, 4), 0.01, 30.0, 64)
