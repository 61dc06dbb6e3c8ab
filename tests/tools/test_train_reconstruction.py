"""Training and scoring of the reconstruction network, end to end."""

import json

import numpy as np
import pytest

from tests import mocap_files, prepared_files
from tests.tools.dev import test_measure_errors


@pytest.fixture
def clips(tmp_path):
    folder = tmp_path / "mocap"
    rng = np.random.default_rng(0)
    for k in range(6):
        (folder / f"set{k % 2}").mkdir(parents=True, exist_ok=True)
        mocap_files.write_bandai(
            folder / f"set{k % 2}" / f"clip_{k}.bvh",
            turns=rng.uniform(-20, 20, (5, 3)).round(3),
            frames=5,
        )
    return folder


def arguments(clips, run, *more):
    return (
        f"--config.data.mocap={clips}",
        "--config.data.held_out=0.7",
        "--config.data.synthetic=20",
        "--config.model.width=8",
        "--config.train.steps=4",
        "--config.train.batch_size=4",
        "--config.train.eval_every=2",
        f"--workdir={run}",
        *more,
    )


def test_train_again_and_evaluate(run_tool, clips, tmp_path):
    run = tmp_path / "run"
    config = "--config=configs/reconstruction.py"
    code, out, err = run_tool(
        "train_reconstruction", config, *arguments(clips, run)
    )
    assert code == 0, err
    assert out.splitlines()[-1].startswith(f"Wrote {run}: config.json")
    assert out.splitlines()[-1].endswith("mm.")
    config = json.loads((run / "config.json").read_text())
    assert config["model"]["width"] == 8 and config["seed"] == 0
    code, again, err = run_tool("train_reconstruction", *arguments(clips, run))
    assert code == 0, err
    assert "nothing to do" in again
    code, out, err = run_tool(
        "evaluate_reconstruction",
        f"--run={run}",
        f"--mocap={clips}",
        "--sigmas_mm=0,80",
    )
    assert code == 0, err
    rows = json.loads(out.splitlines()[-1])["rows"]
    held_out = [row for row in rows if row["set"] == "held_out"]
    assert [row["sigma_mm"] for row in held_out] == [0, 80]
    assert held_out[0]["relations"] == 1 > held_out[1]["relations"]
    # The table shows the same figures.
    assert f"{held_out[1]['mpjpe']:.1f}" in out
    summary = json.loads((run / "summary.json").read_text())
    assert summary["test"]["held_out"]["poses"] == held_out[0]["poses"]


def test_dry_run_writes_nothing(run_tool, clips, tmp_path):
    config = "--config=configs/reconstruction.py"
    code, out, err = run_tool(
        "train_reconstruction",
        config,
        *arguments(clips, tmp_path / "run", "--dry_run"),
    )
    assert code == 0, err
    found = json.loads(out.splitlines()[-1])
    # Width 8: 51 in, five dense layers of 8, norms between, and one of 51
    # beside one of the two factors.
    dense = 52 * 8 + 4 * 9 * 8 + 9 * (51 + 2)
    assert found["parameters"] == dense + 5 * 4 * 8
    assert found["flops"] == 2 * (51 * 8 + 4 * 8 * 8 + 8 * (51 + 2))
    assert found["step_seconds"] > 0 and found["examples"] > 0
    assert "a step" in out and not (tmp_path / "run").exists()
    code, _, err = run_tool("train_reconstruction", config)
    assert code == 1 and "--workdir=DIR" in err


def test_evaluate_on_people(run_tool, clips, tmp_path):
    run, people = tmp_path / "run", tmp_path / "people"
    code, _, err = run_tool("train_reconstruction", *arguments(clips, run))
    assert code == 0, err
    prepared_files.write_prepared(people, count=6)
    image = test_measure_errors.write_image_run(tmp_path / "image")
    code, out, err = run_tool(
        "evaluate_reconstruction",
        f"--run={run}",
        f"--image={image}",
        f"--people={people}",
    )
    assert code == 0, err
    rows = json.loads(out.splitlines()[-1])["rows"]
    assert [row["run"] for row in rows] == ["read-out", str(run)]
    for row in rows:
        assert row["poses"] == 6 and row["set"] == "people"
        assert 0 < row["pa_mpjpe"] <= row["mpjpe"]
    # The read-out keeps the order that it is given.
    assert rows[0]["order_pose"] == rows[0]["order_given"]
    assert rows[1]["order_given"] == rows[0]["order_given"]
    assert f"{rows[1]['mpjpe']:.1f}" in out


def test_bad_input_is_one_sentence(run_tool, clips, tmp_path):
    run = tmp_path / "run"
    code, _, err = run_tool(
        "train_reconstruction",
        *arguments(clips, run, "--config.train.optimizer=sgd"),
    )
    assert code == 1
    assert err.splitlines()[-1].startswith("train_reconstruction: `train.opt")
    code, _, err = run_tool(
        "train_reconstruction", *arguments(tmp_path / "nowhere", run)
    )
    assert code == 1 and "nowhere is no folder" in err
    assert not run.exists()
    code, _, err = run_tool(
        "evaluate_reconstruction", f"--run={run}", f"--mocap={clips}"
    )
    assert code == 1 and "config.json" in err and "Traceback" not in err
    for flags, message in (
        ([], "what to score on"),
        ([f"--mocap={clips}", "--people=x"], "--image and --people go togeth"),
    ):
        code, _, err = run_tool(
            "evaluate_reconstruction", f"--run={run}", *flags
        )
        assert code == 1 and message in err
