"""The Human3.6M annotation reader."""

import h5py
import numpy as np
import pytest
import scipy.io

from ordinal_tf import skeleton
from ordinal_tf.data.readers import h36m
from tests import bodies

# The rows of the authors' files, as the README of their sample names them.
PUBLISHED = (
    "pelvis left_hip left_knee left_ankle right_hip right_knee right_ankle "
    "spine thorax nose head_top left_shoulder left_elbow left_wrist "
    "right_shoulder right_elbow right_wrist"
).split()
K = np.array([[1000.0, 0, 500], [0, 900, 400], [0, 0, 1]])


def write(path, **changes):
    """A file of two people, 5 m from the camera."""
    pose = bodies.people(2, PUBLISHED) + [0, 0, 5000]
    intrinsics = np.empty((2, 1), object)
    names = np.empty((2, 1), object)
    for row in range(2):
        intrinsics[row, 0], names[row, 0] = K, f"S9_Posing_1_{row}"
    fields = {"S": pose.swapaxes(1, 2), "K": intrinsics, "imgname": names}
    fields = {k: v for k, v in (fields | changes).items() if v is not None}
    scipy.io.savemat(path, {"annot": fields})
    return path


def test_bins_golden(golden):
    with np.load(golden / "metric_depth.npz") as file:
        expected, depths = file["zcen"], file["Zrel"]
        bins = file["preds_1based"][:, 2] - 1
    centres = h36m.metric_bin_centres()
    np.testing.assert_allclose(centres, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(centres[bins], depths, rtol=0, atol=1e-6)


def test_the_right_leg_comes_first(tmp_path):
    read = h36m.read_annotations(write(tmp_path / "valid.mat"))
    assert read.names == ("S9_Posing_1_0", "S9_Posing_1_1")
    pose = bodies.people(2, PUBLISHED) + [0, 0, 5000]
    # The file's joints 1 to 3 are the left leg, 4 to 6 the right one.
    expected = pose[:, [0, 4, 5, 6, 1, 2, 3, *range(7, 17)]]
    np.testing.assert_allclose(read.poses, expected)
    views = read.views
    x, y, z = pose[1, 13]  # The left wrist, there and here.
    np.testing.assert_allclose(
        views["keypoints_2d"][1, 13],
        [1000 * x / z + 500, 900 * y / z + 400],
        rtol=1e-6,
    )
    relative = expected - expected[:, :1]
    np.testing.assert_allclose(views["pose_3d"], relative, atol=1e-3)
    np.testing.assert_allclose(views["depth"], relative[..., 2], atol=1e-3)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (0.001, r"`annot.S`: its bones are .* of 1.* mm; are these metres"),
        (0.1, "a person of .* m; are these centimetres"),
        (4.0, r"a person of [67]\.[0-9]+ m\."),
    ],
)
def test_poses_of_another_unit(tmp_path, times, message):
    pose = times * (bodies.people(2, PUBLISHED) + [0, 0, 5000])
    path = write(tmp_path / "valid.mat", S=pose.swapaxes(1, 2))
    with pytest.raises(ValueError, match=message):
        h36m.read_annotations(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"K": None}, "missing: K"),
        ({"S": np.zeros((2, 3, 16))}, r"shape \(N, 3, 17\)"),
        ({"S": np.full((2, 3, 17), np.nan)}, "not finite in row 0"),
        ({"S": np.zeros((3, 3, 17))}, "one 3 x 3 matrix per pose"),
        ({"S": "text"}, "must be numbers"),
        ({"K": np.full((2, 1), np.nan)}, "one 3 x 3 matrix per pose"),
        ({"imgname": "one"}, "must name 2 images. Found: 1"),
    ],
)
def test_bad_annotations(tmp_path, changes, message):
    path = write(tmp_path / "valid.mat", **changes)
    with pytest.raises(ValueError, match=message):
        h36m.read_annotations(path)


NAMES = [f"S9_Posing_1.55011271_{frame:06}.jpg" for frame in (1, 6, 11)]
# A pose for each frame, in the order of the files.
POSE = bodies.people(3, PUBLISHED) + [
    [[0, 0, 5000]],
    [[300, 0, 5100]],
    [[0, 200, 5200]],
]
PART = POSE @ K.T
PART = PART[..., :2] / PART[..., 2:] + 2  # Distortion, so to speak.
MIDDLE = (PART.min(1) + PART.max(1)) / 2
# Bins of 31.032 mm, of which the root's is 33.
ZIND = np.clip(
    np.ceil((POSE[..., 2] - POSE[:, :1, 2] + 1005.1859) / 31.031965), 1, 64
)
# Our joint k is the file's joint ORDER[k].
ORDER = [0, 4, 5, 6, 1, 2, 3, *range(7, 17)]


def tags(**changes):
    """What SPLIT.h5 holds; None leaves a tag out."""
    content = {
        "center": MIDDLE.copy(),
        "scale": np.array([2.5, 2.0, 3.0]),
        "part": PART.copy(),
        "zind": ZIND.copy(),
    }
    content = content | changes
    return {k: v for k, v in content.items() if v is not None}


def write_release(folder, content, *, split="train", mat=False):
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "annot").mkdir(exist_ok=True)
    for name in NAMES:
        (folder / "images" / name).write_bytes(b"")
    with h5py.File(folder / "annot" / f"{split}.h5", "w") as file:
        for name, array in content.items():
            file[name] = array
    names = folder / "annot" / f"{split}_images.txt"
    names.write_text("\n".join(NAMES) + "\n")
    if mat:
        cells = np.empty((2, len(NAMES), 1), object)
        for row, name in enumerate(NAMES):
            cells[:, row, 0] = K, name.removesuffix(".jpg")
        pose = POSE.swapaxes(1, 2)
        fields = {"S": pose, "K": cells[0], "imgname": cells[1]}
        path = folder / "annot" / f"{split}.mat"
        scipy.io.savemat(path, {"annot": fields})
    return folder


def quiet(text):
    del text


def read_release(folder, **options):
    return h36m.read_h36m(folder, split="train", report=quiet, **options)


def test_depth_from_bins(tmp_path):
    part = PART.copy()
    part[1, 2] = 0  # Left knee, not annotated.
    photos = read_release(write_release(tmp_path, tags(part=part)))
    assert photos.name == "h36m_train" and len(photos) == 3
    assert [path.rpartition("/")[2] for path in photos.paths] == NAMES
    np.testing.assert_allclose(
        photos.boxes, np.column_stack([MIDDLE, [500, 400, 600]]), rtol=1e-6
    )
    np.testing.assert_allclose(photos.keypoints[0], PART[0, ORDER], rtol=1e-6)
    lacking = np.argwhere(~photos.keypoint_mask).tolist()
    assert lacking == [[1, skeleton.H36M17.index("left_knee")]]
    depth = 31.031965 * (ZIND - ZIND[:, :1])[:, ORDER]
    np.testing.assert_allclose(photos.depth, depth, rtol=1e-5, atol=1e-3)
    assert photos.depth_mask.all()
    assert not photos.pose_mask.any() and not photos.camera.any()
    assert photos.source.joints == tuple(PUBLISHED)


@pytest.mark.parametrize("bin", [1, 64])
def test_the_first_and_the_last_bin(tmp_path, bin):
    content = tags()
    content["zind"][1, 3] = bin
    photos = read_release(write_release(tmp_path, content), skip_limit=0)
    # Centres of the bins: 31.031965 k - 1020.7019, the root's is the 33rd.
    joint = skeleton.H36M17.index("left_ankle")
    expected = 31.031965 * (bin - ZIND[1, 0])
    np.testing.assert_allclose(photos.depth[1, joint], expected, atol=1e-2)


@pytest.mark.parametrize("layout", ["mm", "metres", "axes first", "mat"])
def test_poses(tmp_path, layout):
    given = {
        "mm": POSE,
        "metres": POSE / 1000,
        "axes first": POSE.swapaxes(1, 2),
        "mat": None,
    }[layout]
    content = tags(S=given)
    folder = write_release(tmp_path, content, mat=layout == "mat")
    photos = read_release(folder)
    np.testing.assert_allclose(photos.pose, POSE[:, ORDER], rtol=1e-6)
    depth = (POSE[..., 2] - POSE[:, :1, 2])[:, ORDER]
    np.testing.assert_allclose(photos.depth, depth, atol=1e-3)
    assert photos.pose_mask.all() and photos.depth_mask.all()
    np.testing.assert_allclose(photos.keypoints, PART[:, ORDER], rtol=1e-6)
    if layout == "mat":
        np.testing.assert_array_equal(photos.camera, [K] * 3)
    else:
        assert not photos.camera.any()


def test_joints_by_projection(tmp_path):
    content = tags(part=None, zind=None)
    photos = read_release(write_release(tmp_path, content, mat=True))
    expected = PART[:, ORDER] - 2
    np.testing.assert_allclose(photos.keypoints, expected, rtol=1e-6)


def spoil(what):
    content = tags()
    if what in ("center", "scale"):
        content[what][1] = np.nan
        return content, "its center and scale make no box"
    if what == "small":
        content["scale"][1] = 0
        return content, "its center and scale make no box"
    if what == "part":
        content["part"][1] = 0
        return content, "no joint is annotated"
    if what in ("box of shares", "box of pixels"):
        content["scale"][1] *= {"box of shares": 0.01, "box of pixels": 200}[
            what
        ]
        message = {
            "box of shares": "its box has a side of 4 pixels, and its joints",
            "box of pixels": "its box has a side of 8e.04 pixels, and its",
        }[what]
        return content, message
    if what == "joints of shares":
        content["part"][1] /= 1000
        return content, "its 17 joints lie within 0.* pixels; are these shares"
    if what == "zind":
        content["zind"][1, 3] = 65
        return content, "its zind is not 1 to 64"
    content = tags(S=POSE.copy())
    if what in ("small person", "far wrist"):
        root = content["S"][1, :1].copy()
        content["S"][1] = root + 0.4 * (content["S"][1] - root)
        message = "by its S, its bones are those of a person of 0\\.[67]"
        if what == "far wrist":
            content["S"][1] = POSE[1]
            content["S"][1, 13, 0] = 9000
            message = "by its S, its joints lie [89]\\.[0-9]+ m apart"
        return content, message
    content["S"][1, 4, 2] = {"nan": np.nan, "behind": -1}[what]
    return content, "its S is not finite, or behind the camera"


@pytest.mark.parametrize(
    "what",
    [
        *("center", "scale", "small", "part", "zind", "nan", "behind"),
        *("small person", "far wrist", "joints of shares"),
        *("box of shares", "box of pixels"),
    ],
)
def test_bad_records(tmp_path, what):
    content, message = spoil(what)
    folder = write_release(tmp_path, content)
    with pytest.raises(ValueError, match=message) as error:
        read_release(folder, skip_limit=0)
    assert f"row 2 ({NAMES[1]})" in str(error.value)
    photos = read_release(folder, skip_limit=1)
    assert [path.rpartition("/")[2] for path in photos.paths] == NAMES[::2]
    assert photos.left_out == {"bad records, each named": 1}
    # The third frame has its own labels, not those of the second.
    good = tags(S=POSE if "S" in content else None)
    whole = read_release(write_release(tmp_path, good))
    for key, array in whole.columns.items():
        np.testing.assert_array_equal(getattr(photos, key), array[[0, 2]], key)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tags(scale=None), "no dataset 'scale'; it holds center, part, zind"),
        (tags(center=np.zeros((2, 2))), r"'center' must have shape \(3, 2\)"),
        (tags(part=np.zeros((3, 16, 2))), r"'part' must have .*\(3, 17, 2\)"),
        (tags(zind=np.zeros((3, 17, 1))), r"'zind' must have shape \(3, 17\)"),
        (tags(part=None), "no dataset 'part', and no S and K"),
        (tags(S=np.zeros((3, 17, 3))), "'S' must be absolute"),
        (tags(center=np.array(["a"] * 3, "S")), "'center' holds no numbers"),
    ],
)
def test_bad_h5(tmp_path, content, message):
    folder = write_release(tmp_path, content)
    with pytest.raises(ValueError, match=message) as error:
        read_release(folder)
    assert "train.h5" in str(error.value)


def test_files_that_contradict_each_other(tmp_path):
    folder = write_release(tmp_path, tags(), mat=True)
    names = folder / "annot" / "train_images.txt"
    names.write_text("\n".join(NAMES[::-1]))
    with pytest.raises(ValueError, match="name different frames, or the same"):
        read_release(folder)
    # A swapped joint order is far from where the camera sees the joints.
    part = PART[:, ::-1]
    write_release(folder, tags(part=part), mat=True)
    with pytest.raises(ValueError, match="in another joint order"):
        read_release(folder)


def test_missing_parts(tmp_path):
    with pytest.raises(ValueError, match="train_images.txt is missing"):
        read_release(tmp_path)
    with pytest.raises(ValueError, match="must be 'train' or 'valid'"):
        h36m.read_h36m(tmp_path, split="test")
    folder = write_release(tmp_path, tags())
    (folder / "images" / NAMES[0]).unlink()
    said = []
    photos = h36m.read_h36m(folder, split="train", report=said.append)
    assert len(photos) == 2 and "no picture" in said[0] and NAMES[0] in said[0]
    (folder / "images").rename(folder / "frames")
    with pytest.raises(ValueError, match="images is missing; it must hold"):
        read_release(folder)
    (folder / "annot" / "train.h5").unlink()
    with pytest.raises(ValueError, match="train.h5 is missing"):
        read_release(folder)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95, "text", "link"])
def test_damaged_h5(tmp_path, share):
    folder = write_release(tmp_path, tags())
    path = folder / "annot" / "train.h5"
    data = path.read_bytes()
    if share == "text":
        data = b"center, scale\n" * 50
    elif share != "link":
        data = data[: round(share * len(data))]
    path.write_bytes(data)
    if share == "link":
        path.rename(folder / "other.h5")
        with h5py.File(path, "w") as file:
            file["center"] = h5py.ExternalLink(folder / "other.h5", "center")
            file["scale"] = np.ones(3)
    with pytest.raises(ValueError, match=r"train\.h5"):
        read_release(folder)


def test_the_published_h5(shared_data, tmp_path):
    folder = shared_data / "h36m_sample" / "annot"
    if not folder.is_dir():
        pytest.skip("No Human3.6M sample.")
    (tmp_path / "annot").symlink_to(folder)
    (tmp_path / "images").mkdir()
    # The sample has no frames; the reader looks whether they are there.
    for name in (folder / "valid_images.txt").read_text().split():
        (tmp_path / "images" / name).touch()
    photos = h36m.read_h36m(tmp_path, split="valid", report=quiet)
    assert len(photos) == 394
    # The middle of the joints' extent, up to distortion.
    low, high = photos.keypoints.min(1), photos.keypoints.max(1)
    apart = np.abs((low + high) / 2 - photos.boxes[:, :2])
    assert apart.max() < 2
    # The box is 40 px wider than the extent, up to distortion.
    np.testing.assert_allclose(
        (high - low).max(-1) + 40, photos.boxes[:, 2], atol=4
    )
    assert photos.depth_mask.all() and photos.camera.any((1, 2)).all()


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
