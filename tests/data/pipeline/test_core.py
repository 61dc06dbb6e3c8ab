"""The pipeline's batches are the same beside JAX, and an image step runs."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests import prepared_files

PROGRAM = """
import sys
import keras
import numpy as np
from configs import lite
from ordinal_tf.training import image, loop, steps

workdir, backend = sys.argv[1:]
assert keras.backend.backend() == backend
config = lite.get_config()
config.data.train = ((f"{workdir}/drawn", 1.0, "ordinal:0.5"),)
config.data.held_out_set = f"{workdir}/other"
config.model.update(
    input_size=32, z_resolutions=(4,), stem_features=4, front_features=4,
    features=4, out_features=4, order=1, encoder="",
)
config.train.update(
    steps=1, batch_size=4, stages=(), eval_every=1, rank_ramp=(0, 0),
)
task = image.task(config, lambda line: None)
(batch,) = task.batches(0, 1)
np.savez(f"{workdir}/{backend}.npz", **batch)
origin = f"{workdir}/origin.weights.h5"
if backend == "tensorflow":
    task.network.save_weights(origin)
task.network.load_weights(origin)
# Scores run op by op on JAX, which would take minutes to compile.
_, optimizer = loop.build(config, lambda config: task)
learn = steps.training_step(
    task.network, optimizer, inputs=task.inputs, loss=task.loss
)
for _ in range(2):
    parts = learn(batch, np.float32(1.0))
print(*(float(parts[key]) for key in ("loss", "rank", "heatmap")))
"""


@pytest.mark.slow  # Starts two interpreters, and JAX compiles a network.
def test_images_train_beside_jax(checkout, tmp_path):
    prepared_files.write_prepared(tmp_path / "drawn", count=6)
    prepared_files.write_prepared(tmp_path / "other", count=2, first=50)
    said, batches = [], []
    for backend in ("tensorflow", "jax"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path), backend],
            cwd=checkout,
            env={**os.environ, "KERAS_BACKEND": backend},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        said.append(list(map(float, done.stdout.splitlines()[-1].split())))
        with np.load(tmp_path / f"{backend}.npz") as arrays:
            batches.append(dict(arrays))
    assert said[0] == pytest.approx(said[1], rel=1e-3)
    for key, value in batches[0].items():
        np.testing.assert_allclose(value, batches[1][key], atol=1e-3)
