"""A served model that costs nothing, and clients of it."""

import pytest

pytest.importorskip("tensorflow_serving", reason="pip install .[serve]")

from tests.serving import clients, embedded, tiny  # noqa: E402


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Model folder with version 3 of `tiny.Tiny`, whose poses are 1."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny.export(folder / "3", offset=1)
    return folder


@pytest.fixture(scope="session")
def running(folder):
    """Server of the model "tiny", version 3."""
    with embedded.Server(folder) as started:
        yield started


@pytest.fixture
def rest(running):
    client = clients.Rest(running.rest_port)
    yield client
    client.close()


@pytest.fixture
def grpc_client(running):
    client = clients.Grpc(running.grpc_port)
    yield client
    client.close()
