"""Poses for synthetic people: recorded ones, and ones made from angles."""

import functools
import pathlib

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.files import npz
from ordinal_tf.data.mocap import clips as mocap
from ordinal_tf.data.mocap import motion, views
from ordinal_tf.synthetic import chance
from ordinal_tf.synthetic.pose import families, limits, sampling

# Where bones end that may be turned a little.
_JITTERED = ("elbow", "wrist", "knee", "ankle")
SHIPPED = pathlib.Path(__file__).with_name("poses.npz")


@functools.cache
def shipped_poses():
    """The packaged poses, `(M, 17, 3)` float32 mm, y up, pelvis at 0.

    Frames of the CMU Graphics Lab's motion capture, see POSES_LICENSE.md.
    """
    with np.load(SHIPPED, allow_pickle=False) as file:
        poses = file["poses"].astype(np.float32)
    poses.setflags(write=False)
    return poses


def read_poses(path, *, every=10, report=print):
    """Poses that the user has.

    Args:
        path: an .npz of one array `(M, 17, 3)`, mm, y up, order of
            `skeleton.H36M17`; or a folder of .bvh, or .asf and .amc, clips.
        every: int, one frame in so many of clips; neighbours are alike.
        report: function of one str.

    Returns:
        `(M, 17, 3)` float32, pelvis at 0, only poses that people can take.

    Raises:
        ValueError: nothing readable there, or no usable pose.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        clips = mocap.read_folder(path)
        poses = np.concatenate([clip.poses[::every] for clip in clips])
    else:
        poses = _read_npz(path)
    poses = poses - poses[:, :1]
    fine = np.isfinite(poses).all((1, 2))
    fine[fine] = limits.within_limits(poses[fine])
    if not fine.any():
        raise ValueError(f"{path} holds no pose within the limits of joints.")
    report(f"{path}: {fine.sum()} of {len(fine)} poses are used.")
    return poses[fine].astype(np.float32)


def _read_npz(path):
    arrays = npz.read_arrays(path).values()
    found = [a for a in arrays if a.ndim == 3 and a.shape[1:] == (17, 3)]
    if len(found) != 1 or found[0].dtype.kind not in "fiu":
        raise ValueError(
            f"{path} must hold one array of numbers (M, 17, 3). Found: "
            f"{[array.shape for array in arrays]}."
        )
    return found[0].astype(np.float64)


def draw_pose(rng, *, recorded, sampled=0.6, shares=None, jitter_deg=6.0):
    """A pose for a synthetic person.

    Args:
        rng: `np.random.Generator`.
        recorded: `(M, 17, 3)` mm, y up.
        sampled: probability that the pose is made from angles.
        shares: dict from names of `families.FAMILIES` to weights;
            `families.SHARES` if None.
        jitter_deg: standard deviation of what is added to the directions of
            the limbs of recorded poses.

    Returns:
        `(17, 3)` float64 mm, y up, pelvis at 0, turned about the vertical
        at random, half of them mirrored; and its kind, "recorded" or the
        name of its family.

    Raises:
        ValueError: an unknown family, or weights that are negative or all 0.
    """
    if rng.random() < sampled:
        shares = families.SHARES if shares is None else shares
        kind = chance.choose(
            rng, sorted(shares.items()), what="shares", among=families.FAMILIES
        )
        pose = sampling.sample_pose(rng, kind)
    else:
        kind = "recorded"
        pose = _jittered(rng, recorded[rng.integers(len(recorded))], jitter_deg)
    if rng.random() < 0.5:
        pose = views.mirror_poses(pose)
    heading = motion.rotation("Y", rng.uniform(-np.pi, np.pi))
    return (pose - pose[0]) @ heading.T, kind


def _jittered(rng, pose, degrees):
    """The pose with limbs turned a little; as it was where that is too far."""
    pose = np.asarray(pose, np.float64)
    moved = pose.copy()
    for parent, child in skeleton.H36M17.bones:
        bone = pose[child] - pose[parent]
        if skeleton.H36M17.joints[child].endswith(_JITTERED):
            length = np.linalg.norm(bone)
            bone = bone + rng.normal(0, np.radians(degrees) * length, 3)
            bone *= length / np.linalg.norm(bone)
        moved[child] = moved[parent] + bone
    return moved if limits.within_limits(moved, tolerance_deg=0.0) else pose
