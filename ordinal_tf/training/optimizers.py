"""Optimisers, their schedules, and which weights they move at which rate."""

import contextlib
import math

import keras
from keras import ops

OPTIMIZERS = ("adam", "rmsprop")
SCHEDULES = ("constant", "cosine", "steps")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def learning_rate(train, step):
    """The rate of a step: linear warm-up times a schedule.

    Args:
        train: the section `train` of a config: `learning_rate`, `warmup`
            (steps), `steps`, and `schedule`: "constant", "cosine" (to zero at
            the last step) or "steps" (times each factor of `drops`, pairs of
            a share of the steps and a factor, once that share is done).
        step: int, from 0.

    Returns:
        float.
    """
    rate = train.learning_rate * min(1.0, (step + 1) / max(train.warmup, 1))
    if train.schedule == "cosine":
        rate *= 0.5 * (1.0 + math.cos(math.pi * step / train.steps))
    if train.schedule == "steps":
        for share, factor in train.drops:
            if step >= round(share * train.steps):
                rate *= factor
    return rate


def freeze(network, train):
    """Makes layers untrainable.

    Args:
        network: `keras.Model`.
        train: the section `train` of a config: `frozen`, beginnings of the
            names of layers that stay as they are, and `frozen_norms`, the
            same for batch norms, which then use their running statistics.

    Raises:
        ValueError: a beginning that no layer has, or nothing left to train.
    """
    norms = (keras.layers.BatchNormalization,)
    for field, kinds in (("frozen", keras.Layer), ("frozen_norms", norms)):
        for prefix in train[field]:
            found = [
                layer
                for layer in network.layers
                if layer.name.startswith(prefix) and isinstance(layer, kinds)
            ]
            if not found:
                raise ValueError(
                    f"`train.{field}` names {prefix!r}, and no such layer of "
                    "the network begins with it."
                )
            for layer in found:
                layer.trainable = False
    if not network.trainable_variables:
        raise ValueError("`train.frozen` leaves nothing to train.")


def build_optimizer(train, network):
    """The optimiser of a config, built for a network.

    Args:
        train: the section `train` of a config: `optimizer`, `clip_norm` (of
            all gradients together, or None), `encoder_rate` (factor on the
            learning rate of layers whose names begin with "encoder"),
            `accumulate` (batches per update), `ema` (what a step keeps of the
            averaged weights; 0: no averages), `precision`.
        network: `keras.Model`, see `freeze`.

    Returns:
        `keras.optimizers.Optimizer`.
    """
    options = {
        "learning_rate": train.learning_rate,
        "global_clipnorm": train.clip_norm,
    }
    if train.accumulate > 1:
        options["gradient_accumulation_steps"] = train.accumulate
    if train.ema:
        # Keras averages after every batch, also those without an update.
        momentum = train.ema ** (1 / train.accumulate)
        options.update(use_ema=True, ema_momentum=momentum)
    if train.optimizer == "rmsprop":
        # Torch's constants, which the original has. Torch adds 1e-8 to the
        # root, Keras its epsilon below the root.
        options.update(rho=0.99, epsilon=1e-16)
    kinds = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}
    variables = network.trainable_variables
    factors = rate_factors(variables, train.encoder_rate)
    optimizer = _with_factors(kinds[train.optimizer], factors)(**options)
    if train.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    return optimizer


def rate_factors(variables, encoder_rate):
    """Factor of the learning rate of each variable."""
    return [
        encoder_rate if variable.path.startswith("encoder") else 1.0
        for variable in variables
    ]


def _with_factors(kind, factors):
    """An optimiser class whose rate is another for each variable."""
    if set(factors) == {1.0}:
        return kind

    class WithFactors(kind):
        def update_step(self, gradient, variable, learning_rate):
            # As Keras' own optimisers find what belongs to a variable.
            factor = factors[self._get_variable_index(variable)]
            rate = ops.cast(learning_rate, gradient.dtype) * factor
            super().update_step(gradient, variable, rate)

    return WithFactors


@contextlib.contextmanager
def averaged(network, optimizer):
    """Puts the averages of the weights in their place, for a while.

    Batch norm's running statistics are averages anyway and stay.
    """
    kept = [ops.convert_to_numpy(v) for v in network.trainable_variables]
    try:
        optimizer.finalize_variable_values(network.trainable_variables)
        yield
    finally:
        for variable, value in zip(
            network.trainable_variables, kept, strict=True
        ):
            variable.assign(value)
