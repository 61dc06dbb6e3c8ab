"""Poses from what an image network found: by hand, and read from records."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import views
from ordinal_tf.evaluation import lifted
from tests import prepared_files

H36M = skeleton.H36M17


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "people"
    prepared_files.write_prepared(folder, count=6)
    return folder


def predict(image):
    """Something that only this picture has: its own mean."""
    mean = np.asarray(image, np.float32).mean((1, 2, 3))
    joint = np.arange(17, dtype=np.float32)
    return {
        "keypoints": np.stack([mean[:, None] + joint] * 2, axis=-1),
        "ordinal_depth": mean[:, None] * joint,
        "score": np.ones((len(mean), 17), np.float32),
    }


def test_depth_figures_by_hand():
    """Depths three times too small, one joint with the wrong sign."""
    true = np.zeros((2, 17, 3))
    true[0, 1:3, 2] = 200.0, -400.0
    true[1] = np.nan  # Whoever has no pose does not count.
    depth = np.zeros((2, 17))
    depth[0, 1:3] = 0.1, -0.2
    found = {"pose_true": true + 50.0, "ordinal_depth": depth + 7.0}
    exact = lifted.depth_figures(found)
    assert exact["depth_mm"] == pytest.approx(0.0, abs=1e-9)
    assert exact["order"] == 100.0
    found["ordinal_depth"][0, 2] = 7.2
    # The scale is (0.1 * 200 - 0.2 * 400) / 0.05 < 0, so 0.
    wrong = lifted.depth_figures(found)
    assert wrong["depth_mm"] == pytest.approx(600 / 16)
    assert wrong["order"] < 100.0


def test_found_people_in_order(folder):
    found = lifted.found_people(predict, folder, input_size=32, batch_size=4)
    for i in range(6):
        sample = prepared_files.DrawnPeople()[i]
        np.testing.assert_allclose(
            found["pose_true"][i], sample["pose"], rtol=1e-6
        )
    assert found["ordinal_depth"].shape == (6, 17)
    assert found["keypoint_mask"].all()
    # Each row is of a picture of its own, the batches joined in order.
    assert len(np.unique(found["keypoints"][:, 0, 0])) == 6
    again = lifted.found_people(predict, folder, input_size=32, batch_size=6)
    np.testing.assert_allclose(found["keypoints"], again["keypoints"])
    # The crops are those that the true keypoints belong to.
    extent = np.ptp(found["keypoints_true"], axis=1).max(-1)
    assert ((extent > 16) & (extent < 32)).all()


def test_read_out_by_hand():
    # Bones of average length, all in the picture's plane: the scale that was
    # taken away comes back.
    pose = prepared_files.standing()[None]
    factors = views.average_bones() / np.append(1, _lengths(pose[0]))
    flat = views.scale_limbs(pose, factors[None])
    flat[..., 2] = 0
    squared = np.sum(views.average_bones() ** 2)
    wanted = np.sqrt(squared / np.sum(_lengths(flat[0]) ** 2))
    read = lifted.read_out(0.01 * flat[..., :2] + 7, flat[..., 2])
    np.testing.assert_allclose(read, wanted * flat, atol=1e-3)
    # What lies in depth is no longer in the plane, down to half.
    depth = np.zeros((1, 17))
    depth[:, H36M.index("head_top")] = 300.0
    deep = lifted.read_out(flat[..., :2], depth)
    np.testing.assert_allclose(
        np.sum(_lengths(deep[0]) ** 2), squared, rtol=1e-6
    )
    np.testing.assert_array_equal(deep[..., 2], depth)
    half = lifted.read_out(flat[..., :2], 100 * depth)[..., :2]
    np.testing.assert_allclose(
        np.sum(_lengths(half[0]) ** 2), squared / 2, rtol=1e-6
    )
    # All joints in one place have no scale, and no NaN.
    none = lifted.read_out(np.zeros((1, 17, 2)), np.zeros((1, 17)))
    np.testing.assert_array_equal(none, 0)


def _lengths(pose):
    return np.array([np.linalg.norm(pose[c] - pose[p]) for p, c in H36M.bones])


def test_figures_by_hand():
    true = np.zeros((3, 17, 3))
    true[:, 1, 2], true[:, 2, 2] = 150.0, -50.0
    true += [10.0, 20.0, 3000.0]  # Any root.
    true[2] = np.nan  # Of this one no pose is known.
    depth = np.zeros((3, 17))
    # Pairs beyond 100 mm: joint 1 and each of the 16 others. The person has
    # all of them right; for the other, joint 1 comes in front.
    depth[:, 1] = 1.0, -1.0, 1.0
    pose = np.zeros((3, 17, 3))
    pose[:, 1, 2] = 160.0
    pose[:, 2, 2] = -50.0
    found = {"pose_true": true, "ordinal_depth": depth}
    figures = lifted.figures(found, pose)
    assert figures["order_given"] == 50 and figures["order_pose"] == 100
    assert figures["mpjpe"] == pytest.approx(10 / 17, rel=1e-5)
    assert 0 < figures["pa_mpjpe"] <= figures["mpjpe"]
    assert figures["poses"] == 2
    with pytest.raises(ValueError, match="Nobody.*known pose"):
        lifted.figures({**found, "pose_true": np.full_like(true, np.nan)}, pose)
