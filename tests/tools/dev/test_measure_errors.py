"""Errors that are made are found again, and the program end to end."""

import dataclasses
import json

import ml_collections
import numpy as np
import pytest

from ordinal_tf import files
from ordinal_tf.data.mocap import image_errors
from ordinal_tf.models import build
from ordinal_tf.training import runs
from tests import prepared_files, tiny
from tools.dev import _errors

# Keras turns variables into arrays in a way that NumPy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword"
)


def standing(count, seed=0):
    """People as joints lie in pictures: limbs apart, none near another."""
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(np.arange(5), np.arange(4)), -1)
    places = places.reshape(-1, 2)[:17] * 60.0
    keypoints = places + rng.uniform(-4, 4, (count, 17, 2))
    depth = rng.normal(scale=300, size=(count, 17))
    return keypoints.astype(np.float32), depth - depth[:, :1]


def test_measuring_finds_what_was_made():
    keypoints, depth = standing(6000)
    made = image_errors.ImageErrors(
        swapped=(0.2, 0.1),
        merged=(0.05, 0.15),
        missed=(0.02, 0.05, 0.1),
        jitter=(0.01, 0.015, 0.02),
        hardness=0.3,
        gain=(0.8, 0.6, 0.4),
        depth_mm=(30.0, 60.0, 90.0),
    )
    points, found = image_errors.spoil(
        keypoints, depth, np.random.default_rng(3), made
    )
    mask = np.ones(found.shape, bool)
    measured = _errors.measure(points, keypoints, mask, found, depth)
    for field, value in dataclasses.asdict(made).items():
        actual = getattr(measured, field)
        # A missed joint is where it belongs, or on its other side, in two of
        # 17; whose end is missed does not count as swapped or merged.
        slack = {"missed": 0.015, "depth_mm": 12.0}.get(field, 0.03)
        np.testing.assert_allclose(actual, value, atol=slack, err_msg=field)


def test_measuring_without_depth_or_errors():
    keypoints, _ = standing(50)
    mask = np.ones((50, 17), bool)
    mask[:, 3] = False
    wrong = keypoints.copy()
    wrong[:, 3] += 500  # Nobody labelled it.
    measured = _errors.measure(wrong, keypoints, mask)
    assert measured == image_errors.ImageErrors()


def test_depths_are_measured_in_millimetres():
    keypoints, depth = standing(200)
    mask = np.ones(depth.shape, bool)
    pose = np.concatenate([keypoints, depth[..., None]], axis=-1)
    found = {"keypoints": keypoints, "keypoints_true": keypoints}
    found |= {"keypoint_mask": mask, "pose_true": pose + [0, 0, 3000]}
    # The unit is half of 64 bins of 31.031965 mm.
    found["ordinal_depth"] = 0.5 * depth / (32 * 31.031965)
    errors = _errors.of_found(found)
    np.testing.assert_allclose(errors.gain, 0.5, atol=1e-3)
    found["pose_true"][0] = np.nan
    assert _errors.of_found(found) == image_errors.ImageErrors()


def write_image_run(folder):
    """An untrained network of seconds, as the run of a training."""
    model = dict(
        name="volume", input_size=32, z_resolutions=(4,), **tiny.WIDTHS
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
