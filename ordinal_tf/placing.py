"""Where people stand before a camera: absolute poses through limb lengths.

A picture alone does not tell how far away somebody is. With the camera's
intrinsics it follows from how long limbs are: at the right distance those of
the back-projected pose have the lengths that people's limbs have. It is as
good as these lengths: of somebody a tenth taller it says a tenth too near.

Intrinsics are `(fx, fy, cx, cy)`: pixels of the upright picture, origin at the
centre of its top-left pixel, no distortion.
"""

import numpy as np
from scipy import optimize

from ordinal_tf import skeleton

# From each joint to its parent, mm: means of Human3.6M's training subjects,
# as published with the coarse-to-fine release.
_LENGTHS_MM = {
    "right_hip": 134.0509,
    "right_knee": 449.2057,
    "right_ankle": 445.5819,
    "left_hip": 134.0501,
    "left_knee": 449.2042,
    "left_ankle": 445.5815,
    "spine": 238.3751,
    "thorax": 255.3401,
    "nose": 116.0794,
    "head_top": 115.0009,
    "left_shoulder": 148.8358,
    "left_elbow": 279.7591,
    "left_wrist": 249.5236,
    "right_shoulder": 148.8347,
    "right_elbow": 279.7623,
    "right_wrist": 249.5228,
}
_PARENTS, _CHILDREN = np.array(skeleton.H36M17.bones).T
# In the order of `skeleton.H36M17.bones`.
MEAN_LENGTHS_MM = np.array(
    [_LENGTHS_MM[skeleton.H36M17.joints[k]] for k in _CHILDREN]
)
# Nobody is nearer to the lens, and nobody farther is more than a few pixels.
_NEAREST_MM, _FARTHEST_MM = 50.0, 200_000.0
_TRIED = 256


def back_project(keypoints, depths, intrinsics):
    """Points in camera axes from pixels and depths.

    Args:
        keypoints: `(..., K, 2)` pixels x, y.
        depths: `(..., K)` mm along the optical axis, from the camera.
        intrinsics: `(4,)` fx, fy, cx, cy.

    Returns:
        `(..., K, 3)` float64 mm: x right, y down, z away.
    """
    fx, fy, cx, cy = np.asarray(intrinsics, np.float64)
    depths = np.asarray(depths, np.float64)[..., None]
    return np.concatenate(
        [(keypoints - np.array([cx, cy])) / [fx, fy] * depths, depths], axis=-1
    )


def limb_lengths(poses):
    """`(..., 16)` in the unit of `(..., 17, 3)` poses, order of `bones`."""
    bones = poses[..., _CHILDREN, :] - poses[..., _PARENTS, :]
    return np.linalg.norm(bones, axis=-1)


def root_depth(keypoints, depths, intrinsics, *, lengths_mm=MEAN_LENGTHS_MM):
    """How far away the pelvis is, so that limbs come nearest their lengths.

    Args:
        keypoints: `(17, 2)` pixels x, y.
        depths: `(17,)` mm relative to the pelvis, growing away.
        intrinsics: `(4,)` fx, fy, cx, cy.
        lengths_mm: `(16,)` in the order of `skeleton.H36M17.bones`.

    Returns:
        float mm: least squares over limbs, every joint before the camera.

    Source: `estimate3D.m` of the coarse-to-fine release, whose simplex search
    from 2 m is a look at all distances here, because there may be more than
    one minimum.
    """

    def residual(root):
        poses = back_project(keypoints, np.add.outer(root, depths), intrinsics)
        return np.linalg.norm(limb_lengths(poses) - lengths_mm, axis=-1)

    nearest = max(0.0, -np.min(depths)) + _NEAREST_MM
    tried = np.geomspace(nearest, _FARTHEST_MM, _TRIED)
    best = int(np.argmin(residual(tried)))
    around = tried[max(best - 1, 0)], tried[min(best + 1, _TRIED - 1)]
    found = optimize.minimize_scalar(
        residual, bounds=around, method="bounded", options={"xatol": 1e-4}
    )
    return float(found.x)


def place(keypoints, poses, intrinsics, *, lengths_mm=MEAN_LENGTHS_MM):
    """Poses in the camera's space, which project to the keypoints.

    Args:
        keypoints: `(N, 17, 2)` pixels.
        poses: `(N, 17, 3)` mm, relative to the pelvis, camera axes; of them
            the depths are taken.
        intrinsics: `(4,)` fx, fy, cx, cy.
        lengths_mm: `(16,)`, see `root_depth`.

    Returns:
        `(N, 17, 3)` float32 mm from the camera.
    """
    placed = np.zeros(np.shape(poses), np.float32)
    for i, (pixels, pose) in enumerate(zip(keypoints, poses, strict=True)):
        depths = np.asarray(pose, np.float64)[:, 2]
        root = root_depth(pixels, depths, intrinsics, lengths_mm=lengths_mm)
        placed[i] = back_project(pixels, root + depths, intrinsics)
    return placed
