"""Optimisers, their schedules, and averages of the weights that they move."""

import contextlib
import math

import keras
import numpy as np
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
            `accumulate` (batches per update), `precision`.
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


class Averages:
    """Moving averages of a network's weights and batch norms' statistics.

    The statistics too, for those of the weights do not fit their averages;
    Keras' own (`use_ema`) leave them out.

    Args:
        network: `keras.Model`.
        decay: float, what a step keeps; less in the beginning, when the
            averages are still those of weights that knew nothing:
            `(1 + step) / (10 + step)`.

    Attributes:
        variables: list of `keras.Variable`, part of a run's state.
    """

    def __init__(self, network, decay):
        self._weights, self._decay = network.weights, decay
        self.variables = [
            keras.Variable(weight, dtype=weight.dtype, trainable=False)
            for weight in self._weights
        ]
        self._move = self._blend
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            self._move = tf.function(self._blend, autograph=False)

    def _blend(self, decay):
        for average, weight in zip(self.variables, self._weights, strict=True):
            average.assign(weight + decay * (average - weight))

    def restart(self):
        """Begins anew from the weights as they are."""
        self._move(np.zeros((), np.float32))

    def update(self, step):
        """Takes in the weights that step `step`, from 0, has made."""
        decay = min(self._decay, (1 + step) / (10 + step))
        self._move(np.asarray(decay, np.float32))

    @contextlib.contextmanager
    def in_place(self):
        """Puts the averages in the place of the weights, for a while."""
        kept = [ops.convert_to_numpy(weight) for weight in self._weights]
        try:
            for weight, average in zip(
                self._weights, self.variables, strict=True
            ):
                weight.assign(average)
            yield
        finally:
            for weight, value in zip(self._weights, kept, strict=True):
                weight.assign(value)
