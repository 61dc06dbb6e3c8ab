"""Joints that stand for others: thorax, spine, jaw and head."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import skeleton_body
from tests import mocap_files

H36M = skeleton.H36M17
# Bones of the CMU database: name, parent, and where its far end is.
BONES = [
    *(("lowerback", "root", "spine1"), ("upperback", "lowerback", "spine2")),
    *(("thorax", "upperback", "spine3"), ("lowerneck", "thorax", "neck")),
    *(("upperneck", "lowerneck", "head"), ("head", "upperneck", "crown")),
] + [
    (
        side[0] + name,
        parent if parent in ("root", "thorax") else side[0] + parent,
        f"{side} {end}",
    )
    for side in ("left", "right")
    for name, parent, end in (
        ("hipjoint", "root", "hip"),
        ("femur", "hipjoint", "knee"),
        ("tibia", "femur", "ankle"),
        ("foot", "tibia", "toe"),
        ("clavicle", "thorax", "shoulder"),
        ("humerus", "clavicle", "elbow"),
        ("radius", "humerus", "wrist"),
        ("wrist", "radius", "fingers"),
    )
]


def write_cmu(folder, *, length=0.45, angle="deg", name="07"):
    """The body of `mocap_files` as an ASF body, and a clip of two frames."""
    where = mocap_files.places()
    # The forearm ends where CMU's `wrist` does.
    for side in ("left", "right"):
        elbow, wrist = where[f"{side} elbow"], where[f"{side} wrist"]
        where[f"{side} fingers"] = wrist
        where[f"{side} wrist"] = (elbow + wrist) / 2
    ends = {bone: where[end] for bone, _, end in BONES}
    ends["root"] = where["pelvis"]
    metre = 1000 / 25.4 * length
    text = [":version 1.10", ":units", f"  length {length}", f"  angle {angle}"]
    text += [":root", "  order TX TY TZ RX RY RZ", "  axis XYZ"]
    text += ["  position 0 0 0", "  orientation 0 0 0", ":bonedata"]
    for bone, parent, _ in BONES:
        step = ends[bone] - ends[parent]
        size = np.linalg.norm(step)
        way = " ".join(f"{number:.9f}" for number in step / size)
        text += ["  begin", f"    name {bone}", f"    direction {way}"]
        text += [
            f"    length {size * metre:.6f}",
            "    axis 0 0 0 XYZ",
            "  end",
        ]
    text += [":hierarchy", "  begin"]
    text += [f"    {parent} {bone}" for bone, parent, _ in BONES] + ["  end"]
    (folder / f"{name}.asf").write_text("\n".join(text) + "\n")
    place = " ".join(f"{number:.6f}" for number in ends["root"] * metre)
    frames = [f"{k}\nroot {place} 0 0 0\n" for k in (1, 2)]
    path = folder / f"{name}_01.amc"
    path.write_text(":FULLY-SPECIFIED\n" + "".join(frames))
    return path


@pytest.mark.parametrize(
    ("length", "unit"), [(0.45, "1/0.45 inch"), (1.0, "inch")]
)
def test_joints_of_the_cmu_database(tmp_path, length, unit):
    clip = mocap_files.read_clip(write_cmu(tmp_path, length=length))
    where = {k: 1000 * v for k, v in mocap_files.places().items()}
    pose = dict(zip(H36M.joints, clip.poses[0], strict=True))
    for joint in H36M.joints:
        if joint.startswith(("left", "right")):
            expected = where[joint.replace("_", " ")]
            np.testing.assert_allclose(pose[joint], expected, atol=0.05)
    np.testing.assert_allclose(pose["thorax"], where["neck"], atol=0.05)
    spine = (where["spine1"] + where["spine2"]) / 2
    np.testing.assert_allclose(pose["spine"], spine, atol=0.05)
    # 5 cm ahead of the head's joint, 2 cm ahead of the end of its bone.
    np.testing.assert_allclose(
        pose["nose"], where["head"] + [0, 0, 50], atol=0.1
    )
    crown = where["crown"] + [0, 0, 20]
    np.testing.assert_allclose(pose["head_top"], crown, atol=0.1)
    assert clip.understood.unit == unit and clip.understood.up == "+Y"
    assert clip.understood.names["left_elbow"] == "lhumerus"
    assert clip.understood.names["spine"] == "lowerback + upperback"


def test_a_body_in_an_impossible_unit_is_told(tmp_path):
    path = write_cmu(tmp_path, length=0.45)
    body = tmp_path / "07.asf"
    body.write_text(body.read_text().replace("length 0.45", "length 4.5"))
    clip = mocap_files.read_clip(path)
    assert clip.understood.unit == "1/0.45 inch"
    (note,) = clip.understood.notes
    assert "0.17 m tall" in note


def test_without_a_neck_the_thorax_is_above_the_shoulders(tmp_path):
    tree = [
        (n.replace("Neck", "Nape"), p and p.replace("Neck", "Nape"), key)
        for n, p, key in mocap_files.MIXAMO
    ]
    clip = mocap_files.read_clip(
        mocap_files.write_bvh(tmp_path / "a.bvh", tree)
    )
    pose = dict(zip(H36M.joints, clip.poses[0], strict=True))
    shoulders = (pose["left_shoulder"] + pose["right_shoulder"]) / 2
    above = pose["thorax"] - shoulders
    assert 50 < above[1] < 70 and np.abs(above[[0, 2]]).max() < 5


@pytest.mark.parametrize(
    "looks",
    [
        np.eye(3),
        # x along the bone, y ahead, as Bandai's.
        np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
        # z up and -y ahead, as Blender's world.
        np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
        np.array([[0.0, 0, -1], [-1, 0, 0], [0, 1, 0]]),
    ],
)
@pytest.mark.parametrize("nod", [0, 20, 30])
def test_axes_of_a_head_follow_from_where_people_look(looks, nod):
    """Up is y and ahead z; the columns of `looks` are the head's own axes."""
    turn = np.radians(nod)
    pitch = np.array(
        [
            [1, 0, 0],
            [0, np.cos(turn), -np.sin(turn)],
            [0, np.sin(turn), np.cos(turn)],
        ]
    )
    frame = np.tile(pitch @ looks, (5, 1, 1))
    up, ahead = (np.tile(np.eye(3)[k], (5, 1)) for k in (1, 2))
    found = skeleton_body._axes_of(frame, up, ahead)
    expected = looks.T @ np.array([[0, 1, 0], [0, 0, 1.0]]).T
    np.testing.assert_allclose(found, expected.T, atol=1e-9)
