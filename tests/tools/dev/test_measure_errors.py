"""The program that measures an image network's errors, end to end."""

import json

import ml_collections
import pytest

from ordinal_tf import files
from ordinal_tf.data.mocap import image_errors
from ordinal_tf.models import build
from ordinal_tf.training import runs
from tests import prepared_files, tiny

# Keras turns variables into arrays in a way that NumPy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword"
)


def write_image_run(folder):
    """An untrained network of seconds, as the run of a training."""
    model = dict(
        name="volume",
        input_size=32,
        z_resolutions=(4,),
        **tiny.WIDTHS,
    )
    folder.mkdir()
    files.write_json(folder / runs.CONFIG, {"model": model})
    network = build.build_image_network(ml_collections.ConfigDict(model))
    network.save_weights(folder / runs.WEIGHTS)
    return folder


def test_flags_and_json(run_tool, tmp_path):
    people = tmp_path / "people"
    prepared_files.write_prepared(people, count=6)
    image = write_image_run(tmp_path / "image")
    code, out, err = run_tool(
        "dev.measure_errors", f"--image={image}", f"--people={people}"
    )
    assert code == 0, err
    measured = json.loads(out.splitlines()[-1])[str(people)]
    fields = {
        k: tuple(v) if isinstance(v, list) else v for k, v in measured.items()
    }
    assert image_errors.ImageErrors(**fields) != image_errors.ImageErrors()
    # An untrained network misses most.
    assert min(measured["missed"]) > 0.3
    assert f"--config.errors.missed={json.dumps(measured['missed'])}" in out
