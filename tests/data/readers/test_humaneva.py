"""HumanEva-I: joints by hand, synchronisation, what is dropped."""

import pathlib
import re
import shutil

import numpy as np
import pytest
from scipy.spatial import transform

from ordinal_tf import skeleton
from ordinal_tf.data.files import video
from ordinal_tf.data.readers import humaneva, humaneva_body, humaneva_files
from tests import humaneva_files as made
from tests import video_files

H36M, BODY = skeleton.H36M17, skeleton.HUMANEVA15


def quiet(text):
    del text


def joints(points, names, times, *, offset=600.0, half=200.0):
    found, valid = humaneva_body.joints_at(
        [name.rpartition(":")[2] for name in names],
        points,
        np.asarray(times, float),
        half_shoulders_mm=half,
        offsets_mm=(offset, offset),
    )
    named = zip(BODY.joints, np.moveaxis(found, 1, 0), strict=True)
    return dict(named), valid


def test_joints_by_hand():
    points, names = made.walk(2)
    pose, valid = joints(points, names, [0])
    assert valid.tolist() == [True]
    # The arm turns by atan(300 / 400): sine 0.6, cosine 0.8, forwards in
    # reverse, that is, its end moves by 400 * 0.6 to the back.
    elbow = np.array([-240.0, 200, 1450 - 320])
    expected = {
        "left_hip": [0, 100, 950],
        "left_knee": [0, 100, 550],
        "left_ankle": [0, 100, 100],
        "right_hip": [0, -100, 950],
        "right_ankle": [0, -100, 100],
        "left_shoulder": [0, 200, 1450],
        "left_elbow": elbow,
        # The forearm (250 mm) turns back by the same angle: to the front.
        "left_wrist": elbow + [250 * 0.6, 0, -250 * 0.8],
        # 50 mm behind the pelvis' origin.
        "pelvis": [-50, 0, 1000],
        "head_top": [50, 0, 1500 + 316.103],
    }
    for joint, place in expected.items():
        np.testing.assert_allclose(pose[joint][0], place, atol=1e-9)
    # The trunk, |(50, 0, 500)| long, leans back by atan(100 / length).
    trunk = np.hypot(50, 500)
    top = trunk / np.hypot(trunk, 100) * np.array([-100, 0, trunk])
    top = np.array([-50, 0, 1000]) + top
    np.testing.assert_allclose(
        pose["thorax"][0], (top + [50, 0, 1500]) / 2, atol=1e-9
    )


def test_both_arms_turn_to_the_same_side():
    """Forwards in reverse: the axes of both point to the front and left."""
    points, names = made.walk(2)
    pose, _ = joints(points, names, [0])
    for joint in ("shoulder", "elbow", "wrist"):
        np.testing.assert_allclose(
            pose[f"right_{joint}"],
            pose[f"left_{joint}"] * [1, -1, 1],
            atol=1e-9,
        )
    np.testing.assert_allclose(
        pose["right_elbow"][0], [-240, -200, 1130], atol=1e-9
    )


def test_each_arm_by_its_own_offset():
    points, names = made.walk(2)
    bare = [name.rpartition(":")[2] for name in names]
    found, _ = humaneva_body.joints_at(
        bare,
        points,
        np.zeros(1),
        half_shoulders_mm=200.0,
        offsets_mm=(600.0, 0.0),
    )
    elbow = {
        side: found[0, BODY.index(f"{side}_elbow")]
        for side in ("left", "right")
    }
    # As above; without an offset the arm hangs straight down.
    np.testing.assert_allclose(elbow["left"], [-240, 200, 1130], atol=1e-9)
    np.testing.assert_allclose(elbow["right"], [0, -200, 1050], atol=1e-9)


def test_shoulder_offsets_of_the_left_and_the_right(tmp_path):
    path = tmp_path / "S1.mp"
    path.write_text("$RShoulderOffset = 41.5\n$LShoulderOffset = 40\n")
    assert humaneva_files.read_shoulder_offsets(path) == [40, 41.5]


def test_half_the_shoulders_without_half_a_marker():
    """Markers of 14 mm across: their centres are 7 mm off the skin."""
    points, names = made.walk(3)
    bare = [name.rpartition(":")[2] for name in names]
    points[1, bare.index("LSHO")] = 0  # Not seen.
    half = humaneva_body.half_shoulders(bare, points)
    assert half == pytest.approx(414 / 2 - 7)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8-sig"])
def test_calibration_by_hand(tmp_path, encoding):
    """Skew is in shares of the first focal length."""
    numbers = list(made.CALIBRATION)
    numbers[4] = 0.5
    path = tmp_path / "C1.cal"
    text = "".join(f"{number:f} \n" for number in numbers)
    path.write_text(text, encoding=encoding)
    found = humaneva_files.read_calibration(path)
    assert found["matrix"].tolist() == [[80, 40, 32], [0, 70, 24], [0, 0, 1]]
    assert found["distortion"].tolist() == [-0.1, 0.02, 0.001, -0.002, 0]
    assert found["translation"].tolist() == [0, 1000, 5000]


def test_each_camera_has_its_own_calibration(tmp_path, partition):
    made.write_subject(tmp_path / "S1")
    numbers = list(made.CALIBRATION)
    numbers[0], numbers[4], numbers[21] = 60, 0.5, 6000
    made.write_numbers(tmp_path / "S1/Calibration_Data/C2.cal", numbers)
    film = tmp_path / "S1" / "Image_Data" / "Walking_1_(C{}).avi"
    one, two = (pathlib.Path(str(film).format(k)) for k in (1, 2))
    shutil.copy(one, two)
    photos = read(tmp_path, split="validate")
    assert len(photos) == 14
    first, second = photos.take(slice(0, 7)), photos.take(slice(7, 14))
    assert "(C1)" in first.paths[-1] and "(C2)" in second.paths[0]
    assert (first.camera[:, 0] == [80, 0, 32]).all()
    assert (second.camera[:, 0] == [60, 30, 32]).all()
    np.testing.assert_allclose(
        second.pose, first.pose + np.float32([0, 0, 1000]), atol=1e-2
    )
    # By hand, the left hip of image 6: 110 mm to the right, 50 down.
    x, y = 110 / 6000, 50 / 6000
    found = second.keypoints[0, H36M.index("left_hip")]
    expected = [60 * x + 30 * y + 32, 70 * y + 24]
    # Distortion moves this point by less than 0.01 px.
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_markers_in_metres(tmp_path, partition):
    folder = made.write_subject(tmp_path / "S1")
    points, names = made.walk(60)
    made.write_markers(
        folder / "Mocap_Data" / "Walking_1.mat", points / 1000, names
    )
    assert "Walking_1: its bones are those of" in refused(tmp_path)


def test_between_frames_the_body_moves_and_turns():
    points, names = made.walk(2)
    turn = transform.Rotation.from_euler("z", 90, degrees=True).as_matrix()
    points[1] = points[0] @ turn.T + [100, 0, 0]
    pose, _ = joints(points, names, [0.5])
    whole, _ = joints(points, names, [0, 1])
    # Origins move on straight lines.
    middle = whole["left_hip"].mean(0)
    np.testing.assert_allclose(pose["left_hip"][0], middle, atol=1e-9)
    # Axes turn: the head is 316.103 above its base, and the pelvis 50 behind
    # its origin, at 45 degrees.
    origin = np.array([50.0, 0, 1000])
    behind = 50 * np.sqrt(0.5) * np.array([1, 1, 0])
    np.testing.assert_allclose(pose["pelvis"][0], origin - behind, atol=1e-9)


def test_frames_that_do_not_count():
    points, names = made.walk(8)
    bare = [name.rpartition(":")[2] for name in names]
    points[2, bare.index("LFRM")] = 0
    points[5, bare.index("LFEL")] = points[5, bare.index("LFEA")]
    times = [-0.5, 0, 0.5, 1, 1.5, 2, 3, 4.5, 5, 6, 7, 7.5]
    pose, valid = joints(points, names, times)
    expected = [0, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0]
    assert valid.tolist() == [bool(v) for v in expected]
    assert not pose["pelvis"][~valid].any()


def test_streams_by_hand():
    # Image 1 of C1 is captured frame 21, image 11 of C2 captured frame 61, so
    # that the first that both have is captured frame 41: image 11 and image 1.
    offsets = {"C1": (1.0, 21.0, 2.0), "C2": (11.0, 61.0, 2.0)}
    start, time, scale = humaneva_files.align_streams(offsets)
    assert (start, time, scale) == ({"C1": 11, "C2": 1}, 41.0, 2.0)
    offsets = {"C1": (3.0, 1.0, 2.0), "C2": (8.4, 5.0, 2.0)}
    start, time, scale = humaneva_files.align_streams(offsets)
    # Captured frame 1 is image 3 and image 6.4.
    assert (start, time, scale) == ({"C1": 3, "C2": 6}, 1.0, 2.0)
    offsets = {"C1": (1.0, 41.0, 2.0), "C2": (3.0, 41.0, 2.0)}
    start, time, scale = humaneva_files.align_streams(offsets)
    assert (start, time, scale) == ({"C1": 1, "C2": 3}, 41.0, 2.0)


@pytest.fixture
def partition(monkeypatch):
    """Frames 6 to 12 to validate, 13 to 20 to train."""
    monkeypatch.setattr(humaneva, "_PARTITION", {("S1", "Walking"): (12, 20)})


def read(folder, report=quiet, **options):
    return humaneva.read_humaneva(folder, report=report, **options)


def refused(folder):
    """What is said where nothing can be read, of the first thing skipped."""
    said = []
    with pytest.raises(ValueError, match="no usable record is left"):
        read(folder, report=said.append)
    return said[0]


@pytest.mark.parametrize("suffix", [".mat", ".c3d"])
def test_frames_joints_and_cameras(tmp_path, partition, suffix):
    if suffix == ".c3d":
        pytest.importorskip("c3d")
    made.write_subject(tmp_path / "S1", suffix=suffix)
    photos = read(tmp_path, split="validate")
    assert photos.name == "humaneva_validate" and len(photos) == 7
    film, frame = video.split_path(photos.paths[0])
    # Frame 6 of the streams is image 6, which is number 5 from 0.
    assert film.endswith("S1/Image_Data/Walking_1_(C1).avi") and frame == 5
    image = video.Reader().read(film, frame)
    assert video_files.number(image, 5) == 5
    # Captured frame 10, from 0: 10 mm along y. The camera sees y as x.
    hip = photos.pose[0, H36M.index("left_hip")]
    point = np.array([100 + 10, 1000 - 950, 5000.0])
    np.testing.assert_allclose(hip, point, atol=1e-2)
    x, y = point[:2] / point[2]
    square = x * x + y * y
    radial = 1 - 0.1 * square + 0.02 * square**2
    bent = [
        x * radial + 2 * 0.001 * x * y - 0.002 * (square + 2 * x * x),
        y * radial + 0.001 * (square + 2 * y * y) - 2 * 0.002 * x * y,
    ]
    np.testing.assert_allclose(
        photos.keypoints[0, H36M.index("left_hip")],
        [80 * bent[0] + 32, 70 * bent[1] + 24],
        atol=1e-4,
    )
    np.testing.assert_array_equal(photos.camera[0, 0], [80, 0, 32])
    depth = photos.depth[0, H36M.index("left_hip")]
    assert depth == pytest.approx(5000 - 5050, abs=1e-2)
    assert photos.keypoint_mask.all() and photos.pose_mask.all()


def test_invalid_frames_are_dropped(tmp_path, partition):
    folder = made.write_subject(tmp_path / "S1")
    points, names = made.walk(60)
    points[10] = 0  # Image 5.
    made.write_markers(folder / "Mocap_Data" / "Walking_1.mat", points, names)
    said = []
    photos = read(tmp_path, split="validate", report=said.append)
    assert [video.split_path(p)[1] for p in photos.paths] == [*range(6, 12)]
    dropped = "S1 Walking: dropped 1 of 7 frames without valid motion capture."
    assert said[0] == dropped
    assert "left out 2 bad records, each named, 1 frames without" in said[-1]
    assert photos.left_out["frames without valid motion capture"] == 1
    # Who is left has the labels of the same images, not of those before.
    made.write_markers(
        folder / "Mocap_Data" / "Walking_1.mat", made.walk(60)[0], names
    )
    whole = read(tmp_path, split="validate")
    for key, array in whole.columns.items():
        np.testing.assert_allclose(
            *((getattr(photos, key), array[1:]))
            if key != "paths"
            else (0.0, 0.0),
            err_msg=key,
        )


def test_missing_parts_by_name(tmp_path, monkeypatch):
    made.write_subject(tmp_path / "S1")
    table = {("S1", "Walking"): (12, 20), ("S2", "Jog"): (8, 10)}
    monkeypatch.setattr(humaneva, "_PARTITION", table)
    said = []
    photos = read(tmp_path, report=said.append)
    assert {path.rpartition("/")[2][:14] for path in photos.paths} == {
        "Walking_1_(C1)"
    }
    for text, message in zip(
        said,
        [
            "Walking_1_(C2).avi is missing",
            "C3.cal is missing",
            "S2/Sync_Data holds no Jog_1_(C1).ofs. S2 Jog is left out",
        ],
        strict=True,
    ):
        assert message in text
    assert "S1/Sync_Data holds no Walking_1_(C1).ofs" in refused(
        tmp_path / "S1"
    )
    with pytest.raises(ValueError, match="'train' or 'validate'"):
        read(tmp_path, split="test")


def spoil(folder, what):
    points, names = made.walk(60)
    mocap = folder / "Mocap_Data"
    clip, body = mocap / "Walking_1.mat", mocap / "S1.mp"
    if what == "marker":
        keep = [k for k, name in enumerate(names) if name != "LS:T10"]
        made.write_markers(clip, points[:, keep], [names[k] for k in keep])
        return "there is no marker T10"
    if what == "shape":
        made.write_markers(clip, points[:, 1:], names)
        return r"`Markers` must have shape \(T, 85, 3\)"
    if what == "cut":
        clip.write_bytes(clip.read_bytes()[:9000])
        return r"Walking_1\.mat is not a readable MATLAB file"
    if what == "gone":
        clip.unlink()
        return r"Walking_1\.c3d is missing"
    if what == "measure":
        body.write_text("$LShoulderOffset = 40\n")
        return r"S1\.mp must hold a line such as \$LShoulderOffset = 40"
    if what == "no shoulders":
        points[:] = 0
        made.write_markers(mocap / "Static.mat", points, names)
        return "LSHO and RSHO are never seen together"
    path = folder / "Sync_Data" / "Walking_1_(C1).ofs"
    if what == "offsets":
        path.write_text("1 2")
        return r"\(C1\)\.ofs must hold 3 finite numbers. Found: 2"
    if what == "scale":
        path.write_text("1 1 0")
        return "a scale of 0.0 is impossible"
    path = folder / "Calibration_Data" / "C1.cal"
    if what == "calibration":
        path.write_text(path.read_text() + "1")
        return r"C1\.cal must hold 22 finite numbers. Found: 23"
    if what == "text":
        path.write_text("fc = 1")
        return r"C1\.cal must hold numbers only"
    numbers = list(made.CALIBRATION)
    numbers[11] = {"rotation": 0.5, "behind": 1}[what]
    numbers[21] = {"rotation": 5000, "behind": -5000}[what]
    made.write_numbers(path, numbers)
    return {"rotation": "its rotation is none", "behind": "behind it"}[what]


@pytest.mark.parametrize(
    "what",
    [
        *("marker", "shape", "cut", "gone", "measure", "no shoulders"),
        *("offsets", "scale", "calibration", "text", "rotation", "behind"),
    ],
)
def test_bad_files(tmp_path, partition, what):
    message = spoil(made.write_subject(tmp_path / "S1"), what)
    assert re.search(message, refused(tmp_path))


# First and last frame (excluded), from 0, of the training halves, as
# VideoPose3D (data/prepare_data_humaneva.py) has them from the support code.
PARTITION = """
S1 Walking 590 1203, S1 Jog 367 740, S2 Walking 438 876, S2 Jog 398 795,
S3 Walking 448 939, S3 Jog 401 842
"""


def test_the_published_partition():
    rows = [row.split() for row in PARTITION.split(",")]
    expected = {(s, a): (int(one), int(two)) for s, a, one, two in rows}
    assert humaneva._PARTITION == expected


def test_halves_meet_without_a_gap(tmp_path, partition):
    made.write_subject(tmp_path / "S1")
    halves = [read(tmp_path, split=split) for split in ("validate", "train")]
    frames = [
        video.split_path(path)[1] for half in halves for path in half.paths
    ]
    # Of frames 6 to 20, counted from 1; the first five repeat.
    assert frames == [*range(5, 20)]
