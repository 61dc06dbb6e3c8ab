"""tools.predict with cameras and formats, around a model that knows where
everybody is."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

import ordinal_tf
from ordinal_tf import placing
from ordinal_tf.data.files import photos
from ordinal_tf.data.mocap import bvh as bvh_reader
from tests.writers import made

SIZE = (640, 480)
CAMERA = (800.0, 790.0, 320.0, 240.0)


class Model:
    """Sees one and the same person, three metres before the camera."""

    def __init__(self):
        pose = made.moving(np.random.default_rng(0), 1)
        self.placed = pose + [100.0, -200.0, 3000.0]
        self.answers = 0

    def predict(self, photo, boxes=None):
        photos.for_graph(photo)
        self.answers += 1
        fx, fy, cx, cy = CAMERA
        pixels = self.placed[..., :2] / self.placed[..., 2:] * [fx, fy]
        pose = self.placed - self.placed[:, :1]
        return {
            "box": np.array([[300, 200, 150]], np.float32),
            "keypoints": np.float32(pixels + [cx, cy]),
            "ordinal_depth": np.zeros((1, 17), np.float32),
            "pose": pose.astype(np.float32),
            "score": np.ones((1, 17), np.float32),
        }


@pytest.fixture
def model(monkeypatch):
    made_model = Model()
    monkeypatch.setattr(ordinal_tf, "load", lambda name: made_model)
    return made_model


def picture(path, size=SIZE, focal_35mm=None):
    exif = Image.Exif()
    if focal_35mm:
        exif.get_ifd(0x8769)[0xA405] = focal_35mm
    Image.new("RGB", size).save(path, exif=exif)
    return path


def film(path, frames):
    code = cv2.VideoWriter_fourcc(*"FFV1")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 10.0, SIZE)
    for _ in range(frames):
        writer.write(np.zeros((*SIZE[::-1], 3), np.uint8))
    writer.release()
    return path


def table(out):
    with np.load(out / "predictions.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def test_everything_of_a_video_and_a_photograph(model, run_tool, tmp_path):
    out = tmp_path / "out"
    code, said, err = run_tool(
        "predict",
        f"--images={film(tmp_path / 'a.avi', 3)}",
        f"--images={picture(tmp_path / 'a.jpg')}",
        "--intrinsics=800,790,320,240",
        "--formats=json,csv,bvh,trc",
        "--nopictures",
        f"--out={out}",
    )
    assert code == 0, err
    assert "Beside it predictions.json, predictions.csv, a_person0.bvh," in said
    assert {path.name for path in out.iterdir()} == {
        "predictions.npz",
        "predictions.json",
        "predictions.csv",
        # The video's; and the photograph's, which has the same name.
        "a_person0.bvh",
        "a_person0.trc",
        "a_png_person0.bvh",
        "a_png_person0.trc",
    }
    found = table(out)
    np.testing.assert_array_equal(found["intrinsics"], [CAMERA] * 4)
    placed = found["pose_camera"]
    assert placed.shape == (4, 17, 3) and placed.dtype == np.float32
    np.testing.assert_allclose(placed, model.placed.repeat(4, 0), atol=0.1)
    assert not found["pose"][:, 0].any()
    people = json.loads((out / "predictions.json").read_text())["people"]
    assert [one["time"] for one in people] == [0, 0.1, 0.2, None]
    np.testing.assert_allclose(people[3]["pose_camera"], placed[3], atol=1e-4)
    read = bvh_reader.read_bvh(out / "a_person0.bvh")
    assert read.fps == 10 and len(read.positions) == 3
    hips = model.placed[0, 0] * [1, -1, -1] / 10
    np.testing.assert_allclose(read.positions[:, 0], [hips] * 3, atol=0.01)


def test_no_camera_says_so_by_what_is_missing(model, run_tool, tmp_path):
    code, _, err = run_tool(
        "predict",
        f"--images={picture(tmp_path / 'a.jpg')}",
        "--formats=json",
        "--nopictures",
        f"--out={tmp_path / 'out'}",
    )
    assert code == 0, err
    assert "pose_camera" not in table(tmp_path / "out")
    text = (tmp_path / "out" / "predictions.json").read_text()
    assert "root-relative" in text and "absolute" not in text


def test_exif_comes_with_a_warning(model, run_tool, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    picture(folder / "a.jpg", focal_35mm=35)
    picture(folder / "b.jpg")
    (folder / "broken.jpg").write_bytes(b"none")
    code, said, err = run_tool(
        "predict",
        f"--images={folder}",
        f"--images={film(tmp_path / 'c.avi', 1)}",
        "--intrinsics=exif",
        "--formats=bvh",
        "--nopictures",
        f"--out={tmp_path / 'out'}",
    )
    assert code == 1 and "broken.jpg" in err
    assert "focal length is from EXIF: 1. It is not calibrated" in said
    assert "No focal length in EXIF of b.jpg, c.avi; poses there stay" in said
    found = table(tmp_path / "out")
    assert list(found["image"]) == ["a.jpg", "b.jpg", "c.avi@0"]
    focal = 35 / np.hypot(36, 24) * 800
    expected = [focal, focal, 319.5, 239.5]
    np.testing.assert_allclose(found["intrinsics"][0], expected)
    lengths = placing.limb_lengths(found["pose_camera"][0])
    assert np.abs(lengths - placing.MEAN_LENGTHS_MM).mean() < 30
    assert np.isnan(found["pose_camera"][1:]).all()
    read = bvh_reader.read_bvh(tmp_path / "out" / "b_person0.bvh")
    assert not read.positions[:, 0].any()


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--intrinsics=1600,1580,640,480", "do not fit a.jpg, of 640 x 480"),
        ("--intrinsics=none.json", "none.json"),
        ("--formats=json,fbx", "no format 'fbx'"),
    ],
)
def test_bad_flags_cost_no_time(model, run_tool, tmp_path, flag, message):
    code, _, err = run_tool(
        "predict",
        f"--images={picture(tmp_path / 'a.jpg')}",
        flag,
        f"--out={tmp_path / 'out'}",
    )
    assert code == 1 and message in err and err.count("\n") == 1
    assert not model.answers and not (tmp_path / "out").exists()
