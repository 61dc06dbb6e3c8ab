"""The core's tests again, on the JAX back end."""

import importlib.util
import os
import subprocess
import sys

import pytest

CORE = [
    "tests/test_metrics.py",
    "tests/test_ordinal.py",
    "tests/test_geometry.py",
    "tests/test_volumes.py",
    "tests/test_losses.py",
    "tests/models/test_hourglass.py",
    "tests/models/test_lifting.py",
]

# Large networks that are built for their shapes and counts alone, which no
# back end can change: minutes of compiling on JAX.
SKIPPED = "not parameter_count and not volume_shapes"


@pytest.mark.slow  # JAX compiles every operation of every shape.
@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX is not installed"
)
def test_core_on_jax(checkout):
    missing = [path for path in CORE if not (checkout / path).is_file()]
    assert not missing
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    # A back end that silently stayed TensorFlow would pass every test.
    checked = "import keras; assert keras.backend.backend() == 'jax'"
    command = [sys.executable, "-c", checked]
    subprocess.run(command, cwd=checkout, env=environment, check=True)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-k", SKIPPED),
            *CORE,
        ],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
