"""Requests and replies of TF-Serving's REST API.

`instances` is a list of rows, `inputs` holds whole tensors, and
`{"b64": ...}` stands for bytes.

Source: TensorFlow Serving's guide, page "RESTful API".
"""

import base64
import json

import numpy as np
import tensorflow as tf

from ordinal_tf.serving import errors, tensors

# What a kind of NumPy's takes, by type and in words. Types, not isinstance:
# True is an int to Python, not to JSON.
_KINDS = {
    "O": ({str, dict}, 'a string or {"b64": ...}'),
    "b": ({bool}, "true or false"),
    "i": ({int}, "a whole number"),
    "u": ({int}, "a whole number"),
    "f": ({float, int}, "a number"),
}


def read_json(body):
    """The JSON object of a request, and the signature that it names or "".

    Raises `errors.ServingError` where it is none, and `RecursionError`.
    """
    try:
        request = json.loads(body)
    except ValueError as error:
        said = errors.short(error)
        raise errors.invalid(f"JSON parse error: {said}.") from None
    if not isinstance(request, dict):
        raise errors.invalid(
            'The body must be a JSON object with "instances" or "inputs".'
        )
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise errors.invalid('"signature_name" must be a string.')
    return request, name


def inputs_from_json(request, specs):
    """The inputs of a REST request.

    Args:
        request: dict of `read_json`.
        specs: dict of `tf.TensorSpec` by input name.

    Returns:
        dict of arrays, and whether the request was in rows.

    Raises:
        errors.ServingError: says which value is wrong, and where.
        RecursionError: nested too deeply.
    """
    rows = "instances" in request
    if rows and "inputs" in request:
        raise errors.invalid('Give "instances" or "inputs", not both.')
    if rows:
        columns = _columns_of_rows(request["instances"], specs)
    elif "inputs" in request:
        columns = request["inputs"]
        if not _is_named(columns):
            columns = {_only(specs, "inputs"): columns}
    else:
        raise errors.invalid('Missing "inputs" or "instances" key.')
    tensors.check_names(columns, specs)
    arrays = {}
    for name, value in columns.items():
        array, spec = _array(name, value, specs[name].dtype), specs[name]
        if not array.size and spec.shape.rank and spec.shape[0] is None:
            # JSON has no way to say [0, 3]; an empty list means that.
            array = array.reshape([size or 0 for size in spec.shape])
        tensors.check_shape(name, array.shape, spec)
        arrays[name] = array
    return arrays, rows


def json_from_outputs(outputs, *, rows):
    """The bytes of a REST reply to a dict of arrays.

    That is `predictions`, a list of rows, where `rows`, or else `outputs`,
    whole tensors; without the name of an output that is alone. Raises
    `errors.ServingError` where outputs in rows differ in their number.
    """
    if rows and len({value.shape[:1] for value in outputs.values()}) > 1:
        raise errors.invalid(
            "The outputs have no common number of rows; ask with "
            '"inputs" instead of "instances".'
        )
    lists = {name: _list(name, value) for name, value in outputs.items()}
    reply = lists if len(lists) > 1 else next(iter(lists.values()))
    if rows and len(lists) > 1:
        table = zip(*lists.values(), strict=True)
        reply = [dict(zip(lists, row, strict=True)) for row in table]
    return json.dumps({"predictions" if rows else "outputs": reply}).encode()


def _columns_of_rows(instances, specs):
    if not isinstance(instances, list) or not instances:
        raise errors.invalid('"instances" must be a list with values in it.')
    if not _is_named(instances[0]):
        return {_only(specs, "instances"): instances}
    for index, row in enumerate(instances):
        if not _is_named(row):
            raise errors.invalid(
                f'Row {index} of "instances" must be an object of the '
                "inputs by name, as the first one is."
            )
        tensors.check_names(row, specs)
    return {name: [row[name] for row in instances] for name in specs}


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
    return list(value) == ["b64"] and isinstance(value["b64"], str)


def _array(name, value, dtype):
    kind = np.dtype(dtype.as_numpy_dtype).kind
    if kind not in _KINDS:
        raise errors.ServingError(
            errors.CODES.UNIMPLEMENTED,
            f"The input {name!r} is {dtype.name}, which has no JSON form.",
        )
    kinds, what = _KINDS[kind]
    # NumPy leaves lists that do not fit the others as they are.
    array = np.array(value, object)
    leaves = array.reshape(-1).tolist()  # `flat` has 32 axes at most.
    found = set(map(type, leaves))
    if list in found:
        raise errors.invalid(
            f"The lists of the input {name!r} differ in length or depth."
        )
    if found - kinds:
        wrong = next(item for item in leaves if type(item) not in kinds)
        raise errors.invalid(
            f"The input {name!r} must be {what} ({dtype.name}). "
            f"Received: {errors.short(json.dumps(wrong))}."
        )
    if dtype == tf.string:
        items = [_bytes(name, item) for item in leaves]
        return np.array(items, object).reshape(array.shape)
    try:
        with np.errstate(over="raise"):
            return array.astype(dtype.as_numpy_dtype)
    except (OverflowError, FloatingPointError):
        raise errors.invalid(
            f"The input {name!r} has a value that does not fit {dtype.name}."
        ) from None


def _bytes(name, value):
    if isinstance(value, str):
        # A lone surrogate is JSON, but no text.
        return value.encode("utf-8", "surrogatepass")
    if not _is_bytes(value):
        raise errors.invalid(
            f'The input {name!r} must be a string or {{"b64": "..."}}.'
        )
    # As TF-Serving takes it: broken into lines, and with or without padding.
    text = "".join(value["b64"].split())
    padding = "" if text.endswith("=") else "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text + padding, validate=True)
    except ValueError:
        raise errors.invalid(
            f"The base64 of the input {name!r} cannot be decoded."
        ) from None


def _list(name, value):
    if value.dtype == object:
        # By TF-Serving's rule a name tells bytes from text.
        items = [
            {"b64": base64.b64encode(data).decode()}
            if name.endswith("_bytes")
            else data.decode("utf-8", "replace")
            for data in value.flat
        ]
        value = np.array(items, object).reshape(value.shape)
    elif value.dtype.kind == "f" and value.dtype.itemsize < 8:
        # The shortest digits that give the same float32 back, not those of
        # the float64 that Python would print.
        value = value.astype(str).astype(np.float64)
    return value.tolist()
