"""A few hundred broken requests; `mutations` sends thousands by hand."""

import socket

import numpy as np

from tests.serving import clients, mutations, tiny


def test_broken_requests_get_their_code_and_the_server_stays(running):
    codes, faults = mutations.bombard(
        running, model="tiny", size=tiny.SIZE, count=150, seed=0
    )
    assert not faults, "\n".join(faults)
    # The mill grinds: every kind of answer came up.
    seen = {code for _, code in codes}
    assert {200, 400, 404, "OK", "INVALID_ARGUMENT"} <= seen
    assert running.core.pending == 0
    rest = clients.Rest(running.rest_port)
    assert rest.predict({"instances": tiny.crop(1).tolist()})[0] == 200
    rest.close()


def test_other_protocols_at_the_door(running):
    """HTTP at the gRPC port, gRPC at the HTTP port, and noise at both."""
    noise = np.random.default_rng(0).bytes(2000)
    for port in (running.rest_port, running.grpc_port):
        for data in (
            noise,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + noise,
            b"GET / HTTP/1.1\r\n\r\n",
            b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: a\r\n"
            b"Content-Length: -5\r\n\r\n",
            b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: a\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"A" * 100_000,
        ):
            with socket.create_connection(("127.0.0.1", port)) as door:
                door.settimeout(0.5)
                try:
                    door.sendall(data)
                    door.recv(1000)
                except OSError:
                    pass  # It may hang up, or wait for more.
    rest = clients.Rest(running.rest_port)
    assert rest.predict({"instances": tiny.crop(1).tolist()})[0] == 200
    rest.close()
    over_grpc = clients.Grpc(running.grpc_port)
    over_grpc.predict(clients.request("", image=tiny.crop(1)))
    over_grpc.close()
