"""Requests and replies of TF-Serving's REST API.

`instances` is a list of rows, `inputs` holds whole tensors, and
`{"b64": ...}` stands for bytes.

Source: TensorFlow Serving's guide, page "RESTful API".
"""

import base64
import binascii
import json

import numpy as np
import tensorflow as tf

from ordinal_tf.serving import errors
from ordinal_tf.serving.tensors import check_names, check_shape, short

_ROW_KEY, _COLUMN_KEY = "instances", "inputs"


def read_json(body):
    """The JSON object of a request's body.

    Raises:
        errors.ServingError: not JSON, or not an object.
    """
    try:
        request = json.loads(body)
    except RecursionError:
        raise errors.invalid("The JSON is nested too deeply.") from None
    except ValueError as error:
        raise errors.invalid(f"JSON parse error: {short(error)}.") from None
    if not isinstance(request, dict):
        raise errors.invalid(
            'The body must be a JSON object with "instances" or "inputs".'
        )
    return request


def signature_name(request):
    """The signature that a JSON request names, "" for none.

    Raises:
        errors.ServingError: not a string.
    """
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise errors.invalid('"signature_name" must be a string.')
    return name


def inputs_from_json(request, specs):
    """The inputs of a REST request.

    Args:
        request: dict of `read_json`.
        specs: dict of `model.Spec` by input name.

    Returns:
        dict of arrays, and whether the request was in rows.

    Raises:
        errors.ServingError: says which value is wrong, and where.
    """
    rows, columns = (key in request for key in (_ROW_KEY, _COLUMN_KEY))
    if rows and columns:
        raise errors.invalid('Give "instances" or "inputs", not both.')
    if rows:
        columns = _columns_of_rows(request[_ROW_KEY], specs)
    elif _COLUMN_KEY in request:
        columns = _columns(request[_COLUMN_KEY], specs)
    else:
        raise errors.invalid('Missing "inputs" or "instances" key.')
    check_names(columns, specs)
    arrays = {}
    for name, value in columns.items():
        array = _array(name, value, specs[name].dtype)
        shape = specs[name].shape
        if not array.size and shape and shape[0] is None:
            # JSON has no way to say [0, 3]; an empty list means that.
            array = array.reshape([size or 0 for size in shape])
        check_shape(name, array.shape, specs[name])
        arrays[name] = array
    return arrays, rows


def json_from_outputs(outputs, *, rows):
    """The body of a REST reply.

    Args:
        outputs: dict of arrays.
        rows: bool, whether the request was in rows.

    Returns:
        bytes of JSON: `predictions`, a list of rows, or `outputs`, whole
        tensors. The name is left out where there is one output alone.

    Raises:
        errors.ServingError: a reply in rows whose outputs differ in length.
    """
    lists = {name: _list(name, value) for name, value in outputs.items()}
    if not rows:
        reply = lists if len(lists) > 1 else next(iter(lists.values()))
        return _encode({"outputs": reply})
    counts = {value.shape[:1] for value in outputs.values()}
    if len(counts) > 1 or () in counts:
        raise errors.invalid(
            "The outputs have no common number of rows; ask with "
            '"inputs" instead of "instances".'
        )
    if len(lists) == 1:
        return _encode({"predictions": next(iter(lists.values()))})
    names = list(lists)
    table = [
        dict(zip(names, row, strict=True))
        for row in zip(*lists.values(), strict=True)
    ]
    return _encode({"predictions": table})


def _columns_of_rows(instances, specs):
    if not isinstance(instances, list) or not instances:
        raise errors.invalid('"instances" must be a list with values in it.')
    if _is_named(instances[0]):
        for index, row in enumerate(instances):
            if not _is_named(row):
                raise errors.invalid(
                    f'Row {index} of "instances" must be an object of the '
                    "inputs by name, as the first one is."
                )
            check_names(row, specs)
        return {name: [row[name] for row in instances] for name in specs}
    return {_only(specs, _ROW_KEY): instances}


def _columns(inputs, specs):
    return inputs if _is_named(inputs) else {_only(specs, _COLUMN_KEY): inputs}


def _only(specs, key):
    if len(specs) > 1:
        raise errors.invalid(
            f'"{key}" must name the inputs {", ".join(sorted(specs))}, '
            "because the signature has several."
        )
    return next(iter(specs))


def _is_named(value):
    return isinstance(value, dict) and not _is_bytes(value)


def _is_bytes(value):
    return (
        isinstance(value, dict)
        and list(value) == ["b64"]
        and isinstance(value["b64"], str)
    )


def _array(name, value, dtype):
    shape, inner = [], value
    while isinstance(inner, list):
        shape.append(len(inner))
        inner = inner[0] if inner else None
    leaves = []
    _flatten(name, value, shape, 0, _reader(name, dtype), leaves)
    kind = object if dtype == tf.string else dtype.as_numpy_dtype
    try:
        array = np.empty(len(leaves), kind)
        with np.errstate(over="raise"):
            array[:] = leaves
    except (OverflowError, FloatingPointError):
        raise errors.invalid(
            f"The input {name!r} has a value that does not fit {dtype.name}."
        ) from None
    return array.reshape(shape)


def _flatten(name, value, shape, level, read, leaves):
    """Appends the values of a nested list whose shape is known."""
    if level == len(shape):
        if isinstance(value, list):
            raise _ragged(name)
        leaves.append(read(value))
        return
    if not isinstance(value, list) or len(value) != shape[level]:
        raise _ragged(name)
    for item in value:
        _flatten(name, item, shape, level + 1, read, leaves)


def _ragged(name):
    return errors.invalid(
        f"The lists of the input {name!r} differ in length or depth."
    )


def _reader(name, dtype):
    """Function of one JSON value that checks its kind."""
    if dtype == tf.string:
        kinds, what = (str, dict), 'a string or {"b64": ...}'
    elif dtype == tf.bool:
        kinds, what = (bool,), "true or false"
    elif dtype.is_integer:
        kinds, what = (int,), "a whole number"
    elif dtype.is_floating:
        kinds, what = (float, int), "a number"
    else:
        raise errors.ServingError(
            errors.CODES.UNIMPLEMENTED,
            f"The input {name!r} is {dtype.name}, which has no JSON form.",
        )

    def read(value):
        # type, not isinstance: True is an int to Python, not to JSON.
        if type(value) not in kinds:
            raise errors.invalid(
                f"The input {name!r} must be {what} ({dtype.name}). "
                f"Received: {short(json.dumps(value))}."
            )
        return _bytes(name, value) if dtype == tf.string else value

    return read


def _bytes(name, value):
    if isinstance(value, str):
        # A lone surrogate is JSON, but no text.
        return value.encode("utf-8", "surrogatepass")
    if not _is_bytes(value):
        raise errors.invalid(
            f'The input {name!r} must be a string or {{"b64": "..."}}.'
        )
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError):
        raise errors.invalid(
            f"The base64 of the input {name!r} cannot be decoded."
        ) from None


def _list(name, value):
    if value.dtype == object:
        text = np.vectorize(_text(name), otypes=[object])
        return (text(value) if value.size else value).tolist()
    if value.dtype.kind == "f" and value.dtype.itemsize < 8:
        # The shortest digits that give the same float32 back, not those of
        # the float64 that Python would print.
        value = value.astype(str).astype(np.float64)
    return value.tolist()


def encode_bytes(data):
    """The JSON form of bytes."""
    return {"b64": base64.b64encode(data).decode()}


def _text(name):
    """Function of bytes to their JSON form, by TF-Serving's naming rule."""
    if name.endswith("_bytes"):
        return encode_bytes
    return lambda data: data.decode("utf-8", "replace")


def _encode(reply):
    return json.dumps(reply).encode()
