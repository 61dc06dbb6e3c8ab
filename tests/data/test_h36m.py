"""The Human3.6M annotation reader."""

import numpy as np
import pytest
import scipy.io

from ordinal_tf import skeleton
from ordinal_tf.data import h36m

K = np.array([[1000.0, 0, 500], [0, 900, 400], [0, 0, 1]])


def write(path, **changes):
    """A file of two poses whose joint j lies at (j, 2 j, 1000 + j) mm."""
    pose = np.arange(17) * np.array([[1.0], [2.0], [1.0]])
    pose[2] += 1000
    intrinsics = np.empty((2, 1), object)
    names = np.empty((2, 1), object)
    for row in range(2):
        intrinsics[row, 0], names[row, 0] = K, f"S9_Posing_1_{row}"
    fields = {"S": np.stack([pose, pose]), "K": intrinsics, "imgname": names}
    fields = {k: v for k, v in (fields | changes).items() if v is not None}
    scipy.io.savemat(path, {"annot": fields})
    return path


def test_the_right_leg_comes_first(tmp_path):
    read = h36m.read_annotations(write(tmp_path / "valid.mat"))
    assert read.names == ("S9_Posing_1_0", "S9_Posing_1_1")
    x = read.poses[0, :, 0]
    # The file's joints 1 to 3 are the left leg, 4 to 6 the right one.
    expected = [0, 4, 5, 6, 1, 2, 3, *range(7, 17)]
    np.testing.assert_array_equal(x, expected)
    views = read.views
    joint = skeleton.H36M17.index("left_wrist")
    np.testing.assert_allclose(
        views["keypoints_2d"][1, joint],
        [1000 * 13 / 1013 + 500, 900 * 26 / 1013 + 400],
        rtol=1e-6,
    )
    np.testing.assert_array_equal(views["pose_3d"][0, joint], [13, 26, 13])
    np.testing.assert_array_equal(views["depth"][0], expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"K": None}, "missing: K"),
        ({"S": np.zeros((2, 3, 16))}, r"shape \(N, 3, 17\)"),
        ({"S": np.full((2, 3, 17), np.nan)}, "not finite in row 0"),
        ({"S": np.zeros((3, 3, 17))}, "one 3 x 3 matrix per pose"),
    ],
)
def test_bad_annotations(tmp_path, changes, message):
    path = write(tmp_path / "valid.mat", **changes)
    with pytest.raises(ValueError, match=message):
        h36m.read_annotations(path)


def test_no_matlab_file(tmp_path):
    path = tmp_path / "valid.mat"
    path.write_bytes(b"not a MATLAB file, whatever its name says" * 20)
    with pytest.raises(ValueError, match="valid.mat"):
        h36m.read_annotations(path)
    with pytest.raises(OSError, match="missing"):
        h36m.read_annotations(tmp_path / "missing.mat")


def test_the_published_sample(shared_data):
    path = shared_data / "h36m_sample" / "annot" / "valid.mat"
    if not path.is_file():
        pytest.skip("No Human3.6M sample.")
    read = h36m.read_annotations(path)
    assert read.poses.shape == (394, 17, 3)
    # Limb lengths as the data's README gives them.
    for (parent, child), length in {
        ("left_hip", "left_knee"): 472.2,
        ("right_elbow", "right_wrist"): 249.0,
    }.items():
        one, two = (skeleton.H36M17.index(j) for j in (parent, child))
        found = np.linalg.norm(read.poses[:, one] - read.poses[:, two], axis=-1)
        np.testing.assert_allclose(found, length, atol=0.06)
    # Left by anatomy: y points down, so up x forward is the person's left.
    joint = dict(
        zip(skeleton.H36M17.joints, read.poses.swapaxes(0, 1), strict=True)
    )
    # Forward is where the jaw leaves the line from thorax to head.
    up = joint["thorax"] - joint["pelvis"]
    forward = 2 * joint["nose"] - joint["thorax"] - joint["head_top"]
    left = np.cross(up, forward)
    for side in ("hip", "shoulder"):
        across = joint[f"left_{side}"] - joint[f"right_{side}"]
        assert (np.sum(left * across, axis=-1) > 0).all()
    # The published figures of the first joint's depth.
    depth = read.poses[:, 0, 2]
    np.testing.assert_allclose([depth.min(), depth.max()], [4989, 6458], atol=1)
