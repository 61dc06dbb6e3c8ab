"""Files of all kinds as clips: what is read, what is said, what is refused."""

import pathlib

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import clips
from ordinal_tf.data.readers import plausible
from tests import c3d_files, mocap_files
from tests.data.mocap import test_bvh

H36M = skeleton.H36M17
Z_UP = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]


def test_bandai_joints_by_name(tmp_path):
    clip = mocap_files.read_clip(
        mocap_files.write_bandai(tmp_path / "walk.bvh")
    )
    assert clip.name == "walk" and clip.poses.dtype == np.float32
    assert clip.poses.shape == (2, 17, 3) and clip.fps == 10
    pose = dict(zip(H36M.joints, clip.poses[0], strict=True))
    where = {k: 1000 * v for k, v in mocap_files.places().items()}
    for joint in H36M.joints:
        if joint.startswith(("left", "right")):
            # Centimetres in the file.
            expected = where[joint.replace("_", " ")]
            np.testing.assert_allclose(pose[joint], expected, atol=1e-2)
    np.testing.assert_allclose(pose["thorax"], where["neck"], atol=1e-2)
    hips = (where["left hip"] + where["right hip"]) / 2
    np.testing.assert_allclose(pose["pelvis"], hips, atol=1e-2)
    # 11 cm up and 2 cm forward of the head joint, whose x axis is up.
    head = where["head"]
    np.testing.assert_allclose(pose["head_top"], head + [0, 110, 20], atol=0.1)
    np.testing.assert_allclose(pose["nose"], head + [0, 20, 50], atol=0.1)


def test_a_head_that_looks_down_for_a_whole_clip_keeps_its_axes(tmp_path):
    turned = np.radians(45)
    path = mocap_files.write_bandai(tmp_path / "a.bvh")
    text = path.read_text().replace("90 90 0", "90 90 -45")
    path.write_text(text)
    pose = mocap_files.read_clip(path).poses[0]
    head = 1000 * mocap_files.places()["head"]
    found = pose[H36M.index("nose")] - head
    # Z, X, then Y of the head, which is its left: it pitches by 45 degrees.
    cos, sin = np.cos(turned), np.sin(turned)
    by_hand = np.array([0, 20 * cos + 50 * 0, 0])
    assert np.linalg.norm(found) == pytest.approx(np.hypot(20, 50), rel=1e-3)
    assert by_hand[1] > 0 and sin > 0


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("m", 1.0),
        ("cm", 100.0),
        ("mm", 1000.0),
        ("inch", 1 / 0.0254),
        ("1/0.45 inch", 0.45 / 0.0254),
    ],
)
@pytest.mark.parametrize("turn", [None, Z_UP])
def test_unit_and_up_are_inferred_and_said(tmp_path, unit, scale, turn):
    path = mocap_files.write_bvh(
        tmp_path / "a.bvh", mocap_files.MIXAMO, scale=scale, turn=turn
    )
    clip = mocap_files.read_clip(path)
    expected = 1000 * mocap_files.places()["left wrist"]
    found = clip.poses[0, H36M.index("left_wrist")]
    np.testing.assert_allclose(found, expected, atol=0.1)
    up = "+Y" if turn is None else "+Z"
    assert clip.understood.unit == unit and clip.understood.up == up
    line, *notes = clips.describe([clip])
    assert f"unit {unit}, up {up}, people of 1.70 m" in line
    assert "mixamorig:LeftUpLeg" in line and "mixamorig:LeftHand" in line
    assert (len(notes) == 1) == (up == "+Z")


@pytest.mark.parametrize("channels", [3, 6, "0"])
@pytest.mark.parametrize("order", ["ZXY", "XYZ"])
@pytest.mark.parametrize("brace", ["\n", " "])
def test_writers_of_bvh(tmp_path, channels, order, brace):
    tree = mocap_files.MIXAMO
    plain = mocap_files.write_bvh(tmp_path / "a.bvh", tree)
    other = mocap_files.write_bvh(
        tmp_path / "b.bvh",
        tree,
        channels=channels,
        order=order,
        brace=brace,
        ends=False,
    )
    one, two = mocap_files.read_clip(plain), mocap_files.read_clip(other)
    np.testing.assert_allclose(one.poses, two.poses, atol=1e-3)


@pytest.mark.parametrize("size", [0.3, 1.8])
def test_no_person_of_another_size_is_read(tmp_path, size):
    where = {k: size * v for k, v in mocap_files.places().items()}
    # In metres, so that no other unit makes a person of a small one.
    path = mocap_files.write_bvh(
        tmp_path / "a.bvh", mocap_files.MIXAMO, scale=1.0, where=where
    )
    with pytest.raises(ValueError, match=r"a\.bvh: .*people of 1 to 2.5 m"):
        mocap_files.read_clip(path)


def test_exchanged_sides_are_refused(tmp_path):
    where = mocap_files.places()
    swapped = {
        k: where[
            k.replace("left", "x")
            .replace("right", "left")
            .replace("x", "right")
        ]
        for k in where
    }
    path = mocap_files.write_bvh(
        tmp_path / "a.bvh", mocap_files.MIXAMO, where=swapped
    )
    with pytest.raises(ValueError, match=r"a\.bvh: its toes point backwards"):
        mocap_files.read_clip(path)


def test_two_people_in_a_file(tmp_path):
    tree = mocap_files.MIXAMO
    path = mocap_files.write_bvh(tmp_path / "a.bvh", tree)
    start, end = path.read_text().split("MOTION")
    rows = end.strip().splitlines()
    rows[2:] = [f"{row} {row}" for row in rows[2:]]
    second = start.replace("HIERARCHY\n", "")
    path.write_text(start + second + "MOTION\n" + "\n".join(rows) + "\n")
    found = clips.read_clips(path)
    assert [clip.name for clip in found] == ["a/1", "a/2"]
    np.testing.assert_array_equal(found[0].poses, found[1].poses)


def test_unknown_joints_are_named(tmp_path):
    path = mocap_files.write_bandai(tmp_path / "a.bvh")
    path.write_text(path.read_text().replace("LowerLeg_L", "Shank"))
    with pytest.raises(ValueError, match=r"a\.bvh: .*left_knee.*Shank"):
        mocap_files.read_clip(path)
    with pytest.raises(ValueError, match="must be .bvh, or .amc"):
        mocap_files.read_clip(tmp_path / "a.fbx")


def test_folder_reports_and_skips_up_to_the_limit(tmp_path):
    mocap_files.write_bandai(tmp_path / "b.bvh", frames=20)
    (tmp_path / "sub").mkdir()
    mocap_files.write_bandai(tmp_path / "sub" / "c.BVH")
    (tmp_path / "._b.bvh").write_bytes(b"\0\5\26\7")
    for bad in ("a.bvh", "d.bvh"):
        (tmp_path / bad).write_text(test_bvh.BVH)
    said = []
    found = clips.read_folder(tmp_path, fps=5, skip_limit=2, report=said.append)
    assert [clip.name for clip in found] == ["b", "sub/c"]
    assert [len(clip.poses) for clip in found] == [10, 1]
    assert sum("skipped" in line and "a.bvh" in line for line in said) == 1
    assert said[-2] == "read 4 of 4 files, 11 poses"
    assert said[-1].startswith("2 clips: unit cm, up +Y, people of 1.69 m")
    with pytest.raises(
        ValueError, match="more than 1 bad records.*last one: .*d"
    ):
        clips.read_folder(tmp_path, skip_limit=1, report=said.append)


def test_like_notes_are_said_once(tmp_path):
    for name in ("a", "b"):
        path = mocap_files.write_bandai(tmp_path / f"{name}.bvh")
        path.write_text(path.read_text().replace("Frames: 2", "Frames: 1"))
    said = []
    clips.read_folder(tmp_path, report=said.append)
    assert said[-1].startswith("a and 1 more: `Frames:` promises 1 of the 2")


def test_markers_beside_a_skeleton_are_left_out(tmp_path):
    pytest.importorskip("c3d")
    mocap_files.write_bandai(tmp_path / "b.bvh")
    for name in ("a.c3d", "b.c3d"):
        c3d_files.write_body(tmp_path / name)
    found = clips.read_folder(tmp_path, report=lambda text: None)
    assert [clip.name for clip in found] == ["a", "b"]
    assert [len(clip.poses) for clip in found] == [2, 2]


@pytest.mark.parametrize(
    "screen", [("+X", "+Z"), None, ("-X", "-Z"), ("+Y", "+Z")]
)
def test_markers_stand_upright(tmp_path, screen):
    """Also where Qualisys says that the screen's y is -Z."""
    pytest.importorskip("c3d")
    path = c3d_files.write_body(
        tmp_path / "walk.c3d", screen=screen, subject="Ann:"
    )
    clip = mocap_files.read_clip(path, fps=10)
    assert clip.name == "walk" and clip.fps == 10
    # Every twelfth of 24 frames; y up, and x as it was.
    assert clip.poses.shape == (2, 17, 3) and clip.poses.dtype == np.float32
    top, wrist = (H36M.index(j) for j in ("head_top", "left_wrist"))
    np.testing.assert_allclose(clip.poses[1, top], [120, 1700, 0], atol=1e-3)
    # Left was +y and is -z: a rotation, no mirror.
    np.testing.assert_allclose(clip.poses[0, wrist], [0, 920, -270], atol=1e-3)
    assert clip.understood.up == "+Z"
    assert clip.understood.names["left_knee"] == "Ann:LKNE"
    assert len(clip.understood.notes) == (screen == ("-X", "-Z"))


@pytest.mark.parametrize(
    ("units", "metre", "unit", "notes"),
    [
        ("mm", 1000, "mm", 0),
        ("m", 1, "m", 0),
        # What the file says makes no person.
        ("mm", 1, "m", 1),
        ("cm", 1000, "mm", 1),
        ("m", 1000, "mm", 1),
    ],
)
def test_units_of_markers(tmp_path, units, metre, unit, notes):
    pytest.importorskip("c3d")
    path = c3d_files.write_body(tmp_path / "a.c3d", units=units, metre=metre)
    clip = mocap_files.read_clip(path)
    knee = clip.poses[0, H36M.index("left_knee")]
    np.testing.assert_allclose(knee, [10, 520, -150], atol=0.1)
    assert clip.understood.unit == unit
    assert len(clip.understood.notes) == notes


def test_frames_without_all_markers_are_left_out(tmp_path):
    pytest.importorskip("c3d")
    count = len(c3d_files.body())
    seen = np.ones((60, count), bool)
    seen[:20, 3] = False
    seen[40:50, 5] = False  # Less than 0.1 s: filled.
    # A marker that no joint needs may be missing.
    path = c3d_files.write_body(
        tmp_path / "a.c3d",
        frames=60,
        seen=np.hstack([seen, np.zeros((60, 1), bool)]),
        extra={"LFIN": np.array([200.0, 130, 50])},
    )
    clip = mocap_files.read_clip(path)
    assert len(clip.poses) == 40 and clip.fps == pytest.approx(80)
    (note,) = clip.understood.notes
    assert note.startswith("20 of 60 frames are left out, because a marker")
    whole = mocap_files.read_clip(c3d_files.write_body(path, frames=60))
    np.testing.assert_allclose(clip.poses, whole.poses[20:], atol=0.01)


def test_a_marker_that_jumps_is_left_out(tmp_path):
    pytest.importorskip("c3d")
    places = c3d_files.body()
    points = np.tile(np.stack([*places.values()]), (24, 1, 1))
    points[5, list(places).index("LWRA")] += [0, 0, 3000]
    path = c3d_files.write_c3d(tmp_path / "a.c3d", list(places), points)
    clip = mocap_files.read_clip(path)
    assert len(clip.poses) == 23 and clip.fps == pytest.approx(115)
    (note,) = clip.understood.notes
    assert note.startswith("1 of 24 frames are left out, because a joint")


def test_two_people_of_markers(tmp_path):
    pytest.importorskip("c3d")
    places = c3d_files.body()
    labels = [f"{who}:{name}" for who in ("Ann", "Bob") for name in places]
    points = np.stack([*places.values()])
    points = np.tile(np.vstack([points, points + [0, 900, 0]]), (3, 1, 1))
    path = c3d_files.write_c3d(tmp_path / "a.c3d", labels, points)
    found = clips.read_clips(path)
    assert [clip.name for clip in found] == ["a/ann", "a/bob"]
    apart = found[1].poses - found[0].poses
    np.testing.assert_allclose(
        apart, np.broadcast_to([0, 0, -900], apart.shape), atol=1e-3
    )


def test_unknown_markers_are_named(tmp_path):
    pytest.importorskip("c3d")
    path = c3d_files.write_c3d(
        tmp_path / "a.c3d", ["C7", "KNEE"], np.ones((2, 2, 3))
    )
    with pytest.raises(ValueError, match=r"a\.c3d: .*LASI or LFWT.*C7, KNEE"):
        mocap_files.read_clip(path)
    places = c3d_files.body()
    path = c3d_files.write_body(
        path, frames=2, seen=np.zeros((2, len(places)), bool)
    )
    with pytest.raises(ValueError, match=r"a\.c3d"):
        mocap_files.read_clip(path)


def test_folder_without_clips(tmp_path):
    with pytest.raises(ValueError, match="holds no motion capture"):
        clips.read_folder(tmp_path)
    with pytest.raises(ValueError, match="is no folder"):
        clips.read_folder(tmp_path / "missing")


def lengths(clip, parent, child):
    one, two = H36M.index(parent), H36M.index(child)
    return np.linalg.norm(clip.poses[:, one] - clip.poses[:, two], axis=-1)


def real_clip(shared_data, pattern):
    path = next(iter(sorted((shared_data / "mocap").glob(pattern))), None)
    if path is None:
        pytest.skip(f"No {pattern} in {shared_data}.")
    return mocap_files.read_clip(path, fps=10)


# Lengths as the data's README gives them, in mm; the CMU femur is 7.59371
# units of 56.444 mm in the file.
@pytest.mark.parametrize(
    ("pattern", "thigh", "shin"),
    [
        ("bandai_bvh/dataset-1/data/*_walk_*.bvh", 390.8, 409.9),
        ("bandai_bvh/dataset-2/data/*.bvh", 390.8, 409.9),
        ("cmu_asfamc/02/02_01.amc", 428.6, 411.3),
    ],
)
def test_real_clips(shared_data, pattern, thigh, shin):
    clip = real_clip(shared_data, pattern)
    assert clip.fps == pytest.approx(10, rel=1e-5)
    np.testing.assert_allclose(
        lengths(clip, "left_hip", "left_knee"), thigh, atol=0.06
    )
    np.testing.assert_allclose(
        lengths(clip, "left_knee", "left_ankle"), shin, atol=0.06
    )
    pose = dict(zip(H36M.joints, np.moveaxis(clip.poses, 1, 0), strict=True))
    up = pose["thorax"] - pose["pelvis"]
    assert (up[:, 1] > 300).all()  # A standing person, y up, mm.
    # Left by anatomy: hips, up and forward are a right-handed frame, and
    # forward is where the knees bend and the jaw points.
    forward = np.cross(pose["left_hip"] - pose["right_hip"], up)
    for ahead in (
        pose["nose"] - pose["thorax"],
        2 * pose["left_knee"] - pose["left_hip"] - pose["left_ankle"],
        2 * pose["right_knee"] - pose["right_hip"] - pose["right_ankle"],
    ):
        assert (np.sum(ahead * forward, axis=-1) > 0).mean() > 0.9


def test_files_after_what_people_reported(shared_data):
    """Everything of these kinds is read, but for a person of half a metre."""
    folder = shared_data / "cases"
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix.lower() in (".bvh", ".amc", ".c3d")
    )
    if not paths:
        pytest.skip(f"No cases in {shared_data}.")
    for path in paths:
        if "in_metres" in path.name:
            with pytest.raises(ValueError, match="0.5 m tall in m"):
                mocap_files.read_clip(path)
            continue
        poses = mocap_files.read_clip(path).poses
        tall = plausible.stature(poses)
        assert ((1000 < tall) & (tall < 2500)).all()
        head, ankle = H36M.index("head_top"), H36M.index("left_ankle")
        assert (poses[:, head, 1] > poses[:, ankle, 1]).all()
    assert isinstance(folder, pathlib.Path)
