"""Scoring an image network on labelled photographs."""

import numpy as np
from keras import ops

from ordinal_tf import metrics, skeleton
from ordinal_tf.data import pipeline

# The joints that people label in LSP, as our joints show them.
_LABELLED = skeleton.LSP14
_TO_LABELLED = skeleton.mapping(skeleton.H36M17, _LABELLED)
_TORSOS = (
    ("left_shoulder", "right_hip"),
    ("right_shoulder", "left_hip"),
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
)


def evaluate(predict, photos, *, input_size, batch_size=16):
    """2D and ordinal figures over all photographs, pooled over joints.

    Args:
        predict: function of `(B, S, S, 3)` uint8 crops that returns
            `keypoints` `(B, 17, 2)` and `ordinal_depth` `(B, 17)`.
        photos: `labels.LabelledPhotos`.
        input_size: int, S.
        batch_size: int.

    Returns:
        dict: `pck` (PCK@0.2 over the 14 LSP joints, %), `pck_per_joint`
        (dict, %), `ordinal_accuracy` (% of annotated unequal pairs of LSP
        joints whose predicted sign agrees), `equal_close` (% of equal pairs
        with depths within a tenth of the half range), `depth_rms` (root mean
        square of the ordinal depths over all 17 joints), `photos`, `pairs`.
        The torso of a photograph is left shoulder to right hip; where one of
        them is not labelled, the first labelled other shoulder-hip distance,
        and a photograph without any is left out of PCK.
    """
    correct, counted, depths = [], [], []
    pairs = np.zeros(4)
    dataset = pipeline.evaluation_dataset(
        photos, input_size=input_size, batch_size=batch_size
    )
    for batch in dataset:
        predicted = predict(batch["image"])
        true, mask = _TO_LABELLED.points(
            batch["keypoints"].numpy(), batch["keypoint_mask"].numpy()
        )
        every = np.ones(mask.shape[:1] + (len(skeleton.H36M17),), bool)
        points = ops.convert_to_numpy(predicted["keypoints"])
        points, _ = _TO_LABELLED.points(points, every)
        found = metrics.pck(true, points, mask, reference=_torso(true, mask))
        correct.append(ops.convert_to_numpy(found[0]))
        counted.append(ops.convert_to_numpy(found[1]))
        depth = ops.convert_to_numpy(predicted["ordinal_depth"])
        depths.append(depth)
        counts = metrics.ordinal_counts(
            batch["relation"],
            depth,
            batch["relation_mask"] & _labelled_pairs(),
            tolerance=0.1,
        )
        pairs += [float(np.sum(count)) for count in counts]
    correct, counted = np.concatenate(correct), np.concatenate(counted)
    depths = np.concatenate(depths)
    per_joint = _share(correct.sum(0), counted.sum(0))
    agree, unequal, close, equal = pairs
    return {
        "pck": float(_share(correct.sum(), counted.sum())),
        "pck_per_joint": dict(
            zip(_LABELLED.joints, per_joint.tolist(), strict=True)
        ),
        "ordinal_accuracy": float(_share(agree, unequal)),
        "equal_close": float(_share(close, equal)),
        "depth_rms": float(np.sqrt(np.mean(np.square(depths)))),
        "photos": len(photos),
        "pairs": int(unequal + equal),
    }


def _torso(keypoints, mask):
    length = np.zeros(mask.shape[:-1])
    for ends in _TORSOS:
        joints = [_LABELLED.index(joint) for joint in ends]
        found = metrics.segment_length(keypoints, mask, joints)
        length = np.where(length > 0, length, ops.convert_to_numpy(found))
    return length


def _labelled_pairs():
    """Pairs of our joints that are LSP joints, not derived from them."""
    used = _TO_LABELLED.weights.any(0)
    return used[:, None] & used[None, :]


def _share(part, whole):
    """Percentage; 0 of nothing is 0."""
    return 100.0 * np.asarray(part) / np.maximum(whole, 1)
