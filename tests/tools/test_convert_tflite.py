"""From the folder of a model to LiteRT files and their report."""

import json

import keras
import numpy as np
import pytest

from configs import lite, reconstruction
from ordinal_tf import paths, skeleton
from ordinal_tf.inference import predictor
from ordinal_tf.litert import lite_file
from ordinal_tf.models import build
from ordinal_tf.training import reconstruction as training
from tests import lsp_files, tiny

pytest.importorskip("ai_edge_litert")
pytest.importorskip("litert_quantizer")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Folder with `lsp` and `model`, of which only the graph is missing."""
    work = tmp_path_factory.mktemp("work")
    lsp_files.write_lsp(work / "lsp", count=8)
    keras.utils.set_random_seed(0)
    config = lite.get_config()
    config.model.update(
        input_size=32, z_resolutions=(4,), encoder="", **tiny.WIDTHS
    )
    lifting = reconstruction.get_config()
    lifting.model.width = 8
    version = work / "model" / "1"
    (version / "assets.extra").mkdir(parents=True)
    build.build_image_network(config.model).save_weights(
        version / paths.IMAGE_WEIGHTS
    )
    training.build(lifting).save_weights(version / paths.RECONSTRUCTION_WEIGHTS)
    card = {
        "made_with": "a test",
        "joints": list(skeleton.H36M17.joints),
        "input_size": 32,
        "depth_scale": 1.0,
        "image_config": config.to_dict(),
        "reconstruction_config": lifting.to_dict(),
    }
    (version / paths.CARD).write_text(json.dumps(card))
    return work


def test_files_and_report(run_tool, work, tmp_path):
    out = tmp_path / "out"
    code, stdout, err = run_tool(
        "convert_tflite",
        f"--model={work / 'model'}",
        f"--lsp={work / 'lsp'}",
        "--first=5",
        "--last=8",
        "--runs=1",
        f"--out={out}",
    )
    assert code == 0, err
    names = {
        f"{variant}{ending}.tflite"
        for variant in ("float32", "float16", "dynamic", "int8")
        for ending in ("", "_2d")
    }
    assert {path.name for path in out.iterdir()} == {*names, "parity.json"}
    report = json.loads((out / "parity.json").read_text())
    assert report["crops"] == report["calibration_crops"] == 4
    reference, *rows = report["files"]
    assert {row["file"] for row in rows} == names
    exact = next(row for row in rows if row["file"] == "float32.tflite")
    assert exact["moved_one_cell"] == 0 and exact["pose_mean_mm"] < 0.1
    assert exact["pck"] == reference["pck"]
    for row in rows:
        assert row["bytes"] == (out / row["file"]).stat().st_size
        assert ("pose_mean_mm" in row) != row["file"].endswith("_2d.tflite")
    last = json.loads(stdout.splitlines()[-1])
    assert last == {"recommended": report["recommended"], "files": 8}
    assert f"Recommended: {last['recommended'] or 'none'}" in stdout
    table = [li for li in stdout.splitlines() if li.startswith("| ")]
    assert len(table) == 1 + 9
    info = lite_file.read_info(out / "int8_2d.tflite")
    assert info["variant"] == "int8" and info["input_size"] == 32
    assert info["joints"] == list(skeleton.H36M17.joints)
    crop = np.zeros((32, 32, 3), np.uint8)
    found = lite_file.open_model(out / "int8_2d.tflite")(crop)
    assert set(found) == {"keypoints", "ordinal_depth", "score"}
    code, stdout, err = run_tool(
        "evaluate",
        "--protocol=lsp",
        f"--lsp={work / 'lsp'}",
        "--first=5",
        "--last=8",
        f"--model={out / 'float32.tflite'}",
    )
    assert code == 0, err
    found = json.loads(stdout.splitlines()[-1])
    assert found["pck"] == pytest.approx(exact["pck"], abs=0.01)


def test_calibration_on_pictures_without_labels(import_tool, work, monkeypatch):
    """Crops are of the box where the model finds the person."""
    tool = import_tool("convert_tflite")

    class Finder:
        def predict(self, path):
            return {"box": np.array([[20.0, 20.0, 16.0]], np.float32)}

    monkeypatch.setattr(predictor, "load", lambda folder: Finder())
    tool.flags.FLAGS(
        ["x", f"--calibration={work / 'lsp' / 'images'}"]
        + ["--crops=5", "--out=x"]
    )
    calibration, sample, truth = tool._crops(work / "model", 32)
    assert len(calibration) == 3 and len(sample) == 2 and truth is None
    assert calibration.dtype == np.uint8
    assert calibration.shape[1:] == (32, 32, 3)


def test_refusals_are_one_sentence(run_tool, work, tmp_path):
    model = f"--model={work / 'model'}"
    lsp = f"--lsp={work / 'lsp'}"
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        ((model,), "Real photographs are needed"),
        ((model, lsp, "--first=1", "--last=4"), "has no photographs before"),
        ((f"--model={tmp_path / 'empty'}", lsp), "has no assets.extra/card"),
        ((model, f"--calibration={tmp_path / 'empty'}"), "No picture"),
    ):
        code, _, err = run_tool(
            "convert_tflite", *arguments, f"--out={tmp_path / 'none'}"
        )
        assert code == 1 and message in err and "Traceback" not in err, err
    assert not (tmp_path / "none").exists()
