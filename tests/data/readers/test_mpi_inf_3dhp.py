"""MPI-INF-3DHP's test set, in files as MATLAB 7.3 writes them."""

from unittest import mock

import h5py
import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.readers import mpi_inf_3dhp
from tests import bodies

H36M, DHP = skeleton.H36M17, skeleton.MPI_INF_3DHP17
K = np.array([[1500.0, 0, 1024], [0, 1400, 1000], [0, 0, 1]])


def quiet(text):
    del text


def poses(count):
    """`(count, 17, 3)` mm, camera axes."""
    return bodies.people(count, DHP.joints) + [100, 50, 4000]


def arrays(count=4, **changes):
    """What annot_data.mat holds; None leaves an array out."""
    pose = poses(count)
    points = pose @ K.T
    content = {
        "annot2": (points[..., :2] / points[..., 2:])[:, None],
        "univ_annot3": 0.9 * pose[:, None],
        "valid_frame": np.ones((count, 1), np.uint8),
        "activity_annotation": np.ones((count, 1)),
    }
    content = content | changes
    return {k: v for k, v in content.items() if v is not None}


def write(folder, content, *, pictures=4):
    images = folder / "imageSequence"
    images.mkdir(parents=True)
    for k in range(1, pictures + 1):
        (images / f"img_{k:06}.jpg").write_bytes(b"")
    # MATLAB puts 512 bytes of text in front of the HDF5.
    path = folder / "annot_data.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in content.items():
            file.create_dataset(name, data=array, compression="gzip")
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    return folder


def read(folder, sequences=("TS1",), **options):
    with mock.patch.object(mpi_inf_3dhp, "SEQUENCES", sequences):
        return mpi_inf_3dhp.read_mpi_inf_3dhp(folder, report=quiet, **options)


def test_valid_frames_by_name(tmp_path):
    valid = np.array([[1], [0], [1], [1]])
    write(tmp_path / "TS1", arrays(valid_frame=valid))
    photos = read(tmp_path)
    assert photos.name == "mpi_inf_3dhp_test"
    assert [path[-10:] for path in photos.paths] == [
        "000001.jpg",
        "000003.jpg",
        "000004.jpg",
    ]
    pose = 0.9 * poses(4)[[0, 2, 3]]
    points = poses(4)[[0, 2, 3]] @ K.T
    points = points[..., :2] / points[..., 2:]
    for ours, theirs in {
        "left_wrist": "left_wrist",
        "right_ankle": "right_ankle",
        "thorax": "neck",
        "nose": "head",
        "head_top": "head_top",
        "spine": "spine",
    }.items():
        i, j = H36M.index(ours), DHP.index(theirs)
        np.testing.assert_allclose(photos.pose[:, i], pose[:, j], rtol=1e-5)
        np.testing.assert_allclose(
            photos.keypoints[:, i], points[:, j], rtol=1e-5
        )
        depth = pose[:, j, 2] - pose[:, DHP.root, 2]
        np.testing.assert_allclose(photos.depth[:, i], depth, atol=1e-2)
    assert photos.pose_mask.all() and photos.keypoint_mask.all()
    assert not photos.camera.any()
    low, high = points.min(1), points.max(1)
    np.testing.assert_allclose(photos.boxes[:, :2], (low + high) / 2, rtol=1e-5)
    side = 1.25 * (high - low).max(-1)
    np.testing.assert_allclose(photos.boxes[:, 2], side, rtol=1e-5)


def test_sequence_after_sequence(tmp_path):
    for name in ("TS2", "TS5"):
        write(tmp_path / name, arrays())
    photos = read(tmp_path, sequences=("TS2", "TS5"))
    assert len(photos) == 8 and "TS5" in photos.paths[4]
    np.testing.assert_array_equal(photos.pose[:4], photos.pose[4:])


def test_all_six_by_default(tmp_path):
    write(tmp_path / "TS1", arrays())
    with pytest.raises(ValueError, match="TS2.*annot_data.mat is missing"):
        mpi_inf_3dhp.read_mpi_inf_3dhp(tmp_path, report=quiet)
    with pytest.raises(ValueError, match="must be 'test'. Received: 'train'"):
        mpi_inf_3dhp.read_mpi_inf_3dhp(tmp_path, split="train")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("annot2", np.nan, "its joints are not finite"),
        ("annot2", 1e9, "its joints are not finite"),
        ("univ_annot3", np.inf, "its joints are not finite"),
        ("univ_annot3", -5000.0, "it is behind the camera"),
        ("univ_annot3", 20000.0, "by univ_annot3, its joints lie 16"),
        (None, None, "there is no .*img_000002.jpg"),
    ],
)
def test_bad_frames(tmp_path, key, value, message):
    content = arrays()
    if key:
        content[key][1, 0, 3, -1] = value
    folder = write(tmp_path / "TS1", content)
    if not key:
        (folder / "imageSequence" / "img_000002.jpg").unlink()
    with pytest.raises(ValueError, match=f"frame 2 of .*{message}"):
        read(tmp_path, skip_limit=0)
    photos = read(tmp_path, skip_limit=1)
    assert len(photos) == 3
    # The third frame has its own labels, not those of the second.
    write(tmp_path / "whole" / "TS1", arrays())
    whole = read(tmp_path / "whole")
    for name, array in whole.columns.items():
        if name != "paths":
            np.testing.assert_array_equal(
                getattr(photos, name), array[[0, 2, 3]], name
            )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annot2": None}, "no dataset 'annot2'; it holds activity_annot"),
        ({"annot2": np.zeros((3, 1, 17, 2))}, r"shape \(4, 1, 17, 2\).*Found"),
        ({"univ_annot3": np.zeros((4, 1, 28, 3))}, r"shape \(4, 1, 17, 3\)"),
        ({"valid_frame": np.zeros((4, 1))}, "no usable record"),
    ],
)
def test_bad_files(tmp_path, changes, message):
    write(tmp_path / "TS1", arrays(**changes))
    with pytest.raises(ValueError, match=message):
        read(tmp_path)


def test_poses_in_metres(tmp_path):
    write(tmp_path / "TS1", arrays(univ_annot3=poses(4)[:, None] / 1000))
    with pytest.raises(ValueError, match="a person of 1.7.* mm; are these met"):
        read(tmp_path, skip_limit=0)


def test_frames_that_do_not_count_are_counted(tmp_path):
    valid = np.array([[1], [0], [0], [1]])
    write(tmp_path / "TS1", arrays(valid_frame=valid))
    photos = read(tmp_path)
    assert photos.left_out == {"frames that are not marked as valid": 2}


# mpii_get_joint_set.m of the data set, `relevant`, as other readers of the
# test set list it (mmhuman3d's keypoints_mapping/mpi_inf_3dhp.py).
TEST_JOINTS = (
    "head_top neck right_shoulder right_elbow right_wrist left_shoulder "
    "left_elbow left_wrist right_hip right_knee right_ankle left_hip "
    "left_knee left_ankle pelvis spine head"
).split()


def test_joints_in_the_published_order(tmp_path):
    write(tmp_path / "TS1", arrays(1), pictures=1)
    photos = read(tmp_path)
    pose = 0.9 * poses(1)[0]
    own = {"neck": "thorax", "head": "nose"}
    for k, joint in enumerate(TEST_JOINTS):
        ours = H36M.index(own.get(joint, joint))
        np.testing.assert_allclose(photos.pose[0, ours], pose[k], rtol=1e-5)
