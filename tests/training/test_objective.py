"""Parts of the training losses by hand, and that masks cost nothing."""

import keras
import numpy as np
import pytest

from ordinal_tf.training import objective
from tests import numerics

K, SIDE, BINS = 17, 5, 4
OPTIONS = {
    "heatmap": "cross_entropy",
    "heatmap_weight": 2.0,
    "sigma": 0.8,
    "rank_weight": 0.5,
    "equal_weight": 0.25,
    "depth_range": 10.0,
    "depth_weight": 3.0,
    "volume_weight": 0.7,
}
# Depth of each of four bins, -1 to 1 - 1/2, and mm of a depth of 1: 32 bins
# of the original.
CENTRES = np.array([-1.0, -0.5, 0.0, 0.5])
UNIT_MM = 993.02288


def make_batch(count=3, seed=0):
    """Labels of `count` people; the last one has none at all."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.integers(-1, 2, (count, K, K)), k=1)
    labelled = np.arange(count) < count - 1
    mask = np.triu(rng.random((count, K, K)) < 0.4, k=1)
    batch = {
        "image": np.zeros((count, 4 * SIDE, 4 * SIDE, 3), np.uint8),
        "keypoints": rng.uniform(2, 17, (count, K, 2)).astype("float32"),
        "keypoint_mask": (rng.random((count, K)) < 0.7) & labelled[:, None],
        "depth": rng.uniform(-700, 400, (count, K)).astype("float32"),
        "depth_mask": (rng.random((count, K)) < 0.6) & labelled[:, None],
        "relation": (upper - np.swapaxes(upper, 1, 2)).astype(np.int8),
        "relation_mask": mask & labelled[:, None, None],
    }
    # What is not labelled may be anything.
    batch["keypoints"][~batch["keypoint_mask"]] = np.nan
    batch["depth"][~batch["depth_mask"]] = np.nan
    return batch


def make_outputs(count=3, seed=1):
    rng = np.random.default_rng(seed)
    shape = (count, SIDE, SIDE)
    return [
        rng.normal(size=(*shape, K * bins)).astype("float32")
        for bins in (1, BINS)
    ]


def volume_parts(outputs, batch, rank_scale=1.0, **options):
    found = objective.volume_objective(
        [keras.ops.convert_to_tensor(output) for output in outputs],
        {k: keras.ops.convert_to_tensor(v) for k, v in batch.items()},
        {**OPTIONS, **options},
        z_resolutions=(1, BINS),
        rank_scale=rank_scale,
    )
    return {key: float(value) for key, value in found.items()}


def distribution(output, b, k):
    """Joint k's softmax over y, x, z, in float64."""
    bins = output.shape[-1] // K
    logits = output[b, :, :, k * bins : (k + 1) * bins].astype("float64")
    p = np.exp(logits)
    return p / p.sum()


def gaussian(batch, b, k):
    """Peak 1 around the joint, in heatmap cells of four pixels."""
    x, y = (batch["keypoints"][b, k].astype("float64") - 1.5) / 4
    rows, columns = np.mgrid[:SIDE, :SIDE]
    distance = (columns - x) ** 2 + (rows - y) ** 2
    return np.exp(-distance / (2 * OPTIONS["sigma"] ** 2))


def depth_factors(batch, b, k):
    # Bins are 500 mm apart; sigma is in bins.
    distance = (batch["depth"][b, k] - UNIT_MM * CENTRES) / (UNIT_MM / 2)
    return np.exp(-0.5 * (distance / OPTIONS["sigma"]) ** 2)


def rank_by_hand(batch, depths):
    total = np.zeros(len(depths))
    for b, i, j in np.argwhere(batch["relation_mask"]):
        diff = depths[b, i] - depths[b, j]
        sign = batch["relation"][b, i, j]
        if sign:
            total[b] += np.log1p(np.exp(sign * diff))
        else:
            total[b] += OPTIONS["equal_weight"] * diff**2
    return total.mean()


def by_hand(outputs, batch, heatmap="cross_entropy"):
    count = len(outputs[0])
    parts = dict.fromkeys(("heatmap", "rank", "depth", "volume"), 0.0)
    depths = np.zeros((count, K))
    for b in range(count):
        for k in range(K):
            for output in outputs:
                p = distribution(output, b, k).sum(-1)
                if not batch["keypoint_mask"][b, k]:
                    continue
                target = gaussian(batch, b, k)
                target /= target.sum()
                if heatmap == "l2":
                    parts["heatmap"] += ((target - p) ** 2).sum() / count
                else:
                    cost = -(target * np.log(p)).sum()
                    parts["heatmap"] += cost / K / count
            pz = distribution(outputs[1], b, k).sum((0, 1))
            depths[b, k] = 10 * (pz * CENTRES).sum()
            if not batch["depth_mask"][b, k]:
                continue
            factors = depth_factors(batch, b, k)
            cost = -(factors / factors.sum() * np.log(pz)).sum()
            parts["depth"] += cost / K / count
            if batch["keypoint_mask"][b, k]:
                dense = gaussian(batch, b, k)[..., None] * factors
                logits = outputs[1][b, :, :, k * BINS : (k + 1) * BINS]
                error = ((dense - logits) ** 2).sum()
                parts["volume"] += error / (K * SIDE**2 * BINS) / count
    parts["rank"] = rank_by_hand(batch, depths)
    return parts


@pytest.mark.parametrize("heatmap", ["cross_entropy", "l2"])
def test_parts_by_hand(heatmap):
    outputs, batch = make_outputs(), make_batch()
    expected = by_hand(outputs, batch, heatmap)
    assert min(expected.values()) > 0.01
    found = volume_parts(outputs, batch, rank_scale=0.3, heatmap=heatmap)
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-4), key
    total = (
        2.0 * expected["heatmap"]
        + 0.5 * 0.3 * expected["rank"]
        + 3.0 * expected["depth"]
        + 0.7 * expected["volume"]
    )
    assert found["loss"] == pytest.approx(total, rel=1e-4)


def test_depth_parts_can_be_off():
    outputs, batch = make_outputs(), make_batch()
    whole = volume_parts(outputs, batch)
    off = volume_parts(outputs, batch, depth_weight=0.0, volume_weight=0.0)
    assert off["depth"] == off["volume"] == 0
    assert off["rank"] == whole["rank"] and off["heatmap"] == whole["heatmap"]
    quiet = volume_parts(outputs, batch, rank_scale=0.0)
    assert quiet["loss"] == pytest.approx(
        whole["loss"] - 0.5 * whole["rank"], rel=1e-5
    )


def test_unlabelled_people_cost_exactly_nothing():
    outputs, batch = make_outputs(), make_batch()

    def loss(coarse, fine):
        return objective.volume_objective(
            [coarse, fine],
            batch,
            OPTIONS,
            z_resolutions=(1, BINS),
            rank_scale=1.0,
        )["loss"]

    gradients = numerics.gradient(loss, *outputs)
    for gradient in gradients:
        assert np.isfinite(gradient).all()
        # The last person has no label; the others have.
        assert not gradient[-1].any()
        assert all(np.abs(one).max() > 0 for one in gradient[:-1])
    # Nor a joint that only others' labels name, on the coarse stack.
    b, k = np.argwhere(~batch["keypoint_mask"])[0]
    assert not gradients[0][b, :, :, k].any()


def test_heads_by_hand():
    batch = make_batch()
    output = np.random.default_rng(2).normal(size=(3, K, 3)).astype("float32")

    def parts(output):
        found = objective.regression_objective(
            keras.ops.convert_to_tensor(output),
            {k: keras.ops.convert_to_tensor(v) for k, v in batch.items()},
            OPTIONS,
            rank_scale=0.5,
        )
        return {key: float(value) for key, value in found.items()}

    rank = rank_by_hand(batch, 10.0 * output[..., 2].astype("float64"))
    units = np.where(batch["depth_mask"], batch["depth"], 0) / UNIT_MM
    diff = np.where(batch["depth_mask"], output[..., 2] - units, 0)
    depth = np.square(diff).sum(-1).mean()
    # The crop has 20 pixels, its centre at 9.5.
    known = batch["keypoint_mask"][..., None]
    points = np.where(known, batch["keypoints"] - 9.5, 0) / 20
    points = np.square(points - np.where(known, output[..., :2], 0))
    points = points.sum((1, 2)).mean()

    found = parts(output)
    assert set(found) == {"loss", "rank", "heatmap", "depth"}
    assert found["rank"] == pytest.approx(rank, rel=1e-4)
    assert found["heatmap"] == pytest.approx(points, rel=1e-4)
    assert found["depth"] == pytest.approx(depth, rel=1e-4)
    total = 2.0 * points + 0.5 * 0.5 * rank + 3.0 * depth
    assert found["loss"] == pytest.approx(total, rel=1e-4)
    # The depth head has no points.
    found = parts(output[..., 2:])
    assert set(found) == {"loss", "rank", "depth"}
    assert found["rank"] == pytest.approx(rank, rel=1e-4)
    total = 0.5 * 0.5 * rank + 3.0 * depth
    assert found["loss"] == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize("per_joint", [1, 3])
def test_heads_ignore_what_is_not_labelled(per_joint):
    batch = make_batch()
    shape = (3, K, per_joint)
    output = np.random.default_rng(3).normal(size=shape).astype("float32")

    def loss(output):
        return objective.regression_objective(
            output, batch, OPTIONS, rank_scale=1.0
        )["loss"]

    gradient = numerics.gradient(loss, output)
    assert np.isfinite(gradient).all() and not gradient[-1].any()
    assert np.abs(gradient[0]).max() > 0
