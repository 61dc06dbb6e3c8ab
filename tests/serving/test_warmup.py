"""Replaying recorded requests, as the published log holds them."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from ordinal_tf.serving import model, warmup
from tests.serving import clients, tiny


@pytest.fixture
def version(exported, tmp_path):
    """`(model, folder)` of a copy without warm-up requests."""
    folder = tmp_path / "1"
    shutil.copytree(exported, folder)
    loaded = model.load(folder)
    yield loaded, folder
    loaded.close()


def write(folder, *requests):
    path = folder / warmup.FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            writer.write(log.SerializeToString())
    return path


def recorded(monkeypatch, loaded):
    """List that fills with the names of the signatures that run."""
    runs, run = [], loaded.run

    def spy(name, inputs):
        runs.append(name)
        return run(name, inputs)

    monkeypatch.setattr(loaded, "run", spy)
    return runs


def test_requests_are_replayed(monkeypatch, version):
    loaded, folder = version
    write(
        folder,
        clients.request("", image=tiny.crop(1)),
        clients.photo(tiny.jpeg(1), [[5, 5, 5]]),
    )
    runs = recorded(monkeypatch, loaded)
    assert warmup.warm_up(loaded, folder) == 2
    assert runs == ["serving_default", "photo"]


def test_every_signature_without_a_file(monkeypatch, version):
    loaded, folder = version
    runs = recorded(monkeypatch, loaded)
    assert warmup.warm_up(loaded, folder) == 3
    assert sorted(runs) == ["photo", "photos", "serving_default"]


def test_a_model_of_others_starts_cold(tmp_path, caplog):
    module = tf.Module()
    module.words = tf.function(
        lambda words: {"y": tf.strings.length(words)},
        input_signature=[tf.TensorSpec((None,), tf.string, "words")],
    )
    # Calls its input as ours do, but wants numbers in it.
    module.image = tf.function(
        lambda image: {"y": tf.strings.to_number(image)},
        input_signature=[tf.TensorSpec((None,), tf.string, "image")],
    )
    signatures = {"serving_default": module.words, "image": module.image}
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=signatures)
    loaded = model.load(tmp_path / "m")
    assert warmup.warm_up(loaded, tmp_path / "m") == 0
    assert "No warm-up of image" in caplog.text
    loaded.close()


@pytest.mark.parametrize(
    "request_",
    [
        clients.request("nothing", image=tiny.crop(1)),
        clients.request("", image=np.zeros(3)),
        clients.photo(b"no picture", [[5, 5, 5]]),
    ],
)
def test_a_request_that_the_model_refuses(version, request_):
    loaded, folder = version
    write(folder, clients.request("", image=tiny.crop(1)), request_)
    with pytest.raises(ValueError, match="warm-up request 1"):
        warmup.warm_up(loaded, folder)


def test_a_half_copied_file(version):
    loaded, folder = version
    path = write(folder, *2 * [clients.request("", image=tiny.crop(1))])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="warm-up request 1"):
        warmup.warm_up(loaded, folder)
