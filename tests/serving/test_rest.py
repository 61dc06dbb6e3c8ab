"""The REST face, against what TF-Serving's guide says of it."""

import base64
import gzip
import json

import numpy as np
import pytest

from tests.serving import clients, tiny


def test_rows_and_columns(rest):
    crops = np.concatenate([tiny.crop(7), tiny.crop(9)]).tolist()
    status, reply = rest.predict({"instances": crops})
    assert status == 200 and list(reply) == ["predictions"]
    # One object a row, an entry an output.
    assert [sorted(row) for row in reply["predictions"]] == 2 * [
        ["keypoints", "ordinal_depth", "pose", "score"]
    ]
    assert reply["predictions"][1]["keypoints"] == 17 * [[9.0, 9.0]]
    status, reply = rest.predict({"inputs": {"image": crops}})
    assert status == 200 and list(reply) == ["outputs"]
    outputs = {k: np.array(v) for k, v in reply["outputs"].items()}
    assert {k: v.shape for k, v in outputs.items()} == {
        "keypoints": (2, 17, 2),
        "ordinal_depth": (2, 17),
        "pose": (2, 17, 3),
        "score": (2, 17),
    }
    np.testing.assert_array_equal(outputs["keypoints"][:, 0, 0], [7, 9])
    np.testing.assert_array_equal(outputs["pose"], 1)


@pytest.mark.parametrize("encode", [tiny.jpeg, tiny.png])
@pytest.mark.parametrize("people", [0, 1, 3])
def test_photo(rest, encode, people):
    boxes = [[20, 15, 10 + i] for i in range(people)]
    status, reply = rest.predict(clients.photo_json(encode(50), boxes))
    assert status == 200, reply
    # Without boxes the model looks for one person.
    assert len(reply["outputs"]["pose"]) == max(people, 1)
    assert reply["outputs"]["box"][:people] == boxes
    np.testing.assert_allclose(reply["outputs"]["keypoints"], 50)


def test_versions_in_the_address(rest):
    body = {"instances": tiny.crop(1).tolist()}
    assert rest.predict(body, version="/versions/3")[0] == 200
    status, reply = rest.predict(body, version="/versions/7")
    assert (status, reply) == (
        404,
        {"error": "Servable not found for request: Specific(tiny, 7)"},
    )
    # TF-Serving's words, which its clients look for.
    status, reply = rest.predict(body, model="other")
    assert (status, reply) == (
        404,
        {"error": "Servable not found for request: Latest(other)"},
    )
    status, reply = rest.predict(body, version="/labels/canary")
    assert status == 404 and "canary" in reply["error"]
    status, reply = rest.predict(body, version=f"/versions/{'9' * 30}")
    assert status == 400 and "Malformed request" in reply["error"]


@pytest.mark.parametrize("path", ["", "/versions/3"])
def test_status(rest, path):
    status, text = rest.get(f"/v1/models/tiny{path}")
    # As in the guide's example, letter for letter once parsed.
    assert status == 200
    assert json.loads(text) == {
        "model_version_status": [
            {
                "version": "3",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


def test_metadata(rest):
    status, text = rest.get("/v1/models/tiny/metadata")
    found = json.loads(text)
    assert status == 200
    assert found["model_spec"] == {
        "name": "tiny",
        "version": "3",
        "signature_name": "",
    }
    photo = found["metadata"]["signature_def"]["signature_def"]["photo"]
    assert photo["inputs"]["boxes"]["dtype"] == "DT_FLOAT"
    sizes = photo["inputs"]["boxes"]["tensor_shape"]["dim"]
    assert [dim["size"] for dim in sizes] == ["-1", "3"]


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/v1/models/tiny/versions/2", 404),
        ("GET", "/v1/models/tiny/labels/stable", 404),
        ("GET", "/v1/models/tiny/versions/2/metadata", 404),
        ("GET", "/v1/models/other", 404),
        ("GET", "/v1/models/other/metadata", 404),
        ("GET", "/v1/models/tiny:predict", 400),
        ("POST", "/v1/models/tiny", 400),
        ("DELETE", "/v1/models/tiny:predict", 400),
        ("POST", "/v1/models/tiny:classify", 501),
        ("POST", "/v1/models/tiny:nonsense", 501),
        ("POST", "/v1/models/tiny:status", 501),
        ("GET", "/v1/models", 400),
        ("GET", "/v1/", 400),
        ("POST", "/healthz", 405),
        ("GET", "/other", 404),
    ],
)
def test_addresses_that_are_wrong(rest, method, path, status):
    body = b"{}" if method == "POST" else None
    got, text = rest.ask(method, path, body)
    assert got == status
    assert json.loads(text)["error"]


CROPS = json.dumps({"instances": tiny.crop(8).tolist()}).encode()
MOST = 16 * 2**20


def post(rest, body, **headers):
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    status, text = rest.ask("POST", "/v1/models/tiny:predict", body, headers)
    return status, json.loads(text)


def test_gzip(rest):
    packed = gzip.compress(CROPS)
    status, reply = post(rest, packed, Content_Encoding="gzip")
    assert status == 200
    assert reply["predictions"][0]["keypoints"][0] == [8, 8]
    for damaged in (
        packed[:-1],
        packed[:30] + b"?" + packed[31:],
        packed + b"more",
        CROPS,
        b"",
    ):
        status, reply = post(rest, damaged, Content_Encoding="gzip")
        assert status == 400 and "gzip" in reply["error"], damaged


@pytest.mark.parametrize("size, status", [(MOST, 400), (MOST + 1, 413)])
@pytest.mark.parametrize("how", ["plain", "chunked", "gzip"])
def test_bodies_have_a_limit(rest, how, size, status):
    body, headers = b"x" * size, {}
    if how == "chunked":
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, body)
        headers = {"Transfer_Encoding": "chunked"}
    if how == "gzip":
        body, headers = gzip.compress(body), {"Content_Encoding": "gzip"}
    got, reply = post(rest, body, **headers)
    word = {400: "JSON parse error", 413: f"larger than the {MOST} bytes"}
    assert got == status and word[status] in reply["error"]
    # The connection, or another, is still good.
    assert rest.get("/healthz")[0] == 200


def test_other_compression(rest):
    status, reply = post(rest, CROPS, Content_Encoding="br")
    assert status == 415 and "gzip" in reply["error"]


# Some too deep for the parser, others for what comes after it.
@pytest.mark.parametrize("depth", [50, 300, 900, 10_000, 1_000_000])
@pytest.mark.parametrize("inside", ["instances", "inputs", "signature_name"])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")])
def test_json_nested_too_deeply(rest, inside, depth, pair):
    opening, closing = pair
    nested = depth * opening + "1" + depth * closing
    status, reply = post(rest, f'{{"{inside}": {nested}}}'.encode())
    assert status == 400 and reply["error"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: "\n".join(text[i : i + 76] for i in range(0, 2000, 76)),
        lambda text: "\r\n ".join(text[i : i + 5] for i in range(0, 2000, 5)),
        lambda text: text.rstrip("="),
    ],
)
def test_base64_as_tf_serving_takes_it(rest, change):
    data = tiny.jpeg(60)
    data += b"!" * (1 - len(data) % 3 + 3)  # So that there is padding.
    text = base64.b64encode(data).decode()
    assert text.endswith("=") and len(text) < 2000
    body = clients.photo_json(data, [[9, 9, 9]])
    body["inputs"]["photo"] = [{"b64": change(text)}]
    status, reply = rest.predict(body)
    assert status == 200 and reply["outputs"]["keypoints"][0][0] == [60, 60]


def test_health_and_metrics(rest):
    assert rest.get("/healthz") == (200, "ok\n")
    assert rest.get("/readyz") == (200, "ok\n")
    rest.predict({"instances": tiny.crop(1).tolist()})
    for path in ("/metrics", "/monitoring/prometheus/metrics"):
        status, text = rest.get(path)
        assert status == 200
        assert "ordinal_tf_serve_pending_requests 0.0" in text.splitlines()
    counted = [
        line
        for line in text.splitlines()
        if line.startswith("ordinal_tf_serve_requests_total")
        and 'code="OK"' in line
        and 'method="predict",protocol="rest"' in line
    ]
    assert len(counted) == 1 and float(counted[0].split()[-1]) >= 1
    # Names that clients make up do not become series.
    rest.predict({}, model="made-up")
    rest.ask("POST", "/v1/models/tiny:made-up", b"{}")
    assert "made-up" not in rest.get("/metrics")[1]
    assert 'code="NOT_FOUND",method="predict"' in rest.get("/metrics")[1]
