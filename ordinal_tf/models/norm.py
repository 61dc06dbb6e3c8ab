"""Batch normalisation that trains fast on TensorFlow.

Keras composes it of a dozen element-wise passes over the features, which took
two fifths of a training step on a CPU; TensorFlow has one kernel for it.
"""

import contextlib
import contextvars

import keras

# A variable of the context: each replica of a strategy has a thread.
_STILL = contextvars.ContextVar("still", default=False)


@contextlib.contextmanager
def still():
    """Batch norms that train in here leave their statistics as they are."""
    before = _STILL.set(True)
    try:
        yield
    finally:
        _STILL.reset(before)


@keras.saving.register_keras_serializable(package="ordinal_tf")
class BatchNorm(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over channels, with a fused pass.

    Same variables, same result. The running variance follows the unbiased
    variance of the batch, as Torch's does, where TensorFlow trains; Keras'
    own, on the other backends, follows the biased one. The replicas of a
    `tf.distribute` strategy use the statistics of all their inputs together.
    """

    def call(self, inputs, training=None, mask=None):
        if (
            not (training and self.trainable)
            or keras.backend.backend() != "tensorflow"
        ):
            return super().call(inputs, training=training, mask=mask)
        # With `depthwise` the one place of models/ that knows a backend.
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            output, mean, variance = self._shared(inputs, context)
        else:
            output, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=inputs,
                scale=tf.convert_to_tensor(self.gamma),
                offset=tf.convert_to_tensor(self.beta),
                mean=[],
                variance=[],
                epsilon=self.epsilon,
                is_training=True,
            )
        if _STILL.get():
            return output
        for moving, new in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            keep = tf.cast(self.momentum, moving.dtype)
            moving.assign(moving * keep + new * (1.0 - keep))
        return output

    def _shared(self, inputs, context):
        """Output, mean and unbiased variance over all replicas' inputs."""
        import tensorflow as tf

        axes = list(range(inputs.shape.rank - 1))
        x = tf.cast(inputs, tf.float32)
        sizes = [tf.shape(x)[axis] for axis in axes]
        count = tf.cast(
            context.num_replicas_in_sync * tf.reduce_prod(sizes), tf.float32
        )

        def total(value):
            local = tf.reduce_sum(value, axes)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, local)

        mean = total(x) / count
        x = x - mean
        variance = total(tf.square(x)) / count
        gamma, beta = (
            tf.cast(tf.convert_to_tensor(v), tf.float32)
            for v in (self.gamma, self.beta)
        )
        x = x * tf.math.rsqrt(variance + self.epsilon) * gamma + beta
        unbiased = variance * count / tf.maximum(count - 1.0, 1.0)
        return tf.cast(x, inputs.dtype), mean, unbiased
