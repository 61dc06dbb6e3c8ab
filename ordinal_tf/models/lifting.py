"""The reconstruction network: 2D joints and ordinal depths to a 3D pose.

Two residual units on a vector of 3N numbers, after Martinez et al.; inputs
are normalised and outputs are metres, so these functions hold the layout.
"""

import keras
from keras import layers, ops

from ordinal_tf import volumes


def build_reconstruction(
    joints=17,
    *,
    width=1024,
    blocks=2,
    dropout=0.5,
    bn_momentum=0.9,
    bn_epsilon=1e-5,
    residual=False,
    name="reconstruction",
):
    """Network from `reconstruction_input` vectors to pose vectors.

    A dense layer to `width`, `blocks` bilinear units (two dense layers, plus
    the unit's input), and a dense layer back. The defaults are the paper's:
    4,314,163 learnable parameters.

    Args:
        joints: int, N.
        width: int, units of every hidden layer.
        blocks: int, bilinear units.
        dropout: float in [0, 1), after every hidden activation.
        bn_momentum: float, share of the running statistics that a step keeps
            (Torch's `momentum` 0.1 is 0.9 here).
        bn_epsilon: float, Torch's 1e-5 by default; Keras' own is 1e-3.
        residual: bool, the output is a correction of the input: x and y times
            a factor of the pose, depths times another, plus what the paper's
            network gives.
        name: str, the model's name.

    Returns:
        `keras.Model` from `(B, 3N)` to `(B, 3N)`; see `reconstruction_input`
        and `reconstruction_output` for the layouts.

    Source: Martinez et al. 2017, arXiv:1705.03098, Fig. 2; Pavlakos et al.
    2018, arXiv:1805.04095, section 3.
    """
    if joints < 1 or width < 1 or blocks < 0 or not 0 <= dropout < 1:
        raise ValueError(
            "The reconstruction network needs positive `joints` and `width`, "
            "`blocks` of 0 or more and `dropout` in [0, 1). Received: "
            f"joints={joints}, width={width}, blocks={blocks}, "
            f"dropout={dropout}."
        )
    settings = dict(momentum=bn_momentum, epsilon=bn_epsilon)

    def hidden(x, dense, norm):
        x = layers.Dense(width, kernel_initializer="he_normal", name=dense)(x)
        x = layers.BatchNormalization(name=norm, **settings)(x)
        x = layers.ReLU(name=f"{norm}_relu")(x)
        return layers.Dropout(dropout, name=f"{norm}_dropout")(x)

    inputs = layers.Input((3 * joints,), name="joints")
    x = hidden(inputs, "fc_in", "bn_in")
    for b in range(blocks):
        skip = x
        for i in (1, 2):
            x = hidden(x, f"block{b}_fc{i}", f"block{b}_bn{i}")
        x = layers.Add(name=f"block{b}_out")([skip, x])
    # Small, so that training starts at a pose of a few centimetres and not
    # of metres, which would take the first thousand steps to undo.
    small = keras.initializers.VarianceScaling(1e-3)
    outputs = layers.Dense(3 * joints, kernel_initializer=small, name="fc_out")(
        x
    )
    if residual:
        factors = layers.Dense(
            2,
            kernel_initializer=small,
            bias_initializer=keras.initializers.Constant(1.0),
            name="fc_factors",
        )(x)
        plane = inputs[:, : 2 * joints] * factors[:, :1]
        depth = inputs[:, 2 * joints :] * factors[:, 1:]
        given = ops.concatenate([plane, depth], axis=-1)
        outputs = layers.Add(name="corrected")([given, outputs])
    return keras.Model(inputs, outputs, name=name)


def reconstruction_input(keypoints, depth):
    """Input vector of the network, in the official layout.

    x and y are taken relative to the first joint, the root, and divided by
    the largest of their absolute values, which frees them from where and how
    large the person is. Where all joints coincide the original divides 0 by
    0; here x and y are then zeros. The depth goes in as it is: the original
    feeds bins that count from the root's, `(bin - 33) / 32` of 1 to 64, which
    is root-relative but for rounding; our training feeds root-relative
    depths, and an image network at serving must too.

    Args:
        keypoints: `(..., N, 2)` x, y in any unit.
        depth: `(..., N)` normalised depth (units of
            `volumes.DEPTH_UNIT_MM`).

    Returns:
        `(..., 3N)`: N x, N y, N z.
    """
    keypoints = keypoints - keypoints[..., :1, :]
    largest = ops.max(ops.abs(keypoints), axis=(-2, -1), keepdims=True)
    keypoints = keypoints / ops.where(largest > 0, largest, 1.0)
    x, y = keypoints[..., 0], keypoints[..., 1]
    return ops.concatenate([x, y, ops.cast(depth, x.dtype)], axis=-1)


def normalise_depth(depth_mm):
    """Root-relative depth in mm to the network's unit."""
    return depth_mm / volumes.DEPTH_UNIT_MM


def reconstruction_output(vector):
    """Poses in mm from the network's output.

    Args:
        vector: `(..., 3N)` metres: N x, N y, N z.

    Returns:
        `(..., N, 3)` mm, camera axes.
    """
    joints = vector.shape[-1] // 3
    pose = ops.reshape(vector, (*ops.shape(vector)[:-1], 3, joints))
    return 1000.0 * ops.swapaxes(pose, -1, -2)


def lift(network, keypoints, depth):
    """The poses that a network makes of joints and their depths.

    Args:
        network: see `build_reconstruction`.
        keypoints: `(B, 17, 2)` x, y in any unit.
        depth: `(B, 17)` root-relative, units of `volumes.DEPTH_UNIT_MM`.

    Returns:
        `(B, 17, 3)` float32, mm, camera axes, relative to the pelvis.
    """
    vector = reconstruction_input(keypoints, depth)
    pose = reconstruction_output(network(vector, training=False))
    return pose - pose[:, :1]
