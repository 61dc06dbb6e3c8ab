"""Requests of gRPC to arrays, and arrays to its replies."""

import math

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from ordinal_tf.serving import errors

# Fields of a TensorProto by the kind of their numbers, as TF-Serving fills
# them; some clients read these instead of calling `tf.make_ndarray`.
_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
    **dict.fromkeys(
        (tf.int32, tf.int16, tf.int8, tf.uint8, tf.uint16), "int_val"
    ),
}


def inputs_from_protos(protos, specs, *, max_bytes):
    """The inputs of a gRPC request.

    Args:
        protos: mapping of `TensorProto` by input name.
        specs: dict of `model.Spec` by input name.
        max_bytes: int, most that one tensor may take: a few bytes of proto
            can ask for an array of any size.

    Returns:
        dict of arrays; strings as object arrays of bytes.

    Raises:
        errors.ServingError: names that do not match, another dtype or shape,
            or values that do not fill the shape.
    """
    check_names(protos, specs)
    arrays = {}
    for name, proto in protos.items():
        spec = specs[name]
        if proto.dtype != spec.dtype.as_datatype_enum:
            got = tensor_pb2.TensorProto.DESCRIPTOR.fields_by_name[
                "dtype"
            ].enum_type.values_by_number.get(proto.dtype)
            raise errors.invalid(
                f"The input {name!r} must be {spec.dtype.name}. Received: "
                f"{got.name if got else proto.dtype}."
            )
        shape = [dim.size for dim in proto.tensor_shape.dim]
        check_shape(name, shape, spec)
        if math.prod(shape) * max(spec.dtype.size or 1, 1) > max_bytes:
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
    strings = value.dtype == object
    dtype = tf.string if strings else tf.dtypes.as_dtype(value.dtype)
    if dtype not in _FIELDS:
        return tf.make_tensor_proto(value)
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    for size in value.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, _FIELDS[dtype]).extend(value.reshape(-1).tolist())
    return proto


def check_shape(name, shape, spec):
    """Refuses a shape that a `model.Spec` does not allow.

    Raises:
        errors.ServingError: names the input and both shapes.
    """
    want = list(shape) if spec.shape is None else spec.shape
    fits = len(shape) == len(want) and all(
        size >= 0 and expected in (None, size)
        for size, expected in zip(shape, want, strict=True)
    )
    if not fits:
        want = ", ".join("?" if size is None else str(size) for size in want)
        raise errors.invalid(
            f"The input {name!r} must have the shape [{want}]. Received: "
            f"{list(shape)}."
        )


def check_names(given, specs):
    """Refuses inputs that a signature lacks, and lacks of inputs.

    Raises:
        errors.ServingError: names them.
    """
    missing = sorted(set(specs) - set(given))
    extra = sorted(set(given) - set(specs))
    if missing or extra:
        parts = [f"missing: {', '.join(missing)}"] if missing else []
        parts += [f"unknown: {short(', '.join(extra))}"] if extra else []
        raise errors.invalid(
            "The inputs do not match the signature, which takes "
            f"{', '.join(sorted(specs))}; {'; '.join(parts)}."
        )


def short(text, longest=80):
    """Text for an error message, which must not repeat a whole request."""
    text = str(text)
    return text if len(text) <= longest else text[:longest] + "..."
