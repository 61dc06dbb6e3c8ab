"""Codes as TF-Serving maps them, sentences out of TensorFlow's messages."""

import grpc
import pytest
import tensorflow as tf

from ordinal_tf.serving import errors


def test_every_code_but_ok_has_a_status():
    assert set(errors.HTTP_STATUS) == set(grpc.StatusCode) - {
        grpc.StatusCode.OK
    }


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


def test_from_tensorflow():
    error = tf.errors.ResourceExhaustedError(None, None, "OOM")
    found = errors.from_tensorflow(error)
    assert (found.code, found.message, found.http_status) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "OOM.",
        429,
    )
