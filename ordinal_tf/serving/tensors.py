"""Requests of gRPC to arrays, arrays to its replies; checks of both faces."""

import math

import tensorflow as tf
from tensorflow.core.framework import types_pb2

from ordinal_tf.serving import errors

# Where TF-Serving puts numbers; some clients read these and nothing else.
_FIELDS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_INT64: "int64_val",
}


def inputs_from_protos(protos, specs, *, max_bytes):
    """The inputs of a gRPC request.

    Args:
        protos: mapping of `TensorProto` by input name.
        specs: dict of `tf.TensorSpec` by input name.
        max_bytes: int, most that one tensor may take: a few bytes of proto
            can ask for an array of any size.

    Returns:
        dict of arrays; strings as object arrays of bytes.

    Raises:
        errors.ServingError: another name, dtype or shape, or values that do
            not fill the shape.
    """
    check_names(protos, specs)
    arrays = {}
    for name, proto in protos.items():
        dtype, got = specs[name].dtype, proto.dtype
        if got != dtype.as_datatype_enum:
            if got in types_pb2.DataType.values():
                got = types_pb2.DataType.Name(got)
            raise errors.invalid(
                f"The input {name!r} must be {dtype.name}. Received: {got}."
            )
        shape = [dim.size for dim in proto.tensor_shape.dim]
        check_shape(name, shape, specs[name])
        if math.prod(shape) * max(dtype.size or 1, 1) > max_bytes:
            raise errors.ServingError(
                errors.CODES.RESOURCE_EXHAUSTED,
                f"The input {name!r} is larger than the {max_bytes} bytes "
                f"that this server takes. Received shape: {shape}.",
            )
        try:
            arrays[name] = tf.make_ndarray(proto)
        # Values of another count or kind raise whatever they hit.
        except Exception:
            raise errors.invalid(
                f"The values of the input {name!r} do not fill its shape "
                f"{shape}."
            ) from None
    return arrays


def proto_of(value):
    """`TensorProto` of an array."""
    proto = tf.make_tensor_proto(value)
    if proto.tensor_content and proto.dtype in _FIELDS:
        proto.ClearField("tensor_content")
        getattr(proto, _FIELDS[proto.dtype]).extend(value.ravel().tolist())
    return proto


def check_shape(name, shape, spec):
    """Raises `errors.ServingError` where a `tf.TensorSpec` forbids a shape."""
    if min(shape, default=0) < 0 or not spec.shape.is_compatible_with(shape):
        want = shape if spec.shape.rank is None else spec.shape
        want = ", ".join("?" if size is None else str(size) for size in want)
        raise errors.invalid(
            f"The input {name!r} must have the shape [{want}]. Received: "
            f"{list(shape)}."
        )


def check_names(given, specs):
    """Raises `errors.ServingError` where inputs are missing or unknown."""
    missing = ", ".join(sorted(set(specs) - set(given)))
    extra = errors.short(", ".join(sorted(set(given) - set(specs))))
    if missing or extra:
        parts = [f"missing: {missing}"] if missing else []
        parts += [f"unknown: {extra}"] if extra else []
        raise errors.invalid(
            "The inputs do not match the signature, which takes "
            f"{', '.join(sorted(specs))}; {'; '.join(parts)}."
        )
