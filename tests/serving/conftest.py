"""A served model that costs nothing, and clients of it."""

import pytest

pytest.importorskip("tensorflow_serving", reason="pip install .[serve]")

from ordinal_tf.serving import config, server  # noqa: E402
from tests.serving import clients, tiny  # noqa: E402


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """Version folder of `tiny.Tiny` whose poses are 1 everywhere."""
    folder = tmp_path_factory.mktemp("tiny")
    return tiny.export(folder / "photos", offset=1)


@pytest.fixture(scope="session")
def exported_plain(tmp_path_factory):
    """The same with 2, and without the `photos` signature."""
    folder = tmp_path_factory.mktemp("tiny")
    return tiny.export(folder / "plain", offset=2, photos=False)


@pytest.fixture(scope="module")
def running(exported, tmp_path_factory):
    """Server of the model "tiny", version 1."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    tiny.publish(exported, folder, 1)
    served = [config.Served("tiny", folder)]
    with server.Server(served, server.Options()) as started:
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
