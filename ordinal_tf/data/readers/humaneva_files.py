"""The small files of HumanEva-I: calibration, synchronisation, markers.

Source: HumanEva support code v1.1 beta (Sigal, Brown University):
TOOLBOX_common/ReadSpicaCalib.m, ReadStreamOffset.m and readmp.m,
@sync_stream/sync_stream.m, TOOLBOX_readc3d/readc3d.m, MarkerName2MarkerId.m.
"""

import re

import numpy as np

from ordinal_tf.data.files import existing, matlab, text
from ordinal_tf.data.mocap import c3d


def read_calibration(path):
    """Reads a .cal file.

    Args:
        path: file.

    Returns:
        dict: `matrix` `(3, 3)` px, `distortion` `(5)` k1 k2 p1 p2 k3 as OpenCV
        has them, `rotation` `(3, 3)` and `translation` `(3,)` mm from world to
        camera axes.

    Raises:
        ValueError: the file is missing, does not hold 22 numbers, or its
            rotation is none.
    """
    numbers = _numbers(path, 22)
    focal, centre, skew = numbers[:2], numbers[2:4], numbers[4]
    rotation = numbers[10:19].reshape(3, 3)
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-2):
        raise ValueError(f"{path}: its rotation is none; fetch it again.")
    return {
        "matrix": np.array(
            [
                [focal[0], skew * focal[0], centre[0]],
                [0, focal[1], centre[1]],
                [0, 0, 1],
            ]
        ),
        "distortion": numbers[5:10],
        "rotation": rotation,
        "translation": numbers[19:],
    }


def read_offsets(path):
    """Reads an .ofs file.

    Args:
        path: file.

    Returns:
        image frame, the same as captured frame, and captured frames an image;
        frames are counted from 1.

    Raises:
        ValueError: the file is missing or says something else.
    """
    image, capture, scale = _numbers(path, 3)
    if not 0 < scale < 100:
        raise ValueError(f"{path}: a scale of {scale} is impossible.")
    return image, capture, scale


def align_streams(offsets):
    """How frames of several cameras and of the motion capture belong together.

    Args:
        offsets: dict of camera to what `read_offsets` returns, in the order
            of the support code: colour cameras first.

    Returns:
        dict of camera to the image that is frame 1 of all streams, the
        (fractional) captured frame that is frame 1, and captured frames a
        frame; all counted from 1.
    """
    first = next(iter(offsets.values()))
    time, scale = first[1], np.mean([row[2] for row in offsets.values()])
    start = {
        camera: image + (time - capture) / own
        for camera, (image, capture, own) in offsets.items()
    }
    earliest = min(start.values())
    time -= scale * (earliest - 1)
    start = {camera: image - earliest + 1 for camera, image in start.items()}
    if time < 1:
        start = {c: image - (time - 1) / scale for c, image in start.items()}
        time = 1.0
    return {c: int(np.floor(s + 0.5)) for c, s in start.items()}, time, scale


def _numbers(path, count):
    path = existing.file(path)
    try:
        numbers = np.array(text.read_text(path).split(), np.float64)
    except ValueError as error:
        raise ValueError(f"{path} must hold numbers only: {error}.") from error
    if numbers.size != count or not np.isfinite(numbers).all():
        raise ValueError(
            f"{path} must hold {count} finite numbers. Found: {numbers.size}."
        )
    return numbers


def has_markers(stem):
    """Whether `read_markers` has something to read."""
    return any(stem.with_suffix(s).is_file() for s in (".mat", ".c3d"))


def read_markers(stem):
    """Reads the markers of a clip.

    Args:
        stem: `pathlib.Path` without suffix of a `.mat` file, or of the `.c3d`
            that it was made from.

    Returns:
        M names, and `(T, M, 3)` float64 mm, world axes, zeros where not seen.

    Raises:
        ValueError: the file is missing, damaged or another one.
    """
    path = stem.with_suffix(".mat")
    if not path.is_file():
        read = c3d.read_c3d(stem.with_suffix(".c3d"))
        names = tuple(label.rpartition(":")[2] for label in read.labels)
        return names, read.points
    content = matlab.read_variables(
        path, ["Markers", "ParameterGroup"], structs=True
    )
    names = _labels(path, content["ParameterGroup"])
    points = np.asarray(content["Markers"])
    if points.dtype.kind not in "fiu" or points.shape[1:] != (len(names), 3):
        raise ValueError(
            f"{path}: `Markers` must have shape (T, {len(names)}, 3), a "
            f"column for each of POINT:LABELS. Found: {points.shape}."
        )
    points = points.astype(np.float64)
    fine = (np.abs(points) < 1e6).all(-1, keepdims=True)
    return names, np.where(fine, points, 0.0)


def _labels(path, groups):
    """POINT:LABELS of a MATLAB copy of a C3D file's parameters."""
    for group in np.atleast_1d(groups).ravel():
        if str(getattr(group, "name", "")) != "POINT":
            continue
        for parameter in np.atleast_1d(getattr(group, "Parameter", ())).ravel():
            if str(getattr(parameter, "name", "")) == "LABELS":
                names = np.atleast_1d(getattr(parameter, "data", ())).ravel()
                return tuple(
                    str(name).strip().rpartition(":")[2] for name in names
                )
    raise ValueError(f"{path}: `ParameterGroup` has no POINT:LABELS.")


def read_shoulder_offsets(path):
    """[left, right] shoulder offset, mm, of a .mp file; or `ValueError`."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    content = text.read_text(path, encoding="latin1")
    offsets = []
    for side in ("Left", "Right"):
        found = re.search(
            rf"{side[0]}ShoulderOffset\s*=\s*([-+.0-9eE]+)", content
        )
        try:
            offsets.append(float(found.group(1)))
        except (AttributeError, ValueError):
            raise ValueError(
                f"{path} must hold a line such as $LShoulderOffset = 40, for "
                "L and R"
            ) from None
    if not all(0 <= offset < 1000 for offset in offsets):
        raise ValueError(f"{path}: shoulder offsets of {offsets} mm")
    return offsets
