"""What a request may ask for, checked before it costs anything.

The graph refuses most of this too, but after it has waited for its turn and,
in a batch, at the expense of its neighbours.
"""

import dataclasses
import io

import numpy as np
from PIL import Image

from ordinal_tf.boxes import check_boxes
from ordinal_tf.serving import errors


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one request may take.

    Attributes:
        body_bytes: int, of a body or message; base64 and JSON count too.
        pixels: int, of a picture once decoded.
        rows: int, crops or pictures.
        boxes: int, people in all of the request's pictures.
    """

    body_bytes: int = 16 * 2**20
    pixels: int = 40_000_000
    rows: int = 64
    boxes: int = 64


def check(inputs, limits):
    """Refuses a request by what its inputs ask for.

    Inputs are known by the names that this package's signatures give them:
    `image`, `photo` or `photos` of bytes, `boxes` and `counts`. Others pass.

    Args:
        inputs: dict of arrays that fit the signature's specs.
        limits: `Limits`.

    Raises:
        errors.ServingError: one sentence on what is too much or senseless.
    """
    _check_rows(inputs, limits)
    for name in ("photo", "photos"):
        if name not in inputs or inputs[name].dtype != object:
            continue
        boxes = _boxes_by_photo(inputs)
        for index, data in enumerate(inputs[name]):
            label = f"`{name}`" + (f" {index}" if index else "")
            size = picture_size(data, label, limits)
            if boxes is not None:
                _check_boxes(boxes[index], *size)


def picture_size(data, label, limits):
    """`(width, height)` of encoded bytes, from their header alone.

    Where EXIF says that the camera was held upright, both are the longer
    side: models turn the picture or not, depending on their age.

    Args:
        data: bytes.
        label: str, names the picture in messages.
        limits: `Limits`.

    Raises:
        errors.ServingError: not JPEG or PNG, or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            width, height = image.size
            on_its_side = _orientation(image) >= 5
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise errors.invalid(
            f"{label} has more than the {limits.pixels} pixels that this "
            "server takes; shrink it."
        ) from None
    # Broken headers raise whatever they hit.
    except Exception:
        raise errors.invalid(
            f"{label} must be the bytes of a JPEG or PNG picture. The "
            f"{len(data)} bytes that came are of another kind or cut off."
        ) from None
    if width * height > limits.pixels:
        raise errors.invalid(
            f"{label} is {width} x {height} pixels, more than the "
            f"{limits.pixels} in all that this server takes; shrink it."
        )
    return (max(width, height),) * 2 if on_its_side else (width, height)


def _orientation(image):
    """EXIF orientation of a JPEG; 1 where there is none or it is damaged."""
    if image.format == "PNG":  # Pillow would decode all of it to look.
        return 1
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # Metadata must not cost us a good picture.
        return 1


def _check_rows(inputs, limits):
    for name in ("image", "photos"):
        count = len(inputs.get(name, ()))
        if count > limits.rows:
            raise errors.invalid(
                f"`{name}` has {count} rows, more than the {limits.rows} that "
                "this server takes in one request."
            )
    if "boxes" in inputs:
        count = inputs["boxes"].size // 3
        if count > limits.boxes:
            raise errors.invalid(
                f"`boxes` has {count} rows, more than the {limits.boxes} that "
                "this server takes in one request."
            )


def _boxes_by_photo(inputs):
    """List of `(P, 3)` boxes, one array a picture; None without any."""
    if "boxes" not in inputs:
        return None
    boxes = inputs["boxes"]
    if "photos" not in inputs:
        return [boxes]
    count = len(inputs["photos"])
    counts = inputs.get("counts", np.zeros(0))
    if len(boxes) != count or len(counts) != count:
        raise errors.invalid(
            "`photos`, `boxes` and `counts` must have one row a picture. "
            f"Received: {count}, {len(boxes)} and {len(counts)} rows."
        )
    if ((counts < 0) | (counts > boxes.shape[1])).any():
        raise errors.invalid(
            "`counts` must be how many rows of `boxes` count, from 0 to "
            f"{boxes.shape[1]}. Received: {counts.tolist()}."
        )
    return [
        row[:keep] for row, keep in zip(boxes, counts.tolist(), strict=True)
    ]


def _check_boxes(boxes, width, height):
    try:
        check_boxes(boxes, width, height)
    except ValueError as error:
        raise errors.invalid(str(error)) from None
