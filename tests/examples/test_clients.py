"""The example clients, as programs and as libraries, against a server."""

import importlib.util
import subprocess
import sys

import grpc
import numpy as np
import pytest

pytest.importorskip("tensorflow_serving", reason="pip install .[serve]")

from ordinal_tf import skeleton  # noqa: E402
from tests.serving import embedded, tiny  # noqa: E402


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A server that calls its model "lite", as the examples do."""
    folder = tmp_path_factory.mktemp("models")
    tiny.export(folder / "1", offset=3)
    with embedded.Server(folder, name="lite") as started:
        yield started


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(tiny.jpeg(50))
    return path


def example(checkout, name):
    """Imports an example, which is no part of a package."""
    path = checkout / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(checkout, name, *arguments):
    return subprocess.run(
        [sys.executable, checkout / "examples" / f"{name}.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def url(running, more=""):
    return f"http://127.0.0.1:{running.rest_port}/v1/models/lite{more}"


BOXES = [[20.0, 15.0, 10.0], [10.0, 10.0, 20.0]]


def test_rest(checkout, running, photo):
    client = example(checkout, "client_rest")
    found = client.predict(url(running), photo.read_bytes(), BOXES)
    shapes = {name: np.shape(value) for name, value in found.items()}
    assert shapes == {
        "keypoints": (2, 17, 2),
        "ordinal_depth": (2, 17),
        "pose": (2, 17, 3),
        "score": (2, 17),
        "box": (2, 3),
    }
    np.testing.assert_array_equal(found["pose"], 3)
    assert client.JOINTS == skeleton.H36M17.joints
    with pytest.raises(ValueError, match="404: Servable not found"):
        client.predict(url(running, "/versions/9"), b"", BOXES)
    with pytest.raises(ValueError, match="400: `photos` must be the bytes"):
        client.predict(url(running), b"no picture", BOXES)


def test_rest_asks_a_busy_server_again(checkout, running, photo, monkeypatch):
    client = example(checkout, "client_rest")
    waits = []
    monkeypatch.setattr(client.time, "sleep", waits.append)
    with monkeypatch.context() as patch:
        # As if the house were full.
        patch.setattr(running.core, "pending", 10**6)
        with pytest.raises(OSError, match="busy through 3 tries: The queue"):
            client.predict(url(running), photo.read_bytes(), BOXES, tries=3)
    assert waits == pytest.approx([0.1, 0.2, 0.4])


def test_rest_program_needs_no_tensorflow(checkout, running, photo):
    done = program(checkout, "client_rest", photo, f"--url={url(running)}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 18 and lines[1].split()[0] == "pelvis"
    assert lines[1].split()[3:] == ["3", "3", "3"]
    code = (
        f"import sys; sys.path.insert(0, {str(checkout / 'examples')!r});"
        "import client_rest; print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_rest_program_without_a_server(checkout, photo):
    done = program(
        checkout, "client_rest", photo, "--url=http://127.0.0.1:1/v1/models/m"
    )
    assert done.returncode == 1
    assert done.stderr.startswith("client_rest: ")
    assert "Traceback" not in done.stderr


def test_grpc(checkout, running, photo):
    client = example(checkout, "client_grpc")
    with client.connect(f"127.0.0.1:{running.grpc_port}") as channel:
        found = client.predict(channel, photo.read_bytes(), BOXES, version=1)
        assert found["keypoints"].shape == (2, 17, 2)
        np.testing.assert_array_equal(found["pose"], 3)
        with pytest.raises(grpc.RpcError) as caught:
            client.predict(channel, b"", BOXES)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_grpc_program(checkout, running, photo, monkeypatch, capsys):
    client = example(checkout, "client_grpc")
    address = f"--server=127.0.0.1:{running.grpc_port}"
    monkeypatch.setattr(sys, "argv", ["x", str(photo), address])
    client.main()
    assert "person 0" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--version=9"])
    with pytest.raises(SystemExit, match="NOT_FOUND: Servable not found"):
        client.main()
