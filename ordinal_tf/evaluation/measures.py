"""What one person adds to the figures of a protocol, in NumPy.

Each function returns columns for `tally.Tally`: (figure, kind, cell) to the
numerators and denominators of P people. Kinds are "all"; "joint"; "curve", by
threshold; "depth", by the joint's true depth from the root; "seen", by whether
the joint is hidden; and of pairs of joints "pair", "relation" and "gap", by how
far apart in depth the two are. Shares lie in 0 to 1, lengths are mm.
"""

import numpy as np
from keras import ops

from ordinal_tf import metrics, ordinal, skeleton
from ordinal_tf.evaluation import scoring

DEPTH_EDGES_MM = (-np.inf, -400, -200, -100, 0, 100, 200, 400, np.inf)
GAP_EDGES_MM = (0, 100, 200, 300, 500, np.inf)
PCK3D_MM = 150.0
_OURS = skeleton.H36M17


def keypoint_columns(
    truth, found, *, figure, joints, threshold, reference, counted_joints=None
):
    """PCK and PCKh: keypoints within a share of a reference length.

    Args:
        truth, found: dicts of `people.People.read` and of `answers`.
        figure: str, the figure's key.
        joints: `skeleton.Skeleton` whose joints are compared.
        threshold: float, share of the reference; the bound itself counts.
        reference: function of keypoints `(P, K, 2)`, their mask and `truth`
            that returns `(P,)` pixels; who has none counts nowhere.
        counted_joints: names of those among `joints` that count; None: all.
    """
    to_joints = skeleton.mapping(_OURS, joints)
    true, mask = to_joints.points(
        np.asarray(truth["keypoints"], np.float64), truth["keypoint_mask"]
    )
    points = _mapped(to_joints, found["keypoints"])
    length = np.nan_to_num(reference(true, mask, truth))
    counted = mask & (length > 0)[:, None]
    counted &= np.isin(joints.joints, counted_joints or joints.joints)
    away = np.linalg.norm(points - true, axis=-1)
    # What was not found is infinitely far.
    away = np.where(np.isfinite(away), away, np.inf)
    away = away / np.where(length > 0, length, 1.0)[:, None]
    return {
        **_joint_columns(figure, away <= threshold, counted, joints),
        **{
            (figure, "curve", f"{limit:g}"): _sums(away <= limit, counted)
            for limit in np.round(np.linspace(0, 2 * threshold, 21), 4)
        },
        **_conditions(
            figure, away <= threshold, counted, _labels_of(to_joints, truth)
        ),
    }


def torso(true, mask, truth):
    """LSP's reference: left shoulder to right hip, see `scoring.torso`."""
    del truth
    return scoring.torso(true, mask)


def head(true, mask, truth):
    """MPII's reference, 0.6 of the diagonal of the labelled head box."""
    del true, mask
    return truth["head_size"]


def pose_columns(truth, found, *, joints, strict_joints=None):
    """Errors of root-relative poses, in mm, and 3DPCK and AUC.

    Args:
        truth, found: dicts of `people.People.read` and of `answers`.
        joints: `skeleton.Skeleton` whose joints are compared, root included.
        strict_joints: names of the joints that count in 3DPCK and AUC; None:
            all.
    """
    to_joints = skeleton.mapping(_OURS, joints)
    true, mask = to_joints.points(
        np.asarray(truth["pose"], np.float64), truth["pose_mask"]
    )
    pose = _mapped(to_joints, found["pose"])
    # A root alone is no pose, and neither is one that was not found.
    known = mask[:, joints.root] & (mask.sum(1) > 1)
    known &= np.isfinite(np.where(mask[..., None], pose, 0)).all((1, 2))
    mask = mask & known[:, None]
    pose = np.where(mask[..., None], pose, 0.0)
    options = {"mask": mask}
    labels = _labels_of(to_joints, truth)
    columns = {}
    for figure, measure, more in (
        ("mpjpe_mm", metrics.joint_errors, {"root": joints.root}),
        ("pa_mpjpe_mm", metrics.pa_joint_errors, {}),
        ("n_mpjpe_mm", metrics.n_joint_errors, {"root": joints.root}),
    ):
        values, counted = map(
            ops.convert_to_numpy, measure(true, pose, **options, **more)
        )
        columns |= _joint_columns(figure, values, counted, joints)
        columns |= _conditions(figure, values, counted, labels)
        if figure == "mpjpe_mm":
            errors, strict = values, counted
    strict = strict & np.isin(joints.joints, strict_joints or joints.joints)
    close = errors < PCK3D_MM
    limits = np.array(metrics.AUC_THRESHOLDS_MM)
    area = (errors[..., None] < limits).mean(-1)
    columns |= _joint_columns("pck3d", close, strict, joints)
    columns |= _joint_columns("auc", area, strict, joints)
    columns |= {
        ("pck3d", "curve", f"{limit:g}"): _sums(errors < limit, strict)
        for limit in limits
    }
    return columns


def ordinal_columns(truth, found, *, joints):
    """Pairs of joints whose labelled order the depths have.

    Equal pairs are to be within `scoring.EQUAL` of each other.

    Args:
        truth, found: dicts of `people.People.read` and of `answers`.
        joints: `skeleton.Skeleton`; pairs among those of its joints that are
            not derived from others count, each once.
    """
    used = skeleton.mapping(_OURS, joints).weights
    used = (used[np.count_nonzero(used, axis=1) == 1] > 0).any(0)
    relation, mask = relations(truth)
    mask = mask & np.triu(used[:, None] & used[None, :], k=1)
    depths = np.asarray(found["ordinal_depth"], np.float64)
    correct, unequal = map(
        ops.convert_to_numpy, metrics.ordinal_pairs(relation, depths, mask)
    )
    close, equal = map(
        ops.convert_to_numpy,
        metrics.equal_pairs(relation, depths, mask, tolerance=scoring.EQUAL),
    )
    figure = "ordinal_accuracy"
    columns = {
        (figure, "all", ""): _sums(correct, unequal),
        ("equal_close", "all", ""): _sums(close, equal),
        (figure, "relation", "nearer"): _sums(
            correct, unequal & (relation > 0)
        ),
        (figure, "relation", "farther"): _sums(
            correct, unequal & (relation < 0)
        ),
        (figure, "relation", "equal, within tolerance"): _sums(close, equal),
    }
    places = np.flatnonzero(used)
    for k in places:
        whole = unequal[:, k].sum(1) + unequal[:, :, k].sum(1)
        right = correct[:, k].sum(1) + correct[:, :, k].sum(1)
        columns[figure, "joint", _OURS.joints[k]] = right, whole
    for n, i in enumerate(places):
        for j in places[n + 1 :]:
            name = f"{_OURS.joints[i]} / {_OURS.joints[j]}"
            columns[figure, "pair", name] = (
                correct[:, i, j].astype(float),
                unequal[:, i, j].astype(float),
            )
    depth, known = truth["depth"], truth["depth_mask"]
    gap = np.abs(depth[:, :, None] - depth[:, None, :])
    known = known[:, :, None] & known[:, None, :]
    for name, inside in _cells(gap, GAP_EDGES_MM):
        columns[figure, "gap", name] = _sums(correct, unequal & known & inside)
    return columns


def relations(truth):
    """`(P, 17, 17)` relations and mask: a person's own, or what depths imply.

    Depths that differ by less than `ordinal.TOLERANCE_MM` are equal.
    """
    implied, implied_known = map(
        ops.convert_to_numpy,
        ordinal.relations_from_depths(truth["depth"], mask=truth["depth_mask"]),
    )
    own = truth["relation_mask"].any((1, 2), keepdims=True)
    relation = np.where(own, truth["relation"], implied)
    return relation, np.where(own, truth["relation_mask"], implied_known)


def _mapped(to_joints, points):
    """Predicted points in other joints; NaN where they do not follow."""
    points = np.asarray(points, np.float64)
    mapped, known = to_joints.points(points, np.isfinite(points).all(-1))
    return np.where(known[..., None], mapped, np.nan)


def _labels_of(to_joints, truth):
    """Depth, whether it is known, hidden, and whether that is, by joint."""
    depth, known = to_joints.points(
        truth["depth"][..., None], truth["depth_mask"]
    )
    hidden, told = to_joints.points(
        ~truth["visible"][..., None], truth["visible_mask"]
    )
    return depth[..., 0], known, hidden[..., 0] > 0, told


def _sums(values, counted):
    """Numerators and denominators of each person, over what counts."""
    counted = np.asarray(counted, bool)
    axes = tuple(range(1, counted.ndim))
    return np.where(counted, values, 0).sum(axes), counted.sum(axes)


def _joint_columns(figure, values, counted, joints):
    columns = {(figure, "all", ""): _sums(values, counted)}
    for k, joint in enumerate(joints.joints):
        columns[figure, "joint", joint] = _sums(
            values[:, k : k + 1], counted[:, k : k + 1]
        )
    return columns


def _conditions(figure, values, counted, labels):
    depth, known, hidden, told = labels
    columns = {
        (figure, "depth", name): _sums(values, counted & known & inside)
        for name, inside in _cells(depth, DEPTH_EDGES_MM)
    }
    for name, which in (("visible", ~hidden), ("hidden", hidden)):
        columns[figure, "seen", name] = _sums(values, counted & told & which)
    return columns


def _cells(values, edges):
    """Yields the name of each interval and which of the values lie in it."""
    for low, high in zip(edges, edges[1:], strict=False):
        if np.isinf(low):
            name = f"below {high:g}"
        elif np.isinf(high):
            name = f"from {low:g}"
        else:
            name = f"{low:g} to {high:g}"
        yield name, (values >= low) & (values < high)
