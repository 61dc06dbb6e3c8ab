"""A step on TensorFlow and on JAX: the same losses, the same updates."""

import json
import os
import subprocess
import sys

import pytest

from ordinal_tf.training import steps

PROGRAM = """
import json, sys
import keras
import numpy as np
from ordinal_tf.training import runs
from tests.training import tasks

workdir, precision = sys.argv[1:]
config = tasks.make_config(
    ema=0.5, accumulate=2, clip_norm=1.0, encoder_rate=0.5, log_every=1,
    precision=precision, steps=4,
)
config.init_from = workdir + "/origin.weights.h5"
out = workdir + "/" + keras.backend.backend() + precision
tasks.train(out, config, norm=False)
rows = runs.read_metrics(out)
print(json.dumps([row["loss"] for row in rows if "loss" in row]))
network = tasks.network(norm=False)
network.load_weights(out + "/ema.weights.h5")
print(json.dumps([float(np.sum(np.abs(w))) for w in network.get_weights()]))
"""


@pytest.mark.slow  # Starts four interpreters.
@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_jax_takes_the_same_steps(checkout, tmp_path, precision):
    from tests.training import tasks

    tasks.network(norm=False).save_weights(tmp_path / "origin.weights.h5")
    found = {}
    for backend in ("tensorflow", "jax"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path), precision],
            cwd=checkout,
            env={**os.environ, "KERAS_BACKEND": backend},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found[backend] = [
            json.loads(line) for line in done.stdout.splitlines()[-2:]
        ]
    tolerance = 1e-5 if precision == "float32" else 1e-2
    for one, two in zip(found["tensorflow"], found["jax"], strict=True):
        assert one == pytest.approx(two, rel=tolerance)
    assert found["jax"][0][-1] != found["jax"][0][0]


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(steps.keras.backend, "backend", lambda: "torch")
    with pytest.raises(ValueError, match="KERAS_BACKEND=torch"):
        steps.training_step(None, None, inputs=None, loss=None)
