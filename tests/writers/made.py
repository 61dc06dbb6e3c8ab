"""Tables of people whose limbs keep their lengths, for the writers' tests."""

import numpy as np

from ordinal_tf import placing, skeleton


def moving(rng, frames, *, scale=1.0):
    """`(T, 17, 3)` mm from the pelvis: every bone turns as it likes, and
    keeps its length."""
    directions = rng.normal(size=(frames, 16, 3)).cumsum(axis=0)
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    bones = directions * (scale * placing.MEAN_LENGTHS_MM)[:, None]
    pose = np.zeros((frames, 17, 3))
    for bone, (parent, child) in enumerate(skeleton.H36M17.bones):
        pose[:, child] = pose[:, parent] + bones[:, bone]
    return pose


def table(images, poses, *, times=None, **more):
    """A table as `tools.predict` makes it, of `(M, 17, 3)` poses."""
    count = len(images)
    rng = np.random.default_rng(1)
    made = {
        "image": np.array(images, str),
        "box": rng.uniform(10, 400, (count, 3)).astype(np.float32),
        "keypoints": rng.uniform(0, 500, (count, 17, 2)).astype(np.float32),
        "ordinal_depth": rng.normal(0, 1, (count, 17)).astype(np.float32),
        "pose": np.float32(poses),
        "score": rng.uniform(0, 1, (count, 17)).astype(np.float32),
    }
    if times is not None:
        made["time"] = np.array(times, np.float64)
    return made | more


def film(frames, name="film.mp4"):
    return [f"{name}@{frame}" for frame in frames]
