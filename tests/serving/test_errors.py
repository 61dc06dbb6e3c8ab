"""Codes as TF-Serving maps them, sentences out of TensorFlow's messages."""

import grpc
import pytest

from ordinal_tf.serving import errors


# TF-Serving's `ToHTTPStatusCode`.
@pytest.mark.parametrize(
    "code, status",
    [
        ("INVALID_ARGUMENT", 400),
        ("FAILED_PRECONDITION", 400),
        ("NOT_FOUND", 404),
        ("RESOURCE_EXHAUSTED", 429),
        ("INTERNAL", 500),
        ("UNKNOWN", 500),
        ("UNIMPLEMENTED", 501),
        ("UNAVAILABLE", 503),
        ("DEADLINE_EXCEEDED", 504),
    ],
)
def test_statuses(code, status):
    error = errors.ServingError(grpc.StatusCode[code], "a\n b \ud800")
    assert (error.http_status, error.message) == (status, "a b \\ud800")


# Messages as TensorFlow 2.21 raised them.
@pytest.mark.parametrize(
    "message, sentence",
    [
        (
            "Graph execution error:\n\nassertion failed: [`photo` must be "
            "JPEG or PNG bytes]\n\t [[{{node Assert/Assert}}]]",
            "`photo` must be JPEG or PNG bytes.",
        ),
        (
            "Graph execution error:\n\nassertion failed: [`boxes` must be "
            "finite; received] [[nan 1 1]]\n\t [[{{node A/Assert}}]]",
            "`boxes` must be finite; received [[nan 1 1]].",
        ),
        (
            "Graph execution error:\n\njpeg::Uncompress failed. Invalid JPEG "
            "data or crop window.\n\t [[{{node cond_1/DecodeJpeg}}]]",
            "jpeg::Uncompress failed. Invalid JPEG data or crop window.",
        ),
        ("", "The model failed on this request."),
        ("x" * 1000, "x" * 300 + "..."),
    ],
)
def test_sentence(message, sentence):
    assert errors.sentence(message) == sentence
