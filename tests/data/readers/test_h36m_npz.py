"""Human3.6M in the files of other projects."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.readers import h36m_npz
from tests import bodies, h36m_files

H36M = skeleton.H36M17
SELECTED = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


def quiet(text):
    del text


def arrays(**changes):
    """What `h36m_train.npz` of three frames holds; None leaves one out."""
    rng = np.random.default_rng(0)
    part = np.ones((3, 17, 3))
    part[..., :2] = rng.uniform(100, 400, (3, 17, 2))
    pose = np.ones((3, 17, 4))
    pose[..., :3] = bodies.people(3, H36M.joints) / 1000 + [0, 0, 5]
    names = [f"S1_Eating.54138969_{k:06}.jpg" for k in (1, 6, 11)]
    content = {
        "imgname": np.array([f"S1/S1_Eating.54138969/{n}" for n in names]),
        "center": np.array([[250.0, 240], [260, 230], [270, 220]]),
        "scale": np.array([1.8, 1.9, 2.0]),
        "part": part,
        "S": pose,
    }
    content = content | changes
    return {k: v for k, v in content.items() if v is not None}


def write(folder, content, *, flat=False):
    annotations = folder / "annotation_body3d" / "fps10"
    annotations.mkdir(parents=True, exist_ok=True)
    np.savez(annotations / "h36m_train.npz", **content)
    for name in arrays()["imgname"]:
        picture = folder / "images" / name
        if flat:
            picture = folder / "images" / picture.name
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(b"")
    return folder


def read(folder, **options):
    options = {"split": "train", "report": quiet} | options
    return h36m_npz.read_h36m_npz(folder, **options)


@pytest.mark.parametrize("flat", [False, True])
def test_frames(tmp_path, flat):
    content = arrays()
    content["part"][1, 5, 2] = 0
    content["S"][2, 6, 3] = 0
    content["S"][2, 7, 0] = np.nan
    folder = write(tmp_path, content, flat=flat)
    photos = read(folder)
    assert photos.name == "h36m_train"
    np.testing.assert_allclose(
        photos.boxes, [[250, 240, 360], [260, 230, 380], [270, 220, 400]]
    )
    np.testing.assert_allclose(
        photos.keypoints[0], content["part"][0, :, :2], rtol=1e-6
    )
    np.testing.assert_allclose(
        photos.pose[1], 1000 * content["S"][1, :, :3], rtol=1e-6
    )
    assert np.argwhere(~photos.keypoint_mask).tolist() == [[1, 5]]
    assert np.argwhere(~photos.pose_mask).tolist() == [[2, 6], [2, 7]]
    assert photos.paths[2].endswith("S1_Eating.54138969_000011.jpg")
    path = folder / "annotation_body3d" / "fps10" / "h36m_train.npz"
    same = read(path)
    np.testing.assert_array_equal(same.keypoints, photos.keypoints)


@pytest.mark.parametrize(
    ("key", "place", "value", "message"),
    [
        ("center", 1, np.nan, "center and scale make no box"),
        ("scale", 1, 0.0, "center and scale make no box"),
        ("part", 1, 0.0, "no joint is annotated"),
        ("S", (1, 3, 2), -1.0, "its S is behind the camera"),
        ("imgname", 1, "S9/gone.jpg", "no picture .*images/S9/gone.jpg"),
        ("scale", 1, 0.01, "its box has a side of 2 pixels, and its joints"),
        ("scale", 1, 360.0, "its box has a side of .* and its joints reach"),
        ("part", (1, slice(None), slice(0, 2)), 0.5, "within 0 pixels; are"),
        ("S", (1, 3, 0), 9.0, "by its S in metres, its bones are those of"),
    ],
)
def test_bad_records(tmp_path, key, place, value, message):
    content = arrays()
    content[key][place] = value
    folder = write(tmp_path, content)
    with pytest.raises(ValueError, match=f"row 1 .*{message}"):
        read(folder, skip_limit=0)
    photos = read(folder, skip_limit=1)
    assert photos.left_out == {"bad records, each named": 1}
    # The third frame has its own labels, not those of the second.
    whole = read(write(tmp_path / "whole", arrays()))
    assert len(photos) == 2
    for name, array in whole.columns.items():
        if name != "paths":
            np.testing.assert_array_equal(
                getattr(photos, name), array[[0, 2]], name
            )


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (1000, r"a person of 1.6[0-9]*e\+03 m; are these micrometres"),
        (0.001, "a person of 1.6[0-9]* mm; are these metres"),
    ],
)
def test_poses_of_another_unit(tmp_path, times, message):
    content = arrays()
    content["S"][..., :3] *= times
    folder = write(tmp_path, content)
    with pytest.raises(ValueError, match=f"by its S in metres, .*{message}"):
        read(folder, skip_limit=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"S": None}, r"'S' of shape \(3, 17, 4\). Found: None"),
        ({"part": np.zeros((3, 24, 3))}, r"Found: \('<f8', \(3, 24, 3\)\)"),
        ({"scale": np.array(["a"] * 3)}, "'scale' of shape"),
        ({"imgname": np.array([1, 2, 3])}, "'imgname' of shape"),
        ({"imgname": None}, "'imgname' of shape"),
        ({"imgname": np.array(["x"] * 4)}, r"'center' of shape \(4, 2\)"),
    ],
)
def test_bad_files(tmp_path, changes, message):
    folder = write(tmp_path, arrays(**changes))
    with pytest.raises(ValueError, match=message) as error:
        read(folder)
    assert "h36m_train.npz" in str(error.value)


def test_missing_parts(tmp_path):
    with pytest.raises(ValueError, match="is no .npz file, and holds no h36m_"):
        read(tmp_path)
    with pytest.raises(ValueError, match="`split` must be"):
        read(tmp_path, split="all")
    folder = write(tmp_path, arrays())
    (folder / "images").rename(folder / "frames")
    with pytest.raises(ValueError, match="images is missing: the frames that"):
        read(folder)


def test_the_published_frames(shared_data):
    folder = shared_data / "h36m_sample"
    if not folder.is_dir():
        pytest.skip("No Human3.6M sample.")
    photos = h36m_npz.read_h36m_npz(
        folder / "mmpose_body3d.npz", skip_limit=0, report=quiet
    )
    assert len(photos) == 4
    assert photos.keypoint_mask.all() and photos.depth_mask.all()
    # The box is 1.2 times the extent of the joints, says the data's README.
    extent = np.ptp(photos.keypoints, axis=1).max(-1)
    np.testing.assert_allclose(photos.boxes[:, 2], 1.2 * extent, rtol=1e-4)
    # Human thighs, in mm.
    for side in ("left", "right"):
        hip, knee = (H36M.index(f"{side}_{j}") for j in ("hip", "knee"))
        thigh = np.linalg.norm(
            photos.pose[:, hip] - photos.pose[:, knee], axis=-1
        )
        assert ((thigh > 400) & (thigh < 500)).all()


# Poses without pictures.


def positions():
    """What VideoPose3D's file holds, metres."""
    world = {
        seed: (h36m_files.world(20, seed) / 1000).astype("f4")
        for seed in (0, 1)
    }
    return {
        "S1": {"Eating": world[0]},
        "S9": {"Eating": world[1], "Eating 1": world[0]},
    }


def save_positions(path, *, pickled=True):
    if pickled:
        np.savez_compressed(path, positions_3d=positions())
    else:
        plain = {
            f"{subject}/{action}": array
            for subject, actions in positions().items()
            for action, array in actions.items()
        }
        np.savez_compressed(path, **plain)
    return path


@pytest.mark.parametrize("pickled", [True, False])
def test_positions(tmp_path, pickled):
    path = save_positions(tmp_path / "data_3d_h36m.npz", pickled=pickled)
    found = h36m_npz.read_positions(path)
    assert list(found) == [
        ("S1", "Eating"),
        ("S9", "Eating"),
        ("S9", "Eating 1"),
    ]
    expected = h36m_files.world(20, seed=1)[:, SELECTED]
    np.testing.assert_allclose(found["S9", "Eating"], expected, atol=1e-3)


def test_bad_positions(tmp_path):
    path = tmp_path / "data_3d_h36m.npz"
    bad = {
        "must be a dictionary": np.array({"S1": 3}, object),
        r"'S1/Eating' must have shape.*\(2, 15, 3\)": {
            "S1": {"Eating": np.zeros((2, 15, 3))}
        },
        "no places in m": {"S1": {"Eating": np.full((2, 32, 3), 1000.0)}},
        "holds what are no": {"S1": {"Eating": np.full((2, 32, 3), np.nan)}},
    }
    for message, content in bad.items():
        np.savez(path, positions_3d=content)
        with pytest.raises(ValueError, match=message):
            h36m_npz.read_positions(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(ValueError, match="has no 'positions_3d', and no arr"):
        h36m_npz.read_positions(path)
