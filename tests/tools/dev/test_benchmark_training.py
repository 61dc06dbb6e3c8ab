"""What the training benchmark times, with sizes of a second."""

import numpy as np
import pytest

from configs import paper
from tools.dev import _train_timing, benchmark_training


def test_our_step_is_timed():
    config = paper.get_config()
    config.model.update(order=1, modules=1, z_resolutions=(1, 4))
    for name in ("stem_features", "front_features", "features", "out_features"):
        config.model[name] = 4
    found = _train_timing._ours(
        {
            "config": config.to_dict(),
            "precision": "float32",
            "size": 32,
            "batch": 2,
            "runs": 1,
        }
    )
    assert found["seconds"] > 0


@pytest.mark.parametrize("form", ["separable", "dense"])
def test_both_forms_of_the_volume_loss(form):
    job = {"batch": 2, "size": 32, "bins": 4, "runs": 1, "form": form}
    found = _train_timing._volume_loss(job)
    assert found["seconds"] > 0 and found["megabytes"] >= 0


def test_reconstruction_in_both():
    assert _train_timing._reconstruction({"runs": 1})["seconds"] > 0
    pytest.importorskip("torch")
    job = {"runs": 1, "threads": 1}
    assert _train_timing._pytorch_reconstruction(job)["seconds"] > 0


def test_random_people_are_a_batch():
    batch = _train_timing.examples(3, 32)
    assert batch["image"].shape == (3, 32, 32, 3)
    assert {len(value) for value in batch.values()} == {3}
    assert not np.tril(batch["relation_mask"]).any()


def test_speedups_by_hand():
    def row(way, precision, seconds, config="paper"):
        return {
            "config": config,
            "way": way,
            "precision": precision,
            "seconds": seconds,
        }

    rows = [
        row("ours", "float32", 2.0),
        row("pytorch", "float32", 4.0),
        row("pytorch compiled", "float32", 3.0),
        row("ours", "mixed_bfloat16", 1.0),
        row("pytorch", "mixed_bfloat16", 0.1, config="lite"),
    ]
    assert benchmark_training._speedups(rows, "paper") == {
        "speedup_float32": 1.5,
        "speedup_bfloat16": None,
    }
