"""Modules of the core as the input pipeline calls them: on TensorFlow.

The pipeline is a TensorFlow graph whatever back end Keras has, but
`geometry` and `ordinal` compute with `keras.ops`, which on another back end
take no tensors of such a graph. They are then loaded once more, with
TensorFlow's functions of the same meaning.
"""

import importlib.util
import types

import keras
import tensorflow as tf

from ordinal_tf import geometry as _geometry
from ordinal_tf import ordinal as _ordinal

_OPS = types.SimpleNamespace(
    cast=tf.cast,
    concatenate=tf.concat,
    convert_to_tensor=tf.convert_to_tensor,
    cos=tf.cos,
    isnan=tf.math.is_nan,
    logical_and=tf.logical_and,
    logical_not=tf.logical_not,
    matmul=tf.matmul,
    max=tf.reduce_max,
    maximum=tf.maximum,
    min=tf.reduce_min,
    sin=tf.sin,
    stack=tf.stack,
    sum=tf.reduce_sum,
    swapaxes=lambda x, *last_two: tf.linalg.matrix_transpose(x),
    where=tf.where,
    zeros_like=tf.zeros_like,
)


def _on_tensorflow(module):
    if keras.backend.backend() == "tensorflow":
        return module
    spec = importlib.util.find_spec(module.__name__)
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    copy.ops = _OPS
    return copy


geometry = _on_tensorflow(_geometry)
ordinal = _on_tensorflow(_ordinal)
