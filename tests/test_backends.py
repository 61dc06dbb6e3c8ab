"""The core's tests again, on the JAX back end."""

import importlib.util
import os
import subprocess
import sys

import pytest

NUMERICS = [
    "tests/test_metrics.py",
    "tests/test_ordinal.py",
    "tests/test_geometry.py",
    "tests/test_volumes.py",
    "tests/test_losses.py",
]
# Of the networks only what is compared with golden activations: shapes and
# counts are Keras's own, and cost minutes of compiling on JAX.
NETWORKS = [
    "tests/models/test_hourglass.py",
    "tests/models/test_lifting.py",
    "-k=golden",
]


@pytest.mark.slow  # JAX compiles every operation of every shape.
@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX is not installed"
)
@pytest.mark.parametrize(
    "arguments", [NUMERICS, NETWORKS], ids=["numerics", "networks"]
)
def test_core_on_jax(checkout, arguments):
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    # A back end that silently stayed TensorFlow would pass every test.
    checked = "import keras; assert keras.backend.backend() == 'jax'"
    command = [sys.executable, "-c", checked]
    subprocess.run(command, cwd=checkout, env=environment, check=True)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *arguments,
        ],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
