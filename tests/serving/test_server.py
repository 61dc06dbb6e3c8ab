"""The whole server: start and end, swaps, overload, clients that go."""

import base64
import json
import socket
import threading
import time

import grpc
import pytest

from ordinal_tf.serving import config, server
from tests.serving import clients, tiny


@pytest.fixture
def folder(exported, tmp_path):
    """Model folder with version 1, whose poses are 1."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    tiny.publish(exported, folder, 1)
    return folder


def serve(folder, **options):
    options = {"poll_s": 0.05, **options}
    return server.Server(
        [config.Served("tiny", folder)], server.Options(**options)
    )


class Slow:
    """Holds up every run of a version until it is let go."""

    def __init__(self, running, monkeypatch):
        version = running.core.models["tiny"].all[0]
        run = version.model.run
        self.gate = threading.Event()
        self.begun = 0

        def slow(*arguments):
            self.begun += 1
            assert self.gate.wait(30)
            return run(*arguments)

        monkeypatch.setattr(version.model, "run", slow)


def in_background(function, count=1):
    """Calls a function in threads; returns their results when called."""
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(function()))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()

    def join():
        for thread in threads:
            thread.join(30)
        return results

    return join


def until(condition):
    """Waits for something that another thread does; fails after 30 s."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def asks(running, value=5):
    """Function of one REST prediction: its status and JSON."""

    def ask():
        client = clients.Rest(running.rest_port)
        try:
            return client.predict({"instances": tiny.crop(value).tolist()})
        finally:
            client.close()

    return ask


def test_stop_answers_what_was_accepted(folder, monkeypatch):
    with serve(folder) as running:
        slow = Slow(running, monkeypatch)
        over_rest = in_background(asks(running), count=4)
        client = clients.Grpc(running.grpc_port)
        over_grpc = in_background(
            lambda: client.predict(clients.request("", image=tiny.crop(6)))
        )
        until(lambda: running.core.scheduler.pending == 5)
        stopped = in_background(running.stop)
        until(lambda: running.core.draining)
        # New ones are turned away while the old ones are waited for.
        until(lambda: _refuses(running.rest_port))
        slow.gate.set()
        assert [status for status, _ in over_rest()] == 4 * [200]
        assert over_grpc()[0]["keypoints"][0, 0, 0] == 6
        stopped()
        client.close()


def _refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_stop_does_not_wait_for_ever(folder, monkeypatch):
    with serve(folder, drain_s=0.2) as running:
        slow = Slow(running, monkeypatch)
        client = clients.Grpc(running.grpc_port)
        hung = in_background(
            lambda: client.refused(clients.request("", image=tiny.crop(6)))
        )
        until(lambda: slow.begun)
        stopped = in_background(running.stop)
        # The client is told; its run ends in its thread.
        (refusal,) = hung()
        slow.gate.set()
        stopped()
        client.close()
    assert refusal[0] in (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.CANCELLED,
    )


def test_a_full_queue_is_said_in_both_protocols(folder, monkeypatch):
    policy = server.Policy(queue=3)
    with serve(folder, policy=policy) as running:
        slow = Slow(running, monkeypatch)
        waiting = in_background(asks(running), count=3)
        until(lambda: running.core.scheduler.pending == 3)
        status, reply = asks(running)()
        assert status == 429 and "queue of 3" in reply["error"]
        client = clients.Grpc(running.grpc_port)
        code, sentence = client.refused(clients.request("", image=tiny.crop(1)))
        assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "queue of 3" in sentence
        client.close()
        slow.gate.set()
        assert [status for status, _ in waiting()] == 3 * [200]
        assert asks(running)()[0] == 200


def test_versions_swap_under_load(exported, exported_plain, folder):
    """Not one request fails, and each is answered by one version."""
    with serve(folder) as running:
        end, seen, wrong = threading.Event(), set(), []

        def client():
            ask = clients.Rest(running.rest_port)
            while not end.is_set():
                status, reply = ask.predict(
                    clients.photo_json(tiny.jpeg(9), [[5, 5, 5]])
                )
                if status != 200:
                    wrong.append((status, reply))
                    return
                seen.add(reply["outputs"]["pose"][0][0][0])
            ask.close()

        join = in_background(client, count=4)
        models = running.core.models["tiny"]
        for number in range(2, 6):
            source = exported_plain if number % 2 == 0 else exported
            tiny.publish(source, folder, number)
            until(lambda number=number: models.available == [number] or wrong)
        end.set()
        join()
    assert not wrong
    assert seen == {1.0, 2.0}


def test_requests_share_runs_through_photos(folder, monkeypatch):
    with serve(folder) as running:
        slow = Slow(running, monkeypatch)

        def ask(value):
            client = clients.Rest(running.rest_port)
            body = clients.photo_json(tiny.jpeg(value), [[5, 5, 5]])
            status, reply = client.predict(body)
            client.close()
            return status, value, reply["outputs"]["keypoints"][0][0][0]

        joins = [in_background(lambda v=v: ask(v)) for v in range(10, 130, 10)]
        until(lambda: running.core.scheduler.pending == 12)
        slow.gate.set()
        answers = [join()[0] for join in joins]
        page = clients.Rest(running.rest_port)
        text = page.get("/metrics")[1]
        page.close()
    for status, asked, got in answers:
        assert status == 200
        assert got == pytest.approx(asked, abs=1)  # JPEG.
    runs = float(
        text.split("ordinal_tf_serve_batch_crops_count ")[1].split()[0]
    )
    assert runs < 12


def test_a_client_that_leaves_is_not_waited_for(folder, monkeypatch):
    policy = server.Policy(executors=1, batch=1)
    with serve(folder, policy=policy) as running:
        slow = Slow(running, monkeypatch)
        running_one = in_background(asks(running))
        until(lambda: slow.begun == 1)
        body = json.dumps({"instances": tiny.crop(1).tolist()}).encode()
        head = (
            "POST /v1/models/tiny:predict HTTP/1.1\r\nHost: a\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        leaver = socket.create_connection(("127.0.0.1", running.rest_port))
        leaver.sendall(head + body)
        # Another one leaves in the middle of its body.
        half = socket.create_connection(("127.0.0.1", running.rest_port))
        half.sendall(head + body[:50])
        client = clients.Grpc(running.grpc_port)
        call = client.prediction.Predict.future(
            clients.request("", image=tiny.crop(1))
        )
        until(lambda: running.core.scheduler.pending == 3)
        leaver.close()
        half.close()
        call.cancel()
        until(lambda: running.core.scheduler.pending == 1)
        slow.gate.set()
        assert running_one()[0][0] == 200
        assert asks(running)()[0] == 200
        # The two that left never ran.
        assert slow.begun == 2
        client.close()


def test_a_body_that_never_ends_is_given_up(folder):
    with serve(folder, timeout_s=0.3) as running:
        hung = socket.create_connection(("127.0.0.1", running.rest_port))
        hung.settimeout(30)
        hung.sendall(
            b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: a\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )
        assert b" 504 " in hung.recv(1000)
        hung.close()
        assert asks(running)()[0] == 200


def test_a_reply_that_comes_too_late(folder, monkeypatch):
    with serve(folder, timeout_s=0.3) as running:
        slow = Slow(running, monkeypatch)
        status, reply = asks(running)()
        assert (status, reply["error"]) == (
            504,
            "The request was not answered in time.",
        )
        client = clients.Grpc(running.grpc_port)
        with pytest.raises(grpc.RpcError) as caught:
            client.prediction.Predict(
                clients.request("", image=tiny.crop(1)), timeout=0.2
            )
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        slow.gate.set()
        client.close()


def test_a_bug_is_internal_and_the_server_stays(folder, monkeypatch):
    with serve(folder) as running:
        version = running.core.models["tiny"].all[0]
        run = version.model.run
        monkeypatch.setattr(version.model, "run", lambda *_: 1 / 0)
        status, reply = asks(running)()
        assert status == 500 and "zero" not in reply["error"]
        client = clients.Grpc(running.grpc_port)
        code, _ = client.refused(clients.request("", image=tiny.crop(1)))
        assert code == grpc.StatusCode.INTERNAL
        client.close()
        monkeypatch.setattr(version.model, "run", run)
        assert asks(running)()[0] == 200


def test_models_config_is_read_again(exported, folder, tmp_path):
    tiny.publish(exported, folder, 2)
    path = tmp_path / "models.config"

    def write(text):
        path.write_text(
            f'model_config_list {{ config {{ base_path: "{folder}" {text} }} }}'
        )

    write('name: "tiny"')
    options = server.Options(poll_s=0.05, config_file=path)
    with server.Server(config.read(path), options) as running:
        core = running.core
        assert core.available == [("tiny", 2)]
        write(
            'name: "tiny" version_labels { key: "stable" value: 1 } '
            "model_version_policy { specific { versions: 1 } }"
        )
        until(lambda: core.available == [("tiny", 1)])
        rest = clients.Rest(running.rest_port)
        body = {"instances": tiny.crop(1).tolist()}
        assert rest.predict(body, version="/labels/stable")[0] == 200
        status, text = rest.get("/v1/models/tiny/labels/stable")
        (found,) = json.loads(text)["model_version_status"]
        assert status == 200 and found["version"] == "1"
        # A file with a mistake changes nothing.
        path.write_text("nonsense {")
        time.sleep(0.2)
        assert core.available == [("tiny", 1)]
        write('name: "other"')
        until(lambda: core.available == [("other", 2)])
        assert rest.predict(body)[0] == 404
        assert rest.predict(body, model="other")[0] == 200
        rest.close()


@pytest.mark.parametrize("which", ["rest_port", "grpc_port"])
def test_a_port_that_is_taken(folder, which):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    with pytest.raises(OSError, match=f"Port {port} of 127.0.0.1"):
        serve(folder, **{which: port}).start()
    taken.close()


def test_models_that_cannot_be_served(folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="empty holds no version of 'tiny'"):
        serve(empty).start()
    graph = folder / "1" / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:500])
    with pytest.raises(ValueError, match="1 cannot be loaded"):
        serve(folder).start()


def test_photo_of_the_limit_in_base64(folder):
    """The limit is on what travels; a picture may be 3/4 of it."""
    limit = server.Limits(body_bytes=20_000)
    with serve(folder, limit=limit) as running:
        rest = clients.Rest(running.rest_port)
        for size, status in ((14_000, 200), (15_000, 413)):
            # Decoders ignore what follows a picture's end.
            data = tiny.jpeg(1).ljust(size, b"\0")
            body = clients.photo_json(data, [[5, 5, 5]])
            assert len(base64.b64encode(data)) == 4 * -(-size // 3)
            assert rest.predict(body)[0] == status
        rest.close()
