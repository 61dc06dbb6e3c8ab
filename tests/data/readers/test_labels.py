import numpy as np
import pytest

from ordinal_tf.data.readers import labels

BOX = [[50.0, 60.0, 100.0]]


def test_unknown_fields_are_masked_zeros():
    photos = labels.labelled("set", ["a.jpg"], BOX)
    assert len(photos) == 1
    for key in ("keypoint_mask", "depth_mask", "relation_mask", "pose_mask"):
        assert not getattr(photos, key).any()
    for key in ("keypoints", "depth", "relation", "pose", "camera"):
        assert not getattr(photos, key).any()


def test_depth_is_the_poses_relative_to_the_root():
    pose = np.zeros((1, 17, 3))
    pose[0, :, 2] = np.arange(17) + 4000
    known = np.ones((1, 17), bool)
    known[0, 3] = False
    photos = labels.labelled("set", ["a.jpg"], BOX, pose=pose, pose_mask=known)
    expected = np.arange(17.0)
    expected[3] = 0
    np.testing.assert_array_equal(photos.depth[0], expected)
    np.testing.assert_array_equal(photos.depth_mask, known)


def test_without_the_root_no_depth_is_known():
    known = np.ones((1, 17), bool)
    known[0, 0] = False
    photos = labels.labelled(
        "set", ["a.jpg"], BOX, pose=np.ones((1, 17, 3)), pose_mask=known
    )
    assert photos.pose_mask.sum() == 16
    assert not photos.depth_mask.any() and not photos.depth.any()


def test_masked_values_may_be_anything():
    keypoints = np.full((1, 17, 2), np.nan)
    keypoints[0, 2] = 7
    photos = labels.labelled(
        "set",
        ["a.jpg"],
        BOX,
        keypoints=keypoints,
        keypoint_mask=np.arange(17)[None] == 2,
    )
    np.testing.assert_array_equal(photos.keypoints[0, 2], [7, 7])
    assert np.isfinite(photos.keypoints).all()


def test_bad_values_name_the_picture():
    with pytest.raises(ValueError, match="`boxes` of a.jpg is not finite"):
        labels.labelled("set", ["a.jpg"], [[0, 0, np.nan]])
    with pytest.raises(ValueError, match=r"`keypoints` must have shape"):
        labels.labelled("set", ["a.jpg"], BOX, keypoints=np.zeros((1, 14, 2)))


def test_depth_without_a_pose():
    depth = np.arange(17.0)[None] * 20
    known = np.ones((1, 17), bool)
    known[0, 16] = False
    photos = labels.labelled(
        *("set", ["a.jpg"], BOX), depth=depth, depth_mask=known
    )
    assert photos.depth[0, :16].tolist() == depth[0, :16].tolist()
    assert photos.depth[0, 16] == 0 and not photos.pose_mask.any()
    assert photos.depth_mask.tolist() == known.tolist()


def test_what_is_left_out_is_counted_and_said():
    said = []
    bad = labels.BadRecords("set", 2, said.append)
    bad.skip("one.")
    bad.finish(["two"])  # It has been named.
    assert said == ["skipped: one."]
    bad.leave_out("crowds", 3)
    bad.leave_out("nothing", 0)
    bad.skip("two.", kind="lines")
    bad.finish(["two"])
    assert said[2:] == [
        "set: left out 3 crowds, 1 bad records, each named, 1 lines."
    ]
    with pytest.raises(ValueError, match="set: no usable record is left"):
        bad.finish([])
    with pytest.raises(ValueError, match="more than 2 bad .*last one: three."):
        bad.skip("three.")
    photos = labels.labelled(
        *("set", ["a.jpg"], BOX), left_out=bad.left_out, notes=["So."]
    )
    assert photos.left_out["crowds"] == 3 and photos.notes == ("So.",)
    assert photos.take([0]).notes == ("So.",)
