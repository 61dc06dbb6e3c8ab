"""The whole server: start and end, overload, clients that go."""

import asyncio
import base64
import contextlib
import gzip
import json
import socket
import threading
import time

import grpc
import pytest

from ordinal_tf.serving import model
from tests.serving import clients, tiny
from tests.serving.embedded import Server

CODES = grpc.StatusCode
BODY = json.dumps({"instances": tiny.crop(5).tolist()}).encode()
HEAD = (
    "POST /v1/models/tiny:predict HTTP/1.1\r\nHost: a\r\n"
    f"Content-Length: {len(BODY)}\r\n\r\n"
).encode()


class Slow:
    """Holds up every run of a server's model until it is let go.

    Attributes:
        begun: list of the pixel values whose runs began, in order.
        most: int, runs at the same time.
    """

    def __init__(self, running, monkeypatch):
        self.gate, self.begun, self.most = threading.Event(), [], 0
        now, run = [], running.core.model.run

        def slow(signature, inputs):
            self.begun.append(int(inputs["image"].flat[0]))
            now.append(1)
            self.most = max(self.most, len(now))
            try:
                assert self.gate.wait(30)
                return run(signature, inputs)
            finally:
                now.pop()

        # The dataclass is frozen, its instances' own dicts are not.
        monkeypatch.setitem(running.core.model.__dict__, "run", slow)


def in_background(function, *arguments):
    """Calls a function in a thread; returns its result when called."""
    results = []
    thread = threading.Thread(
        target=lambda: results.append(function(*arguments))
    )
    thread.start()

    def join():
        thread.join(30)
        (result,) = results
        return result

    return join


def until(condition):
    """Waits for something that another thread does; fails after 30 s."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def asks(running, value=5):
    """One REST prediction: its status, and the keypoint or the error."""
    with contextlib.closing(clients.Rest(running.rest_port)) as client:
        status, reply = client.predict({"instances": tiny.crop(value).tolist()})
    if status != 200:
        return status, reply["error"]
    return status, reply["predictions"][0]["keypoints"][0][0]


def asks_grpc(running, value=5, timeout=30):
    """The same over gRPC: "OK" or the code's name, and the same."""
    with contextlib.closing(clients.Grpc(running.grpc_port)) as client:
        try:
            asked = clients.request("", image=tiny.crop(value))
            found = client.predict(asked, timeout)
        except grpc.RpcError as error:
            return error.code().name, error.details()
    return "OK", found["keypoints"][0, 0, 0]


def test_everybody_gets_their_own_answer(folder):
    """Many at once over both protocols, in an order of the server's own."""
    with Server(folder, runs=3) as running:
        joins = [
            (value, in_background(ask, running, value))
            for value in range(0, 28, 2)
            for ask, value in ((asks, value), (asks_grpc, value + 1))
        ]
        for value, join in joins:
            code, found = join()
            assert (code in (200, "OK"), found) == (True, value)


def test_only_so_many_run_and_the_first_come_first(folder, monkeypatch):
    with Server(folder, runs=2) as running:
        slow = Slow(running, monkeypatch)
        joins = []
        for value in range(6):
            joins.append(in_background(asks, running, value))
            until(lambda value=value: running.core.pending == value + 1)
            # Parsing happens in threads: the next one comes after it.
            until(lambda value=value: _in_line(running, slow) == value + 1)
        assert slow.most == 2
        slow.gate.set()
        assert [join() for join in joins] == [(200, i) for i in range(6)]
        assert sorted(slow.begun[:2]) == [0, 1]
        assert slow.begun[2:] == [2, 3, 4, 5]
        assert slow.most == 2 and running.core.pending == 0


def _in_line(running, slow):
    """Requests that run or wait for their run, once parsed."""
    return len(slow.begun) + running.core._pool._work_queue.qsize()


def test_stop_answers_what_was_accepted(folder, monkeypatch):
    with Server(folder, runs=1) as running:
        slow = Slow(running, monkeypatch)
        joins = [in_background(asks, running, value) for value in (1, 2, 3)]
        over_grpc = in_background(asks_grpc, running, 4)
        until(lambda: running.core.pending == 4)
        stopped = threading.Thread(target=running.stop)
        stopped.start()
        # New ones are turned away while the old ones are waited for.
        until(lambda: _refuses(running.rest_port))
        assert asks_grpc(running)[0] == "UNAVAILABLE"
        slow.gate.set()
        assert [join() for join in joins] == [(200, 1), (200, 2), (200, 3)]
        assert over_grpc() == ("OK", 4)
        stopped.join(30)


def _refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_stop_does_not_wait_for_ever(folder, monkeypatch):
    with Server(folder, drain_s=0.2) as running:
        slow = Slow(running, monkeypatch)
        hung = in_background(asks_grpc, running, 6)
        until(lambda: slow.begun)
        stopped = threading.Thread(target=running.stop)
        stopped.start()
        # The client is told; its run ends in its thread.
        assert hung()[0] in ("UNAVAILABLE", "CANCELLED")
        slow.gate.set()
        stopped.join(30)


def test_a_full_queue_is_said_in_both_protocols(folder, monkeypatch):
    with Server(folder, queue=3) as running:
        slow = Slow(running, monkeypatch)
        waiting = [in_background(asks, running) for _ in range(3)]
        until(lambda: running.core.pending == 3)
        status, said = asks(running)
        assert status == 429 and "queue of 3" in said
        with contextlib.closing(clients.Rest(running.rest_port)) as client:
            body = {"instances": []}
            assert client.predict(body)[0] == 429  # Whatever is in it.
            assert client.headers["retry-after"] == "1"
        code, said = asks_grpc(running)
        assert code == "RESOURCE_EXHAUSTED" and "queue of 3" in said
        # What costs nothing is answered all the same.
        with contextlib.closing(clients.Rest(running.rest_port)) as client:
            assert client.get("/healthz")[0] == 200
            page = client.get("/metrics")[1]
            assert "ordinal_tf_serve_pending_requests 3.0" in page
        slow.gate.set()
        assert [join() for join in waiting] == 3 * [(200, 5)]
        assert asks(running) == (200, 5)


def test_a_client_that_leaves_is_not_waited_for(folder, monkeypatch):
    with Server(folder, runs=1) as running:
        slow = Slow(running, monkeypatch)
        first = in_background(asks, running, 1)
        until(lambda: slow.begun == [1])
        leaver = socket.create_connection(("127.0.0.1", running.rest_port))
        leaver.sendall(HEAD + BODY)
        # Another one leaves in the middle of its body.
        half = socket.create_connection(("127.0.0.1", running.rest_port))
        half.sendall(HEAD + BODY[:50])
        with contextlib.closing(clients.Grpc(running.grpc_port)) as client:
            call = client.prediction.Predict.future(
                clients.request("", image=tiny.crop(1))
            )
            until(lambda: running.core.pending == 4)
            leaver.close()
            half.close()
            call.cancel()
            until(lambda: running.core.pending == 1)
        slow.gate.set()
        assert first() == (200, 1)
        assert asks(running, 9) == (200, 9)
        assert slow.begun == [1, 9]


def test_one_who_leaves_keeps_the_turn_of_a_run_that_has_begun(
    folder, monkeypatch
):
    with Server(folder, runs=1) as running:
        slow = Slow(running, monkeypatch)
        assert asks_grpc(running, 1, timeout=2)[0] == "DEADLINE_EXCEEDED"
        until(lambda: running.core.pending == 0)
        second = in_background(asks, running, 2)
        until(lambda: running.core.pending == 1)
        time.sleep(0.1)
        assert slow.begun == [1]
        slow.gate.set()
        assert second() == (200, 2) and slow.most == 1


def test_deadlines(folder, monkeypatch):
    with Server(folder, runs=1, timeout_s=2.0) as running:
        slow = Slow(running, monkeypatch)
        late = (504, "The request was not answered in time.")
        assert asks(running, 1) == late
        # These waited behind it, and gave up before their turn.
        assert asks(running, 2) == late
        assert asks_grpc(running, 3, timeout=0.2)[0] == "DEADLINE_EXCEEDED"
        slow.gate.set()
        assert asks(running, 4) == (200, 4)
        assert slow.begun == [1, 4]


def test_a_body_that_never_ends_is_given_up(folder):
    with Server(folder, timeout_s=2.0) as running:
        with socket.create_connection(("127.0.0.1", running.rest_port)) as hung:
            hung.settimeout(30)
            hung.sendall(HEAD + BODY[:5])
            assert b" 504 " in hung.recv(1000)
        assert running.core.pending == 0
        assert asks(running) == (200, 5)


def test_connections_on_which_no_request_comes(folder):
    with Server(folder, idle_s=2.0) as running, contextlib.ExitStack() as stack:
        address = "127.0.0.1", running.rest_port
        client = stack.enter_context(
            contextlib.closing(clients.Rest(running.rest_port))
        )
        for piece in (b"", HEAD[:30]):
            silent = stack.enter_context(socket.create_connection(address))
            silent.sendall(piece)
            silent.setblocking(False)
            # One that asks again and again stays meanwhile.
            until(
                lambda s=silent: client.get("/healthz")[0] == 200 and _ended(s)
            )
        assert client.connections == 1


def _ended(sock):
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False


def test_more_connections_than_there_may_be(folder):
    with Server(folder, connections=3) as running:
        open_ones = [clients.Rest(running.rest_port) for _ in range(4)]
        statuses = [client.get("/healthz")[0] for client in open_ones]
        assert statuses == [200, 200, 503, 503]
        for client in open_ones:
            client.close()


def test_a_bug_is_internal_and_the_server_stays(folder, monkeypatch):
    with Server(folder) as running:
        with monkeypatch.context() as patch:
            inside = running.core.model.__dict__
            patch.setitem(inside, "run", lambda *_: 1 / 0)
            status, said = asks(running)
            assert status == 500 and "zero" not in said
            assert asks_grpc(running)[0] == "INTERNAL"
        assert asks(running) == (200, 5)


@pytest.mark.parametrize("which", ["rest_port", "grpc_port"])
def test_a_port_that_is_taken(folder, which):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"Port {port} of 127.0.0.1"):
            Server(folder, **{which: port}).__enter__()


def test_photo_of_the_limit_in_base64(folder):
    """The limit is on what travels; a picture may be 3/4 of it."""
    with Server(folder, body_bytes=20_000) as running:
        with contextlib.closing(clients.Rest(running.rest_port)) as rest:
            for size, status in ((14_000, 200), (15_000, 413)):
                # Decoders ignore what follows a picture's end.
                data = tiny.jpeg(1).ljust(size, b"\0")
                body = clients.photo_json(data, [[5, 5, 5]])
                assert len(base64.b64encode(data)) == 4 * -(-size // 3)
                assert rest.predict(body)[0] == status


def test_gzip_cannot_get_around_the_limit(folder):
    """Neither in REST nor in gRPC, of which gRPC's own core unpacks."""
    with Server(folder, body_bytes=100_000) as running:
        with contextlib.closing(clients.Rest(running.rest_port)) as rest:
            for size, status in ((90_000, 200), (100_001, 413), (10**8, 413)):
                packed = gzip.compress(BODY.ljust(size), 9)
                assert len(packed) < 100_000
                assert (
                    rest.ask(
                        "POST",
                        "/v1/models/tiny:predict",
                        packed,
                        {"Content-Encoding": "gzip"},
                    )[0]
                    == status
                )
        with contextlib.closing(
            clients.Grpc(running.grpc_port, grpc.Compression.Gzip)
        ) as client:
            asked = clients.request("", image=tiny.crop(7))
            assert client.predict(asked)["keypoints"][0, 0, 0] == 7
            asked = clients.request("photo", photo=[bytes(5 * 10**7)])
            assert client.refused(asked)[0] == CODES.RESOURCE_EXHAUSTED


def test_the_server_belongs_to_its_context(folder):
    """No thread or port is left behind, also when its body fails."""
    from ordinal_tf.serving import server

    async def main():
        loaded = model.load(folder, "tiny")
        async with server.serve(loaded, server.Options()) as serving:
            ports.append(serving.rest_port)
            raise KeyError("mine")

    ports = []
    with pytest.raises(KeyError, match="mine"):
        asyncio.run(main())
    assert _refuses(ports[0])
