"""One step of training, on TensorFlow or on JAX: gradient and update.

The networks, losses and optimisers are the same on both; only who keeps the
variables differs.
"""

import functools

import keras

from ordinal_tf.models import recompute
from ordinal_tf.training import devices


def training_step(
    network,
    optimizer,
    *,
    inputs,
    loss,
    jit=False,
    rematerialise=False,
    crew=devices.ALONE,
):
    """A function that trains on one batch.

    Args:
        network: `keras.Model`.
        optimizer: Keras', built for it.
        inputs: function of a batch that returns what the network takes.
        loss: function of `(outputs, batch, ramp)` that returns a dict of
            scalars; `loss` of them is made small.
        jit: bool, compile with XLA. JAX always does.
        rematerialise: bool, see `recompute.recomputed`; TensorFlow alone.
        crew: `devices.Crew`, in whose scope network and optimiser were made.

    Returns:
        function of a batch (dict of arrays) and the ramp (scalar array) that
        changes the network and the optimiser and returns the dict.

    Raises:
        ValueError: Keras runs on neither of the two.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        forward = functools.partial(network, training=True)
        if rematerialise:
            forward = recompute.recomputed(network)
        parts = network.trainable_variables, optimizer, forward, inputs, loss
        if crew.strategy:
            return _shared_step(*parts, jit, crew)
        return _tensorflow_step(*parts, jit)
    if backend == "jax":
        return _jax_step(network, optimizer, inputs, loss)
    raise ValueError(
        "Training runs on Keras' backends tensorflow and jax. Received: "
        f"KERAS_BACKEND={backend}."
    )


def _tensorflow_step(variables, optimizer, forward, inputs, loss, jit):
    import tensorflow as tf

    # Nothing here is data-dependent Python, which is all autograph is for.
    @tf.function(jit_compile=jit, autograph=False)
    def step(batch, ramp):
        with tf.GradientTape() as tape:
            parts = loss(forward(inputs(batch)), batch, ramp)
            scaled = optimizer.scale_loss(parts["loss"])
        optimizer.apply(tape.gradient(scaled, variables), variables)
        return parts

    return step


def _shared_step(variables, optimizer, forward, inputs, loss, jit, crew):
    import tensorflow as tf

    mean = tf.distribute.ReduceOp.MEAN
    # Keras would add up gradients that were clipped each for itself; they are
    # averaged here, before.
    optimizer._all_reduce_sum_gradients = lambda pairs: pairs

    def replica(batch, ramp):
        with tf.GradientTape() as tape:
            parts = loss(forward(inputs(batch)), batch, ramp)
        gradients = tape.gradient(parts["loss"], variables)
        context = tf.distribute.get_replica_context()
        gradients, parts = context.all_reduce(mean, [gradients, parts])
        optimizer.apply(gradients, variables)
        return parts

    @tf.function(jit_compile=jit, reduce_retracing=True, autograph=False)
    def step(batch, ramp):
        parts = crew.strategy.run(replica, args=(batch, ramp))
        return {
            key: crew.strategy.experimental_local_results(value)[0]
            for key, value in parts.items()
        }

    return lambda batch, ramp: step(crew.split(batch), ramp)


def _jax_step(network, optimizer, inputs, loss):
    import jax
    import numpy as np

    kept = (
        network.trainable_variables,
        network.non_trainable_variables,
        optimizer.variables,
    )

    def scaled_loss(trainable, others, slots, batch, ramp):
        outputs, others = network.stateless_call(
            trainable, others, inputs(batch), training=True
        )
        parts = loss(outputs, batch, ramp)
        pairs = list(zip(kept[2], slots, strict=True))
        with keras.StatelessScope(state_mapping=pairs):
            scaled = optimizer.scale_loss(parts["loss"])
        return scaled, (parts, others)

    gradient = jax.value_and_grad(scaled_loss, has_aux=True)

    @jax.jit
    def update(trainable, others, slots, batch, ramp):
        (_, (parts, others)), gradients = gradient(
            trainable, others, slots, batch, ramp
        )
        trainable, slots = optimizer.stateless_apply(
            slots, gradients, trainable
        )
        return (trainable, others, slots), parts

    def step(batch, ramp):
        values = [[variable.value for variable in group] for group in kept]
        batch = {key: np.asarray(value) for key, value in batch.items()}
        values, parts = update(*values, batch, ramp)
        for group, new in zip(kept, values, strict=True):
            for variable, value in zip(group, new, strict=True):
                variable.assign(value)
        return parts

    return step
