"""Intrinsics of the cameras that took pictures, from people, files or EXIF.

    1145.0,1143.8,512.5,515.5                        fx, fy, cx, cy of all
    {"fx": 1145.0, "fy": 1143.8, "cx": 512.5, "cy": 515.5}
    [[1145.0, 0, 512.5], [0, 1143.8, 515.5], [0, 0, 1]]
    {"NAME.jpg": {"fx": ..., ...}, "FILM.mp4": null, ...}

Pixels of the upright picture, origin at the centre of its top-left pixel, no
distortion. `width` and `height` beside `fx` say of what size of picture.
"""

import math

import numpy as np

from ordinal_tf.data.files import photos, text

_KEYS = ("fx", "fy", "cx", "cy")
# Wider lenses than 140 degrees are fisheyes, which are no pinholes.
_LEAST_FOCAL, _MOST_FOCAL = 0.18, 100.0  # Of the picture's longer side.
# Pixels are nearly square; films of old were stretched by up to 1.5.
_MOST_STRETCH = 2.0
# Diagonal of 35 mm film, which the equivalent focal length refers to.
_FILM_MM = math.hypot(36.0, 24.0)
_FOCAL_MM, _FOCAL_35MM = 0x920A, 0xA405
_PLANE_X, _PLANE_UNIT, _PIXELS_X = 0xA20E, 0xA210, 0xA002
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0}


def read_intrinsics(given, sizes):
    """Intrinsics of each picture, as people state them.

    Args:
        given: str, four numbers with commas between or a JSON file, see
            above.
        sizes: dict of the pictures' names to `(height, width)`.

    Returns:
        dict of name to `(4,)` float64 fx, fy, cx, cy; without the pictures of
        which the file says null.

    Raises:
        ValueError: none of these layouts, a picture without an entry, or
            intrinsics that do not fit a picture; says which.
        OSError: the file cannot be opened.
    """
    try:
        entry = [float(part) for part in given.split(",")]
        where = "--intrinsics"
    except ValueError:
        where, entry = given, text.read_json(given)
    several = isinstance(entry, dict) and not set(_KEYS) & set(entry)
    cameras = {}
    for name, (height, width) in sizes.items():
        one = entry
        if several:
            if name not in entry:
                raise ValueError(
                    f"{where} has no intrinsics for {name}; give it null if "
                    "they are not known."
                )
            one = entry[name]
            if one is None:
                continue
        camera, size = _parse(one, where)
        _check(camera, size, f"{where}: the intrinsics", name, height, width)
        cameras[name] = camera
    return cameras


def intrinsics_from_exif(path):
    """Intrinsics that a photograph's EXIF tags suggest.

    The focal length is right for the whole picture that the camera took, at
    whatever size it is now. The centre is taken for the middle.

    Args:
        path: of the picture.

    Returns:
        `(4,)` float64 fx, fy, cx, cy, pixels; None where no focal length is
        noted, or none that a lens has.

    Raises:
        ValueError: not a picture.
        OSError: the file cannot be opened.
    """
    tags, (height, width) = photos.read_exif(path)
    focal = _number(tags, _FOCAL_35MM) / _FILM_MM * math.hypot(width, height)
    if not focal > 0:
        focal = _focal_of_sensor(tags, max(width, height))
    if not _is_lens(focal, max(width, height)):
        return None
    return np.array([focal, focal, (width - 1) / 2, (height - 1) / 2])


def _focal_of_sensor(tags, longest):
    """Pixels, from the focal length and the density of the sensor."""
    unit_mm = _UNIT_MM.get(tags.get(_PLANE_UNIT, 2), math.nan)
    density = _number(tags, _PLANE_X) / unit_mm
    # Refers to the picture as the camera wrote it.
    shrunk = longest / _number(tags, _PIXELS_X)
    return _number(tags, _FOCAL_MM) * density * shrunk


def _number(tags, tag):
    """NaN for what is no number; 0 stands for "unknown" in EXIF."""
    try:
        return float(tags.get(tag, math.nan)) or math.nan
    except (TypeError, ValueError, ZeroDivisionError):
        return math.nan


def _parse(entry, where):
    """`(4,)` and the size `(width, height)` that is stated, or None."""
    layout = (
        f"{where} must be fx,fy,cx,cy or JSON with these keys, or a matrix "
        f"[[fx, 0, cx], [0, fy, cy], [0, 0, 1]]. Received: {str(entry)[:80]}"
    )
    size = None
    try:
        if isinstance(entry, dict):
            camera = np.array([float(entry[key]) for key in _KEYS])
            if {"width", "height"} & set(entry):
                size = float(entry["width"]), float(entry["height"])
        else:
            camera = np.array(entry, np.float64)
            if camera.shape == (3, 3):
                others = camera[[0, 1, 2, 2, 2], [1, 0, 0, 1, 2]]
                if not np.allclose(others, [0, 0, 0, 0, 1]):
                    raise ValueError("it is skewed")
                camera = camera[[0, 1, 0, 1], [0, 1, 2, 2]]
    except KeyError as error:
        raise ValueError(f"{layout} (no {error}).") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{layout} ({error}).") from error
    if camera.shape != (4,) or not np.isfinite(camera).all():
        raise ValueError(f"{layout}.")
    return camera, size


def _check(camera, size, what, name, height, width):
    """`ValueError` where intrinsics are not those of a picture of a size."""
    fx, fy, cx, cy = camera.tolist()
    fault = None
    if size is not None and size != (width, height):
        fault = f"are of pictures of {size[0]:g} x {size[1]:g} pixels"
    elif not all(_is_lens(f, max(width, height)) for f in (fx, fy)):
        fault = f"have a focal length of {fx:g}, {fy:g} pixels"
    elif not 1 / _MOST_STRETCH < fx / fy < _MOST_STRETCH:
        fault = f"have pixels that are not square, fx {fx:g} and fy {fy:g}"
    elif size is None and not (
        width / 4 < cx < 3 * width / 4 and height / 4 < cy < 3 * height / 4
    ):
        fault = f"have their centre at {cx:g}, {cy:g}, far from the middle"
    if fault:
        raise ValueError(
            f"{what} do not fit {name}, of {width} x {height} pixels: they "
            f"{fault}. Scale them as the picture was; those of a part that "
            "was cut out go into a file, with its `width` and `height`."
        )


def _is_lens(focal, longest):
    return _LEAST_FOCAL * longest < focal < _MOST_FOCAL * longest
