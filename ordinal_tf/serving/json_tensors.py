"""Requests and replies of TF-Serving's REST API.

`instances` is a list of rows, `inputs` holds whole tensors, and
`{"b64": ...}` stands for bytes.

Source: TensorFlow Serving's guide, page "RESTful API".
"""

import base64
import json

import numpy as np
import tensorflow as tf

from ordinal_tf.serving import errors

# What a kind of NumPy's takes. Types, not isinstance: True is an int to Python.
_KINDS = {
    "O": ({str, dict}, 'a string or {"b64": ...}'),
    "b": ({bool}, "true or false"),
    **dict.fromkeys("iu", ({int}, "a whole number")),
    "f": ({float, int}, "a number"),
}


def read(body, find):
    """The signature, the dict of its arrays, and whether they came in rows.

    `body` is bytes of JSON, `find` a function of a signature's name, "" for
    none, to the `model.Signature`. Raises `errors.ServingError`, which says
    what is wrong, and where.
    """
    try:
        return _read(body, find)
    except RecursionError:
        raise errors.invalid("The JSON is nested too deeply.") from None


def _read(body, find):
    try:
        request = json.loads(body)
    except ValueError as error:
        said = f"JSON parse error: {errors.short(error)}."
        raise errors.invalid(said) from None
    if not isinstance(request, dict):
        said = 'The body must be a JSON object with "instances" or "inputs".'
        raise errors.invalid(said)
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise errors.invalid('"signature_name" must be a string.')
    signature, rows = find(name), "instances" in request
    if rows and "inputs" in request:
        raise errors.invalid('Give "instances" or "inputs", not both.')
    if not rows and "inputs" not in request:
        raise errors.invalid('Missing "inputs" or "instances" key.')
    columns = request["instances" if rows else "inputs"]
    if rows:
        columns = _columns_of_rows(columns, signature)
    elif not _is_named(columns):
        columns = {_only(signature, "inputs"): columns}
    signature.check_names(columns)
    arrays = {}
    for name, value in columns.items():
        spec = signature.inputs[name]
        try:
            array = _array(value, spec.dtype)
        except ValueError as error:
            raise errors.invalid(f"The input {name!r} {error}.") from None
        if not array.size and spec.shape.rank and spec.shape[0] is None:
            # JSON has no way to say [0, 3]; an empty list means that.
            array = array.reshape([size or 0 for size in spec.shape])
        signature.check_shape(name, array.shape)
        arrays[name] = array
    return signature, arrays, rows


def json_from_outputs(outputs, *, rows):
    """bytes of a reply to a dict of arrays, in `rows` or in whole tensors.

    Raises `errors.ServingError` where outputs in rows differ in their number.
    """
    if rows and len({value.shape[:1] for value in outputs.values()}) > 1:
        said = "The outputs have no common number of rows; ask with "
        raise errors.invalid(said + '"inputs" instead of "instances".')
    lists = {name: _list(name, value) for name, value in outputs.items()}
    reply = lists if len(lists) > 1 else next(iter(lists.values()))
    if rows and len(lists) > 1:
        table = zip(*lists.values(), strict=True)
        reply = [dict(zip(lists, row, strict=True)) for row in table]
    return json.dumps({"predictions" if rows else "outputs": reply}).encode()


def _columns_of_rows(instances, signature):
    if not isinstance(instances, list) or not instances:
        raise errors.invalid('"instances" must be a list with values in it.')
    if not _is_named(instances[0]):
        return {_only(signature, "instances"): instances}
    for index, row in enumerate(instances):
        if not _is_named(row):
            said = f'Row {index} of "instances" must be an object of the '
            raise errors.invalid(said + "inputs by name, as the first one is.")
        signature.check_names(row)
    return {name: [row[name] for row in instances] for name in signature.inputs}


def _only(signature, key):
    name, *more = sorted(signature.inputs)
    if more:
        names = ", ".join([name, *more])
        said = f'"{key}" must name the inputs {names}; there are several.'
        raise errors.invalid(said)
    return name


def _is_named(value):
    return isinstance(value, dict) and not _is_bytes(value)


def _is_bytes(value):
    return list(value) == ["b64"] and isinstance(value["b64"], str)


def _array(value, dtype):
    kind = np.dtype(dtype.as_numpy_dtype).kind
    if kind not in _KINDS:
        raise ValueError(f"is {dtype.name}, which has no JSON form")
    kinds, what = _KINDS[kind]
    # NumPy leaves lists that do not fit the others as they are.
    array = np.array(value, object)
    leaves = array.reshape(-1).tolist()  # `flat` has 32 axes at most.
    found = set(map(type, leaves))
    if list in found:
        raise ValueError("has lists that differ in length or depth")
    if found - kinds:
        wrong = next(item for item in leaves if type(item) not in kinds)
        got = errors.short(json.dumps(wrong))
        raise ValueError(f"must be {what} ({dtype.name}). Received: {got}")
    if dtype == tf.string:
        items = np.array([_bytes(item) for item in leaves], object)
        return items.reshape(array.shape)
    try:
        with np.errstate(over="raise"):
            return array.astype(dtype.as_numpy_dtype)
    except (OverflowError, FloatingPointError):
        said = f"has a value that does not fit {dtype.name}"
        raise ValueError(said) from None


def _bytes(value):
    if isinstance(value, str):
        # A lone surrogate is JSON, but no text.
        return value.encode("utf-8", "surrogatepass")
    if not _is_bytes(value):
        raise ValueError('must be a string or {"b64": "..."}')
    # As TF-Serving takes it: broken into lines, and with or without padding.
    text = "".join(value["b64"].split())
    padding = "" if text.endswith("=") else "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text + padding, validate=True)
    except ValueError:
        raise ValueError("has base64 that cannot be decoded") from None


def _list(name, value):
    if value.dtype == object:
        # By TF-Serving's rule a name tells bytes from text.
        packed = name.endswith("_bytes")
        items = [base64.b64encode(x) if packed else x for x in value.flat]
        items = [item.decode("utf-8", "replace") for item in items]
        items = [{"b64": item} if packed else item for item in items]
        value = np.array(items, object).reshape(value.shape)
    elif value.dtype.kind == "f" and value.dtype.itemsize < 8:
        # The shortest digits that give the same float32 back, not those of
        # the float64 that Python would print.
        value = value.astype(str).astype(np.float64)
    return value.tolist()
