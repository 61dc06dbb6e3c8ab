"""Pictures of motion capture: from the front, left is on our right."""

import numpy as np
import pytest

from ordinal_tf.data.mocap import pictures
from tests import mocap_files
from tests.data.mocap import test_person

# Columns of the two views and of the names.
PARTS = ((10, 400), (410, 800), (810, 1330))


@pytest.mark.parametrize("angle", [0.0, 0.7, np.pi / 2, 3.0, -2.0])
def test_people_face_us(angle):
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    pose = test_person.pose(1)[0]
    found = pictures.facing_us(pose @ turn.T)
    # The person's left is on our right, the head up, the face before.
    np.testing.assert_allclose(found, pose * [1, -1, -1], atol=1e-9)


def test_a_sheet_shows_both_views_and_the_names(tmp_path):
    path = mocap_files.write_bvh(tmp_path / "a.bvh", mocap_files.MIXAMO)
    clip = mocap_files.read_clip(path)
    image = pictures.sheet([clip])
    assert image.dtype == np.uint8 and image.shape[0] > 600

    # Far limbs fade, but stay blue (left) or orange (right).
    blue = image[..., 2].astype(int) - image[..., 0]
    columns = {
        side: [np.nonzero(blue[:, a:b] * sign > 80)[1] for a, b in PARTS]
        for side, sign in (("left", 1), ("right", -1))
    }
    front, side, names = zip(*columns.values(), strict=True)
    assert front[0].mean() > front[1].mean() + 20
    # From the left, the left side hides the right one.
    assert len(side[0]) > 20 + len(side[1])
    assert min(map(len, names)) > 20
    assert pictures.sheet([clip] * 4).shape[1] > 2 * 1300


def test_one_of_each_kind(tmp_path):
    tree = mocap_files.MIXAMO
    found = [
        mocap_files.read_clip(
            mocap_files.write_bvh(tmp_path / f"{name}.bvh", tree, scale=scale)
        )
        for name, scale in (("a", 100.0), ("b", 100.0), ("c", 1.0))
    ]
    kinds = pictures.one_of_each(found)
    assert [clip.name for clip in kinds] == ["a", "c"]
