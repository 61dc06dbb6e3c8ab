"""What the training benchmark times, with sizes of a second."""

import importlib
import json
import shutil

import numpy as np
import pytest

from configs import paper
from tools.dev import _timing, _train_timing, benchmark_training


def test_our_step_is_timed():
    config = paper.get_config()
    config.model.update(order=1, modules=1, z_resolutions=(1, 4))
    for name in ("stem_features", "front_features", "features", "out_features"):
        config.model[name] = 4
    job = {"config": config.to_dict(), "precision": "float32", "size": 32}
    step = _train_timing.KINDS["ours"]({**job, "batch": 2})
    losses = [step() for _ in range(3)]
    assert len(set(losses)) == 3 and np.isfinite(losses).all()


@pytest.mark.parametrize("form", ["separable", "dense"])
def test_both_forms_of_the_volume_loss(form):
    job = {"batch": 2, "size": 32, "bins": 4, "form": form}
    assert _train_timing.KINDS["volume_loss"](job)() == (2, 8, 8, 17, 4)


@pytest.mark.parametrize("kind", ["reconstruction", "pytorch_reconstruction"])
def test_the_reconstruction_takes_steps(kind):
    if "pytorch" in kind:
        pytest.importorskip("torch")
    step = _train_timing.KINDS[kind]({"threads": 1})
    losses = [step() for _ in range(3)]
    assert len(set(losses)) == 3 and np.isfinite(losses).all()


def test_a_step_in_a_process_of_its_own():
    job = {"side": 64, "precision": "float32", "runs": 1, "threads": 1}
    found = _timing.measure("product", **job)
    assert found["milliseconds"] > 0 and found["megabytes"] >= 0
    assert found["peak_megabytes"] > 100
    with pytest.raises(TimeoutError, match="product took over 0.1 s"):
        _timing.measure("product", limit=0.1, **job)


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
        # Hit the limit.
        row("pytorch compiled", "mixed_bfloat16", None),
    ]
    assert benchmark_training._speedups(rows, "paper") == {
        "speedup_float32": 1.5,
        "speedup_bfloat16": None,
    }


def test_the_last_line_is_json(run_tool, monkeypatch):
    """With PyTorch, whose compiled step in bfloat16 takes too long."""
    find = importlib.util.find_spec

    def measure(kind, *, limit=None, **job):
        compiled = job.get("compiled", False)
        assert limit == (7 if compiled else None)
        if compiled and job["precision"] == "mixed_bfloat16":
            raise TimeoutError
        seconds = {"ours": 2, "pytorch_step": 5 - compiled, "product": 1}
        return {
            "milliseconds": 1000 * seconds.get(kind, len(kind)),
            "megabytes": 3 if job.get("form") == "separable" else 12,
            "peak_megabytes": 500,
        }

    monkeypatch.setattr(_timing, "measure", measure)
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: name == "torch" or find(name, *more),
    )
    monkeypatch.setattr(shutil, "which", lambda name: name)
    code, out, _ = run_tool(
        "dev.benchmark_training", "--configs=lite", "--limit=7"
    )
    assert code == 0
    found = json.loads(out.splitlines()[-1])
    assert found["speedup_float32"] == 2.0
    assert found["speedup_bfloat16"] == 2.5  # Against what was not compiled.
    assert found["loss_memory_ratio"] == 0.25
    # Here as long as the names of both kinds.
    assert found["reconstruction_speedup"] == 22 / 14
    assert [row["seconds"] for row in found["rows"]] == [2, 5, 4, 2, 5, None]
    assert "hit the limit of 7 s" in out
