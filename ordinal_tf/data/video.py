"""Frames of videos, for labels whose path is `VIDEO.mp4@120`.

Such a path names frame 120 of a video, counted from 0. Videos are decoded
from their start without seeking: with most codecs a frame is only right when
those before it were decoded, and seeking lands on another one in some files.
"""

import dataclasses
import pathlib

import cv2

from ordinal_tf.data import photos

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v")


@dataclasses.dataclass(frozen=True)
class Info:
    """What a video's header says.

    Attributes:
        frames: int; a guess in some formats, and wrong where a file is cut.
        fps: float, frames per second.
        width, height: ints, pixels.
    """

    frames: int
    fps: float
    width: int
    height: int


def frame_path(path, frame):
    """The path of one frame: `frame_path("a.mp4", 120)` is `"a.mp4@120"`."""
    return f"{path}@{frame}"


def split_path(path):
    """A label's path as (file, frame), where frame is None for a photograph.

    `"a.mp4@120"` gives `("a.mp4", 120)`; `"me@120.jpg"` is a photograph.
    """
    video, at, frame = str(path).rpartition("@")
    is_video = pathlib.Path(video).suffix.lower() in SUFFIXES
    if at and is_video and frame.isascii() and frame.isdigit():
        return video, int(frame)
    return str(path), None


def describe(path):
    """`Info` of a video.

    Raises:
        ValueError: the file is missing or no video that OpenCV decodes.
    """
    video = _open(path, threads=1)
    try:
        return _info(video, path)
    finally:
        video.release()


def read_frames(path, frames, *, threads=1):
    """Decodes frames of a video, in one pass from its start.

    Args:
        path: file.
        frames: increasing ints from 0.
        threads: int, for the decoder.

    Yields:
        (frame, uint8 `(H, W, 3)` RGB), in that order.

    Raises:
        ValueError: the file is missing or no video, a picture is larger than
            `photos.MAX_PIXELS`, or the video ends before a frame; names the
            file and the frame.
    """
    frames = [int(frame) for frame in frames]
    increasing = all(a < b for a, b in zip(frames, frames[1:], strict=False))
    if not increasing or (frames and frames[0] < 0):
        raise ValueError(
            "`frames` must be increasing numbers from 0, because a video is "
            f"decoded in order. Received: {frames[:5]}..."
        )
    video = _open(path, threads=threads)
    try:
        _info(video, path)
        place = -1
        for frame in frames:
            while place < frame:
                place += 1
                if not video.grab():
                    raise ValueError(
                        f"{path} ends at frame {place}, before frame {frame}; "
                        "it is cut off or damaged, fetch it again."
                    )
            decoded, picture = video.retrieve()
            if not decoded or picture is None or picture.ndim != 3:
                raise ValueError(
                    f"{path}: frame {frame} cannot be decoded; the video is "
                    "damaged, fetch it again."
                )
            yield frame, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    finally:
        video.release()


def _open(path, *, threads):
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is missing.")
    # FFmpeg by name: others would take digits in a name for a numbered
    # series of pictures.
    video = cv2.VideoCapture(
        str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads]
    )
    if not video.isOpened():
        video.release()
        raise ValueError(
            f"{path} is no video that can be decoded; it is damaged or of "
            "another kind, fetch it again."
        )
    return video


def _info(video, path):
    values = [
        video.get(key)
        for key in (
            cv2.CAP_PROP_FRAME_COUNT,
            cv2.CAP_PROP_FPS,
            cv2.CAP_PROP_FRAME_WIDTH,
            cv2.CAP_PROP_FRAME_HEIGHT,
        )
    ]
    count, fps, width, height = values
    if not 0 < width * height <= photos.MAX_PIXELS:
        raise ValueError(
            f"{path}: a picture has {width:.0f} x {height:.0f} pixels; 1 to "
            f"{photos.MAX_PIXELS} can be read."
        )
    return Info(max(int(count), 0), float(fps), int(width), int(height))
