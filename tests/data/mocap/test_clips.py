"""BVH and ASF/AMC: hand-made files with closed forms, and real clips."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import asf_amc, bvh, motion
from ordinal_tf.data.mocap import clips as mocap
from tests import c3d_files, h36m_files, mocap_files

H36M = skeleton.H36M17

# A root, an arm of 10 along x and a hand of 5 along x. The root's OFFSET and
# the arm's must give way to the position channels, which say otherwise.
BVH = """HIERARCHY
ROOT base
{
  OFFSET 100 100 100
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT arm
  {
    OFFSET 99 0 0
    CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
    JOINT hand
    {
      OFFSET 5 0 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 7 7 7
      }
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.05
1 2 3 0 0 0 10 0 0 0 0 0 0 0 0
0 0 0 90 0 0 10 0 0 0 90 0 0 0 0
0 0 0 90 0 0 10 0 0 0 0 90 0 0 0
"""

ASF = """# made by hand
:version 1.10
:units
  mass 1.0
  length 0.5
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name lower
    direction 0 -1 0
    length 3
    axis 0 0 90 XYZ
    dof rx
    limits (-10.0 170.0)
  end
  begin
    id 2
    name upper
    direction 1 0 0
    length 2
    axis 0 0 0 XYZ
    dof ry rz
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""

AMC = """#!OML:ASF by hand
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
upper 0 0
lower 0
2
root 0 0 0 0 90 0
upper 0 0
lower 0
3
root 0 0 0 0 0 0
upper 0 90
lower 90
"""


def write(path, text, *, newline="\n"):
    path.write_text(text, newline=newline)
    return path


def test_bvh_by_hand(tmp_path):
    read = bvh.read_bvh(write(tmp_path / "a.bvh", BVH))
    assert read.joints == ("base", "arm", "hand")
    assert read.fps == 20
    expected = [
        [[1, 2, 3], [11, 2, 3], [16, 2, 3]],
        # Rz(90) takes x to y; Rx(90) of the arm leaves its x axis alone.
        [[0, 0, 0], [0, 10, 0], [0, 15, 0]],
        # Ry(90) takes the arm's x to its -z, which Rz(90) leaves alone.
        [[0, 0, 0], [0, 10, 0], [0, 10, -5]],
    ]
    np.testing.assert_allclose(read.positions, expected, atol=1e-12)


def test_bvh_multiplies_rotations_in_the_listed_order(tmp_path):
    frame = "0 0 0 90 90 0 10 0 0 0 0 0 0 0 0"
    text = BVH.replace("1 2 3 0 0 0 10 0 0 0 0 0 0 0 0", frame)
    text = text.replace("0.05", "0.0333333")
    read = bvh.read_bvh(write(tmp_path / "a.bvh", text))
    assert read.fps == 30
    # Rz Rx of the arm's x: Rx leaves it, Rz turns it to y. Were the order
    # reversed, it would end along z.
    np.testing.assert_allclose(read.positions[0, 1], [0, 10, 0], atol=1e-12)
    turn = read.rotations[0, 0]
    np.testing.assert_allclose(turn @ [0, 1, 0], [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_amc_by_hand(tmp_path, newline):
    write(tmp_path / "07.asf", ASF, newline=newline)
    path = write(tmp_path / "07_01.amc", AMC, newline=newline)
    read = asf_amc.read_amc(path)
    assert read.joints == ("root", "upper", "lower")
    assert read.fps == 120
    # One unit is 1 / 0.5 inch, 50.8 mm.
    expected = [
        [[1, 2, 3], [3, 2, 3], [3, -1, 3]],
        # Ry(90) of the root takes x to -z.
        [[0, 0, 0], [0, 0, -2], [0, -3, -2]],
        # Rz(90) of the upper bone takes x to y and -y to x. The lower bone's
        # own x axis is, by its `axis`, the world's y at rest, so its rx turns
        # about that: -y stays, and ends along x.
        [[0, 0, 0], [0, 2, 0], [3, 2, 0]],
    ]
    np.testing.assert_allclose(
        read.positions, 50.8 * np.array(expected), atol=1e-9
    )


def test_amc_turns_in_the_frame_of_its_axis(tmp_path):
    write(
        tmp_path / "07.asf", ASF.replace("direction 0 -1 0", "direction 1 0 0")
    )
    path = write(tmp_path / "07_01.amc", AMC)
    read = asf_amc.read_amc(path)
    # A lower bone along x turns by 90 degrees about y, to -z; the upper
    # bone's Rz(90) leaves that alone.
    offset = read.positions[2, 2] - read.positions[2, 1]
    np.testing.assert_allclose(offset, [0, 0, -3 * 50.8], atol=1e-9)


@pytest.mark.parametrize(
    ("axis", "expected"),
    [("X", [0, 0, 1]), ("Y", [0, 1, 0]), ("Z", [-1, 0, 0])],
)
def test_rotation_is_right_handed(axis, expected):
    turned = motion.rotation(axis, np.array(np.pi / 2)) @ [0, 1, 0]
    np.testing.assert_allclose(turned, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("source", "fps", "expected", "rate"),
    [
        (120, 10, [0, 12, 24], 10),
        (30, None, list(range(30)), 30),
        (30, 60, list(range(30)), 30),
        (29.99997, 10, list(range(0, 30, 3)), 10),
        (30.00003, 10, list(range(0, 30, 3)), 10),
        (25, 10, [0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27], 10),
    ],
)
def test_resample(source, fps, expected, rate):
    kept, got = motion.resample(30, source, fps)
    np.testing.assert_array_equal(kept, expected)
    assert got == pytest.approx(rate, rel=1e-5)


def test_resample_refuses_no_rate():
    with pytest.raises(ValueError, match="fps"):
        motion.resample(30, 30, 0)


LAST = BVH.splitlines()[-1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (LAST, LAST[:-6], r"a\.bvh, line 26: .* needs 15 .* has 12"),
        (LAST, "", r"line 26: 2 frames .* promises 3"),
        ("90 0 0 10", "90 0 nan 10", r"line 26: .*'nan'"),
        ("90 0 0 10", "90 0 0,5 10", r"line 26: .*'0,5'"),
        ("OFFSET 5 0 0", "OFFSET 5 0", r"line 12: an OFFSET needs 3"),
        ("CHANNELS 3 Z", "CHANNELS 4 Z", r"line 13: 'CHANNELS 4"),
        ("CHANNELS 3 Zr", "CHANNELS 3 Wr", r"line 13: 'CHANNELS 3 Wr"),
        (BVH[BVH.index("MOTION") :], "", r"ends before MOTION"),
        ("Frames: 3\n", "", r"must be followed by `Frames:`"),
        ("Frame Time: 0.05", "Frame Time: 0", r"must be positive"),
        ("Frame Time: 0.05", "Time", r"line 23: expected `Frame Time:`"),
        (BVH, "a photograph", r"line 1: 'a photograph' is not part"),
        (BVH, "", r"ends before MOTION"),
    ],
)
def test_bad_bvh_names_file_and_line(tmp_path, old, new, message):
    text = new.join(BVH.rsplit(old, 1))
    assert text != BVH
    with pytest.raises(ValueError, match=message):
        bvh.read_bvh(write(tmp_path / "a.bvh", text))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lower 90\n", "", r"07_01\.amc, line 14: .* within frame 3"),
        ("upper 0 90", "upper 0", r"line 14: bone upper needs 2 .* has 1"),
        ("upper 0 90", "upper 0 inf", r"line 14: bone upper holds 'inf'"),
        ("upper 0 90", "other 0 90", r"line 14: the frame has no upper"),
        ("2\nroot", "root", r"line 8: expected the number of frame 2"),
        (AMC, "", r"holds no frame"),
    ],
)
def test_bad_amc_names_file_and_line(tmp_path, old, new, message):
    write(tmp_path / "07.asf", ASF)
    text = AMC.replace(old, new)
    with pytest.raises(ValueError, match=message):
        asf_amc.read_amc(write(tmp_path / "07_01.amc", text))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (ASF[ASF.index(":hierarchy") :], "", r"ends before its bones"),
        ("    upper lower\n", "", r"does not connect lower to the root"),
        ("length 3", "length x", r"line 17: `length` holds 'x'"),
        ("direction 0 -1 0", "direction 0 -1", r"line 16: .*needs 3"),
        ("direction 0 -1 0", "direction 0 0 0", r"lower is zero"),
        ("    length 3\n", "", r"line 13: this bone has no length"),
        ("90 XYZ", "90 ZYX", r"line 18: the axis order must be XYZ"),
        ("dof rx\n", "dof rx l\n", r"line 19: `dof` may list"),
        ("length 0.5", "length 0", r"positive length"),
        ("axis XYZ\n  position", "axis ZYX\n  position", r":root must have"),
    ],
)
def test_bad_asf_names_file_and_line(tmp_path, old, new, message):
    assert old in ASF
    with pytest.raises(ValueError, match=message):
        asf_amc.read_asf(write(tmp_path / "07.asf", ASF.replace(old, new, 1)))


def test_amc_without_its_body(tmp_path):
    path = write(tmp_path / "07_01.amc", AMC)
    with pytest.raises(ValueError, match=r"put 07\.asf beside it"):
        asf_amc.read_amc(path)
    other = write(tmp_path / "body.asf", ASF)
    assert asf_amc.find_asf(path) == other
    write(tmp_path / "third.asf", ASF)
    with pytest.raises(ValueError, match=r"body\.asf, third\.asf"):
        asf_amc.find_asf(path)


def test_bandai_joints_by_name(tmp_path):
    places = mocap_files.bandai_places()
    clip = mocap.read_clip(
        mocap_files.write_bandai(tmp_path / "walk.bvh", places=places)
    )
    assert clip.name == "walk" and clip.poses.dtype == np.float32
    assert clip.poses.shape == (2, 17, 3) and clip.fps == 10
    pose = dict(zip(H36M.joints, clip.poses[0], strict=True))
    for joint, name in [
        ("left_hip", "UpperLeg_L"),
        ("right_ankle", "Foot_R"),
        ("left_elbow", "LowerArm_L"),
        ("right_wrist", "Hand_R"),
        ("thorax", "Neck"),
    ]:
        # Centimetres in the file.
        np.testing.assert_allclose(pose[joint], 10 * places[name], atol=1e-4)
    hips = places["UpperLeg_L"] + places["UpperLeg_R"]
    np.testing.assert_allclose(pose["pelvis"], 5 * hips, atol=1e-4)
    # 11 cm up and 2 cm forward of the head joint.
    head = 10 * places["Head"] + [0, 110, 20]
    np.testing.assert_allclose(pose["head_top"], head, atol=1e-4)


def test_unknown_joints_are_named(tmp_path):
    places = mocap_files.bandai_places()
    places["Shin"] = places.pop("LowerLeg_L")
    path = mocap_files.write_bandai(tmp_path / "a.bvh", places=places)
    with pytest.raises(ValueError, match=r"named LowerLeg_L \(it has .*Shin"):
        mocap.read_clip(path)
    with pytest.raises(ValueError, match="must be .bvh, or .amc"):
        mocap.read_clip(tmp_path / "a.fbx")


def test_folder_reports_and_skips_up_to_the_limit(tmp_path):
    mocap_files.write_bandai(tmp_path / "b.bvh", frames=20)
    (tmp_path / "sub").mkdir()
    mocap_files.write_bandai(tmp_path / "sub" / "c.BVH")
    for bad in ("a.bvh", "d.bvh"):
        write(tmp_path / bad, BVH)
    said = []
    clips = mocap.read_folder(tmp_path, fps=5, skip_limit=2, report=said.append)
    assert [clip.name for clip in clips] == ["b", "sub/c"]
    assert [len(clip.poses) for clip in clips] == [10, 1]
    assert sum("skipped" in line and "a.bvh" in line for line in said) == 1
    assert said[-1] == "read 4 of 4 clips, 11 poses"
    with pytest.raises(
        ValueError, match="more than 1 bad clips; the last: .*d"
    ):
        mocap.read_folder(tmp_path, skip_limit=1, report=said.append)


def test_markers_beside_a_skeleton_are_left_out(tmp_path):
    pytest.importorskip("c3d")
    mocap_files.write_bandai(tmp_path / "b.bvh")
    for name in ("a.c3d", "b.c3d"):
        c3d_files.write_body(tmp_path / name)
    clips = mocap.read_folder(tmp_path, report=lambda text: None)
    assert [clip.name for clip in clips] == ["a", "b"]
    assert [len(clip.poses) for clip in clips] == [2, 2]


def test_npz_of_own_poses(tmp_path):
    rng = np.random.default_rng(0)
    walk, run = rng.normal(0, 300, (2, 30, 17, 3))
    path = tmp_path / "own.npz"
    np.savez(path, walk=walk, run=run.astype("f4"), fps=30, note="mine")
    clips = mocap.read_clips(path, fps=10)
    assert [clip.name for clip in clips] == ["own/walk", "own/run"]
    np.testing.assert_allclose(clips[0].poses, walk[::3], rtol=1e-6)
    assert clips[1].fps == 10
    with pytest.raises(ValueError, match="holds 2 clips, not one"):
        mocap.read_clip(path)
    # Without a rate they are poses, not frames: all are kept.
    np.savez(path, poses=walk)
    assert len(mocap.read_clip(path, fps=10).poses) == 30
    assert mocap.read_clip(path, name="a").name == "a"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"walk": np.full((2, 17, 3), np.nan)}, "'walk' holds what are no pl"),
        ({"walk": np.zeros((0, 17, 3))}, "'walk' holds no pose"),
        ({"walk": np.zeros((2, 17, 3)), "fps": -1}, "'fps' must be a positive"),
        ({"walk": np.zeros((2, 16, 3))}, "has no 'positions_3d', and no arra"),
    ],
)
def test_bad_npz(tmp_path, content, message):
    path = tmp_path / "own.npz"
    np.savez(path, **content)
    with pytest.raises(ValueError, match=message) as error:
        mocap.read_clips(path)
    assert "own.npz" in str(error.value)


def test_poses_of_human36m(tmp_path):
    world = h36m_files.world(20)
    path = tmp_path / "data_3d_h36m.npz"
    actions = {"Eating 1": (world / 1000).astype("f4")}
    np.savez_compressed(path, positions_3d={"S1": actions})
    clip = mocap.read_clip(path, fps=10)
    assert clip.name == "data_3d_h36m/S1/Eating 1" and clip.fps == 10
    # Point 27 is the right wrist; z was up, so z becomes y and y becomes -z.
    wrist = world[::5, 27]
    expected = np.stack([wrist[:, 0], wrist[:, 2], -wrist[:, 1]], axis=-1)
    found = clip.poses[:, H36M.index("right_wrist")]
    np.testing.assert_allclose(found, expected, atol=1e-2)
    pytest.importorskip("cdflib")
    cdf = h36m_files.write_cdf(tmp_path / "Eating 1.cdf", world)
    same = mocap.read_clip(cdf, fps=10)
    np.testing.assert_allclose(same.poses, clip.poses, atol=1e-2)


@pytest.mark.parametrize("up", sorted(mocap._TO_Y_UP))
def test_turning_an_axis_up_is_no_mirror(up):
    turn = np.array(mocap._TO_Y_UP[up])
    assert np.linalg.det(turn) == pytest.approx(1)
    sign = -1 if up[0] == "-" else 1
    axis = sign * np.eye(3)["XYZ".index(up[1])]
    np.testing.assert_array_equal(turn @ axis, [0, 1, 0])


def test_folder_without_clips(tmp_path):
    with pytest.raises(ValueError, match="holds no motion capture"):
        mocap.read_folder(tmp_path)
    with pytest.raises(ValueError, match="is no folder"):
        mocap.read_folder(tmp_path / "missing")


def lengths(clip, parent, child):
    one, two = H36M.index(parent), H36M.index(child)
    return np.linalg.norm(clip.poses[:, one] - clip.poses[:, two], axis=-1)


def real_clip(shared_data, pattern):
    path = next(iter(sorted((shared_data / "mocap").glob(pattern))), None)
    if path is None:
        pytest.skip(f"No {pattern} in {shared_data}.")
    return mocap.read_clip(path, fps=10)


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
