"""The load that measures tools.serve, on a model that costs nothing."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow_serving", reason="pip install .[serve]")

from tests.serving import embedded, tiny  # noqa: E402


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Model folder with version 1."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny.export(folder / "1")
    return folder


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(tiny.jpeg(50))
    return path


def test_benchmark(run_tool, model, photo):
    code, out, said = run_tool(
        "benchmark_serving",
        f"--model={model}",
        f"--images={photo}",
        "--clients=1,5",
        "--max_queue=2",
        "--seconds=0.3",
        "--megapixels=0.1,3",
    )
    assert code == 0, said
    found = json.loads(out.splitlines()[-1])
    assert (found["lost"], found["wrong"]) == (0, 0)
    refused = 0
    for protocol, good, full in (
        ("grpc", "OK", "RESOURCE_EXHAUSTED"),
        ("rest", "200", "429"),
    ):
        codes = found["codes"][protocol]["5"]
        assert set(codes) == {good, full}
        assert set(found["codes"][protocol]["1"]) == {good}
        refused += codes[full]
        for clients in ("1", "5"):
            assert found["requests_per_second"][protocol][clients] > 0
            assert (
                0
                < found["milliseconds_p50"][protocol][clients]
                <= found["milliseconds_p99"][protocol][clients]
            )
    assert found["refused"] == refused
    peak, after = found["server_peak_megabytes"], found["server_megabytes"]
    assert set(peak) == set(after) == {"start", "load", "0.1", "3"}
    # Each by itself: a picture of 3 million pixels takes 9 MB at least.
    assert peak["3"] > peak["0.1"] + 9
    assert all(50 < after[key] <= peak[key] for key in peak)


def test_what_it_counts(import_tool, model):
    """Answers of another, and requests that nobody answers."""
    import_tool("benchmark_serving")
    from tools.dev import _load

    class Client:
        close = staticmethod(lambda: None)
        answers = iter([("200", np.zeros(2)), ("200", np.ones(2)), ("X", None)])

        def ask(self):
            return next(self.answers)

    codes, times, wrong, _ = _load._closed_loop(
        lambda _: Client(), 1, 0.0, least=2
    )
    assert (codes, len(times), wrong) == ({"200": 1, "X": 1}, 1, 1)
    ports = {"grpc_port": 1, "rest_port": 1}
    data = tiny.jpeg(1)
    assert _load._Grpc(ports, data, [1, 1, 1]).ask() == ("UNAVAILABLE", None)
    asked = _load._Rest(ports, data, [1, 1, 1]).ask()
    assert asked == ("ConnectionRefusedError", None)
    with embedded.Server(model, name="model") as running:
        for kind, code in ((_load._Grpc, "OK"), (_load._Rest, "200")):
            client = kind(vars(running), tiny.jpeg(70), [1, 1, 2])
            said, found = client.ask()
            assert said == code and (found == 70).all()
            client.close()


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--clients=0"], "numbers from 1 to 256"),
        (["--clients=many"], "must be numbers"),
        (["--box=1,2"], "cx,cy,side"),
        (["--images=none.jpg"], "none.jpg: No such file"),
    ],
)
def test_benchmark_of_nonsense(run_tool, model, photo, flags, message):
    code, _, said = run_tool(
        "benchmark_serving", f"--model={model}", f"--images={photo}", *flags
    )
    assert code == 1 and message in said
