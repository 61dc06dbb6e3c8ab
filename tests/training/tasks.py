"""A task of a second for the one loop: a line through points, with noise."""

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.util import event_pb2

from ordinal_tf.training import defaults, loop

BATCH = 4


def make_config(**train):
    """A config of the loop's fields alone, at a size of a second."""
    config = defaults.reconstruction()
    config.train.update(
        optimizer="adam",
        learning_rate=0.05,
        steps=6,
        batch_size=BATCH,
        log_every=2,
        save_every=2,
        eval_every=3,
    )
    config.train.update(train)
    return config


def network(*, norm=True):
    """With dropout and batch norm, whose states a resumed run must have."""
    x = inputs = keras.Input((3,))
    x = keras.layers.Dense(5, name="encoder_1")(x)
    if norm:
        x = keras.layers.BatchNormalization(name="encoder_1_bn")(x)
        x = keras.layers.Dropout(0.2)(x)
    return keras.Model(inputs, keras.layers.Dense(1, name="out")(x))


def batch(seed, step):
    """Examples of a step, a pure function of it."""
    rng = np.random.default_rng((seed, step))
    x = rng.normal(size=(BATCH, 3)).astype("float32")
    return {"x": x, "y": x.sum(1, keepdims=True)}


def loss(outputs, batch, ramp):
    outputs = keras.ops.cast(outputs, "float32")
    square = keras.ops.square(outputs - batch["y"])
    return {"loss": ramp * keras.ops.mean(square)}


def pictures(workdir):
    """What TensorBoard shows: uint8 `(H, W, 3)` by step and name."""
    found = {}
    for path in sorted((workdir / "tensorboard").iterdir()):
        for data in tf.data.TFRecordDataset(str(path)):
            event = event_pb2.Event.FromString(data.numpy())
            for value in event.summary.value:
                kind = value.metadata.plugin_data.plugin_name
                if kind == "images":
                    # Width, height, and each as PNG.
                    _, _, png = value.tensor.string_val
                    image = tf.io.decode_png(png).numpy()
                    found[event.step, value.tag] = image
    return found


def make_task(config, *, norm=True, scores=None, made=None, **options):
    """`loop.Task`; its score is the error on a fixed batch.

    Args:
        config: `ConfigDict`.
        norm: bool, see `network`.
        scores: dict of step to `error`, in place of the true ones.
        made: another network.
        options: fields of the task.
    """
    made = made or network(norm=norm)
    held_out = batch(config.seed, 10**6)

    def score(step):
        found = made(held_out["x"], training=False) - held_out["y"]
        error = float(keras.ops.mean(keras.ops.abs(found)))
        return {"error": scores[step] if scores else error}

    return loop.Task(
        **{
            "network": made,
            "inputs": lambda batch: batch["x"],
            "loss": loss,
            "batches": lambda first, last: (
                batch(config.seed, step) for step in range(first, last)
            ),
            "score": score,
            "better": lambda one, other: (
                other is None or one["error"] < other["error"]
            ),
            "shown": lambda figures: f"error {figures['error']:.3f}",
            "summary": lambda: {"examples": 100},
            **options,
        }
    )


def train(workdir, config, *, report=lambda text: None, **options):
    """Runs the loop on `make_task`."""
    progress = options.pop("progress", None)
    return loop.train(
        config,
        workdir,
        lambda config: make_task(config, **options),
        report=report,
        progress=progress,
    )
