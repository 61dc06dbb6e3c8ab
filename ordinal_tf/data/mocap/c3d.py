"""Marker positions of C3D files, through the `c3d` package.

Source: "The C3D File Format", c3d.org: the group POINT holds LABELS, RATE,
UNITS and, with most makers, Y_SCREEN, the axis that points up; a residual of
-1 marks a marker that was not seen.
"""

import dataclasses
import pathlib
import warnings

import numpy as np

_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
_MAX_VALUES = 10**9


@dataclasses.dataclass(frozen=True)
class Markers:
    """Markers over time.

    Attributes:
        labels: names, as in the file, without the subject's name before ":".
        points: `(T, M, 3)` float64 mm, axes of the file; 0 where not seen.
        seen: `(T, M)` bool.
        fps: float, frames per second.
        up: the axis that points up, such as "+Z"; None where not said.
    """

    labels: tuple[str, ...]
    points: np.ndarray
    seen: np.ndarray
    fps: float
    up: str | None


def read_c3d(path):
    """Reads a C3D file.

    Returns:
        `Markers`.

    Raises:
        ValueError: the file is missing, damaged or no C3D, or the c3d package
            is not installed.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is missing.")
    try:
        import c3d
    except ImportError as error:
        raise ValueError(
            f"{path} is a C3D file, which the c3d package reads: pip install "
            "'ordinal-tf[datasets]'."
        ) from error
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            # On odd metadata; what matters is checked below.
            warnings.simplefilter("ignore")
            reader = c3d.Reader(file)
            content = _content(reader, path.stat().st_size)
    except Exception as error:  # Damaged files raise whatever they hit.
        raise ValueError(
            f"{path} is no readable C3D file "
            f"({str(error)[:100] or type(error).__name__}); fetch it again."
        ) from error
    return content


def _content(reader, size):
    count = reader.last_frame - reader.first_frame + 1
    markers = reader.point_used
    if not 0 < count * markers * 8 <= min(size, _MAX_VALUES):
        raise ValueError(f"it states {count} frames of {markers} markers")
    labels = [str(label).strip() for label in reader.point_labels]
    if len(labels) < markers:
        raise ValueError(f"{len(labels)} of {markers} markers have a name")
    unit = reader.get("POINT:UNITS")
    unit = unit.string_value.strip().lower() if unit else "mm"
    if unit not in _MM:
        raise ValueError(f"its unit is {unit!r}; {', '.join(_MM)} are known")
    rate = float(reader.point_rate)
    if not 0 < rate < 1e5:
        raise ValueError(f"it has {rate} frames a second")
    frames = [points for _, points, _ in reader.read_frames(copy=True)]
    if len(frames) != count:
        raise ValueError(f"{len(frames)} of {count} frames are there")
    values = np.stack(frames)
    points = values[..., :3].astype(np.float64) * _MM[unit]
    seen = (values[..., 3] >= 0) & np.isfinite(points).all(-1)
    seen &= (np.abs(points) < 1e6).all(-1) & (points != 0).any(-1)
    axes = reader.get_screen_axis()
    up = axes[1].strip().upper() if axes else None
    names = tuple(label.rpartition(":")[2] for label in labels[:markers])
    return Markers(names, np.where(seen[..., None], points, 0), seen, rate, up)
