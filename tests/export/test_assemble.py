"""Which weights of a run are exported, with which figures and which origin."""

import numpy as np
import pytest

from configs import lite
from configs import reconstruction as lifting
from ordinal_tf import files
from ordinal_tf.export import assemble
from ordinal_tf.models import build
from ordinal_tf.training import reconstruction, runs

NARROW = {"stem_features": 4, "front_features": 4, "features": 4}
MODEL = {"input_size": 32, "z_resolutions": (4,), "order": 1, "encoder": ""}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Folder of an `image` run and a `lifting` run, both finished."""
    work = tmp_path_factory.mktemp("assemble")
    config = lite.get_config()
    config.data.lsp = "/somewhere/lsp"
    config.data.train = (("/somewhere/people", 1.0, "ordinal:0.2"),)
    config.init_from = "/somewhere/before/best.weights.h5"
    config.init_sha256 = "abc"
    config.model.update(**MODEL, **NARROW, out_features=4)
    runs.start(config, work / "image", free=())
    network = build.build_image_network(config.model)
    for value, kind in enumerate(runs.KINDS, start=1):
        network.weights[0].assign(np.full(network.weights[0].shape, value))
        network.save_weights(work / "image" / runs.KINDS[kind])
    summary = {
        "steps": 9,
        "pck": 10.0,
        "depth_rms": 0.1,
        "best": {"step": 6, "weights": "ema", "pck": 20.0, "depth_rms": 0.2},
        "ema": {"pck": 15.0, "depth_rms": 0.4},
    }
    files.write_json(work / "image" / runs.SUMMARY, summary)
    config = lifting.get_config()
    config.data.mocap = "/somewhere/mocap"
    config.model.width = 4
    runs.start(config, work / "lifting", free=())
    reconstruction.build(config).save_weights(work / "lifting" / runs.WEIGHTS)
    files.write_json(work / "lifting" / runs.SUMMARY, {"depth_rms": 0.8})
    return work


@pytest.fixture
def exported(work, monkeypatch):
    """Function that exports and returns the card and the image network."""
    kept = {}

    def export(module, folder, card, networks, **options):
        kept.update(card=card, network=networks[assemble.paths.IMAGE_WEIGHTS])

    monkeypatch.setattr(assemble.saved_model, "export", export)
    monkeypatch.setattr(
        assemble.saved_model, "PoseModule", lambda *args, **options: options
    )

    def run(**options):
        assemble.export_runs(
            work / "image", work / "lifting", work / "out", **options
        )
        return kept["card"], np.asarray(kept["network"].weights[0])

    return run


@pytest.mark.parametrize(
    ("weights", "value", "pck", "scale"),
    [("last", 1, 10.0, 8.0), ("best", 2, 20.0, 4.0), ("ema", 3, 15.0, 2.0)],
)
def test_weights_and_their_figures(exported, weights, value, pck, scale):
    card, kernel = exported(weights=weights)
    assert (kernel == value).all()
    figures = card["image_figures"]
    assert figures["pck"] == pck and figures["weights"] == weights
    assert figures["steps"] == 9
    assert card["depth_scale"] == pytest.approx(scale)
    assert card["reconstruction_figures"]["weights"] == "last"


def test_the_card_says_where_it_began(exported):
    card, _ = exported()
    config = card["image_config"]
    assert config["init_from"] == "before" and config["init_sha256"] == "abc"
    assert config["data"]["train"] == [("people", 1.0, "ordinal:0.2")]
    assert "/somewhere" not in str(card)


def test_weights_that_a_run_lacks(exported):
    with pytest.raises(ValueError, match="has no best.weights.h5.*last"):
        exported(reconstruction_weights="best")
