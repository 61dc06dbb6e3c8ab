"""Motion as arrays: our own, AMASS', Human3.6M's."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import clips
from tests import h36m_files, mocap_files
from tests.data.mocap import test_person

H36M = skeleton.H36M17


def walking(frames=30):
    """Our joints, mm, y up, of somebody who moves along z."""
    steps = np.arange(frames)[:, None, None] * [0, 0, 10.0]
    return test_person.pose(frames) + steps


def test_own_poses(tmp_path):
    walk, run = walking(), walking() * 1.1
    path = tmp_path / "own.npz"
    np.savez(path, walk=walk, run=run.astype("f4"), fps=30, note="mine")
    found = clips.read_clips(path, fps=10)
    assert [clip.name for clip in found] == ["own/walk", "own/run"]
    np.testing.assert_allclose(found[0].poses, walk[::3], rtol=1e-6)
    np.testing.assert_allclose(found[1].poses, run[::3], rtol=1e-6)
    assert found[1].fps == 10
    assert found[0].understood.unit == "mm" and not found[0].understood.notes
    # Without a rate they are poses, not frames: all are kept.
    np.savez(path, poses=walk)
    assert len(mocap_files.read_clip(path, fps=10).poses) == 30
    assert mocap_files.read_clip(path, name="a").name == "a"


def test_own_poses_in_metres_with_z_up_are_told(tmp_path):
    path = tmp_path / "own.npz"
    turned = walking()[..., [0, 2, 1]] * [1, -1, 1] / 1000
    np.savez(path, walk=turned)
    clip = mocap_files.read_clip(path)
    np.testing.assert_allclose(clip.poses, walking(), rtol=1e-5, atol=1e-2)
    first, second = clip.understood.notes
    assert "taken for m" in first and "in mm" in first
    assert "taken for +Z" in second


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"walk": np.full((2, 17, 3), np.nan)}, "'walk' holds what are no pl"),
        ({"walk": np.zeros((0, 17, 3))}, "'walk' holds no pose"),
        ({"walk": np.zeros((2, 17, 3))}, "people of 1 to 2.5 m"),
        ({"walk": walking(2) * 0.5}, "0.83 m tall in mm"),
        ({"walk": walking(2), "fps": -1}, "'fps' must be a positive"),
        ({"walk": np.zeros((2, 16, 3))}, "has no 'positions_3d', and no arra"),
        (
            {"poses": np.zeros((2, 156)), "trans": np.zeros((2, 3))},
            "body model.*save the joints.*'joints'",
        ),
        ({"joints": np.zeros((2, 21, 3))}, "has no 'positions_3d'"),
    ],
)
def test_bad_files(tmp_path, content, message):
    path = tmp_path / "own.npz"
    np.savez(path, **content)
    with pytest.raises(ValueError, match=message) as error:
        clips.read_clips(path)
    assert "own.npz" in str(error.value)


# The order of SMPL's joints, from its publication's figures; the places are
# of the body of `mocap_files`.
SMPL = [
    *("pelvis", "left hip", "right hip", "spine1", "left knee", "right knee"),
    *("spine2", "left ankle", "right ankle", "spine3", "left toe"),
    *("right toe", "neck", "left collar", "right collar", "head"),
    *("left shoulder", "right shoulder", "left elbow", "right elbow"),
    *("left wrist", "right wrist", "left fingers", "right fingers"),
]


@pytest.mark.parametrize("rate", ["mocap_framerate", "mocap_frame_rate"])
@pytest.mark.parametrize("count", [22, 24])
def test_joints_of_amass(tmp_path, rate, count):
    where = mocap_files.places()
    joints = np.stack([where[key] for key in SMPL[:count]])
    # AMASS is in metres, z up.
    joints = np.tile(joints[:, [0, 2, 1]] * [1, -1, 1], (24, 1, 1))
    path = tmp_path / "a.npz"
    np.savez(
        path,
        joints=joints,
        poses=np.zeros((24, 156)),
        trans=np.zeros((24, 3)),
        gender=np.array("female"),
        **{rate: 120.0},
    )
    clip = mocap_files.read_clip(path, fps=10)
    assert clip.fps == 10 and len(clip.poses) == 2
    pose = dict(zip(H36M.joints, clip.poses[1], strict=True))
    for joint in H36M.joints:
        if joint.startswith(("left", "right")):
            np.testing.assert_allclose(
                pose[joint], 1000 * where[joint.replace("_", " ")], atol=0.01
            )
    np.testing.assert_allclose(pose["thorax"], 1000 * where["neck"], atol=0.01)
    head = 1000 * where["head"]
    # The neck of this body leans a little ahead.
    np.testing.assert_allclose(pose["nose"], head + [0, 20, 50], atol=12)
    np.testing.assert_allclose(pose["head_top"], head + [0, 110, 20], atol=25)
    assert clip.understood.unit == "m" and clip.understood.up == "+Z"
    assert not clip.understood.notes


def human36m(frames):
    """The release's 32 points of the body of `mocap_files`, mm, z up."""
    where = mocap_files.places()
    near = {"nose": "head", "head_top": "crown", "thorax": "neck"}
    near |= {"spine": "spine2", "lower_spine": "spine1"}
    rows = []
    for joint in skeleton.H36M32.joints:
        key = near.get(joint, joint.replace("_", " "))
        side, _, rest = key.partition(" ")
        if key not in where and side in ("left", "right"):
            foot = "toe" in rest
            key = f"{side} {'toe' if foot else 'fingers'}"
            key = f"{side} collar" if rest == "clavicle" else key
        rows.append(1000 * where[key][[0, 2, 1]] * [1, -1, 1])
    return np.tile(np.stack(rows), (frames, 1, 1))


def test_poses_of_human36m(tmp_path):
    world = human36m(20) + np.arange(20)[:, None, None] * [3.0, 0, 0]
    path = tmp_path / "data_3d_h36m.npz"
    actions = {"Eating 1": (world / 1000).astype("f4")}
    np.savez_compressed(path, positions_3d={"S1": actions})
    clip = mocap_files.read_clip(path, fps=10)
    assert clip.name == "data_3d_h36m/S1/Eating 1" and clip.fps == 10
    # Point 27 is the right wrist; z was up, so z becomes y and y becomes -z.
    wrist = world[::5, 27]
    expected = np.stack([wrist[:, 0], wrist[:, 2], -wrist[:, 1]], axis=-1)
    found = clip.poses[:, H36M.index("right_wrist")]
    np.testing.assert_allclose(found, expected, atol=1e-2)
    pytest.importorskip("cdflib")
    cdf = h36m_files.write_cdf(tmp_path / "Eating 1.cdf", world)
    same = mocap_files.read_clip(cdf, fps=10)
    np.testing.assert_allclose(same.poses, clip.poses, atol=1e-2)
