"""The warm-up file, read with the protos that TF-Serving publishes."""

import builtins
import importlib.util

import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.export import parity, warmup


def test_requests_come_back(tmp_path):
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    requests = parity.example_requests(32)
    path = warmup.write(tmp_path, requests, name="tiny")
    assert path == tmp_path / "assets.extra" / "tf_serving_warmup_requests"
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    assert len(records) == len(requests) <= 1000
    for record, (signature, inputs) in zip(records, requests, strict=True):
        request = logs.PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.name == "tiny"
        assert request.model_spec.signature_name == signature
        assert set(request.inputs) == set(inputs)
        for key, value in inputs.items():
            array = tf.make_ndarray(request.inputs[key])
            np.testing.assert_array_equal(array, value)


def test_without_the_protos_it_says_what_to_do(monkeypatch):
    find = importlib.util.find_spec

    def nothing(name, *args):
        return None if name == "tensorflow_serving" else find(name, *args)

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    with pytest.raises(ValueError, match="tensorflow-serving-api.*nowarm_up"):
        warmup.check_installed()


def test_importing_needs_no_protos(monkeypatch):
    load = builtins.__import__

    def refuse(name, *args):
        assert not name.startswith("tensorflow_serving"), name
        return load(name, *args)

    monkeypatch.setattr(builtins, "__import__", refuse)
    importlib.reload(warmup)
