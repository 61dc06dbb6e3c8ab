"""Connections on which nothing comes are closed; others are left alone."""

import asyncio
import contextlib
import socket

import pytest

from ordinal_tf.serving import http_server


async def hello(scope, receive, send):
    await asyncio.sleep(0.2)  # Longer than a silent connection may last.
    start = {"type": "http.response.start", "status": 200, "headers": []}
    await send(start)
    await send({"type": "http.response.body", "body": b"hello"})


def talk(*pieces):
    """What a server answers to bytes that come slowly, until it hangs up."""

    async def main():
        sock = socket.socket(proto=socket.IPPROTO_TCP)
        sock.bind(("127.0.0.1", 0))
        server = http_server.make_server(
            hello, max_connections=5, drain_s=1, idle_s=0.1
        )
        task = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        said = b""
        with contextlib.suppress(ConnectionError):  # It hung up meanwhile.
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
            said = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        server.should_exit = True
        await task
        return said

    return asyncio.run(main())


HEADER = b"GET / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [HEADER],
        [bytes([byte]) for byte in HEADER],  # One byte at a time.
    ],
)
def test_no_request_comes(pieces):
    assert talk(*pieces) == b""


def test_a_request_is_answered_then_silence_ends_the_connection():
    said = talk(HEADER, b"\r\n")
    assert said.startswith(b"HTTP/1.1 200") and b"hello" in said


def test_half_a_second_request():
    said = talk(HEADER + b"\r\n" + HEADER)
    assert said.count(b"HTTP/1.1") == 1


def test_no_http_at_all():
    assert talk(b"\x16\x03\x01\x00\n\n\n").startswith(b"HTTP/1.1 400")
