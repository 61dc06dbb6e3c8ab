"""What motion readers share: joints over time, rotations, number checks."""

import dataclasses

import numpy as np

from ordinal_tf.data.files import text

AXES = "XYZ"


@dataclasses.dataclass(frozen=True)
class Motion:
    """Where every joint of a file is, frame by frame.

    Attributes:
        joints: names, in the order of the file.
        positions: `(T, J, 3)` float64, the file's length unit, world axes.
        rotations: `(T, J, 3, 3)` float64, from the joint's frame to the
            world's: a point fixed to the joint moves with it.
        fps: float, frames per second.
        parents: index of each joint's parent, -1 at the top of a tree.
        mm_per_unit: float, of `positions`; None where the file does not say.
        notes: what a person should know of how the file was read.
    """

    joints: tuple[str, ...]
    positions: np.ndarray
    rotations: np.ndarray
    fps: float
    parents: tuple[int, ...]
    mm_per_unit: float | None = None
    notes: tuple[str, ...] = ()


def read_lines(path):
    """The lines of a text file in whatever encoding; only names have letters
    beyond ASCII."""
    try:
        content = text.read_text(path)
    except ValueError:
        content = text.read_text(path, encoding="latin1")
    return content.splitlines()


def rotation(axis, angle):
    """Rotation matrices about one axis, for column vectors.

    Args:
        axis: "X", "Y" or "Z".
        angle: `(...)` radians, right-handed.

    Returns:
        `(..., 3, 3)` of the dtype of `angle`.
    """
    i = AXES.index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    matrix = np.zeros((*np.shape(angle), 3, 3), np.asarray(angle).dtype)
    matrix[..., i, i] = 1
    matrix[..., j, j] = matrix[..., k, k] = np.cos(angle)
    matrix[..., k, j] = np.sin(angle)
    matrix[..., j, k] = -np.sin(angle)
    return matrix


def number_rows(path, rows, width, what):
    """The numbers of split text lines.

    Args:
        path: file the lines come from, for the messages.
        rows: list of `(line number, list of words)`.
        width: int, numbers that each line must hold.
        what: str, what a line is, for the messages.

    Returns:
        `(rows, width)` float64.

    Raises:
        ValueError: says which line has another length, or something that is
            no finite number.
    """
    for line, words in rows:
        if len(words) != width:
            raise ValueError(
                f"{path}, line {line}: {what} needs {width} numbers and has "
                f"{len(words)}; the file is cut off or damaged, fetch it "
                "again or remove it."
            )
    try:
        values = np.array([words for _, words in rows], np.float64)
        bad = ~np.isfinite(values).all(-1) if len(rows) else np.zeros(0, bool)
    except ValueError:
        values, bad = None, np.array([not _are_numbers(w) for _, w in rows])
    if bad.any():
        line, words = rows[int(np.flatnonzero(bad)[0])]
        wrong = next(word for word in words if not _are_numbers([word]))
        raise ValueError(
            f"{path}, line {line}: {what} holds {wrong!r}, which is no finite "
            "number; fetch the file again or remove it."
        )
    return values.reshape(len(rows), width)


def numbers(path, line, words, width, what):
    """`(width,)` float64 of one line, see `number_rows`."""
    return number_rows(path, [(line, words)], width, what)[0]


def _are_numbers(words):
    try:
        return bool(np.isfinite([float(word) for word in words]).all())
    except ValueError:
        return False


def resample(count, source_fps, fps):
    """Which frames of a recording to keep.

    Args:
        count: int, frames recorded.
        source_fps: float, at this rate.
        fps: float, rate wanted, or None for all frames. Frames are picked,
            never interpolated: a lower `source_fps` keeps all of them.

    Returns:
        `(N,)` int64 frames, and the rate that results, a float.

    Raises:
        ValueError: `fps` is not positive.
    """
    if fps is not None and not fps > 0:
        raise ValueError(f"`fps` must be positive. Received: {fps}.")
    step = max(1.0, source_fps / fps) if fps else 1.0
    # The small number keeps rounding from picking every frame one too early.
    picked = np.floor(np.arange(0, count - 1e-3, step) + 1e-3)
    return picked.astype(np.int64), source_fps / step
