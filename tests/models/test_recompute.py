"""Computing activations twice is the same training, and keeps less."""

import keras
import numpy as np
import pytest

from ordinal_tf.models import build, norm, recompute

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow trains so."
)
MODEL = dict(
    **{"name": "volume", "input_size": 64, "z_resolutions": (1, 2)},
    **{"stem_features": 4, "front_features": 4, "features": 6},
    **{"out_features": 8, "order": 2, "modules": 1, "encoder": ""},
)


def step(network, forward, images):
    """Outputs, gradients and statistics of a step; the kinds of its kernels."""
    import tensorflow as tf

    def gradients(images):
        with tf.GradientTape() as tape:
            outputs = keras.tree.flatten(forward(images))
            loss = sum(tf.reduce_mean(tf.square(one)) for one in outputs)
        return outputs, tape.gradient(loss, network.trainable_variables)

    start = network.get_weights()
    # Eagerly, as another graph rounds otherwise, which small networks amplify.
    outputs, found = gradients(tf.constant(images))
    moved = [np.array(one) for one in network.non_trainable_variables]
    network.set_weights(start)
    traced = tf.function(gradients, autograph=False)
    graph = traced.get_concrete_function(tf.constant(images)).graph
    kinds = [node.op for node in graph.as_graph_def().node]
    return [*map(np.array, outputs)], [*map(np.array, found)], moved, kinds


@pytest.mark.parametrize(
    "changes",
    [{}, {"encoder": "lite0", "name": "coordinates"}],
    ids=["paper", "encoder and head"],
)
def test_same_step(changes):
    keras.utils.set_random_seed(0)
    network = build.build_image_network({**MODEL, **changes})
    images = np.random.default_rng(0).uniform(size=(2, 64, 64, 3))
    images = images.astype("float32")

    def plain(images):
        return network(images, training=True)

    one = step(network, plain, images)
    two = step(network, recompute.recomputed(network), images)
    for name, expected, found in zip(
        ("outputs", "gradients", "statistics"), one, two, strict=False
    ):
        assert len(found) == len(expected) > 0, name
        # Of a bias before a batch norm the gradient is rounding alone.
        largest = max(np.abs(a).max() for a in expected)
        for a, b in zip(expected, found, strict=True):
            np.testing.assert_allclose(
                b, a, rtol=1e-5, atol=1e-5 * largest, err_msg=name
            )
    # Every batch norm is met again, and its statistics are not.
    norms = [isinstance(x, norm.BatchNorm) for x in network.layers]
    assert one[3].count("FusedBatchNormV3") == sum(norms)
    assert two[3].count("FusedBatchNormV3") == 2 * sum(norms)
    for kind in ("AssignVariableOp", "FusedBatchNormGradV3"):
        assert one[3].count(kind) == two[3].count(kind) > 0
