"""Frames of videos, for labels whose path is `VIDEO.mp4@120`.

Such a path names frame 120 of a video, counted from 0; `every_frame` goes
through all of them, and `writing` makes videos of results. Videos are decoded
from their start without seeking: with most codecs a frame is only right when
those before it were decoded, and seeking lands on another one in some files.
"""

import contextlib
import dataclasses
import pathlib

import cv2
import numpy as np

from ordinal_tf.data.files import existing, photos

# Of what folders are looked through for; others are told by their content.
SUFFIXES = (
    *(".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v"),
    *(".3gp", ".3g2", ".mts", ".m2ts", ".ts", ".wmv", ".flv", ".ogv", ".vob"),
)
# Frames a second of what is written.
_FASTEST = 120.0


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

    `"a.mp4@120"` gives `("a.mp4", 120)`; `"me@120.jpg"` is a photograph, and
    so is `"me@120"`, whose name before the `@` has no suffix.
    """
    video, at, frame = str(path).rpartition("@")
    suffix = pathlib.Path(video).suffix.lower()
    named = suffix and suffix not in photos.SUFFIXES
    if at and named and frame.isascii() and frame.isdigit():
        return video, int(frame)
    return str(path), None


def is_video(path):
    """Whether a file is a video: by its suffix, or else by its content."""
    path = pathlib.Path(path)
    if path.suffix.lower() in SUFFIXES:
        return True
    if path.suffix.lower() in (*photos.SUFFIXES, *photos.HEIC_SUFFIXES):
        return False
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        # FFmpeg draws text as a film of a terminal.
        if b"\0" not in file.read(4096):
            return False
    if photos.is_picture(path):
        return False
    try:
        describe(path)
    except ValueError:
        return False
    return True


def describe(path):
    """What the header of a video says.

    Args:
        path: file.

    Returns:
        `Info`.

    Raises:
        ValueError: it is missing, no video, or its pictures have no pixels or
            more than `photos.MAX_PIXELS`; names the file.
    """
    video = _open(path)
    try:
        return _info(video, path)
    finally:
        video.release()


def every_frame(path, *, step=1):
    """Decodes a video to its end, however many frames its header promises.

    Args:
        path: file.
        step: int, every so-manieth frame, from the first.

    Yields:
        (frame, seconds, uint8 `(H, W, 3)` RGB): seconds from the video's
        start as the file has them for each frame, whatever its rate says.

    Raises:
        ValueError: no video, or none of its frames can be decoded, or they
            are larger than `photos.MAX_PIXELS`.
    """
    video = _open(path)
    try:
        fps = _info(video, path).fps
        # Some headers have no rate, or a nonsensical one.
        rate = fps if 1.0 <= fps <= 240.0 else 25.0
        frame, seconds = 0, 0.0
        while video.grab():
            stamp = video.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
            # Raw streams have no times, and some files broken ones.
            later = stamp > seconds or frame == 0
            seconds = stamp if later else seconds + 1.0 / rate
            if frame % step == 0:
                yield frame, seconds, _picture(video, path, frame)
            frame += 1
        if not frame:
            raise ValueError(f"{path} has no frame that can be decoded.")
    finally:
        video.release()


def writing_rate(times):
    """The rate at which a video keeps the times of its frames.

    Args:
        times: increasing floats, seconds.

    Returns:
        float, frames a second from 1 to 120: that of the closest frames, where
        the rate varies; 25 of a single frame.
    """
    gaps = np.diff(times)
    if not len(gaps):
        return 25.0
    mean = (times[-1] - times[0]) / len(gaps)
    # Times in milliseconds make a steady rate look uneven.
    steady = np.abs(gaps - mean).max() < 0.002 + 0.1 * mean
    gap = mean if steady else np.quantile(gaps, 0.05)
    return float(np.clip(1.0 / gap, 1.0, _FASTEST))


@contextlib.contextmanager
def writing(path, *, fps):
    """Writes an MPEG-4 video, which gets its name when it is whole.

    Args:
        path: `.mp4` file.
        fps: float, frames per second.

    Yields:
        Function of a frame, uint8 `(H, W, 3)` RGB, and its time in seconds,
        None for the next. What was shown before stays until then, and no
        frame is left out.

    Raises:
        OSError: it cannot be written.
        ValueError: frames of two sizes.
    """
    path = pathlib.Path(path)
    new = path.with_name(f"new_{path.name}")
    writer = cv2.VideoWriter()

    shown, first, last = 0, None, None

    def add(image, seconds=None):
        nonlocal shown, first, last
        # Codecs want even sides.
        image = np.pad(
            image, [(0, side % 2) for side in image.shape[:2]] + [(0, 0)]
        )
        if not writer.isOpened():
            code = cv2.VideoWriter_fourcc(*"mp4v")
            size = image.shape[1::-1]
            if not writer.open(str(new), cv2.CAP_FFMPEG, code, fps, size):
                raise OSError(f"Could not write {new}.")
        elif image.shape != last.shape:
            # OpenCV would leave it out without a word.
            raise ValueError(
                f"The frames of a video must be of one size. Received: "
                f"{last.shape}, then {image.shape}."
            )
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if seconds is not None:
            first = seconds if first is None else first
            place = round((seconds - first) * fps)
            for _ in range(shown, place):
                writer.write(last)
            shown = max(shown, place)
        writer.write(image)
        shown, last = shown + 1, image

    try:
        yield add
        if writer.isOpened():
            writer.release()
            new.replace(path)
    finally:
        writer.release()
        new.unlink(missing_ok=True)


class Reader:
    """Single frames, quickly where they are asked for in order.

    The last video stays open, and decoding goes on from its last frame.
    """

    def __init__(self):
        self._video = None
        self.close()

    def read(self, path, frame):
        """Decodes one frame.

        Args:
            path: file.
            frame: int, counted from 0.

        Returns:
            uint8 `(H, W, 3)` RGB.

        Raises:
            ValueError: the file is missing or no video, a picture is larger
                than `photos.MAX_PIXELS` or damaged, or the video ends before
                the frame; names the file and the frame.
        """
        path = str(path)
        if path != self._path or frame < self._place:
            self.close()
            self._video = _open(path)
            _info(self._video, path)
            # Only now: what was refused is not read when it is asked again.
            self._path = path
        while self._place < frame and not self._fault:
            self._place, self._picture = self._place + 1, None
            if not self._video.grab():
                # Kept, or each later frame would decode all of it again.
                self._fault = f"{path} ends at frame {self._place}"
        if self._fault:
            raise ValueError(
                f"{self._fault}, before frame {frame}; it is cut off or "
                "damaged, fetch it again."
            )
        if self._picture is None:
            self._picture = _picture(self._video, path, frame)
        return self._picture

    def close(self):
        """Closes the video."""
        if self._video is not None:
            self._video.release()
        self._path = self._video = self._fault = None
        self._place, self._picture = -1, None


def _open(path):
    path = existing.file(path)
    # FFmpeg by name: others would take digits in a name for a numbered
    # series of pictures.
    video = cv2.VideoCapture(
        str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]
    )
    if not video.isOpened():
        video.release()
        raise ValueError(
            f"{path} is no video that can be decoded; it is damaged or of "
            "another kind, fetch it again."
        )
    return video


def _picture(video, path, frame):
    """The frame that was grabbed last, RGB."""
    decoded, picture = video.retrieve()
    if not decoded or picture is None or picture.ndim != 3:
        raise ValueError(
            f"{path}: frame {frame} cannot be decoded; the video is damaged, "
            "fetch it again."
        )
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _info(video, path):
    count, fps = (
        video.get(key) for key in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS)
    )
    width = video.get(cv2.CAP_PROP_FRAME_WIDTH)
    height = video.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if not 0 < width * height <= photos.MAX_PIXELS:
        raise ValueError(
            f"{path}: a picture has {width:.0f} x {height:.0f} pixels; 1 to "
            f"{photos.MAX_PIXELS} can be read."
        )
    return Info(max(int(count), 0), float(fps), int(width), int(height))
