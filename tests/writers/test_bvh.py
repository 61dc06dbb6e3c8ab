"""BVH: what is written, our reader and another program's read as it was."""

import numpy as np
import pytest

from ordinal_tf import placing, skeleton
from ordinal_tf.data.mocap import bvh as bvh_reader
from ordinal_tf.writers import bvh, tracks
from tests import mocap_files
from tests.writers import made

# The file has cm with 6 decimals; single precision of the table's poses.
TOLERANCE_MM = 0.01
PLACES = {name: joint for name, _, joint, _ in bvh.HIERARCHY}


def write(path, poses, **options):
    """Frames 0.04 s apart; returns the points that joints should be at."""
    frames = np.arange(len(poses))
    table = made.table(made.film(frames), poses, times=frames / 25, **options)
    (track,) = tracks.split(table)
    bvh.write_bvh(path, track)
    return poses * [1, -1, -1] / 10


def compare(expected, names, positions, tolerance_mm):
    """All 17 joints, by the file's names; `positions` `(T, J, 3)` cm."""
    index = skeleton.H36M17.index
    seen = set()
    for k, name in enumerate(names):
        joint = "head_top" if name == "Head_End" else PLACES.get(name)
        if joint is None:
            continue
        seen.add(joint)
        error = np.abs(positions[:, k] - expected[:, index(joint)])
        assert 10 * error.max() < tolerance_mm, (name, joint)
    assert seen == set(skeleton.H36M17.joints)


@pytest.mark.parametrize("seed", range(3))
def test_joints_come_back(tmp_path, seed):
    """Whatever the pose, upside down too, where lengths are constant."""
    poses = made.moving(np.random.default_rng(seed), 40)
    expected = write(tmp_path / "a.bvh", poses)
    read = bvh_reader.read_bvh(tmp_path / "a.bvh")
    assert read.fps == 25 and read.notes == ()
    assert [n for n in read.joints if not n.endswith("_End")] == list(PLACES)
    compare(expected, read.joints, read.positions, TOLERANCE_MM)


def test_another_program_reads_the_same(tmp_path):
    """bvhio, which counts in single precision."""
    bvhio = pytest.importorskip("bvhio")
    poses = made.moving(np.random.default_rng(5), 12)
    poses += np.linspace([0, 0, 3000], [500, -300, 4000], 12)[:, None]
    zero = poses - poses[:, :1]
    expected = write(tmp_path / "a.bvh", zero, pose_camera=np.float32(poses))
    expected = poses * [1, -1, -1] / 10
    root = bvhio.readAsHierarchy(str(tmp_path / "a.bvh"))
    layout = [joint for joint, *_ in root.layout()]
    positions = np.zeros((12, len(layout), 3))
    for frame in range(12):
        root.loadPose(frame)
        positions[frame] = [list(joint.PositionWorld) for joint in layout]
    names = [joint.Name for joint in layout]
    assert names == list(PLACES)  # Without end sites.
    index = skeleton.H36M17.index
    for k, name in enumerate(names):
        error = positions[:, k] - expected[:, index(PLACES[name])]
        assert 10 * np.abs(error).max() < 0.05, name
    container = bvhio.readAsBvh(str(tmp_path / "a.bvh"))
    assert container.FrameCount == 12
    assert container.FrameTime == pytest.approx(0.04)
    read = bvh_reader.read_bvh(tmp_path / "a.bvh")
    compare(expected, read.joints, read.positions, TOLERANCE_MM)


def test_lengths_are_the_persons_own_medians(tmp_path):
    """One frame of five is stretched: every length stays, and so do the
    directions of its bones."""
    poses = made.moving(np.random.default_rng(7), 5, scale=0.9)
    stretched = poses.copy()
    stretched[3] *= 1.3
    expected = write(tmp_path / "a.bvh", poses)
    written = (tmp_path / "a.bvh").read_text()
    write(tmp_path / "b.bvh", stretched)
    read = bvh_reader.read_bvh(tmp_path / "b.bvh")
    compare(expected, read.joints, read.positions, TOLERANCE_MM)
    again = (tmp_path / "b.bvh").read_text()
    np.testing.assert_allclose(offsets(again), offsets(written), atol=2e-6)


def offsets(text):
    rows = [row.split() for row in text.splitlines() if "OFFSET" in row]
    return np.array([row[1:] for row in rows], float)


def test_our_reader_sees_a_person_of_the_right_size(tmp_path):
    rng = np.random.default_rng(3)
    poses = standing(rng, 60)
    write(tmp_path / "a.bvh", poses)
    clip = mocap_files.read_clip(tmp_path / "a.bvh")
    assert clip.understood.unit == "cm" and clip.understood.up == "+Y"
    limbs = [
        k
        for k, (_, child) in enumerate(skeleton.H36M17.bones)
        if skeleton.H36M17.joints[child].endswith(
            ("knee", "ankle", "elbow", "wrist")
        )
    ]
    lengths = placing.limb_lengths(clip.poses)[:, limbs]
    expected = placing.MEAN_LENGTHS_MM[limbs]
    np.testing.assert_allclose(lengths, expected + 0 * lengths, atol=0.1)


def standing(rng, frames):
    """Somebody upright who faces the camera, a little in motion."""
    rest = dict.fromkeys(skeleton.H36M17.joints, (0.0, -1.0, 0.1))
    rest |= {"left_hip": (1, 0, 0), "right_hip": (-1, 0, 0)}
    rest |= {"left_shoulder": (1, 0.3, 0), "right_shoulder": (-1, 0.3, 0)}
    for side in ("left", "right"):
        rest |= {f"{side}_{joint}": (0, 1, -0.1) for joint in ("knee", "elbow")}
        rest |= {f"{side}_ankle": (0, 1, 0.1), f"{side}_wrist": (0, 1, -0.4)}
    pose = np.zeros((frames, 17, 3))
    for k, (parent, child) in enumerate(skeleton.H36M17.bones):
        bone = np.array(rest[skeleton.H36M17.joints[child]], np.float64)
        bone = bone + rng.normal(0, 0.05, (frames, 3))
        bone /= np.linalg.norm(bone, axis=-1, keepdims=True)
        pose[:, child] = pose[:, parent] + bone * placing.MEAN_LENGTHS_MM[k]
    return pose


def test_bones_that_point_exactly_against_their_rest(tmp_path):
    """Arms crossed to the other side, legs up: half turns."""
    pose = standing(np.random.default_rng(0), 1)
    index = skeleton.H36M17.index
    for side, sign in (("left", -1), ("right", 1)):
        hip = pose[0, index(f"{side}_hip")]
        pose[0, index(f"{side}_knee")] = hip - [0, 449.2, 0]
        pose[0, index(f"{side}_ankle")] = hip - [0, 894.8, 0]
        shoulder = pose[0, index(f"{side}_shoulder")]
        pose[0, index(f"{side}_elbow")] = shoulder + [sign * 280.0, 0, 0]
        pose[0, index(f"{side}_wrist")] = shoulder + [sign * 529.0, 0, 0]
    expected = write(tmp_path / "a.bvh", pose)
    read = bvh_reader.read_bvh(tmp_path / "a.bvh")
    compare(expected, read.joints, read.positions, 0.1)


def test_joints_on_top_of_each_other(tmp_path):
    """All at one place, as a bad model might say, is still a file."""
    write(tmp_path / "a.bvh", np.zeros((2, 17, 3)))
    read = bvh_reader.read_bvh(tmp_path / "a.bvh")
    assert np.abs(read.positions).max() == 0


def test_angles_do_not_jump(tmp_path):
    """A hand that goes round and round: programs interpolate angles."""
    poses = np.repeat(standing(np.random.default_rng(1), 1), 90, axis=0)
    angle = np.linspace(0, 6 * np.pi, 90)
    index = skeleton.H36M17.index
    around = np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1)
    poses[:, index("left_wrist")] = (
        poses[:, index("left_elbow")] + 249.5228 * around
    )
    expected = write(tmp_path / "a.bvh", poses)
    rows = (tmp_path / "a.bvh").read_text().split("Frame Time: 0.04\n")[1]
    values = np.array([row.split() for row in rows.splitlines()], float)
    read = bvh_reader.read_bvh(tmp_path / "a.bvh")
    compare(expected, read.joints, read.positions, TOLERANCE_MM)
    assert np.abs(np.diff(values, axis=0)).max() < 180


def test_the_root_says_whether_poses_are_absolute(tmp_path):
    poses = made.moving(np.random.default_rng(2), 3)
    write(tmp_path / "a.bvh", poses)
    assert not bvh_reader.read_bvh(tmp_path / "a.bvh").positions[:, 0].any()
    away = poses + [200, 100, 5000]
    write(tmp_path / "b.bvh", poses, pose_camera=np.float32(away))
    root = bvh_reader.read_bvh(tmp_path / "b.bvh").positions[:, 0]
    np.testing.assert_allclose(root, [[20, -10, -500]] * 3, atol=1e-3)
