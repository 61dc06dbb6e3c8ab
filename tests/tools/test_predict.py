"""tools.predict around a model that answers what the test says."""

import contextlib
import json
import pathlib

import cv2
import numpy as np
import pytest
from PIL import Image

import ordinal_tf
from ordinal_tf.data.files import photos, video
from ordinal_tf.inference import detector

JOINTS = 17


class Model:
    """Finds as many people as a picture's red says; or those of the boxes."""

    def __init__(self):
        self.asked = []

    def predict(self, photo, boxes=None):
        self.asked.append((photo, boxes))
        data, (height, width) = photos.for_graph(photo)
        if isinstance(data, bytes):
            data = photos.read_photo(photo)
        red = int(round(data[..., 0].mean() / 60))
        if boxes is None:
            boxes = np.tile([[width / 2, height / 2, 20.0]], (red, 1))
        boxes = np.float32(boxes).reshape(-1, 3)
        if (boxes[:, 2] <= 0).any():
            raise ValueError(f"The box {boxes[0].tolist()} must be finite.")
        shape = (len(boxes), JOINTS)
        spread = np.linspace(-8, 8, JOINTS, dtype=np.float32)
        points = boxes[:, None, :2] + np.stack([spread, -spread], -1)
        pose = np.zeros((*shape, 3), np.float32)
        pose[..., 0], pose[..., 1] = 30 * spread, 100 * spread
        return {
            "box": boxes,
            "keypoints": points.astype(np.float32),
            "ordinal_depth": np.zeros(shape, np.float32),
            "pose": pose,
            # Where nobody is, it is not sure of what it was asked to see.
            "score": np.full(shape, 1.0 if red else 0.05, np.float32),
        }


@pytest.fixture
def model(monkeypatch):
    made = Model()
    monkeypatch.setattr(ordinal_tf, "load", lambda name: made)
    return made


def table(out):
    with np.load(out / "predictions.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def picture(path, people=1, size=(60, 48)):
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.new("RGB", size, (60 * people, 90, 30)).save(path)
    return path


def test_what_cannot_be_read_does_not_cost_the_rest(model, run_tool, tmp_path):
    folder = tmp_path / "in"
    picture(folder / "a.jpg")
    picture(folder / "z.png", people=2)
    whole = picture(folder / "cut.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "._a.jpg").write_bytes(b"\0\5\x16\7 what macOS puts there")
    (folder / "notes.txt").write_text("none")
    (folder / "inner").mkdir()
    code, out, err = run_tool(
        "predict", f"--images={folder}", f"--out={tmp_path / 'out'}"
    )
    assert code == 1 and "Traceback" not in err
    last = err.splitlines()[-1]
    assert "predict: 2 of 4 files could not be read" in last
    assert "cut.jpg" in last and "truncated or damaged" in last
    assert "empty file" in last and "empty.png" in last
    assert "._a" not in out + err
    assert "Left out notes.txt: no pictures or videos" in out
    assert "with 3 people of 2 photographs and 2 pictures." in out
    found = table(tmp_path / "out")
    assert list(found["image"]) == ["a.jpg", "z.png", "z.png"]
    assert "time" not in found
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "predictions.npz",
        "a.png",
        "z.png",
    }


def test_nothing_to_read_writes_nothing(model, run_tool, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    code, out, err = run_tool(
        "predict", f"--images={tmp_path / 'a.jpg'}", f"--out={tmp_path / 'o'}"
    )
    assert code == 1 and "1 of 1 file could" in err and "Wrote" not in out
    assert not (tmp_path / "o" / "predictions.npz").exists()


def test_heic_without_its_package(model, run_tool, tmp_path, monkeypatch):
    """Named with what to do."""
    picture(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "b.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(9))
    monkeypatch.setattr(photos, "can_read_heic", lambda: False)
    arguments = (f"--images={tmp_path / 'in'}", f"--out={tmp_path / 'out'}")
    code, out, err = run_tool("predict", *arguments)
    assert code == 0, err
    assert "Left out b.HEIC: HEIC is read where" in out and "as JPEG" in out
    code, _, err = run_tool(
        "predict", f"--images={tmp_path / 'in' / 'b.HEIC'}", arguments[1]
    )
    assert code == 1 and "pip install pillow-heif" in err


def test_heic_with_its_package(model, run_tool, tmp_path):
    heif = pytest.importorskip("pillow_heif")
    (tmp_path / "in").mkdir()
    heif.from_pillow(Image.new("RGB", (64, 48), (60, 90, 30))).save(
        tmp_path / "in" / "b.HEIC"
    )
    code, out, err = run_tool(
        "predict", f"--images={tmp_path / 'in'}", f"--out={tmp_path / 'out'}"
    )
    assert code == 0 and "Left out" not in out, err
    assert list(table(tmp_path / "out")["image"]) == ["b.HEIC"]


def test_two_folders_with_a_picture_of_one_name(
    model, run_tool, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for folder, people in (("one", 1), ("two", 2)):
        picture(tmp_path / folder / "a.png", people)
    picture(tmp_path / "two" / "b.png")
    arguments = ("--images=one", "--images=two", "--out=out")
    code, _, err = run_tool("predict", *arguments)
    assert code == 0, err
    names = ["one/a.png", "two/a.png", "two/a.png", "b.png"]
    assert list(table(tmp_path / "out")["image"]) == names
    assert (tmp_path / "out" / "a_2.png").is_file()
    boxes = {
        "one/a.png": [[9, 9, 10]],
        "two/a.png": [[19, 9, 10], [29, 9, 10]],
        "b.png": [],
    }
    pathlib.Path("boxes.json").write_text(json.dumps(boxes))
    code, _, err = run_tool("predict", *arguments, "--boxes=boxes.json")
    assert code == 0, err
    found = table(tmp_path / "out")
    assert list(found["image"]) == names[:3]
    assert found["box"][:, 0].tolist() == [9, 19, 29]
    # The bare name would not say whose they are.
    boxes["a.png"] = boxes.pop("two/a.png")
    pathlib.Path("boxes.json").write_text(json.dumps(boxes))
    code, _, err = run_tool("predict", *arguments, "--boxes=boxes.json")
    assert code == 1 and "has no boxes for two/a.png (1 such" in err


def test_boxes_of_no_picture(model, run_tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "a.png")
    boxes = {"a.png": [[9, 9, 10]], "a.jpg": [[9, 9, 10]]}
    # As PowerShell writes it.
    path = pathlib.Path("boxes.json")
    path.write_text(json.dumps(boxes), encoding="utf-16")
    arguments = ("--images=a.png", "--out=out", "--boxes=boxes.json")
    code, _, err = run_tool("predict", *arguments)
    assert code == 1 and "boxes.json has boxes for a.jpg, and no such" in err
    assert not pathlib.Path("out").exists()
    del boxes["a.jpg"]
    path.write_text(json.dumps(boxes), encoding="utf-16")
    code, _, err = run_tool("predict", *arguments)
    assert code == 0, err


def film(path, counts, fps=10.0, size=(64, 48)):
    """A video whose red says how many people are in it."""
    code = cv2.VideoWriter_fourcc(*"FFV1")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, size)
    for count in counts:
        image = np.full((size[1], size[0], 3), (30, 90, 60 * count), np.uint8)
        writer.write(image)
    writer.release()
    return path


def test_a_drawn_video_has_every_frame(model, run_tool, tmp_path):
    """However many people come and go."""
    counts = [1, 0, 3, 2, 1]
    path = film(tmp_path / "film.avi", counts)
    arguments = (f"--images={path}", f"--out={tmp_path / 'out'}")
    code, _, err = run_tool("predict", *arguments)
    assert code == 0, err
    found = table(tmp_path / "out")
    frames = np.repeat(np.arange(5), counts)
    assert list(found["image"]) == [f"film.avi@{frame}" for frame in frames]
    np.testing.assert_allclose(found["time"], frames / 10, atol=1e-3)
    assert found["time"].dtype == np.float64
    drawn = video.describe(tmp_path / "out" / "film.mp4")
    assert drawn.frames == 5 and drawn.fps == pytest.approx(10)
    code, _, err = run_tool("predict", *arguments, "--every=2")
    assert code == 0, err
    found = table(tmp_path / "out")
    np.testing.assert_allclose(
        found["time"], [0, 0.2, 0.2, 0.2, 0.4], atol=1e-3
    )
    drawn = video.describe(tmp_path / "out" / "film.mp4")
    assert drawn.frames == 3 and drawn.fps == pytest.approx(5)


def test_people_of_a_video_keep_their_number(model, run_tool, tmp_path):
    path = film(tmp_path / "film.avi", [0, 0, 0])
    photo = picture(tmp_path / "a.png", people=2)
    rows = ["image,x1,y1,x2,y2,score"]
    # One walks to the right, past another who comes and goes.
    for frame, x in enumerate((10, 14, 18)):
        rows.append(f"film.avi@{frame},{x},10,{x + 10},30,0.9")
    rows.append("film.avi@1,40,10,50,30,0.9")
    rows.append("film.avi@2,1,1,9,9,0.1")
    rows += ["a.png,10,10,20,30,1"] * 2
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("\n".join(rows))
    arguments = [f"--images={photo}", f"--images={path}", "--nopictures"]
    arguments += [f"--boxes={boxes}", f"--out={tmp_path / 'out'}"]
    code, out, err = run_tool("predict", *arguments)
    assert code == 0 and "No --boxes" not in out, err
    found = table(tmp_path / "out")
    assert found["person"].tolist() == [0, 1, 0, 0, 1, 0]
    assert found["person"].dtype == np.int32
    first = found["keypoints"][[2, 3, 5]]
    code, _, err = run_tool("predict", *arguments, "--smooth")
    assert code == 0, err
    calm = table(tmp_path / "out")["keypoints"][[2, 3, 5]]
    np.testing.assert_allclose(calm[0], first[0])
    # Behind, but on the way.
    assert (calm[1:, :, 0] < first[1:, :, 0] - 0.1).all()
    assert (calm[1:, :, 0] > first[:-1, :, 0] - 1e-3).all()


def test_a_detector_says_where(model, run_tool, tmp_path, monkeypatch):
    opened = []

    def opens(path, **options):
        opened.append((path, options))
        return lambda image: np.float32([[image.shape[1] / 2, 20, 30]])

    monkeypatch.setattr(detector, "open_detector", opens)
    photo = picture(tmp_path / "a.png", people=3)
    arguments = [f"--images={photo}", f"--out={tmp_path / 'out'}"]
    arguments += ["--nopictures", "--detector=yolo.onnx"]
    code, out, err = run_tool(
        "predict", *arguments, "--box_score=0.3", "--detector_pixels=bytes"
    )
    assert code == 0 and "No --boxes" not in out, err
    np.testing.assert_array_equal(
        table(tmp_path / "out")["box"], [[30, 20, 30]]
    )
    options = {"pixels": "bytes", "person": 0, "least_score": 0.3}
    assert opened == [("yolo.onnx", options)]
    code, _, err = run_tool("predict", *arguments, "--boxes=b.json")
    assert code == 1 and "b.json" in err
    (tmp_path / "b.json").write_text('{"a.png": []}')
    code, _, err = run_tool(
        "predict", *arguments, f"--boxes={tmp_path / 'b.json'}"
    )
    assert code == 1 and "Name either --boxes or --detector." in err


def test_a_video_that_stops_keeps_what_came_before(
    model, run_tool, tmp_path, monkeypatch
):
    path = film(tmp_path / "film.avi", [1] * 4)
    every = video.every_frame

    def stops(path, *, step):
        with contextlib.closing(every(path, step=step)) as frames:
            for frame, *rest in frames:
                if frame == 3:
                    raise ValueError(f"{path}: frame 3 cannot be decoded.")
                yield frame, *rest

    monkeypatch.setattr(video, "every_frame", stops)
    photo = picture(tmp_path / "a.png")
    code, out, err = run_tool(
        "predict",
        f"--images={path}",
        f"--images={photo}",
        f"--out={tmp_path / 'out'}",
    )
    assert code == 1 and "film.avi: frame 3 cannot be decoded" in err
    found = table(tmp_path / "out")
    assert len(found["image"]) == 4 and np.isnan(found["time"][3])
    assert video.describe(tmp_path / "out" / "film.mp4").frames == 3
    assert "4 people of 4 photographs and frames of videos and 2 files" in out


@pytest.mark.parametrize("suffix", ["mts", "3gp"])
def test_videos_of_other_suffixes(
    model, run_tool, tmp_path, shared_data, suffix
):
    """What decides is the content, whatever the name."""
    case = shared_data / "cases" / "video_decodes_but_refused_by_its_suffix"
    path = case.with_name(f"{case.name}.{suffix}")
    renamed = tmp_path / "film.unknown"
    renamed.write_bytes(path.read_bytes())
    assert path.is_file()
    for file in (path, renamed):
        code, _, err = run_tool(
            "predict", f"--images={file}", f"--out={tmp_path / 'out'}"
        )
        assert code == 0, err
        found = table(tmp_path / "out")
        assert set(found["image"]) <= {f"{file.name}@{i}" for i in range(6)}
        assert video.describe(tmp_path / "out" / f"{file.stem}.mp4").frames == 6


def test_a_large_picture_is_drawn_where_its_people_are(
    model, run_tool, tmp_path
):
    """Shrunk for drawing, joints and all."""
    path = picture(tmp_path / "large.jpg", people=1, size=(6000, 3000))
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"large.jpg": [[4500, 1500, 1200]]}))
    code, out, err = run_tool(
        "predict",
        f"--images={path}",
        f"--boxes={boxes}",
        f"--out={tmp_path / 'out'}",
    )
    assert code == 0, err
    assert "with 1 person of 1 photograph and 1 picture." in out
    drawn = cv2.imread(str(tmp_path / "out" / "large.png"))[..., ::-1]
    # 1024 pixels wide: the box and the joints about its middle at 3 / 4.
    changed = np.abs(drawn[:500, :1024].astype(int) - [60, 90, 30]).max(-1) > 40
    columns = np.flatnonzero(changed.any(0))
    assert abs(columns.mean() - 768) < 60
    assert abs((columns[0] + columns[-1]) / 2 - 768) < 4


def test_times_of_a_steady_and_a_varying_rate():
    steady = np.round(np.arange(30) / 29.97, 3)
    assert video.writing_rate(steady) == pytest.approx(29.97, abs=0.02)
    # A phone that drops to half the rate in the dark.
    varying = np.cumsum([1 / 30] * 20 + [1 / 15] * 10)
    assert video.writing_rate(varying) == pytest.approx(30, abs=0.1)
    assert video.writing_rate([0.0]) == 25.0


def test_a_written_video_keeps_varying_times(tmp_path):
    times = [0.0, 0.1, 0.4, 0.5, 0.51]
    path = tmp_path / "a.mp4"
    with video.writing(path, fps=10) as add:
        for i, seconds in enumerate(times):
            add(np.full((32, 32, 3), 50 * i, np.uint8), seconds)
    shown = [
        int(round(image.mean() / 50)) for _, _, image in video.every_frame(path)
    ]
    # The second stays for three tenths; the last two are both there.
    assert shown == [0, 1, 1, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="of one size"):
        with video.writing(path, fps=10) as add:
            add(np.zeros((32, 32, 3), np.uint8))
            add(np.zeros((32, 34, 3), np.uint8))
