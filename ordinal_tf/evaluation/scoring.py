"""Scoring an image network on labelled photographs."""

import numpy as np
from keras import ops

from ordinal_tf import metrics, ordinal, skeleton
from ordinal_tf.data.pipeline import batching

EQUAL = 0.1  # Of `ordinal_depth`: as near must be what is labelled equal.
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
    """2D and ordinal figures over all photographs, cropped to their boxes.

    Args:
        predict, photos, input_size, batch_size: see `predictions`.

    Returns:
        dict, see `figures`.
    """
    return figures(
        **predictions(
            predict, photos, input_size=input_size, batch_size=batch_size
        )[0]
    )


def predictions(predict, photos, *, input_size, batch_size=16):
    """Labels and predictions of all people, cropped to their boxes.

    Args:
        predict: function of `(B, S, S, 3)` uint8 crops that returns a dict
            with `keypoints` `(B, 17, 2)` crop pixels and `ordinal_depth`
            `(B, 17)`, and maybe `pose` `(B, 17, 3)` mm.
        photos: `labels.LabelledPhotos`, or a `sources.Source` that ends.
        input_size: int, S.
        batch_size: int.

    Returns:
        dict of the arguments of `figures`, lengths in crop pixels, and the
        predicted poses `(N, 17, 3)`, or None where there are none.
    """
    dataset = batching.evaluation_dataset(
        photos, input_size=input_size, batch_size=batch_size
    )
    found, labels = [], []
    for batch in dataset:
        predicted = predict(batch.pop("image"))
        found.append(
            {
                key: ops.convert_to_numpy(predicted[key])
                for key in ("keypoints", "ordinal_depth", "pose")
                if key in predicted
            }
        )
        labels.append({key: value.numpy() for key, value in batch.items()})
    found, known = _joined(found), _joined(labels)
    arguments = {
        "true": known["keypoints"],
        "mask": known["keypoint_mask"],
        "relation": known["relation"],
        "relation_mask": known["relation_mask"],
        "keypoints": found["keypoints"],
        "depths": found["ordinal_depth"],
    }
    return arguments, found.get("pose")


def _joined(parts):
    return {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}


def figures(true, mask, relation, relation_mask, *, keypoints, depths):
    """2D and ordinal figures, pooled over people and joints.

    Args:
        true: `(N, 17, 2)` labelled keypoints.
        mask: `(N, 17)` bool.
        relation: `(N, 17, 17)`.
        relation_mask: `(N, 17, 17)` bool, symmetric or each pair once.
        keypoints: `(N, 17, 2)` predicted.
        depths: `(N, 17)` predicted, root-relative.

    Returns:
        dict: `pck` (PCK@0.2 over the 14 LSP joints, %), `pck_per_joint`
        (dict, %), `ordinal_accuracy` (% of annotated unequal pairs of LSP
        joints whose predicted sign agrees), `equal_close` (% of equal pairs
        with depths within a tenth of the half range), `depth_rms` (root mean
        square of the depths over all 17 joints), `photos`, `pairs`. The
        torso of a person is left shoulder to right hip; where one of them is
        not labelled, the first labelled other shoulder-hip distance, and a
        person without any is left out of PCK.
    """
    correct, counted = correct_joints(true, mask, keypoints)
    pairs = relation_mask & _labelled_pairs()
    agree, unequal, close, equal = (
        ops.convert_to_numpy(pair).sum()
        for pair in (
            *metrics.ordinal_pairs(relation, depths, pairs),
            *metrics.equal_pairs(relation, depths, pairs, tolerance=EQUAL),
        )
    )
    per_joint = _share(correct.sum(0), counted.sum(0))
    return {
        "pck": float(_share(correct.sum(), counted.sum())),
        "pck_per_joint": dict(
            zip(_LABELLED.joints, per_joint.tolist(), strict=True)
        ),
        "ordinal_accuracy": float(_share(agree, unequal)),
        "equal_close": float(_share(close, equal)),
        "depth_rms": float(np.sqrt(np.mean(np.square(depths)))),
        "photos": len(true),
        "pairs": int(unequal + equal),
    }


def correct_joints(true, mask, keypoints):
    """Which of the 14 LSP joints are within a fifth of the torso (PCK@0.2).

    Args:
        true, mask, keypoints: see `figures`.

    Returns:
        Two `(N, 14)` bools: right, and counted.
    """
    true, mask = _TO_LABELLED.points(true, mask)
    every = np.ones(keypoints.shape[:2], bool)
    points, _ = _TO_LABELLED.points(keypoints, every)
    found = metrics.pck(true, points, mask, reference=torso(true, mask))
    return tuple(map(ops.convert_to_numpy, found))


def pose_figures(true, mask, pose):
    """3D figures, pooled over the people of whom a pose is known.

    Args:
        true: `(N, 17, 3)` mm, any root.
        mask: `(N, 17)` bool, known joints.
        pose: `(N, 17, 3)` predicted, mm, root-relative.

    Returns:
        dict: `mpjpe`, `pa_mpjpe` and `n_mpjpe` (mm), `pck3d` (% within 150
        mm) and `auc` (%), of the root-relative poses; `mpjpe_per_joint`
        (dict, mm) and `poses`, how many. People without a root joint are
        left out.
    """
    root = skeleton.H36M17.root
    known = mask[:, root] & (mask.sum(1) > 1)
    true, mask, pose = true[known], mask[known], pose[known]
    if not len(true):
        return {"poses": 0}

    def pooled(measure, **options):
        values, counted = map(
            ops.convert_to_numpy, measure(true, pose, mask=mask, **options)
        )
        return np.where(counted, values, 0), counted

    def mean(measure, **options):
        values, counted = pooled(measure, **options)
        return float(values.sum() / counted.sum())

    errors, counted = pooled(metrics.joint_errors, root=root)
    per_joint = errors.sum(0) / np.maximum(counted.sum(0), 1)
    return {
        "mpjpe": float(errors.sum() / counted.sum()),
        "pa_mpjpe": mean(metrics.pa_joint_errors),
        "n_mpjpe": mean(metrics.n_joint_errors, root=root),
        "pck3d": 100.0 * mean(metrics.pck3d, root=root),
        "auc": 100.0 * mean(metrics.auc, root=root),
        "mpjpe_per_joint": dict(
            zip(skeleton.H36M17.joints, per_joint.tolist(), strict=True)
        ),
        "poses": len(true),
    }


def torso(keypoints, mask):
    """The length that PCK of LSP takes shares of, 0 where nothing is known.

    Args:
        keypoints: `(..., 14, 2)` in the order of `skeleton.LSP14`.
        mask: `(..., 14)` bool, labelled.

    Returns:
        `(...)`, left shoulder to right hip; where one of them is not
        labelled, the first labelled other shoulder-hip distance.
    """
    length = np.zeros(mask.shape[:-1])
    for ends in _TORSOS:
        joints = [_LABELLED.index(joint) for joint in ends]
        found = metrics.segment_length(keypoints, mask, joints)
        length = np.where(length > 0, length, ops.convert_to_numpy(found))
    return length


def _labelled_pairs():
    """`(17, 17)` bool: LSP joints, not derived from them; each pair once."""
    used = _TO_LABELLED.weights.any(0)
    return ordinal.upper_pairs(used[:, None] & used[None, :])


def _share(part, whole):
    """Percentage; 0 of nothing is 0."""
    return 100.0 * np.asarray(part) / np.maximum(whole, 1)
