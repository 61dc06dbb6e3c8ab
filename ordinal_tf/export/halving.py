"""Weights in half precision on disk, computed with as before.

A trained weight is known to far less than the eleven bits that half precision
keeps; storing the other thirteen would double every model.
"""

import h5py
import numpy as np
import tensorflow as tf

from ordinal_tf import files

_FEW = 256  # Biases and constants below this are not worth it.


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


def halve_constants(function):
    """A function whose large float32 constants are stored in float16.

    Args:
        function: `ConcreteFunction` without variables, such as
            `convert_variables_to_constants_v2` returns.

    Returns:
        `ConcreteFunction` with the same inputs and list of outputs; the graph
        widens the constants when it is loaded.
    """
    graph = function.graph.as_graph_def()
    for node in list(graph.node):
        if node.op != "Const":
            continue
        array = tf.make_ndarray(node.attr["value"].tensor)
        half = halved(array)
        if half.dtype != np.float16:
            continue
        stored = graph.node.add()
        stored.CopyFrom(node)
        stored.name = f"{node.name}/half"
        stored.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(half))
        stored.attr["dtype"].type = tf.float16.as_datatype_enum
        # The widening takes the constant's name, and with it its users.
        node.Clear()
        node.op, node.name = "Cast", stored.name.removesuffix("/half")
        node.input.append(stored.name)
        node.attr["SrcT"].type = tf.float16.as_datatype_enum
        node.attr["DstT"].type = tf.float32.as_datatype_enum
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


def halve_weights(path):
    """Rewrites a `.weights.h5` file with its large arrays in float16.

    Keras widens them again when it loads them.
    """

    def copy(name, item):
        if isinstance(item, h5py.Dataset):
            target[name] = halved(item[()])
        else:
            target.require_group(name)
        for key, value in item.attrs.items():
            target[name].attrs[key] = value

    with (
        files.whole(path) as new,
        h5py.File(path) as source,
        h5py.File(new, "w") as target,
    ):
        source.visititems(copy)
        for key, value in source.attrs.items():
            target.attrs[key] = value
