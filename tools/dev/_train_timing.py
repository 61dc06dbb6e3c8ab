"""Training steps that `_timing` times, in a process of its own.

Each kind is a function of a job (dict: `size`, the crops' side; `batch`,
`threads`, and options of the kind) that returns a function without arguments,
which takes a step and waits until it is done.
"""

import numpy as np


def examples(batch, size):
    """A batch as the pipeline yields it, of random people."""
    rng = np.random.default_rng(0)
    every = np.ones((batch, 17), bool)
    pairs = np.triu(np.ones((17, 17), bool), k=1)
    return {
        "image": rng.integers(0, 256, (batch, size, size, 3), np.uint8),
        "keypoints": rng.uniform(0, size, (batch, 17, 2)).astype("float32"),
        "keypoint_mask": every,
        "depth": rng.normal(0, 200, (batch, 17)).astype("float32"),
        "depth_mask": every,
        "relation": rng.integers(-1, 2, (batch, 17, 17)).astype("int8"),
        "relation_mask": np.tile(pairs, (batch, 1, 1)),
    }


def _ours(job):
    """Our step: a config's `model`, `loss` and `train` on TensorFlow."""
    import ml_collections
    import tensorflow as tf

    from ordinal_tf.models import build
    from ordinal_tf.training import defaults, image, loop, optimizers, steps

    config = defaults.image()
    with config.ignore_type():
        config.update(ml_collections.ConfigDict(job["config"]))
    config.train.precision = job["precision"]
    with loop.policy(job["precision"]):
        network = build.build_image_network(config.model)
        learn = steps.training_step(
            network,
            optimizers.build_optimizer(config.train, network),
            inputs=image.pixels,
            loss=image.loss_of(config),
            rematerialise=config.train.rematerialise,
        )
    batch = {
        key: tf.constant(value)
        for key, value in examples(job["batch"], job["size"]).items()
    }
    return _taken(learn, batch)


def _taken(learn, batch):
    import tensorflow as tf

    ramp = tf.constant(1.0)
    return lambda: float(learn(batch, ramp)["loss"])


def _reconstruction(job):
    """Our step of the second network of the paper, batch 64."""
    import tensorflow as tf

    from ordinal_tf.training import defaults, optimizers, reconstruction, steps

    config = defaults.reconstruction()
    network = reconstruction.build(config)
    learn = steps.training_step(
        network,
        optimizers.build_optimizer(config.train, network),
        inputs=lambda batch: batch["joints"],
        loss=reconstruction.loss,
    )
    rng = np.random.default_rng(0)
    batch = {
        "joints": tf.constant(rng.normal(size=(64, 51)).astype("float32")),
        "pose": tf.constant(rng.normal(size=(64, 17, 3)).astype("float32")),
    }
    return _taken(learn, batch)


def _volume_loss(job):
    """The squared error of a volume, and its gradient: separable or dense."""
    import tensorflow as tf

    from ordinal_tf import losses, volumes

    rng = np.random.default_rng(0)
    batch, side, bins = job["batch"], job["size"] // 4, job["bins"]
    shape = (batch, side, side, 17, bins)
    output = tf.constant(rng.normal(size=shape).astype("float32"))
    points = tf.constant(rng.uniform(0, side, (batch, 17, 2)), tf.float32)
    z = tf.constant(rng.uniform(0, 1, (batch, 17, bins)), tf.float32)
    mask = tf.ones((batch, 17), bool)
    x, y = volumes.gaussian_factors(points, (side, side), 3.25)

    def separable(output):
        return losses.separable_volume_loss((x, y, z), output, mask=mask)

    def dense(output):
        target = tf.einsum("bkh,bkw,bkd->bhwkd", y, x, z)
        return tf.reduce_sum(tf.square(output - target), axis=(1, 2, 3, 4))

    loss = {"separable": separable, "dense": dense}[job["form"]]

    @tf.function(autograph=False)
    def gradient(output):
        with tf.GradientTape() as tape:
            tape.watch(output)
            value = tf.reduce_mean(loss(output))
        return tape.gradient(value, output)

    return lambda: gradient(output).shape


def _pytorch(job):
    """The same network in PyTorch; its loss, one sum, is cheaper than ours."""
    # A neighbour of this script: `tools` would import TensorFlow.
    import _torch_twin
    import torch

    torch.set_num_threads(job["threads"])
    with np.load(job["weights"], allow_pickle=False) as arrays:
        network = _torch_twin.build(arrays).train()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.to(device, memory_format=torch.channels_last)
    forward = torch.compile(network) if job["compiled"] else network
    optimizer = torch.optim.RMSprop(network.parameters(), 2.5e-4, alpha=0.99)
    images = examples(job["batch"], job["size"])["image"].transpose(0, 3, 1, 2)
    images = torch.from_numpy(images.astype(np.float32) / 255.0)
    images = images.to(device, memory_format=torch.channels_last)
    half = job["precision"] == "mixed_bfloat16"

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=half):
            volume = forward(images)
        loss = volume.float().square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def _pytorch_reconstruction(job):
    """The paper's reconstruction network in PyTorch, batch 64."""
    import torch
    from torch import nn

    torch.set_num_threads(job["threads"])

    def layer(inputs):
        return nn.Sequential(
            nn.Linear(inputs, 1024),
            nn.BatchNorm1d(1024),
            nn.ReLU(),
            nn.Dropout(0.5),
        )

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(layer(1024), layer(1024))

        def forward(self, x):
            return x + self.inner(x)

    network = nn.Sequential(
        layer(51), Block(), Block(), nn.Linear(1024, 51)
    ).train()
    optimizer = torch.optim.RMSprop(network.parameters(), 2.5e-4, alpha=0.99)
    vector, pose = torch.randn(64, 51), torch.randn(64, 51)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = (network(vector) - pose).square().sum(1).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def _product(job):
    """A product of large matrices, which tells what the machine can do."""
    import tensorflow as tf

    side = job["side"]
    kind = tf.bfloat16 if job["precision"] == "mixed_bfloat16" else tf.float32
    a = tf.cast(tf.random.stateless_normal((side, side), (1, 2)), kind)

    @tf.function(autograph=False)
    def product(a):
        return tf.reduce_sum(tf.cast(a @ a, tf.float32))

    return lambda: float(product(a))


KINDS = {
    "ours": _ours,
    "reconstruction": _reconstruction,
    "volume_loss": _volume_loss,
    "pytorch_step": _pytorch,
    "pytorch_reconstruction": _pytorch_reconstruction,
    "product": _product,
}
