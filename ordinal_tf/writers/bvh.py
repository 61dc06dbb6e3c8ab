"""Tracks as BVH: a skeleton of the person's own lengths, turned by rotations.

Joints have the names of MotionBuilder and Mixamo, which Blender's, Unity's and
Unreal's retargeting know. As in CMU's files, joints of length 0 at the pelvis
(and here at the thorax) let hips, spine, shoulders and neck turn apart, so that
every bone points where it was seen to.
"""

import warnings

import numpy as np
from scipy.spatial.transform import Rotation

from ordinal_tf import files, skeleton, vectors
from ordinal_tf.writers import tracks

_MM_PER_UNIT = 10.0  # Files are in centimetres, as those programs take them.
_UP, _DOWN, _LEFT, _RIGHT = (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0)
# Name, parent, our joint at its place, and where that lies from the parent's
# place in the rest pose: a T, facing +z. In the order of the file.
HIERARCHY = (
    ("Hips", None, "pelvis", _UP),
    ("LHipJoint", "Hips", "pelvis", _UP),
    ("LeftUpLeg", "LHipJoint", "left_hip", _LEFT),
    ("LeftLeg", "LeftUpLeg", "left_knee", _DOWN),
    ("LeftFoot", "LeftLeg", "left_ankle", _DOWN),
    ("RHipJoint", "Hips", "pelvis", _UP),
    ("RightUpLeg", "RHipJoint", "right_hip", _RIGHT),
    ("RightLeg", "RightUpLeg", "right_knee", _DOWN),
    ("RightFoot", "RightLeg", "right_ankle", _DOWN),
    ("LowerBack", "Hips", "pelvis", _UP),
    ("Spine", "LowerBack", "spine", _UP),
    ("Neck", "Spine", "thorax", _UP),
    ("Head", "Neck", "nose", _UP),
    ("LeftShoulder", "Spine", "thorax", _UP),
    ("LeftArm", "LeftShoulder", "left_shoulder", _LEFT),
    ("LeftForeArm", "LeftArm", "left_elbow", _LEFT),
    ("LeftHand", "LeftForeArm", "left_wrist", _LEFT),
    ("RightShoulder", "Spine", "thorax", _UP),
    ("RightArm", "RightShoulder", "right_shoulder", _RIGHT),
    ("RightForeArm", "RightArm", "right_elbow", _RIGHT),
    ("RightHand", "RightForeArm", "right_wrist", _RIGHT),
)
_NAMES = [name for name, *_ in HIERARCHY]
_PARENTS = [_NAMES.index(p) if p else -1 for _, p, *_ in HIERARCHY]
_PLACES = [skeleton.H36M17.index(joint) for *_, joint, _ in HIERARCHY]
_AXES = np.array([axis for *_, axis in HIERARCHY], np.float64)
_CHILDREN = [
    [c for c, parent in enumerate(_PARENTS) if parent == j]
    for j in range(len(HIERARCHY))
]
# The head has an end that is a joint of ours; feet and hands have none.
_HEAD, _HEAD_TOP = _NAMES.index("Head"), skeleton.H36M17.index("head_top")
_ORDER = "ZXY"  # Of the rotation channels.


def write_bvh(path, track):
    """Writes a `tracks.Track`: cm, x right, y up, z towards the camera.

    Limbs have the person's own lengths, each the median over the frames;
    every bone points where it does in the poses, so that joints lie where
    they do there as far as the lengths in a frame are these. Twists about a
    bone, which joints do not show, are 0. The frames' rate is steady, with
    gaps interpolated. The root moves where poses are absolute, and stays at 0
    where they are root-relative.
    """
    poses = tracks.up_and_towards(tracks.steady(track)) / _MM_PER_UNIT
    own = tracks.up_and_towards(track.poses[track.seen]) / _MM_PER_UNIT
    offsets, end = _offsets(own)
    turns = _local_rotations(poses)
    files.write_text(
        path,
        "HIERARCHY\n"
        + _joint_text(0, offsets, end, depth=0)
        + f"MOTION\nFrames: {len(poses)}\nFrame Time: {track.frame_s:.9g}\n"
        + _motion_text(poses[:, _PLACES[0]], turns),
    )


def _offsets(poses):
    """`(J, 3)` from parent to joint at rest, and that of the head's end."""
    parents = [_PLACES[p] if p >= 0 else _PLACES[0] for p in _PARENTS]
    bones = poses[:, _PLACES] - poses[:, parents]
    lengths = np.median(np.linalg.norm(bones, axis=-1), axis=0)
    head = poses[:, _HEAD_TOP] - poses[:, _PLACES[_HEAD]]
    top = np.median(np.linalg.norm(head, axis=-1))
    return _AXES * lengths[:, None], top * np.array(_UP)


def _local_rotations(poses):
    """`(T, J, 3, 3)` of each joint in its parent's frame."""
    world = np.zeros((len(poses), len(HIERARCHY), 3, 3))
    local = np.zeros_like(world)
    for j, parent in enumerate(_PARENTS):
        if parent < 0:
            local[:, j] = world[:, j] = _pelvis_frame(poses)
            continue
        above = world[:, parent]
        bone = _bone(poses, j)
        turn = np.eye(3)
        if bone is not None:
            axis, seen = bone
            # The least turn that points the bone where it was seen.
            turn = _swing(axis, np.einsum("tji,tj->ti", above, seen))
        local[:, j] = turn
        world[:, j] = above @ local[:, j]
    return local


def _bone(poses, j):
    """What a joint turns: its direction at rest, and in each frame."""
    if j == _HEAD:
        return _AXES[j], poses[:, _HEAD_TOP] - poses[:, _PLACES[j]]
    if not _CHILDREN[j]:
        return None
    child = _CHILDREN[j][0]  # All children of one joint lie at one place.
    return _AXES[child], poses[:, _PLACES[child]] - poses[:, _PLACES[j]]


def _pelvis_frame(poses):
    """Rotations `(T, 3, 3)`: x to the left hip, y up the spine."""
    index = skeleton.H36M17.index
    across = poses[:, index("left_hip")] - poses[:, index("right_hip")]
    spine = poses[:, index("spine")] - poses[:, index("pelvis")]
    x = vectors.unit(across, least=1e-9)
    z = vectors.unit(np.cross(x, spine), least=1e-9)
    frame = np.stack([x, np.cross(z, x), z], axis=-1)
    sound = np.abs(np.linalg.det(frame) - 1) < 1e-6
    return np.where(sound[:, None, None], frame, np.eye(3))


def _swing(start, ends):
    """`(T, 3, 3)` least rotations that take a direction to others.

    Args:
        start: `(3,)` of length 1.
        ends: `(T, 3)` of any length; no turn where that is 0.
    """
    ends = vectors.unit(ends, least=1e-9)
    ends = np.where(np.any(ends, axis=-1, keepdims=True), ends, start)
    axis, cosine = np.cross(start, ends), ends @ start
    cross = np.swapaxes(np.cross(axis[:, None], np.eye(3)), -1, -2)
    opposite = cosine < -1 + 1e-12
    scale = 1 / np.where(opposite, 1.0, 1 + cosine)
    turns = np.eye(3) + cross + cross @ cross * scale[:, None, None]
    # Half a turn about any axis across.
    aside = np.roll(start, 1)
    half = 2 * np.outer(aside, aside) - np.eye(3)
    return np.where(opposite[:, None, None], half, turns)


def _joint_text(j, offsets, end, *, depth):
    """The text of a joint and of all below it."""
    pad = "  " * depth
    kind = "JOINT" if depth else "ROOT"
    places = "Xposition Yposition Zposition " if not depth else ""
    turns = " ".join(f"{axis}rotation" for axis in _ORDER)
    inner = "".join(
        _joint_text(child, offsets, end, depth=depth + 1)
        for child in _CHILDREN[j]
    )
    if not inner:
        offset = _numbers(end if j == _HEAD else np.zeros(3))
        inner = (
            f"{pad}  End Site\n{pad}  {{\n{pad}    OFFSET {offset}\n{pad}  }}\n"
        )
    return (
        f"{pad}{kind} {_NAMES[j]}\n{pad}{{\n{pad}  OFFSET "
        f"{_numbers(offsets[j])}\n{pad}  CHANNELS {3 if depth else 6} "
        f"{places}{turns}\n{inner}{pad}}}\n"
    )


def _motion_text(roots, turns):
    """One line a frame: the root's place, then degrees of every joint."""
    flat = Rotation.from_matrix(turns.reshape(-1, 3, 3))
    with warnings.catch_warnings():
        # At 90 degrees two axes coincide, and one angle is set to 0.
        warnings.filterwarnings("ignore", message="Gimbal lock")
        angles = flat.as_euler(_ORDER, degrees=True)
    angles = angles.reshape(len(roots), -1)
    # No jumps of whole turns, which programs would interpolate through.
    angles = np.unwrap(angles, period=360.0, axis=0)
    rows = np.concatenate([roots, angles], axis=1)
    return "".join(_numbers(row) + "\n" for row in rows)


def _numbers(values):
    return " ".join(f"{value:.6f}" for value in values)
