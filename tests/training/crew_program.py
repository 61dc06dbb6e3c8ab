"""A training of a second on one device or several, as a process of its own.

python -m tests.training.crew_program WORKDIR DEVICES STEPS [SLOW]

The score after the step SLOW, which says so in a file, takes 20 s.
"""

import pathlib
import sys
import time

import keras
import numpy as np

from ordinal_tf.models import depthwise, norm
from ordinal_tf.training import loop
from tests.training import tasks

BATCH = 4


def network():
    """With what knows about replicas: batch norm, and a gradient of its own."""
    image = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(
        5, 3, padding="same", use_bias=False, name="block_conv"
    )(image)
    x = norm.BatchNorm(momentum=0.9, name="block_bn")(x)
    x = keras.layers.ReLU(name="block_relu")(x)
    x = depthwise.DepthwiseConv(5, padding="same", use_bias=False)(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(image, keras.layers.Dense(1)(x))


SCORING = "scoring"


def make_task(config, workdir, slow):
    def batches(first, last, worker=(0, 1)):
        number, count = worker
        part = slice(number * BATCH // count, (number + 1) * BATCH // count)
        for step in range(first, last):
            # Another mean in each half, which batch norm would notice.
            rng = np.random.default_rng((config.seed, step))
            x = rng.normal(size=(BATCH, 4, 4, 3)).astype("float32")
            x += np.arange(BATCH, dtype="float32")[:, None, None, None]
            y = x.mean((1, 2, 3))[:, None] ** 2
            yield {"x": x[part], "y": y[part]}

    def score(step):
        if step == slow:
            (pathlib.Path(workdir) / SCORING).touch()
            time.sleep(10)  # Of the weights, and of their averages.
        return {"error": 1}

    return tasks.make_task(config, made=network(), batches=batches, score=score)


def main(workdir, devices, steps, slow=-1):
    config = tasks.make_config(
        devices=devices,
        steps=int(steps),
        learning_rate=0.01,
        clip_norm=0.5,
        ema=0.5,
        log_every=1,
        # Which changes nothing, of several as of one.
        rematerialise=devices != "one",
    )
    loop.train(
        config,
        workdir,
        lambda config: make_task(config, workdir, int(slow)),
        report=print,
    )


if __name__ == "__main__":
    if sys.argv[2] == "all":
        import tensorflow as tf

        half = tf.config.LogicalDeviceConfiguration()
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [half, half])
    try:
        main(*sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
