"""Weights with fewer bits on disk, computed with as before.

A trained weight is known to far less than the eleven bits that half precision
keeps; storing the other thirteen would double every model. Where answers need
not be exact, eight bits and a scale for each channel do.
"""

import h5py
import numpy as np
import tensorflow as tf

from ordinal_tf import files

_FEW = 256  # Biases and constants below this are not worth it.
_PACKED = 4_096  # Bytes; a packed array has an index of its own.
_MANTISSA, _KEPT = 10, 5  # Bits of float16's, and of those of stored kernels.


def halved(array):
    """An array in float16, or as it is where that is too small or coarse.

    Args:
        array: any; only float32 arrays of some size change.
    """
    if array.dtype != np.float32 or array.size < _FEW:
        return array
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.isfinite(half).all() else array


def quartered(array):
    """A kernel in int8, with what each channel is to be multiplied by.

    Args:
        array: float32 of two axes or more, the last being the channels; of
            depthwise kernels `(..., C, 1)` the one before.

    Returns:
        int8 of the same shape and float32 that multiplies it; None for
        other arrays and small ones.
    """
    if array.dtype != np.float32 or array.ndim < 2 or array.size < _FEW:
        return None
    channels = -2 if array.shape[-1] == 1 else -1
    others = tuple(i for i in range(array.ndim) if i != array.ndim + channels)
    largest = np.abs(array).max(others, keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.round(array / scale).astype(np.int8), scale


def narrow_constants(function, bits=16):
    """A function whose large float32 constants are stored in fewer bits.

    Args:
        function: `ConcreteFunction` without variables, such as
            `convert_variables_to_constants_v2` returns.
        bits: 16, or 8 for kernels, see `quartered`.

    Returns:
        `ConcreteFunction` with the same inputs and list of outputs; the graph
        widens the constants when it is loaded.
    """
    graph = function.graph.as_graph_def()
    for node in list(graph.node):
        if node.op != "Const":
            continue
        array = tf.make_ndarray(node.attr["value"].tensor)
        kernel = quartered(array) if bits == 8 else None
        stored, scale = kernel or (halved(array), None)
        if stored.dtype == array.dtype:
            continue
        # What widens takes the constant's name, and with it its users.
        name = node.name
        node.Clear()
        narrow = _constant(graph, f"{name}/narrow", stored)
        if scale is None:
            _cast(node, name, narrow.name, stored.dtype)
            continue
        wide = graph.node.add()
        _cast(wide, f"{name}/wide", narrow.name, stored.dtype)
        factor = _constant(graph, f"{name}/scale", scale)
        node.op, node.name = "Mul", name
        node.input.extend([wide.name, factor.name])
        node.attr["T"].type = tf.float32.as_datatype_enum
    imported = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(graph, name=""), []
    )
    inputs, outputs = (
        tf.nest.map_structure(
            lambda tensor: imported.graph.get_tensor_by_name(tensor.name),
            list(tensors),
        )
        for tensors in (function.inputs, function.outputs)
    )
    return imported.prune(inputs, outputs)


def _rounded(half):
    """float16 to the nearest that has `_KEPT` bits after the first."""
    step = 1 << (_MANTISSA - _KEPT)
    bits = half.view(np.uint16)
    # What is carried goes on into the exponent, as it should.
    found = ((bits + step // 2) & ~np.uint16(step - 1)).view(np.float16)
    return np.where(np.isfinite(found), found, half)


def _constant(graph, name, array):
    node = graph.node.add()
    node.op, node.name = "Const", name
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
    node.attr["dtype"].type = tf.as_dtype(array.dtype).as_datatype_enum
    return node


def _cast(node, name, source, dtype):
    node.op, node.name = "Cast", name
    node.input.append(source)
    node.attr["SrcT"].type = tf.as_dtype(dtype).as_datatype_enum
    node.attr["DstT"].type = tf.float32.as_datatype_enum


def halve_weights(path):
    """Rewrites a `.weights.h5` file with its large arrays in float16.

    Keras widens them again when it loads them. Kernels, nearly all of it, keep
    six significant bits, and are packed: more exact than eight bits and a
    scale would be, and enough to start a training from. The graph has its own.
    """

    def copy(name, item):
        if isinstance(item, h5py.Dataset):
            array = halved(item[()])
            if array.dtype == np.float16 and array.ndim > 1:
                array = _rounded(array)
            options = {}
            if array.nbytes >= _PACKED:
                options = {"compression": "gzip", "shuffle": True}
                options["chunks"] = array.shape  # One: each has an index.
            target.create_dataset(name, data=array, **options)
        else:
            target.require_group(name)
        for key, value in item.attrs.items():
            target[name].attrs[key] = value

    with (
        files.whole(path) as new,
        h5py.File(path) as source,
        h5py.File(new, "w", libver="latest") as target,
    ):
        source.visititems(copy)
        for key, value in source.attrs.items():
            target.attrs[key] = value
