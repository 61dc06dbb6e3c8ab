"""Small videos for tests: the colour of a frame tells its number."""

import cv2
import numpy as np

# Two frames differ by more than a codec blurs.
_STEP = 10


def write_video(path, count, *, fps=50.0, size=(64, 48), codec="mp4v"):
    """Writes `count` frames of one grey each, `size` = (width, height).

    Args:
        path: file, `.mp4` or `.avi`.
        count: int.
        fps: float.
        size: width and height.
        codec: four letters; "mp4v" and "XVID" are MPEG-4 part 2.

    Returns:
        The path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    code = cv2.VideoWriter_fourcc(*codec)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, size)
    assert writer.isOpened()
    for frame in range(count):
        writer.write(np.full((size[1], size[0], 3), grey(frame), np.uint8))
    writer.release()
    return path


def grey(frame):
    """The grey of a frame."""
    return (20 + _STEP * frame) % 220


def number(image, near):
    """Which frame near `near` an image shows."""
    value = float(image.mean())
    return min(
        range(max(0, near - 9), near + 10), key=lambda k: abs(grey(k) - value)
    )
