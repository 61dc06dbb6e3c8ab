"""Depth bins, and metric poses from them through limb lengths.

The coarse-to-fine release predicts metric depth relative to the root, and
finds the root's own depth by asking that limbs have their usual lengths. The
ordinal release has bins of no unit. The two do not agree on where zero is:
bin 32 in `ordinal_bin_depths`, bin 33 in the reconstruction network's input
(`volumes.ordinal_depths`) and, nearly, in `h36m.metric_bin_centres`.

Joints follow `skeleton.H36M17_LEFT_FIRST`; poses are `(3, K)` here, camera
frame, millimetres.
"""

import numpy as np
from scipy import optimize

from ordinal_tf import skeleton

# Mean limb lengths of the training subjects, millimetres, as published with
# the demo, in the order of `limbs()`.
TRAINING_LIMB_LENGTHS_MM = (
    134.0501,
    134.0509,
    238.3751,
    449.2042,
    445.5815,
    449.2057,
    445.5819,
    255.3401,
    116.0794,
    148.8358,
    148.8347,
    115.0009,
    279.7591,
    249.5236,
    279.7623,
    249.5228,
)


def ordinal_bin_depths():
    """`(64,)` depths (j - 32) * 10 of bin j = 1..64, in no unit.

    Source: `scaling` in the ordinal release's `main.lua`.
    """
    return 10.0 * (np.arange(1, 65) - 32)


def limbs():
    """Pairs parent, child, sorted: the order of the published lengths.

    Returns:
        `(16, 2)` ints, 0-based.
    """
    return np.array(sorted(skeleton.H36M17_LEFT_FIRST.bones))


def limb_lengths(pose):
    """Lengths `(16,)` of the limbs of a `(3, 17)` pose."""
    parent, child = limbs().T
    return np.linalg.norm(pose[:, parent] - pose[:, child], axis=0)


def back_project(pixels, depths, intrinsics):
    """Camera-frame points of pixels at known depths.

    Args:
        pixels: `(2, K)` x, y.
        depths: `(K,)` mm along the optical axis.
        intrinsics: `(3, 3)`.

    Returns:
        `(3, K)` mm.
    """
    x = (pixels[0] - intrinsics[0, 2]) / intrinsics[0, 0] * depths
    y = (pixels[1] - intrinsics[1, 2]) / intrinsics[1, 1] * depths
    return np.stack([x, y, depths])


def limb_residual(root_depth, pixels, depths, intrinsics, lengths):
    """Norm of the limbs' errors in length, were the root at `root_depth`."""
    pose = back_project(pixels, root_depth + depths, intrinsics)
    return float(np.linalg.norm(limb_lengths(pose) - lengths))


def estimate_root_depth(pixels, depths, intrinsics, lengths):
    """Root depth at which the limbs come closest to given lengths.

    Args:
        pixels: `(2, 17)` x, y.
        depths: `(17,)` mm relative to the root.
        intrinsics: `(3, 3)`.
        lengths: `(16,)` mm, order of `limbs()`.

    Returns:
        Root depth and residual, both in mm.

    Source: `estimate3D.m`: a simplex search from 2000 mm.
    """
    found = optimize.minimize(
        lambda z: limb_residual(z[0], pixels, depths, intrinsics, lengths),
        x0=[2000.0],
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-4},
    )
    return float(found.x[0]), float(found.fun)


def estimate_pose(pixels, depths, intrinsics, lengths):
    """Metric pose `(3, 17)` in the camera frame, mm.

    Arguments of `estimate_root_depth`; source `estimate3D.m`.
    """
    root_depth, _ = estimate_root_depth(pixels, depths, intrinsics, lengths)
    return back_project(pixels, root_depth + depths, intrinsics)
