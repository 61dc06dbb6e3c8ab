"""The JSON forms of TF-Serving's guide, both ways, and what is neither."""

import json

import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.serving import errors, json_tensors, model


def spec(dtype, *shape):
    return tf.TensorSpec(shape, dtype)


def read(request, specs):
    """Inputs, and whether in rows, of a request to a signature of `specs`."""
    body = request if isinstance(request, bytes) else json.dumps(request)
    signature = model.Signature("", specs, {})
    found, inputs, rows = json_tensors.read(body, lambda _: signature)
    assert found is signature
    return inputs, rows


# The guide's example: two instances of three named inputs.
GUIDE = {
    "tag": spec(tf.string, None),
    "signal": spec(tf.float32, None, 5),
    "sensor": spec(tf.int32, None, 2, 2),
}
ROWS = [
    {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
    {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
]
COLUMNS = {
    "tag": ["foo", "bar"],
    "signal": [[1, 2, 3, 4, 5], [3, 4, 1, 2, 5]],
    "sensor": [[[1, 2], [3, 4]], [[4, 5], [6, 8]]],
}


@pytest.mark.parametrize(
    "request_, rows",
    [({"instances": ROWS}, True), ({"inputs": COLUMNS}, False)],
)
def test_the_guides_example(request_, rows):
    found, in_rows = read(request_, GUIDE)
    assert in_rows is rows
    assert found["tag"].tolist() == [b"foo", b"bar"]
    assert found["signal"].dtype == np.float32
    np.testing.assert_array_equal(found["signal"], COLUMNS["signal"])
    assert found["sensor"].dtype == np.int32
    np.testing.assert_array_equal(found["sensor"], COLUMNS["sensor"])


@pytest.mark.parametrize(
    "request_",
    [
        {"instances": ["aGk=", {"b64": "aGk="}]},
        {"inputs": ["aGk=", {"b64": "aGk="}]},
        {"inputs": {"s": ["aGk=", {"b64": "aGk="}]}},
        {"instances": [{"s": "aGk="}, {"s": {"b64": "aGk="}}]},
    ],
)
def test_one_input_needs_no_name_and_bytes_come_as_base64(request_):
    found, _ = read(request_, {"s": spec(tf.string, None)})
    assert found["s"].tolist() == [b"aGk=", b"hi"]


def test_numbers_beyond_json():
    request = b'{"inputs": [NaN, -Infinity, 1e2]}'
    found, _ = read(request, {"x": spec(tf.float32, None)})
    np.testing.assert_array_equal(found["x"], [np.nan, -np.inf, 100])


def test_an_empty_list_is_no_rows():
    found, _ = read({"inputs": []}, {"boxes": spec(tf.float32, None, 3)})
    assert found["boxes"].shape == (0, 3)


X = {"x": spec(tf.uint8, None, 2)}


@pytest.mark.parametrize(
    "body, message",
    [
        (b"", "JSON parse error"),
        (b"{", "JSON parse error"),
        (b"\xff\xfe\x00", "JSON parse error"),
        (b"[1]", "must be a JSON object"),
        (b'{"signature_name": 3}', "must be a string"),
        (b'{"inputs": ' + b"9" * 5000 + b"}", "JSON parse error"),
    ],
)
def test_bodies_that_are_not_json_objects(body, message):
    with pytest.raises(errors.ServingError, match=message):
        read(body, X)


TWO = {"x": spec(tf.float32, None), "y": spec(tf.float32, None)}


@pytest.mark.parametrize(
    "request_, specs, message",
    [
        ({}, X, "Missing"),
        ({"inputs": 1, "instances": 1}, X, "not both"),
        ({"instances": []}, X, "list with values"),
        ({"instances": {}}, X, "list with values"),
        ({"instances": [1]}, TWO, "must name the inputs x, y"),
        ({"inputs": [1]}, TWO, "must name the inputs x, y"),
        ({"instances": [{"x": 1}]}, TWO, "missing: y"),
        ({"instances": [{"x": 1, "y": 2}, 3]}, TWO, "Row 1"),
        ({"inputs": {"x": [1], "y": [1], "z": 1}}, TWO, "unknown: z"),
        ({"inputs": [[1, 2, 3]]}, X, r"shape \[\?, 2\]. Received: \[1, 3\]"),
        ({"inputs": [[1, 2], [3]]}, X, "differ in length or depth"),
        ({"inputs": [[1, 2], 3]}, X, "differ in length or depth"),
        ({"inputs": [[1, [2]]]}, X, "differ in length or depth"),
        ({"inputs": [[1, 2.5]]}, X, "a whole number .uint8.. Received: 2.5"),
        ({"inputs": [[1, True]]}, X, "Received: true"),
        ({"inputs": [[1, None]]}, X, "Received: null"),
        ({"inputs": [[1, 256]]}, X, "does not fit uint8"),
        ({"inputs": [[1, -1]]}, X, "does not fit uint8"),
        ({"inputs": [[1, {"b64": "aa"}]]}, X, "a whole number"),
        ({"inputs": [1e39]}, {"x": spec(tf.float32, None)}, "does not fit"),
        ({"inputs": [10**400]}, {"x": spec(tf.float32, None)}, "not fit"),
        ({"inputs": [1]}, {"x": spec(tf.string, None)}, "a string or"),
        ({"inputs": [{"b": 1}]}, {"x": spec(tf.string, None)}, '"b64"'),
        ({"inputs": [{"b64": "%"}]}, {"x": spec(tf.string, None)}, "base64"),
        ({"inputs": [{"b64": "a"}]}, {"x": spec(tf.string, None)}, "base64"),
        ({"inputs": [{"b64": "aGk=="}]}, {"x": spec(tf.string, None)}, "base6"),
        ({"inputs": [{"b64": "aGk=a"}]}, {"x": spec(tf.string, None)}, "base6"),
        ({"inputs": [0]}, {"x": spec(tf.bool, None)}, "true or false"),
        ({"inputs": [0]}, {"x": spec(tf.complex64, None)}, "no JSON form"),
    ],
)
def test_requests_that_do_not_fit(request_, specs, message):
    with pytest.raises(errors.ServingError, match=message) as caught:
        read(request_, specs)
    assert len(caught.value.message) < 300


def test_the_signature_that_a_body_names():
    asked = []

    def find(name):
        asked.append(name)
        return model.Signature("", X, {})

    json_tensors.read(b'{"inputs": [[1, 2]]}', find)
    json_tensors.read(b'{"inputs": [[1, 2]], "signature_name": "a"}', find)
    assert asked == ["", "a"]


OUTPUTS = {
    "a": np.float32([[0.2, 1], [2, np.nan]]),
    "b_bytes": np.array([b"hi", b""], object),
    "c": np.array([b"hi", b"\xff"], object),
}


def test_replies_in_rows_and_columns():
    body = json_tensors.json_from_outputs(OUTPUTS, rows=False)
    found = json.loads(body)["outputs"]
    # 0.2 as float32 is 0.20000000298 to a float64.
    assert b"0.2, 1.0], [2.0, NaN]" in body
    assert found["b_bytes"] == [{"b64": "aGk="}, {"b64": ""}]
    assert found["c"] == ["hi", "\ufffd"]
    found = json.loads(json_tensors.json_from_outputs(OUTPUTS, rows=True))
    assert found["predictions"][0] == {
        "a": [0.2, 1.0],
        "b_bytes": {"b64": "aGk="},
        "c": "hi",
    }


def test_one_output_goes_without_its_name():
    one = {"a": np.int32([1, 2])}
    assert json_tensors.json_from_outputs(one, rows=True) == (
        b'{"predictions": [1, 2]}'
    )
    assert json_tensors.json_from_outputs(one, rows=False) == (
        b'{"outputs": [1, 2]}'
    )


def test_rows_need_one_length():
    outputs = {"a": np.zeros(2), "b": np.zeros(3)}
    with pytest.raises(errors.ServingError, match='"inputs" instead'):
        json_tensors.json_from_outputs(outputs, rows=True)


def test_every_float32_comes_back():
    bits = np.random.default_rng(0).integers(0, 2**32, 5000, np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values)]
    body = json_tensors.json_from_outputs({"x": values}, rows=False)
    back = np.array(json.loads(body)["outputs"], np.float32)
    np.testing.assert_array_equal(back, values)
