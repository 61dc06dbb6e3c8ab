"""Scoring poses that were made from an image network's joints and depths."""

import numpy as np
from keras import ops

from ordinal_tf import metrics, skeleton
from ordinal_tf.data.mocap import views
from ordinal_tf.data.pipeline import sources
from ordinal_tf.data.prepared import reading
from ordinal_tf.evaluation import scoring

_SKELETON = skeleton.H36M17
_BONE_MM = views.average_bones()[[child for _, child in _SKELETON.bones]]
_SQUARED_BONES_MM2 = float(np.sum(_BONE_MM**2))


def found_people(predict, folder, *, input_size, batch_size=16):
    """What an image network finds of prepared people, and their labels.

    Args:
        predict: function of `(B, S, S, 3)` uint8 crops, as
            `decoding.predict_crops` or an exported model.
        folder: that `tools.prepare` wrote.
        input_size: int, S.
        batch_size: int.

    Returns:
        dict of arrays: `keypoints` `(N, 17, 2)` crop pixels and
        `ordinal_depth` `(N, 17)`, found; `keypoints_true` `(N, 17, 2)`,
        `keypoint_mask` `(N, 17)`, and of the people whose pose is known,
        `pose_true` `(N, 17, 3)` mm, NaN for others.

    Raises:
        ValueError: see `reading.open_prepared`.
    """
    found, _ = scoring.predictions(
        predict,
        sources.prepared_source(folder),
        input_size=input_size,
        batch_size=batch_size,
    )
    opened = reading.open_prepared(folder)
    records = [opened.read(row) for row in range(len(opened))]
    pose = np.stack([record["pose"] for record in records])
    known = np.stack([record["pose_mask"] for record in records]).all(1)
    return {
        "keypoints": found["keypoints"],
        "ordinal_depth": found["depths"],
        "keypoints_true": found["true"],
        "keypoint_mask": found["mask"],
        "pose_true": np.where(known[:, None, None], pose, np.nan),
    }


def read_out(keypoints, depth_mm):
    """Poses from the volume alone: the depth as it is, x and y to scale.

    One scale per person (weak perspective) gives the bones the squared length
    that those of an average adult have together, and at least half of it
    lies in the plane.

    Args:
        keypoints: `(B, 17, 2)`, any unit.
        depth_mm: `(B, 17)` root-relative.

    Returns:
        `(B, 17, 3)` mm, root-relative.
    """
    root = _SKELETON.root
    plane = keypoints - keypoints[:, root : root + 1]
    parents, children = np.array(_SKELETON.bones).T
    flat = np.sum((plane[:, children] - plane[:, parents]) ** 2, axis=(1, 2))
    deep = np.sum((depth_mm[:, children] - depth_mm[:, parents]) ** 2, axis=1)
    left = np.maximum(_SQUARED_BONES_MM2 - deep, _SQUARED_BONES_MM2 / 2)
    scale = np.sqrt(left / np.maximum(flat, 1e-9))
    return np.concatenate(
        [plane * scale[:, None, None], depth_mm[..., None]], axis=-1
    )


def depth_figures(found):
    """How good depths are, whatever their unit.

    That of depths which were learnt from relations means nothing, so the one
    scale a person (least squares) that fits best is granted to all.

    Args:
        found: dict of `found_people`.

    Returns:
        dict: `depth_mm`, the mean absolute error of the scaled depths of all
        joints but the root, relative to it; `order`, the % of the pairs of
        joints more than 100 mm apart in depth whose order is right. People
        without a true pose are left out.

    Raises:
        ValueError: nobody has one.
    """
    root = _SKELETON.root
    known = _known(found)
    true, depth = found["pose_true"][known][..., 2], found["ordinal_depth"]
    true = true - true[:, root : root + 1]
    depth = depth[known] - depth[known][:, root : root + 1]
    square = np.maximum(np.sum(depth * depth, axis=1), 1e-12)
    # Not below 0: that would praise the opposite order.
    scale = np.maximum(np.sum(depth * true, axis=1) / square, 0.0)
    error = np.delete(np.abs(scale[:, None] * depth - true), root, axis=1)
    return {
        "depth_mm": float(error.mean()),
        "order": 100 * views.relations_preserved(true, depth),
    }


def figures(found, pose):
    """How good poses are, and whether they keep the depth order.

    Args:
        found: dict of `found_people`, that the poses were made from.
        pose: `(N, 17, 3)` mm.

    Returns:
        dict: `order_given` and `order_pose`, the % of the pairs of joints
        more than 100 mm apart in depth whose order is right in the depths
        found and in `pose`; `mpjpe` and `pa_mpjpe`, mm; `poses`, how many.
        People without a true pose are left out.

    Raises:
        ValueError: nobody has one.
    """
    root = _SKELETON.root
    known = _known(found)
    pose_true, pose = found["pose_true"][known], pose[known]
    depth = found["ordinal_depth"][known]
    pose_true = pose_true - pose_true[:, root : root + 1]
    true_depth = pose_true[..., 2]
    error = ops.convert_to_numpy(metrics.mpjpe(pose_true, pose))
    aligned = ops.convert_to_numpy(metrics.pa_mpjpe(pose_true, pose))
    return {
        "order_given": 100 * views.relations_preserved(true_depth, depth),
        "order_pose": 100 * views.relations_preserved(true_depth, pose[..., 2]),
        "mpjpe": float(error.mean()),
        "pa_mpjpe": float(aligned.mean()),
        "poses": len(error),
    }


def _known(found):
    """`(N,)` bool: whose pose is known."""
    known = np.isfinite(found["pose_true"]).all((1, 2))
    if not known.any():
        raise ValueError("Nobody there has a known pose to score against.")
    return known
