"""Depthwise convolution whose gradient is fast on TensorFlow's CPU kernels.

oneDNN has a fast kernel for the gradient of the weights of kernels up to 3
wide; that of the encoder's 5 x 5 takes one two to four times slower, and half
precision a reference loop that is slower still.
"""

import keras

# The widest kernel that oneDNN's fast gradient takes.
_WIDEST = 3


@keras.saving.register_keras_serializable(package="ordinal_tf")
class DepthwiseConv(keras.layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` without bias, trained faster.

    Same variables, same result. Padding is "same", features are channels
    last. Where TensorFlow trains, the gradient is computed in float32, and
    that of the weights in pieces of at most three columns.
    """

    def call(self, inputs, training=None):
        if not training or keras.backend.backend() != "tensorflow":
            return super().call(inputs)
        # As in `norm`, the one other place of models/ that knows a backend.
        import tensorflow as tf

        inputs = tf.convert_to_tensor(inputs)
        kernel = tf.cast(tf.convert_to_tensor(self.kernel), inputs.dtype)
        return _convolve(inputs, kernel, self.strides[0])


def _convolve(x, kernel, stride):
    import tensorflow as tf

    strides = [1, stride, stride, 1]
    size = kernel.shape[0]

    @tf.custom_gradient
    def convolve(x, kernel):
        y = tf.nn.depthwise_conv2d(x, kernel, strides, "SAME")

        def gradient(dy):
            exact = [tf.cast(v, "float32") for v in (x, kernel, dy)]
            dx = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=tf.shape(x),
                filter=exact[1],
                out_backprop=exact[2],
                strides=strides,
                padding="SAME",
            )
            dkernel = _kernel_gradient(exact[0], exact[2], size, stride)
            return tf.cast(dx, x.dtype), tf.cast(dkernel, kernel.dtype)

        return y, gradient

    return convolve(x, kernel)


def _kernel_gradient(x, dy, size, stride):
    """Gradient of the weights `(size, size, C, 1)`, a few columns at a time."""
    import tensorflow as tf

    def columns(x, count, padding):
        return tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
            input=x,
            filter_sizes=[size, count, x.shape[3], 1],
            out_backprop=dy,
            strides=[1, stride, stride, 1],
            padding=padding,
        )

    if size <= _WIDEST:
        return columns(x, size, "SAME")
    pads = [_same_padding(tf.shape(x)[i], size, stride) for i in (1, 2)]
    x = tf.pad(x, [(0, 0), *pads, (0, 0)])
    width = tf.shape(x)[2]
    pieces = []
    for first in range(0, size, _WIDEST):
        count = min(_WIDEST, size - first)
        # What these columns of the kernel see as it moves.
        seen = x[:, :, first : width - (size - first - count)]
        pieces.append(columns(seen, count, "VALID"))
    return tf.concat(pieces, axis=1)


def _same_padding(side, size, stride):
    """Zeros before and after a side, as TensorFlow's "SAME" has them."""
    import tensorflow as tf

    rest = side % stride
    total = size - tf.where(rest == 0, stride, rest)
    return total // 2, total - total // 2
