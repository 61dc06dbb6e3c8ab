"""The program that serves, as an operator runs it."""

import json
import os
import signal

import pytest

pytest.importorskip("tensorflow_serving", reason="pip install .[serve]")

from tests import programs  # noqa: E402
from tests.serving import clients, tiny  # noqa: E402


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Model folder "tiny" with version 4."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny.export(folder / "4", offset=1)
    return folder


def test_serves_until_it_is_told_to_end(checkout, model):
    flags = f"--model=m={model}", "--max_boxes=3"
    flags += "--port=0", "--rest_api_port=0"
    with programs.started(checkout, "serve", *flags) as process:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        where = json.loads(line)
        assert (where["host"], where["model"]) == ("127.0.0.1", "m")
        assert where["version"] == 4
        rest = clients.Rest(where["rest_port"])
        body = {"instances": tiny.crop(9).tolist()}
        status, reply = rest.predict(body, model="m")
        assert status == 200
        assert reply["predictions"][0]["keypoints"][0] == [9.0, 9.0]
        body = {"instances": tiny.crop(9, count=4).tolist()}
        status, reply = rest.predict(body, model="m")
        rest.close()
        assert status == 400 and "more than the 3" in reply["error"]
        over_grpc = clients.Grpc(where["grpc_port"])
        found = over_grpc.predict(
            clients.request("", model="m", image=tiny.crop(9))
        )
        over_grpc.close()
        assert found["pose"].max() == 1
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert out == ""
    assert said.splitlines()[-2:] == ["Draining.", "Stopped."]


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--model=nothing"], "No shipped model"),
        (["--model=MODEL/4"], "is a version; give the folder above"),
        (["--model=a/b=MODEL"], "no / or :"),
        (["--model=EMPTY"], "holds no version"),
        (
            ["--model=MODEL", "--engine=tensorflow_model_server"],
            "not on the PATH",
        ),
    ],
)
def test_what_cannot_be_served(
    run_tool, model, tmp_path, monkeypatch, flags, message
):
    monkeypatch.setenv("PATH", str(tmp_path))
    flags = [
        flag.replace("MODEL", str(model)).replace("EMPTY", str(tmp_path))
        for flag in flags
    ]
    code, _, said = run_tool("serve", "--port=0", "--rest_api_port=0", *flags)
    assert code == 1
    assert message in said.splitlines()[-1]
    assert "Traceback" not in said


@pytest.fixture
def fake(tmp_path):
    """PATH with a `tensorflow_model_server` that says how it was called."""
    binary = tmp_path / "bin" / "tensorflow_model_server"
    binary.parent.mkdir()
    binary.write_text(
        "#!/bin/sh\ntrap 'echo ended; exit 7' TERM\n"
        'printf "%s\\n" "$@"\nwhile :; do sleep 0.05; done\n'
    )
    binary.chmod(0o755)
    return f"{binary.parent}{os.pathsep}{os.environ['PATH']}"


def test_tensorflow_serving_instead(checkout, model, fake):
    flags = ["--engine=tensorflow_model_server", f"--model={model}"]
    flags += ["--port=11", "--rest_api_port=12", "--", "--enable_batching"]
    with programs.started(checkout, "serve", *flags, path=fake) as process:
        said = [process.stdout.readline().strip() for _ in range(7)]
        # It is the process itself, so that it gets the signals.
        process.send_signal(signal.SIGTERM)
        out, warned = process.communicate(timeout=60)
    # Flags of TF-Serving's main.cc.
    assert said == [
        "--port=11",
        "--rest_api_port=12",
        "--rest_api_timeout_in_ms=30000",
        "--tensorflow_intra_op_parallelism=0",
        "--model_name=tiny",
        f"--model_base_path={model}",
        "--enable_batching",
    ]
    assert (out, process.returncode) == ("ended\n", 7)
    assert "every address" in warned


def test_limits_that_tensorflow_serving_lacks(
    run_tool, model, fake, monkeypatch
):
    monkeypatch.setenv("PATH", fake)
    monkeypatch.setattr(os, "execv", None)
    code, _, said = run_tool(
        "serve",
        "--engine=tensorflow_model_server",
        f"--model={model}",
        "--max_queue=3",
    )
    assert code == 1 and "no flag for `--max_queue`" in said
