"""Pose, keypoint and ordinal-depth metrics, per joint or per pose.

Functions of joints return `(values, counted)`, both `(..., K)`: a caller
pools them over joints, poses or a data set with `masked_mean`, and per joint
with `axis=0`. Functions of poses return `(...)`. Leading axes are free.
Where the mask is False labels may be NaN; they add nothing. Shares lie in
0..1, not in percent.
"""

import keras
from keras import ops

# The MPI-INF-3DHP evaluation counts the threshold 0, and an error must be
# strictly below its threshold, so that a perfect pose scores 30 / 31.
AUC_THRESHOLDS_MM = tuple(range(0, 151, 5))


def _floats(x):
    """Tensor in float32 or float64: halves and integers become float32."""
    x = ops.convert_to_tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    return x if dtype in ("float32", "float64") else ops.cast(x, "float32")


def _labelled(x_true, x_pred, mask):
    """Both point sets with 0 at unlabelled joints, and the `(..., K)` mask."""
    x_true, x_pred = _floats(x_true), _floats(x_pred)
    present = ops.ones_like(x_true[..., 0], dtype="bool")
    if mask is not None:
        present = ops.logical_and(present, ops.cast(mask, "bool"))
    # where, not a product: an unlabelled joint may be NaN.
    x_true = ops.where(present[..., None], x_true, 0.0)
    x_pred = ops.where(present[..., None], x_pred, 0.0)
    return x_true, x_pred, present


def _distances(a, b):
    return ops.sqrt(ops.sum(ops.square(a - b), axis=-1))


def _share(part, whole):
    """part / whole, and 0 where whole is not positive."""
    positive = whole > 0
    return ops.where(positive, part / ops.where(positive, whole, 1.0), 0.0)


def masked_mean(values, counted, *, axis=-1):
    """Mean of the values that count; 0 where none does.

    Args:
        values: floats or bools; anything, even NaN, where not counted.
        counted: bool, the same shape.
        axis: int, tuple of ints, or None for all axes.
    """
    values = _floats(values)
    counted = ops.cast(counted, "bool")
    total = ops.sum(ops.where(counted, values, 0.0), axis=axis)
    return _share(total, ops.sum(ops.cast(counted, values.dtype), axis=axis))


def joint_errors(pose_true, pose_pred, *, root=0, mask=None):
    """Distance between true and predicted joint after moving root on root.

    Args:
        pose_true: `(..., K, 3)` millimetres (the unit carries over).
        pose_pred: `(..., K, 3)`.
        root: int, the joint subtracted from each; None subtracts nothing.
        mask: `(..., K)` bool, labelled joints; None: all.

    Returns:
        `(..., K)` errors and `(..., K)` bool, which of them count: the
        labelled joints of poses whose root is labelled. The root itself
        counts, with error 0, as in the Human3.6M evaluation.
    """
    pose_true, pose_pred, counted = _labelled(pose_true, pose_pred, mask)
    if root is not None:
        pose_true = pose_true - pose_true[..., root : root + 1, :]
        pose_pred = pose_pred - pose_pred[..., root : root + 1, :]
        counted = ops.logical_and(counted, counted[..., root : root + 1])
    return _distances(pose_true, pose_pred), counted


def mpjpe(pose_true, pose_pred, *, root=0, mask=None):
    """Mean per-joint position error, `(...)`; arguments of `joint_errors`."""
    errors = joint_errors(pose_true, pose_pred, root=root, mask=mask)
    return masked_mean(*errors)


def similarity_transform(pose_true, pose_pred, *, mask=None):
    """Least-squares similarity that lays the prediction on the truth.

    Args:
        pose_true: `(..., K, 3)`.
        pose_pred: `(..., K, 3)`.
        mask: `(..., K)` bool, joints that take part; None: all.

    Returns:
        `(...)` scale, `(..., 3, 3)` rotation of determinant +1 and
        `(..., 3)` offset: aligned = scale * pose_pred @ rotation + offset.
        The rotation about the line of collinear joints is arbitrary. Where
        no two joints are apart the scale is 0.

    Source: Umeyama 1991, "Least-squares estimation of transformation
    parameters between two point patterns".
    """
    pose_true, pose_pred, counted = _labelled(pose_true, pose_pred, mask)
    mean_true = masked_mean(pose_true, counted[..., None], axis=-2)
    mean_pred = masked_mean(pose_pred, counted[..., None], axis=-2)
    weight = ops.cast(counted, pose_true.dtype)[..., None]
    centred_true = (pose_true - mean_true[..., None, :]) * weight
    centred_pred = (pose_pred - mean_pred[..., None, :]) * weight
    covariance = ops.matmul(ops.swapaxes(centred_pred, -1, -2), centred_true)
    u, s, vt = ops.svd(covariance, full_matrices=True)
    # A reflection would fit better where the determinant is negative: give
    # up the weakest direction instead.
    last = ops.where(ops.det(ops.matmul(u, vt)) < 0, -1.0, 1.0)
    ones = ops.ones_like(s[..., :2])
    signs = ops.cast(last, s.dtype)[..., None]
    signs = ops.concatenate([ones, signs], axis=-1)
    rotation = ops.matmul(u * signs[..., None, :], vt)
    spread = ops.sum(ops.square(centred_pred), axis=(-2, -1))
    scale = _share(ops.sum(s * signs, axis=-1), spread)
    turned = ops.matmul(mean_pred[..., None, :], rotation)[..., 0, :]
    return scale, rotation, mean_true - scale[..., None] * turned


def similarity_align(pose_true, pose_pred, *, mask=None):
    """The prediction after `similarity_transform`, `(..., K, 3)`."""
    scale, rotation, offset = similarity_transform(
        pose_true, pose_pred, mask=mask
    )
    turned = ops.matmul(_floats(pose_pred), rotation)
    return scale[..., None, None] * turned + offset[..., None, :]


def pa_joint_errors(pose_true, pose_pred, *, mask=None):
    """Joint errors after the best rotation, scale and translation.

    Arguments of `similarity_transform`; reflections are not allowed.

    Returns:
        `(..., K)` errors and `(..., K)` bool counted.
    """
    aligned = similarity_align(pose_true, pose_pred, mask=mask)
    return joint_errors(pose_true, aligned, root=None, mask=mask)


def pa_mpjpe(pose_true, pose_pred, *, mask=None):
    """Mean of `pa_joint_errors` per pose, `(...)`."""
    return masked_mean(*pa_joint_errors(pose_true, pose_pred, mask=mask))


def n_joint_errors(pose_true, pose_pred, *, centre="root", root=0, mask=None):
    """Joint errors after centring both poses and the best scale.

    Args:
        pose_true: `(..., K, 3)`.
        pose_pred: `(..., K, 3)`.
        centre: "root" scales about the root joint, "mean" about the mean of
            the labelled joints. Papers use both; say which.
        root: int, the root joint; read when `centre` is "root".
        mask: `(..., K)` bool, labelled joints; None: all.

    Returns:
        `(..., K)` errors and `(..., K)` bool counted.

    Raises:
        ValueError: `centre` is neither.
    """
    if centre not in ("root", "mean"):
        raise ValueError(
            f"`centre` must be 'root' or 'mean'. Received: {centre!r}."
        )
    pose_true, pose_pred, counted = _labelled(pose_true, pose_pred, mask)
    if centre == "mean":
        each = counted[..., None]
        mean_true = masked_mean(pose_true, each, axis=-2)[..., None, :]
        mean_pred = masked_mean(pose_pred, each, axis=-2)[..., None, :]
    else:
        mean_true = pose_true[..., root : root + 1, :]
        mean_pred = pose_pred[..., root : root + 1, :]
        counted = ops.logical_and(counted, counted[..., root : root + 1])
    pose_true = ops.where(counted[..., None], pose_true - mean_true, 0.0)
    pose_pred = ops.where(counted[..., None], pose_pred - mean_pred, 0.0)
    scale = _share(
        ops.sum(pose_pred * pose_true, axis=(-2, -1)),
        ops.sum(ops.square(pose_pred), axis=(-2, -1)),
    )
    pose_pred = scale[..., None, None] * pose_pred
    return _distances(pose_true, pose_pred), counted


def segment_length(keypoints, mask, joints):
    """Distance between two joints, 0 where one is unlabelled.

    The reference of `pck`: LSP's torso runs from left shoulder to right hip
    (LSP-14 joints 9 and 2), MPII's head from upper neck to head top.

    Args:
        keypoints: `(..., K, 2)` pixels.
        mask: `(..., K)` bool, labelled; None: all.
        joints: two indices.

    Returns:
        `(...)` pixels.
    """
    keypoints, _, counted = _labelled(keypoints, keypoints, mask)
    a, b = joints
    length = _distances(keypoints[..., a, :], keypoints[..., b, :])
    known = ops.logical_and(counted[..., a], counted[..., b])
    return ops.where(known, length, 0.0)


def pck(keypoints_true, keypoints_pred, mask, *, reference, threshold=0.2):
    """Correct keypoints: error at most `threshold` times a reference length.

    Args:
        keypoints_true: `(..., K, 2)` pixels.
        keypoints_pred: `(..., K, 2)` pixels.
        mask: `(..., K)` bool, labelled; None: all.
        reference: `(...)` pixels, for LSP the torso (`segment_length`).
        threshold: float, share of the reference; the bound itself counts.

    Returns:
        `(..., K)` bool correct and `(..., K)` bool counted; a pose whose
        reference is not positive counts nowhere.
    """
    keypoints_true, keypoints_pred, counted = _labelled(
        keypoints_true, keypoints_pred, mask
    )
    errors = _distances(keypoints_true, keypoints_pred)
    reference = ops.cast(reference, errors.dtype)[..., None]
    counted = ops.logical_and(counted, reference > 0)
    correct = errors <= threshold * reference
    return ops.logical_and(correct, counted), counted


def pck3d(pose_true, pose_pred, *, root=0, threshold_mm=150.0, mask=None):
    """Correct 3D joints: root-relative error strictly below the threshold.

    Arguments of `joint_errors`, poses in millimetres.

    Returns:
        `(..., K)` bool correct and `(..., K)` bool counted.

    Source: `mpii_compute_3d_pck.m` of MPI-INF-3DHP.
    """
    errors, counted = joint_errors(pose_true, pose_pred, root=root, mask=mask)
    return ops.logical_and(errors < threshold_mm, counted), counted


def auc(
    pose_true, pose_pred, *, root=0, thresholds_mm=AUC_THRESHOLDS_MM, mask=None
):
    """Share of the thresholds at which a joint is correct (3DPCK).

    Its mean over joints is the area under the curve of 3DPCK; with the
    default thresholds, 0 to 150 mm by 5, a perfect pose scores 30 / 31.

    Returns:
        `(..., K)` share in 0..1 and `(..., K)` bool counted.

    Source: `mpii_compute_3d_pck.m` of MPI-INF-3DHP.
    """
    errors, counted = joint_errors(pose_true, pose_pred, root=root, mask=mask)
    passed = errors[..., None] < ops.cast(thresholds_mm, errors.dtype)
    # Not ops.mean: on JAX it narrows float64 to float32.
    passed = ops.sum(ops.cast(passed, errors.dtype), axis=-1)
    share = passed / len(thresholds_mm)
    return ops.where(counted, share, 0.0), counted


def ordinal_pairs(relations, depths, mask):
    """Annotated unequal pairs, and those whose predicted sign agrees.

    Args:
        relations: `(..., K, K)` of -1, 0, +1; +1: joint i is nearer than j.
        depths: `(..., K)`, growing away from the camera.
        mask: `(..., K, K)` bool, annotated pairs, each once (i < j).

    Returns:
        `(..., K, K)` bool correct and `(..., K, K)` bool counted. Equal
        predicted depths are wrong.
    """
    depths = _floats(depths)
    relations = ops.cast(relations, depths.dtype)
    counted = ops.logical_and(ops.cast(mask, "bool"), relations != 0)
    diff = depths[..., :, None] - depths[..., None, :]
    # +1 says that i is nearer, hence depth i - depth j is negative.
    return ops.logical_and(counted, relations * diff < 0), counted


def ordinal_accuracy(relations, depths, mask):
    """Share of annotated unequal pairs whose predicted sign agrees, `(...)`.

    Arguments of `ordinal_pairs`. 0 without such a pair: to pool poses, take
    `masked_mean` of `ordinal_pairs`.
    """
    return masked_mean(*ordinal_pairs(relations, depths, mask), axis=(-2, -1))


def equal_pairs(relations, depths, mask, *, tolerance):
    """Annotated equal pairs, and those whose predicted depths are close.

    Arguments of `ordinal_pairs`; `tolerance` has the unit of `depths`, and
    a difference must be smaller.

    Returns:
        `(..., K, K)` bool correct and `(..., K, K)` bool counted.
    """
    depths = _floats(depths)
    counted = ops.logical_and(
        ops.cast(mask, "bool"), ops.cast(relations, depths.dtype) == 0
    )
    diff = depths[..., :, None] - depths[..., None, :]
    return ops.logical_and(counted, ops.abs(diff) < tolerance), counted
