"""From labelled pictures to predictions, through the programs."""

import functools
import json

import cv2
import numpy as np
import pytest
import tensorflow as tf

from configs import reconstruction as default
from ordinal_tf import files
from ordinal_tf.data.files import video
from ordinal_tf.training import reconstruction, runs
from tests import lsp_files, prepared_files, tiny, video_files

JOINTS = 17


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Folder with `lsp` (12 pictures) and `lifting`, a reconstruction run.

    The latter has untrained weights: its training is tested elsewhere.
    """
    work = tmp_path_factory.mktemp("work")
    lsp_files.write_lsp(work / "lsp", count=12)
    config = default.get_config()
    config.data.mocap = "mocap"
    config.model.width = 8
    config.errors.own_unit = False
    runs.start(config, work / "lifting", free=())
    reconstruction.build(config).save_weights(work / "lifting" / runs.WEIGHTS)
    files.write_json(work / "lifting" / runs.SUMMARY, {"depth_rms": 0.25})
    return work


def train(run_tool, work, *more, run="image"):
    return run_tool(
        "train",
        "--config=lite",
        f"--config.data.lsp={work / 'lsp'}",
        *tiny.flags(
            {
                "data.train_range": "(1, 8)",
                "data.held_out": "(9, 12)",
                "train.steps": 3,
                "train.eval_every": 3,
            }
        ),
        f"--workdir={work / run}",
        *more,
    )


def export(run_tool, work, **runs_and_out):
    named = {
        "image_run": "image",
        "reconstruction_run": "lifting",
        "out": "model",
        **runs_and_out,
    }
    return run_tool(
        "export", *(f"--{key}={work / value}" for key, value in named.items())
    )


def read_table(path):
    with np.load(path, allow_pickle=False) as table:
        return dict(table)


@pytest.mark.slow  # Six programs.
def test_train_export_predict(run_tool, work, tmp_path, monkeypatch):
    # Every program here loads the same model, which takes seconds.
    load = functools.cache(tf.saved_model.load)
    monkeypatch.setattr(tf.saved_model, "load", load)
    prepared_files.write_prepared(work / "more", count=4)
    code, out, err = train(
        run_tool, work, f"--config.data.train=(('{work / 'more'}', 1.0),)"
    )
    assert code == 0, err
    last = out.splitlines()[-1]
    assert last.startswith(f"Wrote {work / 'image'}: config.json")
    assert "of 3 steps" in last and "4 held-out photographs" in last

    code, out, err = export(run_tool, work)
    assert code == 0, err
    assert out.startswith(f"Wrote {work / 'model' / '1'}, ")
    card = json.loads(
        (work / "model" / "1" / "assets.extra" / "card.json").read_text()
    )
    figures = json.loads((work / "image" / runs.SUMMARY).read_text())
    assert card["image_figures"] == {**figures, "weights": "last"}
    assert card["input_size"] == 32
    assert card["depth_scale"] == pytest.approx(0.25 / figures["depth_rms"])
    # Folders of this machine stay out of what others get.
    data = card["image_config"]["data"]
    assert data["lsp"] == "lsp" and data["train"] == [["more", 1.0]]
    assert str(work) not in json.dumps(card)

    without_boxes(run_tool, work, tmp_path / "found")
    with_boxes(run_tool, work, tmp_path)
    of_videos(run_tool, work, tmp_path)
    scores(run_tool, work, tmp_path / "sheet.png")
    times(run_tool, work)


def without_boxes(run_tool, work, out_folder):
    images = [work / "lsp" / "images" / f"im0000{i}.png" for i in (2, 1)]
    code, out, err = run_tool(
        "predict",
        f"--model={work / 'model'}",
        *(f"--images={path}" for path in images),
        f"--out={out_folder}",
    )
    assert code == 0, err
    assert out.startswith("No --boxes: people are found by")
    assert "with 2 people of 2 photographs and 2 pictures." in out
    table = read_table(out_folder / "predictions.npz")
    assert list(table["image"]) == ["im00002.png", "im00001.png"]
    assert {k: (v.dtype.kind, v.shape[1:]) for k, v in table.items()} == {
        "image": ("U", ()),
        "box": ("f", (3,)),
        "keypoints": ("f", (JOINTS, 2)),
        "ordinal_depth": ("f", (JOINTS,)),
        "pose": ("f", (JOINTS, 3)),
        "score": ("f", (JOINTS,)),
        "person_score": ("f", ()),
    }
    assert all(v.dtype == "float32" for k, v in table.items() if k != "image")
    assert np.isfinite(table["pose"]).all() and not table["pose"][:, 0].any()
    assert (table["score"] >= 0).all() and (table["score"] <= 1).all()
    for path in images:
        drawn = cv2.imread(str(out_folder / f"{path.stem}.png"))
        assert drawn is not None and drawn.std() > 1
    assert {path.name for path in out_folder.iterdir()} == {
        "predictions.npz",
        "im00001.png",
        "im00002.png",
    }


def with_boxes(run_tool, work, folder):
    pictures = folder / "pictures"
    pictures.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        source = work / "lsp" / "images" / "im00003.png"
        (pictures / name).write_bytes(source.read_bytes())
    boxes = {
        "a.png": [[30.0, 30.0, 50.0], [40.5, 31.5, 63.0]],
        "b.png": [],
        "c.png": [[30.0, 30.0, 50.0]],
    }
    given = folder / "boxes.json"
    given.write_text(json.dumps(boxes))
    arguments = (
        f"--model={work / 'model' / '1'}",
        f"--images={pictures}",
        f"--boxes={given}",
        f"--out={folder / 'out'}",
        "--nopictures",
    )
    code, out, err = run_tool("predict", *arguments)
    assert code == 0, err
    assert "No --boxes" not in out and "3 people of 3 photographs." in out
    assert [path.name for path in (folder / "out").iterdir()] == [
        "predictions.npz"
    ]
    table = read_table(folder / "out" / "predictions.npz")
    assert list(table["image"]) == ["a.png", "a.png", "c.png"]
    np.testing.assert_array_equal(table["box"], boxes["a.png"] + boxes["c.png"])
    # The same picture and box give the same person, another box another.
    for key in ("keypoints", "ordinal_depth", "pose", "score"):
        np.testing.assert_allclose(table[key][0], table[key][2], atol=1e-3)
    assert np.abs(table["keypoints"][0] - table["keypoints"][1]).max() > 0.1
    # Keypoints lie in or near their boxes, in pixels of the picture.
    for points, (cx, cy, side) in zip(
        table["keypoints"], table["box"], strict=True
    ):
        assert np.abs(points - [cx, cy]).max() <= side / 2 + 1

    given.write_text(json.dumps(dict.fromkeys(boxes, [])))
    code, out, err = run_tool("predict", *arguments)
    assert code == 0 and "0 people of 3 photographs." in out, err
    table = read_table(folder / "out" / "predictions.npz")
    assert table["image"].shape == (0,) and table["image"].dtype.kind == "U"
    assert table["keypoints"].shape == (0, JOINTS, 2)

    given.write_text(json.dumps({**boxes, "a.png": [[900, 30, 50]]}))
    code, _, err = run_tool("predict", *arguments)
    assert code == 1 and "Traceback" not in err
    assert "a.png: The box [900, 30, 50] lies outside the picture" in err


def of_videos(run_tool, work, folder):
    film = video_files.write_video(
        folder / "film.mp4", 5, fps=30, size=(64, 49)
    )
    photo = work / "lsp" / "images" / "im00001.png"
    arguments = (
        f"--model={work / 'model' / '1'}",
        f"--images={film}",
        f"--images={photo}",
        f"--out={folder / 'of_film'}",
    )
    code, out, err = run_tool("predict", *arguments, "--every=2")
    assert code == 0, err
    assert "4 people of 4 photographs and frames of videos and 2 files" in out
    table = read_table(folder / "of_film" / "predictions.npz")
    names = ["film.mp4@0", "film.mp4@2", "film.mp4@4", "im00001.png"]
    assert list(table["image"]) == names
    info = video.describe(folder / "of_film" / "film.mp4")
    assert info.frames == 3 and info.fps == pytest.approx(15)
    assert cv2.imread(str(folder / "of_film" / "im00001.png")) is not None

    # Boxes of the whole video, and of one frame.
    boxes = {
        "film.mp4": [[30, 30, 50]],
        "film.mp4@2": [[32, 32, 40], [20, 20, 30]],
        "im00001.png": [],
    }
    given = folder / "film.json"
    given.write_text(json.dumps(boxes))
    code, out, err = run_tool(
        "predict", *arguments, "--nopictures", f"--boxes={given}"
    )
    assert code == 0, err
    table = read_table(folder / "of_film" / "predictions.npz")
    frames = [0, 1, 2, 2, 3, 4]
    assert list(table["image"]) == [f"film.mp4@{frame}" for frame in frames]
    np.testing.assert_array_equal(table["box"][2:4], boxes["film.mp4@2"])
    np.testing.assert_array_equal(table["box"][5], boxes["film.mp4"][0])

    given.write_text('{"film.mp4@3": [[900, 3, 5]], "im00001.png": []}')
    code, _, err = run_tool("predict", *arguments, f"--boxes={given}")
    assert code == 1 and "film.mp4@3: The box [900, 3, 5] lies out" in err
    # Nothing half-written, nothing of the user's overwritten.
    assert not list(folder.glob("of_film/new_*"))
    code, _, err = run_tool("predict", *arguments[:3], f"--out={folder}")
    assert code == 1 and "film.mp4 is one of the pictures" in err

    # Half of a file: what is there is used, and the rest is missed aloud.
    cut = video_files.write_video(
        folder / "cut.avi", 40, codec="XVID", size=(128, 96)
    )
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    code, out, err = run_tool(
        "predict",
        arguments[0],
        f"--images={cut}",
        f"--out={folder / 'of_cut'}",
        "--nopictures",
        "--every=5",
    )
    assert code == 0, err
    assert "is the last one taken, but its header promises 40" in out
    table = read_table(folder / "of_cut" / "predictions.npz")
    assert 0 < len(table["image"]) < 8


def scores(run_tool, work, sheet):
    arguments = (f"--model={work / 'model'}", f"--lsp={work / 'lsp'}")
    code, out, err = run_tool(
        "evaluate", *arguments, "--first=9", "--last=12", f"--sheet={sheet}"
    )
    assert code == 0, err
    found = json.loads(out.splitlines()[-1])
    trained = json.loads((work / "image" / runs.SUMMARY).read_text())
    # The exported model does on these crops as the network did.
    assert found["pck"] == pytest.approx(trained["pck"], abs=2)
    assert found["ordinal_accuracy"] == pytest.approx(
        trained["ordinal_accuracy"], abs=1
    )
    assert found["photos"] == 4 and found["pairs"] == trained["pairs"]
    assert f"mean            PCK@0.2 {found['pck']:5.1f} %" in out
    assert cv2.imread(str(sheet)) is not None
    code, out, err = run_tool(
        "evaluate", *arguments, "--first=11", "--last=12", "--find"
    )
    assert code == 0 and json.loads(out.splitlines()[-1])["photos"] == 2, err
    code, _, err = run_tool("evaluate", *arguments)
    assert code == 1 and "images 1 to 12; the range asked for" in err
    prepared_files.write_prepared(work / "people", count=6)
    data = (arguments[0], f"--data={work / 'people'}")
    code, out, err = run_tool(
        "evaluate", *data, "--group=[0-5].jpg", f"--sheet={sheet}"
    )
    assert code == 0, err
    found = json.loads(out.splitlines()[-1])
    assert found["poses"] == found["photos"] == 6
    groups = found["groups"]
    assert list(groups) == [f"{i}.jpg" for i in range(6)]
    mean = np.mean([one["mpjpe"] for one in groups.values()])
    assert found["mpjpe"] == pytest.approx(mean)
    assert 0 < found["pa_mpjpe"] < found["mpjpe"]
    assert f"{found['pa_mpjpe']:10.1f}" in out
    code, _, err = run_tool("evaluate", *data, arguments[1])
    assert code == 1 and "--lsp, or else --data" in err
    by_protocol(run_tool, work, trained)


def by_protocol(run_tool, work, trained):
    """An exported model and the run that it was made from are the same."""
    out_folder = work / "protocol"
    arguments = (
        "--protocol=ordinal",
        f"--lsp={work / 'lsp'}",
        "--first=9",
        "--last=12",
        "--compare",
        work / "model",
        work / "image",
        f"--out={out_folder}",
    )
    code, out, err = run_tool("evaluate", *arguments)
    assert code == 0, err
    found = json.loads(out.splitlines()[-1])
    key = "ordinal_accuracy"
    assert found["b"][key] == pytest.approx(trained[key], abs=0.1)
    assert found["difference"][key]["value"] == pytest.approx(0, abs=1)
    assert len(list((out_folder / "answers").iterdir())) == 2
    assert (out_folder / "report.html").stat().st_size > 20_000
    # From what is kept; and joints alone are no pose.
    assert (
        run_tool("evaluate", *arguments)[1].splitlines()[-1]
        == (out.splitlines()[-1])
    )
    code, _, err = run_tool(
        "evaluate",
        "--protocol=synthetic",
        f"--data={work / 'people'}",
        f"--model={work / 'image'}",
    )
    assert code == 1 and "export it with a reconstruction" in err


def times(run_tool, work):
    photo = work / "lsp" / "images" / "im00001.png"
    model = f"--model={work / 'model'}"
    code, out, err = run_tool(
        "benchmark_inference",
        model,
        f"--images={photo}",
        "--runs=1",
        "--only=saved_model",
    )
    assert code == 0, err
    report = json.loads(out.splitlines()[-1])
    names = {f"saved_model_{w}" for w in ("crop", "photo", "photo_finding")}
    assert set(report["milliseconds"]) == names
    assert report["ratio_to_crop"]["crop"] == 1
    # Nothing to compare with was asked for.
    assert "ratio_vs_pytorch" not in report
    assert "requests_per_second" not in report
    files = (work / "model").rglob("*")
    size = sum(path.stat().st_size for path in files if path.is_file())
    assert report["megabytes"] == pytest.approx(size / 1e6)
    code, _, err = run_tool("benchmark_inference", model, "--images=no.jpg")
    assert code == 1 and err.splitlines()[-1].startswith("benchmark_inference")


def test_training_refuses_in_one_sentence(run_tool, work, tmp_path):
    for more, message in (
        ("--config.data.lsp=nowhere", "nowhere/joints.mat is missing"),
        (f"--init_from={tmp_path}", "holds no weights"),
        ("--config.train.step=3", "Bad `--config` field"),
    ):
        code, _, err = train(run_tool, work, more, run="refused")
        assert code == 1 and message in err and "Traceback" not in err, err
        assert err.splitlines()[-1].startswith("train: ")
    assert not (work / "refused").exists()


def test_export_refuses_in_one_sentence(run_tool, work, tmp_path):
    """Runs that are missing, swapped or of the depth head."""
    wrong = "is not a run of tools.train; check which run is which"
    for named, message in (
        ({"image_run": "nowhere"}, "has no config.json"),
        ({"image_run": "lifting"}, wrong),
    ):
        code, _, err = export(run_tool, work, out="none", **named)
        assert code == 1 and message in err and "Traceback" not in err, err
    # Without a trained image run beside it: the order of the checks.
    image = tmp_path / "image"
    image.mkdir()
    (image / runs.CONFIG).write_text(
        json.dumps({"data": {"lsp": "x"}, "model": {"name": "depth"}})
    )
    code, _, err = export(run_tool, work, image_run=image, out="none")
    assert code == 1 and "is of the depth head" in err, err
    code, _, err = export(
        run_tool, work, image_run=image, reconstruction_run=image, out="none"
    )
    assert code == 1 and "not a run of tools.train_reconstruction" in err
    assert not (work / "none").exists()


def test_prediction_refuses_in_one_sentence(run_tool, work, tmp_path):
    picture = work / "lsp" / "images" / "im00001.png"
    (tmp_path / "empty").mkdir()
    for model, images, message in (
        (tmp_path / "empty", picture, "holds no SavedModel"),
        ("lightest", picture, "lightest"),
        (tmp_path / "empty", tmp_path / "no.jpg", "No such picture or video"),
        (
            tmp_path / "empty",
            tmp_path / "empty",
            "No picture or video in the folder",
        ),
    ):
        code, _, err = run_tool(
            "predict",
            f"--model={model}",
            f"--images={images}",
            f"--out={tmp_path / 'out'}",
        )
        assert code == 1 and message in err and "Traceback" not in err, err
    assert not (tmp_path / "out").exists()
