"""The reader of the LSP layout: meaning of its labels, and bad input."""

import cv2
import numpy as np
import pytest
import scipy.io

from ordinal_tf import skeleton
from ordinal_tf.data.readers import lsp
from tests import lsp_files

H36M = skeleton.H36M17
LSP = skeleton.LSP14


def quiet(text):
    del text


def read(folder, **options):
    return lsp.read_lsp(folder, report=quiet, **options)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "lsp"


def test_joints_go_by_name(folder):
    labels = lsp_files.write_lsp(folder, count=3)
    photos = read(folder)
    assert photos.name == "lsp" and len(photos) == 3
    joints = np.transpose(labels["joints"], (2, 1, 0))[..., :2]
    for joint in LSP.joints:
        if joint == "neck":
            continue
        np.testing.assert_allclose(
            photos.keypoints[:, H36M.index(joint)],
            joints[:, LSP.index(joint)],
            rtol=1e-6,
        )

    def of(joint):
        return joints[:, LSP.index(joint)]

    pelvis = (of("left_hip") + of("right_hip")) / 2
    derived = {
        "pelvis": pelvis,
        "thorax": of("neck"),
        "spine": (pelvis + of("neck")) / 2,
        "nose": (of("neck") + of("head_top")) / 2,
    }
    for joint, expected in derived.items():
        found = photos.keypoints[:, H36M.index(joint)]
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert photos.keypoint_mask.all() and not photos.depth_mask.any()
    # 1.25 times the longer side of the joints' extent, around its middle.
    low, high = joints.min(1), joints.max(1)
    np.testing.assert_allclose(photos.boxes[:, :2], (low + high) / 2, rtol=1e-6)
    side = 1.25 * (high - low).max(-1)
    np.testing.assert_allclose(photos.boxes[:, 2], side, rtol=1e-6)
    dtypes = {
        name: getattr(photos, name).dtype.name
        for name in ("boxes", "keypoints", "depth", "relation")
    }
    assert dtypes == {
        "boxes": "float32",
        "keypoints": "float32",
        "depth": "float32",
        "relation": "int8",
    }


def test_the_published_sign_is_turned(folder):
    labels = lsp_files.write_lsp(folder, count=1)
    published = np.full((1, 14, 14), np.nan)
    wrist, knee, hip = (
        LSP.index(f"left_{name}") for name in ("wrist", "knee", "hip")
    )
    # The wrist is nearer than the knee; wrist and hip about equal.
    published[0, wrist, knee], published[0, knee, wrist] = -1, 1
    published[0, wrist, hip], published[0, hip, wrist] = 0, 0
    lsp_files.save_ordinal(folder, published)
    photos = read(folder)
    wrist, knee, hip = (
        H36M.index(f"left_{name}") for name in ("wrist", "knee", "hip")
    )
    relation, mask = photos.relation[0], photos.relation_mask[0]
    assert relation[wrist, knee] == 1 and relation[knee, wrist] == -1
    assert relation[wrist, hip] == 0
    # These two pairs, on both sides of the diagonal; NaN is not annotated,
    # and one hip says nothing of the pelvis.
    assert mask.sum() == 4 and mask[wrist, knee] and mask[hip, wrist]
    assert labels["ord"].shape == published.shape


def test_relations_of_every_pair(folder):
    labels = lsp_files.write_lsp(folder, count=4)
    photos = read(folder)
    own = [joint for joint in LSP.joints if joint != "neck"]
    ours = np.ix_(range(4), *[[H36M.index(j) for j in own]] * 2)
    theirs = np.ix_(range(4), *[[LSP.index(j) for j in own]] * 2)
    np.testing.assert_array_equal(photos.relation[ours], -labels["ord"][theirs])
    np.testing.assert_array_equal(
        photos.relation_mask[ours], np.tile(~np.eye(13, dtype=bool), (4, 1, 1))
    )
    # The pelvis is nearer than what both hips are nearer than.
    depth = labels["depth"]
    for k in range(4):
        hips = depth[k, [LSP.index("left_hip"), LSP.index("right_hip")]]
        for joint in own:
            diff = hips - depth[k, LSP.index(joint)]
            if "hip" in joint or not (diff < -100).all():
                continue
            pair = (k, H36M.index("pelvis"), H36M.index(joint))
            assert photos.relation[pair] == 1 and photos.relation_mask[pair]


def test_invisible_and_nan_joints_are_masked(folder):
    labels = lsp_files.write_lsp(folder, count=1)
    joints = labels["joints"].copy()
    joints[2, LSP.index("right_ankle")] = 0
    joints[:2, LSP.index("right_hip")] = np.nan
    lsp_files.save_joints(folder, joints)
    photos = read(folder)
    lacking = {H36M.joints[k] for k in np.flatnonzero(~photos.keypoint_mask[0])}
    assert lacking == {"right_ankle", "right_hip", "pelvis", "spine"}
    assert (
        np.isfinite(photos.keypoints).all() and np.isfinite(photos.boxes).all()
    )


def test_two_dimensions_only(folder):
    lsp_files.write_lsp(folder, count=2, relations=False)
    photos = read(folder)
    assert not photos.relation_mask.any() and not photos.relation.any()


def test_mpii_layout(folder):
    source = skeleton.MPII16
    labels = lsp_files.write_lsp(folder, count=2, source=source)
    photos = read(folder)
    joints = np.transpose(labels["joints"], (2, 1, 0))[..., :2]
    for ours, theirs in {
        "pelvis": "pelvis",
        "thorax": "thorax",
        "nose": "upper_neck",
        "left_wrist": "left_wrist",
        "right_ankle": "right_ankle",
    }.items():
        np.testing.assert_allclose(
            photos.keypoints[:, H36M.index(ours)],
            joints[:, source.index(theirs)],
            rtol=1e-6,
        )
    i, j = "thorax", "left_knee"
    np.testing.assert_array_equal(
        photos.relation[:, H36M.index(i), H36M.index(j)],
        -labels["ord"][:, source.index(i), source.index(j)],
    )


# As the READMEs of LSP and LSP-Extended list the joints.
README = (
    "Right ankle, Right knee, Right hip, Left hip, Left knee, Left ankle, "
    "Right wrist, Right elbow, Right shoulder, Left shoulder, Left elbow, "
    "Left wrist, Neck, Head top"
)


@pytest.mark.parametrize("extended", [False, True])
def test_both_published_layouts_by_their_readme(folder, extended):
    """LSP is 3 x 14 x M, LSP-Extended 14 x 3 x M."""
    lsp_files.write_lsp(folder, count=2, relations=False)
    names = [name.replace(" ", "_").lower() for name in README.split(", ")]
    joints = np.ones((2, 14, 3))
    joints[..., 0] = np.arange(14) + [[10], [30]]
    joints[..., 1] = 60 - np.arange(14)
    order = (1, 2, 0) if extended else (2, 1, 0)
    lsp_files.save_joints(folder, np.transpose(joints, order))
    photos = read(folder)
    assert len(photos) == 2
    for k, name in enumerate(names):
        if name == "neck":
            name = "thorax"  # For which it stands.
        np.testing.assert_allclose(
            photos.keypoints[:, H36M.index(name)], joints[:, k, :2]
        )


def test_one_picture_whose_last_axis_matlab_drops(folder):
    labels = lsp_files.write_lsp(folder, count=1)
    expected = read(folder).keypoints
    for joints in (labels["joints"][..., 0], labels["joints"][..., 0].T):
        lsp_files.save_joints(folder, joints)
        np.testing.assert_array_equal(read(folder).keypoints, expected)


def test_the_flag_of_lsp_extended(folder):
    """In its own layout it says what is annotated, however few that are."""
    labels = lsp_files.write_lsp(folder, count=2)
    joints = labels["joints"].copy()
    joints[2] = 0
    joints[2, [3, 9]] = 1  # Left hip and left shoulder.
    lsp_files.save_joints(folder, np.transpose(joints, (1, 0, 2)))
    known = read(folder).keypoint_mask
    assert known.sum(1).tolist() == [2, 2]
    assert known[:, [H36M.index("left_hip"), H36M.index("left_shoulder")]].all()
    # In LSP's, most joints with a place and without a flag are visible ones.
    lsp_files.save_joints(folder, joints)
    assert read(folder).keypoint_mask.all()


def test_one_joint_makes_no_box(folder):
    labels = lsp_files.write_lsp(folder, count=1)
    joints = labels["joints"].copy()
    joints[:, 1:] = [[[-1]], [[-1]], [[0]]]
    lsp_files.save_joints(folder, joints)
    with pytest.raises(ValueError, match="fewer than two visible joints"):
        read(folder)


def test_a_set_has_the_name_of_its_folder(folder, monkeypatch):
    lsp_files.write_lsp(folder, count=1)
    monkeypatch.chdir(folder)
    assert read(".").name == "lsp"


@pytest.mark.parametrize(
    ("source", "flag", "expected"),
    [
        # LSP-Extended: 1 where annotated.
        (LSP, "annotated", "flag"),
        # LSP's own file: 1 where hidden, all joints annotated.
        (LSP, "hidden", "all"),
        # MPII: visibility, whatever it is.
        (skeleton.MPII16, "annotated", "all"),
        (skeleton.MPII16, "hidden", "all"),
    ],
)
def test_what_the_flag_says(folder, source, flag, expected):
    labels = lsp_files.write_lsp(folder, count=3, source=source)
    joints = labels["joints"].copy()
    few = [source.index("left_wrist"), source.index("right_knee")]
    joints[2] = flag == "annotated"
    joints[2, few] = flag == "hidden"
    # Without a place nothing is annotated, whatever the flag says.
    joints[:, source.index("left_ankle"), 0] = -3, 40, 0
    lsp_files.save_joints(folder, joints)
    photos = read(folder)
    lacking = np.zeros((3, 17), bool)
    lacking[0, H36M.index("left_ankle")] = True
    if expected == "flag":
        for joint in ("left_wrist", "right_knee"):
            lacking[:, H36M.index(joint)] = True
    np.testing.assert_array_equal(photos.keypoint_mask, ~lacking)


def test_names_of_the_release(folder):
    lsp_files.write_lsp(folder, count=2, source=skeleton.MPII16)
    images = folder / "images"
    for number in (1, 2):
        name = f"{number:05}_full.png"
        (images / f"im{number:05}.png").rename(images / name)
    photos = read(folder)
    assert [path[-14:] for path in photos.paths] == [
        "00001_full.png",
        "00002_full.png",
    ]
    (images / "im2.png").write_bytes(b"")
    with pytest.raises(ValueError, match="two pictures with the number 2: 0"):
        read(folder)


def test_a_range_of_rows_by_picture_number(folder):
    labels = lsp_files.write_lsp(folder, count=5)
    # Names that sort in another order than their numbers.
    images = folder / "images"
    (images / "im00004.png").rename(images / "a4.png")
    photos = read(folder, first=3, last=5)
    names = [path.rsplit("/", 1)[-1] for path in photos.paths]
    assert names == ["im00003.png", "a4.png", "im00005.png"]
    nose = H36M.index("head_top")
    np.testing.assert_allclose(
        photos.keypoints[:, nose],
        labels["joints"][:2, LSP.index("head_top"), 2:].T,
        rtol=1e-6,
    )
    few = photos.take([2, 0])
    assert [path[-6:] for path in few.paths] == ["05.png", "03.png"]
    np.testing.assert_array_equal(few.boxes, photos.boxes[[2, 0]])


@pytest.mark.parametrize(("first", "last"), [(0, 2), (1, 5), (3, 2), (5, None)])
def test_range_outside(folder, first, last):
    lsp_files.write_lsp(folder, count=4)
    with pytest.raises(ValueError, match="images 1 to 4; the range asked for"):
        read(folder, first=first, last=last)


def truncate(path):
    image = cv2.imread(str(path))
    path.unlink()
    # JPEG, whose decoders like to carry on with grey.
    path = path.with_suffix(".jpg")
    cv2.imwrite(str(path), image)
    path.write_bytes(path.read_bytes()[:-200])
    return path.name


def spoil(folder, labels, what):
    """Makes record 2 bad; returns what the message must say."""
    picture = folder / "images" / "im00002.png"
    joints, published = labels["joints"].copy(), labels["ord"].copy()
    if what == "missing picture":
        picture.unlink()
        return "no picture number 2"
    if what == "truncated picture":
        return f"{truncate(picture)} is not a whole picture"
    if what == "empty picture":
        picture.write_bytes(b"")
        return "im00002.png is not a whole picture"
    if what == "labels all NaN":
        joints[:, :, 1] = np.nan
    elif what == "none visible":
        joints[2, :, 1] = 0
    else:
        message = "row 2 of .*ordinal.mat is not antisymmetric"
        published[1, 3, 5] = published[1, 5, 3] = 1
        if what == "impossible relation":
            published[1, 3, 5] = -2
            message = "row 2 of .*ordinal.mat holds something else than -1, 0"
        lsp_files.save_ordinal(folder, published)
        return message
    lsp_files.save_joints(folder, joints)
    return "row 2 of .*joints.mat has fewer than two visible joints"


@pytest.mark.parametrize(
    "what",
    [
        "missing picture",
        "truncated picture",
        "empty picture",
        "labels all NaN",
        "none visible",
        "contradictory relations",
        "impossible relation",
    ],
)
def test_bad_records(folder, what):
    labels = lsp_files.write_lsp(folder, count=3)
    message = spoil(folder, labels, what)
    with pytest.raises(ValueError, match=message) as error:
        read(folder)
    assert "more than 0 bad records" in str(error.value)
    said = []
    photos = lsp.read_lsp(folder, skip_limit=1, report=said.append)
    assert [path[-5] for path in photos.paths] == ["1", "3"]
    assert len(said) == 1 and said[0].startswith("skipped: ")
    assert photos.left_out == {"bad records, each named": 1}
    # The third row has its own labels, not those of the second.
    lsp_files.save_joints(folder, labels["joints"])
    lsp_files.save_ordinal(folder, labels["ord"])
    whole = read(folder, first=3)
    for key, array in whole.columns.items():
        np.testing.assert_array_equal(getattr(photos, key)[1:], array, key)


def test_skip_limit(folder):
    lsp_files.write_lsp(folder, count=4)
    for number in (1, 3):
        (folder / "images" / f"im{number:05}.png").unlink()
    assert len(read(folder, skip_limit=2)) == 2
    with pytest.raises(ValueError, match="more than 1 bad records.*number 3"):
        read(folder, skip_limit=1)
    # Bad records outside the range do not count.
    assert len(read(folder, first=4)) == 1
    with pytest.raises(ValueError, match="no usable record is left"):
        read(folder, first=3, last=3, skip_limit=9)


def test_missing_parts(folder):
    with pytest.raises(ValueError, match=r"joints\.mat is missing"):
        read(folder)
    lsp_files.write_lsp(folder, count=1)
    (folder / "images" / "im00001.png").rename(folder / "x.png")
    with pytest.raises(ValueError, match="no picture whose name has its"):
        read(folder)
    (folder / "images").rmdir()
    with pytest.raises(ValueError, match="images is missing"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("joints", {"points": np.ones((3, 14, 2))}, "no variable 'joints'; it"),
        ("joints", {"joints": np.ones((14, 4, 2))}, r"Found: \(14, 4, 2\)"),
        ("joints", {"joints": np.ones((3, 3, 2))}, r"Found: \(3, 3, 2\)"),
        ("joints", {"joints": np.ones((3, 17, 2))}, r"Found: \(3, 17, 2\)"),
        ("joints", {"joints": "left knee"}, "must be numbers"),
        (
            "joints",
            {"joints": np.full((3, 14, 2), "x", object)},
            "must be numbers",
        ),
        ("ordinal", {"relations": np.ones((2, 14, 14))}, "no variable 'ord'"),
        ("ordinal", {"ord": np.ones((14, 14, 2))}, r"must be M x J x J"),
        ("ordinal", {"ord": np.ones((3, 14, 14))}, r"Found: \(3, 14, 14\)"),
        ("ordinal", {"ord": np.full((2, 14, 14), 2.0)}, "-1, 0, "),
    ],
)
def test_wrong_content(folder, name, content, message):
    lsp_files.write_lsp(folder, count=2)
    scipy.io.savemat(folder / f"{name}.mat", content)
    with pytest.raises(ValueError, match=message) as error:
        read(folder)
    assert f"{name}.mat" in str(error.value)


def test_real_labels(shared_data):
    folder = shared_data / "lspet_ordinal"
    if not folder.is_dir():
        pytest.skip(f"No {folder}.")
    photos = read(folder, first=5401, last=5420, skip_limit=5)
    assert len(photos) >= 15
    # Whatever people do, a shin is shorter than from an ankle to the head.
    for side in ("left", "right"):
        points = [f"{side}_ankle", f"{side}_knee", "head_top"]
        points = [H36M.index(joint) for joint in points]
        known = photos.keypoint_mask[:, points].all(-1)
        ankle, knee, head = np.swapaxes(
            photos.keypoints[known][:, points], 0, 1
        )
        shin = np.linalg.norm(ankle - knee, axis=-1)
        assert (shin < np.linalg.norm(ankle - head, axis=-1)).mean() > 0.8
    np.testing.assert_array_equal(
        photos.relation, -np.swapaxes(photos.relation, 1, 2)
    )
    assert photos.relation_mask.sum() > 20 * len(photos)
