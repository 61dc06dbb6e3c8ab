"""Frames of videos: which one is which, and bad files."""

import numpy as np
import pytest

from ordinal_tf.data.files import photos, video
from tests import video_files


def test_paths():
    assert video.frame_path("a b/c 1.mp4", 7) == "a b/c 1.mp4@7"
    assert video.split_path("a b/c 1.mp4@7") == ("a b/c 1.mp4", 7)
    assert video.split_path("x@y/c.AVI@120") == ("x@y/c.AVI", 120)
    for photo in (
        "a.jpg",
        "me@120",
        "me@120.jpg",
        "a.mp4",
        "a.mp4@",
        "b.mp4@x",
    ):
        assert video.split_path(photo) == (photo, None)


@pytest.mark.parametrize(
    ("name", "codec"), [("a 1.mp4", "mp4v"), ("B_(C1).avi", "XVID")]
)
def test_frames_by_number(tmp_path, name, codec):
    path = video_files.write_video(tmp_path / name, 30, codec=codec)
    assert video.describe(path) == video.Info(30, 50.0, 64, 48)
    reader = video.Reader()
    for frame in (0, 1, 5, 17, 29):
        image = reader.read(path, frame)
        assert image.shape == (48, 64, 3) and image.dtype == np.uint8
        assert video_files.number(image, frame) == frame


def test_colours_are_rgb(tmp_path):
    import cv2

    path = tmp_path / "a.avi"
    code = cv2.VideoWriter_fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 10, (32, 32))
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 2] = 200  # OpenCV's order is blue, green, red.
    writer.write(red)
    writer.release()
    image = video.Reader().read(path, 0)
    assert image[..., 0].mean() > 150 and image[..., 2].mean() < 50


def test_bad_requests(tmp_path):
    path = video_files.write_video(tmp_path / "a.mp4", 4)
    with pytest.raises(ValueError, match="a.mp4 ends at frame 4, before fra"):
        video.Reader().read(path, 9)
    with pytest.raises(ValueError, match="b.mp4 is missing"):
        video.describe(tmp_path / "b.mp4")


def test_a_damaged_frame_is_refused_each_time(tmp_path, monkeypatch):
    path = video_files.write_video(tmp_path / "a.mp4", 4)
    reader = video.Reader()
    reader.read(path, 1)

    def damaged(*_):
        raise ValueError("frame 2 cannot be decoded")

    monkeypatch.setattr(video, "_picture", damaged)
    for _ in range(2):
        with pytest.raises(ValueError, match="frame 2 cannot"):
            reader.read(path, 2)


@pytest.mark.parametrize("what", ["empty", "text", "cut"])
def test_damaged_videos(tmp_path, what):
    path = video_files.write_video(tmp_path / "a.mp4", 10)
    data = path.read_bytes()
    data = {"empty": b"", "text": b"frames\n" * 99, "cut": data[:400]}[what]
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.mp4 is no video"):
        video.describe(path)


def test_too_large(tmp_path, monkeypatch):
    path = video_files.write_video(tmp_path / "a.mp4", 2)
    monkeypatch.setattr(photos, "MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(ValueError, match="64 x 48 pixels; 1 to 3071"):
        video.describe(path)
    # Asked again, the reader refuses again.
    reader = video.Reader()
    for frame in (0, 1, 1):
        with pytest.raises(ValueError, match="64 x 48 pixels; 1 to 3071"):
            reader.read(path, frame)


def test_what_is_a_video(tmp_path):
    """By its content where the suffix does not say."""
    path = video_files.write_video(tmp_path / "a.mp4", 3)
    for name, content, expected in (
        ("b.mp4", b"", True),  # Is said to be damaged later.
        ("film", path.read_bytes(), True),
        ("film.xyz", path.read_bytes(), True),
        ("film.jpg", path.read_bytes(), False),
        ("photo.xyz", b"\xff\xd8\xff\xe0" + bytes(99), False),
        ("notes.xyz", b"FFmpeg would draw this text\n" * 99, False),
        ("noise.xyz", bytes(9) + b"noise", False),
    ):
        (tmp_path / name).write_bytes(content)
        assert video.is_video(tmp_path / name) is expected, name
    assert not video.is_video(tmp_path / "missing.xyz")


@pytest.mark.parametrize(
    ("path", "file", "frame"),
    [
        ("a/b.mp4@12", "a/b.mp4", 12),
        ("b.mts@0", "b.mts", 0),
        ("me@120.jpg", "me@120.jpg", None),
        ("me.jpg@120", "me.jpg@120", None),
        ("me@120", "me@120", None),
        ("b.mp4@x", "b.mp4@x", None),
        ("b.mp4", "b.mp4", None),
    ],
)
def test_paths_of_frames(path, file, frame):
    assert video.split_path(path) == (file, frame)


def test_a_reader_goes_on_and_back(tmp_path, monkeypatch):
    paths = [
        str(video_files.write_video(tmp_path / name, 20))
        for name in ("a.mp4", "b.mp4")
    ]
    opened = []
    real = video._open

    def counting(path, **options):
        opened.append(path)
        return real(path, **options)

    monkeypatch.setattr(video, "_open", counting)
    reader = video.Reader()
    for which, frame in ((0, 3), (0, 3), (0, 9), (1, 2), (1, 19), (0, 4)):
        image = reader.read(paths[which], frame)
        assert video_files.number(image, frame) == frame
    assert opened == [paths[0], paths[1], paths[0]]
    # The end is found once.
    for frame in (25, 30):
        message = f"ends at frame 20, before frame {frame}"
        with pytest.raises(ValueError, match=message):
            reader.read(paths[0], frame)
    assert len(opened) == 3
    assert video_files.number(reader.read(paths[0], 1), 1) == 1
    reader.close()


def test_every_frame(tmp_path):
    path = video_files.write_video(tmp_path / "a.mp4", 11)
    found = list(video.every_frame(path, step=3))
    assert [frame for frame, *_ in found] == [0, 3, 6, 9]
    rate = video.describe(path).fps
    for frame, seconds, image in found:
        assert seconds == pytest.approx(frame / rate, abs=1e-3)
        assert video_files.number(image, frame) == frame
    with pytest.raises(ValueError, match="b.mp4 is missing"):
        list(video.every_frame(tmp_path / "b.mp4"))


def test_writing(tmp_path):
    path = tmp_path / "out.mp4"
    with video.writing(path, fps=12.5) as add:
        assert not path.exists()
        for frame in range(4):
            add(np.full((33, 47, 3), video_files.grey(frame), np.uint8))
    # Codecs want even sides.
    assert video.describe(path) == video.Info(4, 12.5, 48, 34)
    for frame, _, image in video.every_frame(path):
        assert video_files.number(image[:33, :47], frame) == frame
    with (
        pytest.raises(ValueError, match="enough"),
        video.writing(tmp_path / "half.mp4", fps=5) as add,
    ):
        add(np.zeros((32, 32, 3), np.uint8))
        raise ValueError("enough")
    assert [file.name for file in tmp_path.iterdir()] == ["out.mp4"]
    with (
        pytest.raises(OSError, match="Could not write"),
        video.writing(tmp_path / "nowhere" / "a.mp4", fps=5) as add,
    ):
        add(np.zeros((32, 32, 3), np.uint8))
