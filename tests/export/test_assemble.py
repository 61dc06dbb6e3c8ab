"""From an exported model back to its networks, and out again."""

import keras
import numpy as np
import pytest

from configs import reconstruction as default
from ordinal_tf import paths
from ordinal_tf.export import assemble, parity, saved_model
from ordinal_tf.models import build, lifting
from ordinal_tf.training import reconstruction
from tests import tiny

MODEL = {
    "name": "volume",
    "input_size": 32,
    "z_resolutions": [1],
    **tiny.WIDTHS,
}


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """A version folder as far as `load_networks` looks, and its networks."""
    monkeypatch.setattr(parity, "check", lambda module, folder: None)
    monkeypatch.setattr(
        reconstruction,
        "build",
        lambda config: lifting.build_reconstruction(width=config.width),
    )
    keras.utils.set_random_seed(0)
    network = build.build_image_network(MODEL)
    lifter = lifting.build_reconstruction(width=16)
    card = {
        "image_config": {"model": MODEL},
        "reconstruction_config": {"width": 16},
        "depth_scale": 1.0,
        "input_size": 32,
        "precision": "float32",
        "mirror": False,
        "joints": ["a"],
        "made_with": "before",
    }
    module = saved_model.PoseModule(
        network, lifter, input_size=32, mirror=False, **assemble._decoding(card)
    )
    networks = {
        paths.IMAGE_WEIGHTS: network,
        paths.RECONSTRUCTION_WEIGHTS: lifter,
    }
    folder = tmp_path / "tiny"
    version = saved_model.export(module, folder, card, networks)
    return version, module, (network, lifter)


def test_written_again(exported, tmp_path):
    """The same weights; and the caller's dtype policy is left alone."""
    version, module, originals = exported
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        again = assemble.export_again(version, tmp_path / "again", version=7)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert again == tmp_path / "again" / "7"
    card, *networks, options = assemble.load_networks(again)
    assert card["joints"] == ["a"] and card["made_with"] != "before"
    assert options == {"kind": "volume", "depth_bins": 1, "depth_scale": 1.0}
    made = saved_model.PoseModule(
        *networks, input_size=32, mirror=False, **options
    )
    image = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    want = module.serve_crops(image)
    # A single bin stands for depth 0.
    assert not want["ordinal_depth"].numpy().any()
    # Weights are kept in half precision.
    for one, original in zip(networks, originals, strict=True):
        for value, whole in zip(one.weights, original.weights, strict=True):
            np.testing.assert_allclose(value, whole, rtol=2**-5.9, atol=1e-6)
    found = made.serve_crops(image)
    assert found.keys() == want.keys()
    assert all(np.isfinite(value).all() for value in found.values())
    # Of a network that has learnt nothing, rounding may choose the places;
    # its maps are the same.
    volumes = [n(image / np.float32(255)) for n in (networks[0], originals[0])]
    np.testing.assert_allclose(*volumes, atol=0.5)  # Of about 10.


def test_depths_without_a_unit_are_matched():
    config = default.get_config()
    config.errors.own_unit = False
    scale = assemble.depth_scale(config, {"depth_rms": 0.3}, {"depth_rms": 0.2})
    assert scale == pytest.approx(1.5)
    # Runs from before there was a choice.
    del config.errors
    scale = assemble.depth_scale(config, {"depth_rms": 0.3}, {"depth_rms": 0.2})
    assert scale == pytest.approx(1.5)
    # A network without depth.
    scale = assemble.depth_scale(config, {"depth_rms": 0.3}, {"depth_rms": 0.0})
    assert scale == 1


def test_measured_depths_go_on_as_they_are():
    config = default.get_config()
    config.errors.own_unit = True
    scale = assemble.depth_scale(config, {"depth_rms": 0.3}, {"depth_rms": 0.2})
    assert scale == 1
