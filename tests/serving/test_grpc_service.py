"""The gRPC face, through the published stubs."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
)

from tests.serving import clients, tiny

CODES = grpc.StatusCode


def test_predict(grpc_client):
    crops = np.concatenate([tiny.crop(7), tiny.crop(9)])
    found = grpc_client.predict(clients.request("", image=crops))
    assert {k: (v.dtype, v.shape) for k, v in found.items()} == {
        "keypoints": (np.float32, (2, 17, 2)),
        "ordinal_depth": (np.float32, (2, 17)),
        "pose": (np.float32, (2, 17, 3)),
        "score": (np.float32, (2, 17)),
    }
    np.testing.assert_array_equal(found["keypoints"][:, 0, 0], [7, 9])


def test_reply_says_what_answered_and_fills_fields(grpc_client):
    asked = clients.request("serving_default", image=tiny.crop(7))
    asked.output_filter.append("score")
    reply = grpc_client.prediction.Predict(asked, timeout=30)
    assert reply.model_spec.name == "tiny"
    assert reply.model_spec.version.value == 3
    assert reply.model_spec.signature_name == "serving_default"
    assert list(reply.outputs) == ["score"]
    # TF-Serving answers in typed fields, and some clients read those.
    assert list(reply.outputs["score"].float_val) == 17 * [1.0]


@pytest.mark.parametrize("people", [0, 1, 3])
def test_photo(grpc_client, people):
    boxes = [[20, 15, 10 + i] for i in range(people)]
    found = grpc_client.predict(clients.photo(tiny.jpeg(50), boxes))
    assert found["pose"].shape == (max(people, 1), 17, 3)
    np.testing.assert_allclose(found["keypoints"], 50)


def test_photos(grpc_client):
    boxes = np.full((2, 3, 3), 10, np.float32)
    found = grpc_client.predict(
        clients.request(
            "photos",
            photos=[tiny.jpeg(10), tiny.png(20)],
            boxes=boxes,
            counts=np.array([1, 3], np.int32),
        )
    )
    assert found["keypoints"].shape == (2, 3, 17, 2)
    np.testing.assert_allclose(found["keypoints"][:, 0, 0, 0], [10, 20])


def test_metadata(grpc_client):
    asked = get_model_metadata_pb2.GetModelMetadataRequest()
    asked.model_spec.name = "tiny"
    asked.metadata_field.append("signature_def")
    reply = grpc_client.prediction.GetModelMetadata(asked, timeout=30)
    assert reply.model_spec.version.value == 3
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert reply.metadata["signature_def"].Unpack(signatures)
    image = signatures.signature_def["serving_default"].inputs["image"]
    assert image.dtype == tf.uint8.as_datatype_enum
    assert [dim.size for dim in image.tensor_shape.dim] == [-1, 8, 8, 3]


def test_status(grpc_client):
    asked = get_model_status_pb2.GetModelStatusRequest()
    asked.model_spec.name = "tiny"
    reply = grpc_client.models.GetModelStatus(asked, timeout=30)
    (status,) = reply.model_version_status
    assert (status.version, status.state) == (
        3,
        get_model_status_pb2.ModelVersionStatus.AVAILABLE,
    )
    asked.model_spec.version.value = 4
    with pytest.raises(grpc.RpcError) as caught:
        grpc_client.models.GetModelStatus(asked, timeout=30)
    assert caught.value.code() == CODES.NOT_FOUND
    assert caught.value.details() == "Could not find version 4 of model tiny"


IMAGE = tiny.crop(1)


@pytest.mark.parametrize(
    "asked, code, word",
    [
        (clients.request("", model="other"), CODES.NOT_FOUND, "Latest(other)"),
        (clients.request("", version=9), CODES.NOT_FOUND, "(tiny, 9)"),
        (clients.request("", label="x"), CODES.NOT_FOUND, "label: x"),
        (clients.request("", version=0), CODES.NOT_FOUND, "(tiny, 0)"),
        (clients.request("no"), CODES.FAILED_PRECONDITION, "photo, photos"),
        (clients.request(""), CODES.INVALID_ARGUMENT, "missing: image"),
        (
            clients.request("", image=IMAGE, more=1),
            CODES.INVALID_ARGUMENT,
            "unknown: more",
        ),
        (
            clients.request("", image=IMAGE.astype(np.float32)),
            CODES.INVALID_ARGUMENT,
            "must be uint8. Received: DT_FLOAT",
        ),
        (
            clients.request("", image=IMAGE[0]),
            CODES.INVALID_ARGUMENT,
            "[?, 8, 8, 3]. Received: [8, 8, 3]",
        ),
        (
            clients.request("photo", photo=[b"a", b"b"], boxes=[[1.0, 1, 1]]),
            CODES.INVALID_ARGUMENT,
            "shape [1]. Received: [2]",
        ),
    ],
)
def test_requests_that_are_wrong(grpc_client, asked, code, word):
    got, sentence = grpc_client.refused(asked)
    assert got == code
    assert word in sentence


def test_output_that_is_not_there(grpc_client):
    asked = clients.request("", image=IMAGE)
    asked.output_filter.append("heatmap")
    code, sentence = grpc_client.refused(asked)
    assert code == CODES.INVALID_ARGUMENT and "'heatmap'" in sentence


def test_no_model_spec_and_no_metadata_field(grpc_client):
    asked = get_model_metadata_pb2.GetModelMetadataRequest()
    for _ in range(2):
        with pytest.raises(grpc.RpcError) as caught:
            grpc_client.prediction.GetModelMetadata(asked, timeout=30)
        assert caught.value.code() == CODES.INVALID_ARGUMENT
        asked.model_spec.name = "tiny"


def test_methods_that_are_not_served(grpc_client):
    for call, asked in (
        (
            grpc_client.prediction.Classify,
            classification_pb2.ClassificationRequest(),
        ),
        (
            grpc_client.models.HandleReloadConfigRequest,
            model_management_pb2.ReloadConfigRequest(),
        ),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call(asked, timeout=30)
        assert caught.value.code() == CODES.UNIMPLEMENTED


def test_bytes_that_are_no_message_or_too_many(grpc_client):
    raw = grpc_client.channel.unary_unary(
        "/tensorflow.serving.PredictionService/Predict"
    )
    for data, code in (
        (b"\xff\xff\xff", CODES.INVALID_ARGUMENT),
        (bytes(17 * 2**20), CODES.RESOURCE_EXHAUSTED),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            raw(data, timeout=30)
        assert caught.value.code() == code


def test_a_few_bytes_that_ask_for_gigabytes(grpc_client):
    asked = clients.request("", image=IMAGE)
    image = asked.inputs["image"]
    image.tensor_content = b""
    # One value stands for all of them.
    image.int_val.append(1)
    image.tensor_shape.dim[0].size = 2**40
    code, sentence = grpc_client.refused(asked)
    assert code == CODES.RESOURCE_EXHAUSTED and "larger than" in sentence
