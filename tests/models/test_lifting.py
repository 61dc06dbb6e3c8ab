"""The reconstruction network against the golden vectors."""

import numpy as np
import pytest
from keras import ops

from ordinal_tf.models import lifting


def load_mlp(model, weights):
    """Puts the arrays `mlp/...` of the golden file into a network."""
    for layer in model.layers:
        if not layer.weights:
            continue
        block, _, inner = layer.name.partition("_")
        inside = block.startswith("block")
        path = f"mlp/{block}/{inner}" if inside else f"mlp/{layer.name}"
        keys = ("kernel", "bias")
        if f"{path}/gamma" in weights:
            keys = ("gamma", "beta", "mean", "var")
        layer.set_weights([weights[f"{path}/{key}"] for key in keys])


@pytest.mark.parametrize("epsilon", ["1e-5", "1e-3"])
def test_network_golden(golden, epsilon):
    weights = np.load(golden / "residual_hourglass.npz")
    model = lifting.build_reconstruction(
        width=48, bn_epsilon=float(epsilon), dropout=0.5
    )
    load_mlp(model, weights)
    expected = weights[f"mlp/output_eps{epsilon}"]
    actual = model(weights["mlp/input"], training=False)
    tolerance = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, atol=tolerance)


def test_network_of_the_paper_has_as_many_parameters():
    model = lifting.build_reconstruction()
    sizes = [int(np.prod(v.shape)) for v in model.trainable_variables]
    # By hand: 51 * 1024 + 1024, five batch norms of 2 * 1024, four layers of
    # 1024 * 1024 + 1024, and 1024 * 51 + 51.
    by_hand = 51 * 1024 + 1024 + 5 * 2048 + 4 * (1024**2 + 1024) + 1024 * 51
    assert sum(sizes) == by_hand + 51 == 4_314_163


def test_a_residual_network_starts_at_its_input():
    # fc_out and fc_factors at zero: nothing is added, and the factors are 1.
    model = lifting.build_reconstruction(3, width=8, blocks=1, residual=True)
    x = np.random.default_rng(0).normal(size=(4, 9)).astype("float32")
    for name in ("fc_out", "fc_factors"):
        layer = model.get_layer(name)
        layer.kernel.assign(np.zeros(layer.kernel.shape))
    np.testing.assert_array_equal(model(x), x)
    # One factor for x and y, another for depth, and what is added.
    model.get_layer("fc_factors").bias.assign([2.0, 0.5])
    model.get_layer("fc_out").bias.assign(np.arange(9.0))
    expected = x * ([2.0] * 6 + [0.5] * 3) + np.arange(9.0)
    np.testing.assert_allclose(model(x), expected, rtol=1e-6)


def test_dropout_acts_in_training_only():
    model = lifting.build_reconstruction(3, width=64, blocks=1, dropout=0.5)
    x = np.random.default_rng(0).normal(size=(4, 9)).astype("float32")
    model.layers[-1].kernel.assign(np.ones((64, 9)))
    once, again = model(x, training=True), model(x, training=True)
    assert np.abs(np.asarray(once) - np.asarray(again)).max() > 1e-3
    np.testing.assert_array_equal(model(x), model(x))


@pytest.mark.parametrize(
    "wrong", [{"joints": 0}, {"width": 0}, {"blocks": -1}, {"dropout": 1.0}]
)
def test_network_rejects(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        lifting.build_reconstruction(**wrong)


def test_input_and_output_golden(golden):
    data = np.load(golden / "reconstruction_input.npz")
    preds = data["preds_1based"].astype("float32")
    depth = (preds[..., 2] - 33.0) / 32.0
    actual = lifting.reconstruction_input(preds[..., :2], depth)
    np.testing.assert_allclose(actual, data["input51"], atol=1e-6)
    output = data["network_output51"]
    expected = data["preds3D_mm"]
    actual = lifting.reconstruction_output(output)
    tolerance = 1e-6 * np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, atol=tolerance)


def test_a_bin_is_31_mm():
    # Bin 41 lies eight bins behind the root's.
    np.testing.assert_allclose(lifting.normalise_depth(8 * 31.031965), 8 / 32)


def test_input_ignores_place_and_size():
    rng = np.random.default_rng(1)
    keypoints = rng.normal(size=(2, 5, 17, 2)).astype("float32")
    depth = rng.normal(size=(2, 5, 17)).astype("float32")
    one = lifting.reconstruction_input(keypoints, depth)
    moved = lifting.reconstruction_input(
        8 * keypoints + np.array([32.0, -16.0], "float32"), depth
    )
    assert one.shape == (2, 5, 51)
    np.testing.assert_allclose(one, moved, atol=1e-5)
    np.testing.assert_array_equal(one[..., 34:], depth)


def test_input_of_coinciding_joints_is_zero():
    keypoints = np.full((1, 17, 2), 7.0, "float32")
    depth = np.ones((1, 17), "float32")
    actual = np.asarray(lifting.reconstruction_input(keypoints, depth))
    np.testing.assert_array_equal(actual[:, :34], 0)
    np.testing.assert_array_equal(actual[:, 34:], 1)


def test_input_of_half_precision():
    keypoints = ops.cast(np.eye(17, 2) * 100, "bfloat16")
    actual = lifting.reconstruction_input(keypoints, np.zeros(17, "float32"))
    assert np.isfinite(ops.convert_to_numpy(ops.cast(actual, "float32"))).all()


def test_lift_is_the_networks_pose_from_its_root():
    network = lifting.build_reconstruction(width=8, residual=True)
    rng = np.random.default_rng(0)
    keypoints = rng.normal(size=(3, 17, 2)).astype("float32")
    depth = rng.random((3, 17)).astype("float32")
    pose = np.asarray(lifting.lift(network, keypoints, depth))
    assert pose.shape == (3, 17, 3)
    np.testing.assert_array_equal(pose[:, 0], 0)
    vector = lifting.reconstruction_input(keypoints, depth)
    raw = np.asarray(lifting.reconstruction_output(network(vector)))
    np.testing.assert_allclose(pose, raw - raw[:, :1], atol=1e-3)
