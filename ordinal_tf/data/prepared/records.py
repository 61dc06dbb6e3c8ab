"""What one record of a prepared dataset holds: written, parsed, checked."""

import hashlib

import numpy as np
import tensorflow as tf
from google.protobuf import message

from ordinal_tf import skeleton

_K = len(skeleton.H36M17)

# Name: NumPy type and shape. One person, joints of `skeleton.H36M17`, pixels
# of the picture in the record (a window of the original one).
FIELDS = {
    "image": (bytes, ()),  # JPEG or PNG.
    "size": (np.int32, (2,)),  # Height and width of that picture.
    "name": (str, ()),  # The original picture, below its dataset's folder.
    "to_picture": (np.float32, (2, 3)),  # Window to original pixels.
    "box": (np.float32, (3,)),  # Centre x, centre y, side.
    "keypoints": (np.float32, (_K, 2)),
    "keypoint_mask": (np.bool_, (_K,)),
    "depth": (np.float32, (_K,)),  # mm, root-relative, away from the camera.
    "depth_mask": (np.bool_, (_K,)),
    "relation": (np.int8, (_K, _K)),  # Antisymmetric, +1: i is nearer than j.
    "relation_mask": (np.bool_, (_K, _K)),  # Symmetric.
    "pose": (np.float32, (_K, 3)),  # mm, camera axes, seen from the camera.
    "pose_mask": (np.bool_, (_K,)),
    "camera": (np.float32, (3, 3)),  # Of the window; zeros where unknown.
    "visible": (np.bool_, (_K,)),  # Not hidden by anything.
    "visible_mask": (np.bool_, (_K,)),
}
# What is zero where it is masked.
_MASKS = {
    "keypoints": "keypoint_mask",
    "depth": "depth_mask",
    "relation": "relation_mask",
    "pose": "pose_mask",
    "visible": "visible_mask",
}


def check(record):
    """Refuses a record that breaks what `FIELDS` says.

    Args:
        record: dict of NumPy values, bytes and str.

    Raises:
        ValueError: a field is missing, unknown, of another type or shape, not
            finite, or contradicts another; names the record and the field.
    """
    name = record.get("name", "a record without a name")
    if set(record) != set(FIELDS):
        wrong = sorted(set(record) ^ set(FIELDS))
        raise ValueError(
            f"{name}: a record has exactly the fields {', '.join(FIELDS)}. "
            f"Missing or unknown: {', '.join(wrong)}."
        )
    for key, (kind, shape) in FIELDS.items():
        value = record[key]
        if kind in (bytes, str):
            if not isinstance(value, kind) or not value:
                raise ValueError(
                    f"{name}: `{key}` must be {kind.__name__}, not empty. "
                    f"Received: {type(value).__name__}."
                )
            continue
        if value.dtype != kind or value.shape != shape:
            raise ValueError(
                f"{name}: `{key}` must be {np.dtype(kind).name} {shape}. "
                f"Received: {value.dtype.name} {value.shape}."
            )
        if not np.isfinite(value).all():
            raise ValueError(
                f"{name}: `{key}` is not finite; mask what is not known."
            )
    for key, mask in _MASKS.items():
        known = record[mask].reshape(
            record[mask].shape + (1,) * (record[key].ndim - record[mask].ndim)
        )
        if np.any(np.where(known, 0, record[key])):
            raise ValueError(f"{name}: `{key}` must be 0 where it is masked.")
    if record["size"].min() < 1:
        raise ValueError(f"{name}: `size` must be positive.")
    if record["box"][2] <= 0:
        raise ValueError(
            f"{name}: the side of `box` must be positive. Received: "
            f"{record['box'][2]}."
        )
    relation, mask = record["relation"], record["relation_mask"]
    if np.any(relation != -relation.T) or np.any(np.abs(relation) > 1):
        raise ValueError(
            f"{name}: `relation` must be -1, 0 or +1, and antisymmetric."
        )
    if np.any(mask != mask.T) or mask.diagonal().any():
        raise ValueError(
            f"{name}: `relation_mask` must be symmetric, and False on its "
            "diagonal."
        )


def serialize(record):
    """Bytes of one `tf.train.Example`.

    Numbers travel as the bytes of their little-endian arrays: an int64 list,
    which is all that an Example offers, takes ten bytes for each -1.

    Args:
        record: `FIELDS` dict.

    Returns:
        bytes.

    Raises:
        ValueError: see `check`.
    """
    check(record)
    feature = {}
    for key, (kind, _) in FIELDS.items():
        value = record[key]
        if kind is str:
            value = value.encode()
        elif kind is not bytes:
            value = np.ascontiguousarray(value).tobytes()
        feature[key] = tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[value])
        )
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def parse_packed(serialized, fields):
    """Takes the picture and some of the fields out of a record, in a graph.

    Args:
        serialized: scalar string.
        fields: names of the arrays among `FIELDS` that are wanted.

    Returns:
        two scalar strings: the encoded picture, and the fields as `pack` packs
        them.
    """
    wanted = ("image", *fields)
    spec = {key: tf.io.FixedLenFeature((), tf.string) for key in wanted}
    found = tf.io.parse_single_example(serialized, spec)
    return found["image"], tf.strings.join([found[key] for key in fields])


def pack(record, fields):
    """Bytes of a record's fields, one after the other."""
    return b"".join(record[key].tobytes() for key in fields)


def unpack(packed, fields):
    """Labels of many people from the bytes of `pack`.

    Args:
        packed: `(B,)` strings.
        fields: names that `packed` was made with.

    Returns:
        dict of tensors `(B, *shape)`, types and shapes as in `FIELDS`.
    """
    found, start = {}, 0
    for key in fields:
        kind, shape = FIELDS[key]
        length = np.dtype(kind).itemsize * int(np.prod(shape))
        piece = tf.strings.substr(packed, start, length)
        flat = tf.io.decode_raw(piece, tf.as_dtype(kind))
        found[key] = tf.reshape(flat, (-1, *shape))
        start += length
    return found


def parse(serialized, where):
    """Takes a serialized record apart, and checks it.

    Args:
        serialized: bytes.
        where: str, what messages call the record.

    Returns:
        The dict that `serialize` took, in NumPy.

    Raises:
        ValueError: no record, or one that breaks the contract, see `check`.
    """
    try:
        example = tf.train.Example.FromString(serialized)
    except message.DecodeError as error:
        raise ValueError(
            f"{where} is no tf.train.Example; prepare the dataset again."
        ) from error
    features, record = example.features.feature, {}
    for key, (kind, shape) in FIELDS.items():
        values = features[key].bytes_list.value if key in features else ()
        if len(values) != 1:
            raise ValueError(
                f"{where} has no field `{key}`; prepare the dataset again."
            )
        try:
            record[key] = _decode(values[0], kind, shape)
        except ValueError as error:
            raise ValueError(f"{where}: `{key}` is damaged: {error}") from error
    try:
        check(record)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    return record


def _decode(value, kind, shape):
    if kind is bytes:
        return value
    if kind is str:
        return value.decode()
    array = np.frombuffer(value, np.uint8 if kind is np.bool_ else kind)
    if kind is np.bool_ and array.size and array.max() > 1:
        raise ValueError("a truth value is neither 0 nor 1.")
    return array.reshape(shape).astype(kind)


def picture_number(data):
    """uint64 that stands for a picture's bytes, whatever its name."""
    return np.uint64(int.from_bytes(hashlib.sha256(data).digest()[:8], "big"))
