"""The programs that serve and that measure serving."""

import io
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

pytest.importorskip("tensorflow_serving", reason="pip install .[serve]")

from tests.serving import clients, tiny  # noqa: E402


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Model folder "tiny" with version 1."""
    work = tmp_path_factory.mktemp("models")
    source = tiny.export(work / "source", offset=1)
    folder = work / "tiny"
    folder.mkdir()
    tiny.publish(source, folder, 1)
    return folder


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(tiny.jpeg(50))
    return path


def test_serves_until_it_is_told_to_end(checkout, model):
    """From the command line, in another process, as an operator would."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tools.serve", f"--model=m={model}"),
            *("--port=0", "--rest_api_port=0", "--max_queue=7"),
        ],
        cwd=checkout,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Whatever goes wrong, it does not outlive the test.
    timer = threading.Timer(120, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        where = json.loads(line)
        assert (where["host"], where["models"]) == ("127.0.0.1", ["m"])
        rest = clients.Rest(where["rest_port"])
        status, reply = rest.predict(
            {"instances": tiny.crop(9).tolist()}, model="m"
        )
        rest.close()
        assert status == 200
        assert reply["predictions"][0]["keypoints"][0] == [9.0, 9.0]
        over_grpc = clients.Grpc(where["grpc_port"])
        found = over_grpc.predict(
            clients.request("", model="m", image=tiny.crop(9))
        )
        over_grpc.close()
        assert found["pose"].max() == 1
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=60)
    finally:
        timer.cancel()
        process.kill()
        process.wait()
    assert process.returncode == 0, said
    assert out == ""
    assert said.splitlines()[-2:] == ["Draining.", "Stopped."]


@pytest.mark.parametrize(
    "flags, message",
    [
        ([], "Give `--model` or `--model_config_file`"),
        (["--model=lite", "--model_config_file=x"], "one of them"),
        (["--model=nothing"], "No shipped model"),
        (["--model=MODEL/1"], "is a version; give the folder above"),
        (["--model=a/b=MODEL"], "no / or :"),
        (["--model=EMPTY"], "holds no version"),
        (["--model_config_file=EMPTY/none"], "No such file"),
    ],
)
def test_what_cannot_be_served(run_tool, model, tmp_path, flags, message):
    flags = [
        flag.replace("MODEL", str(model)).replace("EMPTY", str(tmp_path))
        for flag in flags
    ]
    code, _, said = run_tool("serve", "--port=0", "--rest_api_port=0", *flags)
    assert code == 1
    assert message in said.splitlines()[-1]
    assert "Traceback" not in said


def test_help_names_tf_servings_flags(import_tool):
    import_tool("serve")
    from absl import flags

    for name in (
        *("port", "rest_api_port", "model_config_file", "enable_batching"),
        *("file_system_poll_wait_seconds", "rest_api_timeout_in_ms"),
    ):
        assert name in flags.FLAGS


def test_benchmark(run_tool, model, photo):
    code, out, said = run_tool(
        "benchmark_serving",
        f"--model={model}",
        f"--photo={photo}",
        "--clients=1,3",
        "--seconds=0.2",
    )
    assert code == 0, said
    found = json.loads(out.splitlines()[-1])
    assert found["lost"] == 0
    speed = found["requests_per_second"]
    modes = {"batching", "no_batching"}
    assert set(speed) == {"model", "grpc", "rest"}
    assert set(speed["model"]) == modes
    for protocol in ("grpc", "rest"):
        assert set(speed[protocol]) == modes
        for mode in modes:
            for table in ("milliseconds_p50", "milliseconds_p99"):
                assert set(found[table][protocol][mode]) == {"1", "3"}
            assert all(value > 0 for value in speed[protocol][mode].values())
            p50, p99 = (
                found[table][protocol][mode]["3"]
                for table in ("milliseconds_p50", "milliseconds_p99")
            )
            assert 0 < p50 <= p99
    best = max(speed["grpc"][mode]["3"] for mode in modes)
    assert found["ratio_to_model"] == pytest.approx(
        best / max(speed["model"].values())
    )


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--clients=0"], "numbers from 1 to 256"),
        (["--clients=many"], "must be numbers"),
        (["--box=1,2"], "cx,cy,side"),
        (["--photo=none.jpg"], "none.jpg: No such file"),
    ],
)
def test_benchmark_of_nonsense(run_tool, model, photo, flags, message):
    code, _, said = run_tool(
        "benchmark_serving", f"--model={model}", f"--photo={photo}", *flags
    )
    assert code == 1 and message in said


def test_soak(run_tool, model, photo):
    code, out, said = run_tool(
        "soak_serving",
        f"--model={model}",
        f"--photo={photo}",
        "--minutes=0.05",
        "--clients=8",
        "--max_queue=2",
        "--swap_seconds=0.5",
    )
    assert code == 0, out + said
    found = json.loads(out.splitlines()[-1])
    assert (found["failures"], found["wrong"], found["pending"]) == (0, 0, 0)
    assert found["refused"] and found["checked"] and found["left"]
    assert found["versions"] > 1
    assert set(found["codes"]["grpc"]) <= {"OK", "RESOURCE_EXHAUSTED"}
    assert set(found["codes"]["rest"]) <= {"200", "429"}
    assert len(found["megabytes"]) == 10


def test_soak_that_finds_something(run_tool, model, photo, monkeypatch):
    from ordinal_tf.serving import soak

    # As if every answer were another than the model's own.
    alone = soak._expected
    monkeypatch.setattr(
        soak,
        "_expected",
        lambda *given: {k: v + 1 for k, v in alone(*given).items()},
    )
    code, out, _ = run_tool(
        "soak_serving",
        f"--model={model}",
        f"--photo={photo}",
        "--minutes=0.05",
        "--clients=2",
    )
    found = json.loads(out.splitlines()[-1])
    assert code == 1 and found["wrong"] == found["checked"] > 0


def test_load_counts_what_is_lost():
    """A closed loop against a port where nobody listens."""
    from ordinal_tf.serving import load

    for protocol, codes in (
        ("grpc", {"UNAVAILABLE"}),
        ("rest", {"ConnectionRefusedError"}),
    ):
        found = load.closed_loop(
            1, b"{}", protocol=protocol, path="/", clients=2, seconds=0.1
        )
        assert set(found["codes"]) == codes
        assert found["sent"] > 0 and found["milliseconds"] == []


def test_load_in_this_process(monkeypatch, capsys):
    """What the other process does with its job, seen by coverage."""
    from ordinal_tf.serving import load

    job = {
        **{"port": 1, "body": "", "protocol": "rest", "path": "/"},
        **{"clients": 1, "seconds": 0.05, "warm": 0},
    }
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(job)))
    load.main()
    found = json.loads(capsys.readouterr().out)
    assert found["sent"] == sum(found["codes"].values())
