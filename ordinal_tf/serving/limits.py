"""What a request may ask for, checked before it costs anything.

The graph refuses most of this too, but after it has waited for its turn.
"""

import contextlib
import io

from PIL import Image

from ordinal_tf.boxes import check_boxes
from ordinal_tf.serving import errors

_ORIENTATION = 0x0112  # Of EXIF.


def check(inputs, *, pixels, rows):
    """Raises `errors.ServingError` for what is too much or senseless.

    Inputs are known by the names that this package's signatures give them:
    `image`, `photo` or `photos` of bytes, `boxes` and `counts`. Others pass,
    and so do numbers of rows that do not agree, which the graph refuses.

    Args:
        inputs: dict of arrays that fit the signature's specs.
        pixels: int, most of a picture once decoded.
        rows: int, most crops or pictures, and people in all of them.
    """
    counts = {name: len(inputs.get(name, ())) for name in ("image", "photos")}
    boxes = inputs.get("boxes")
    if boxes is not None:
        counts["boxes"] = boxes.size // 3
    for name, count in counts.items():
        if count > rows:
            raise errors.invalid(
                f"`{name}` has {count} rows, more than the {rows} that this "
                "server takes in one request."
            )
    for name in ("photo", "photos"):
        encoded = inputs.get(name)
        if encoded is None or encoded.dtype != object:
            continue
        for i, data in enumerate(encoded):
            label = f"`{name}`" + (f" {i}" if i else "")
            width, height = _picture_size(data, label, pixels)
            of_it = [] if boxes is None else boxes
            if boxes is not None and name == "photos":
                # The last axis stays where there is nothing to take.
                count = sum(inputs.get("counts", ())[i : i + 1])
                of_it = boxes[i : i + 1, :count].reshape(-1, 3)
            try:
                check_boxes(of_it, width, height)
            except ValueError as error:
                raise errors.invalid(str(error)) from None


def _picture_size(data, label, most):
    """`(width, height)` of encoded bytes, from their header alone.

    Where EXIF says that the camera was held upright, both are the longer
    side: models turn the picture or not, depending on their age.
    """
    turned = False
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            width, height = image.size
            # Pillow would decode all of a PNG to look. And damaged metadata
            # must not cost us a good picture.
            with contextlib.suppress(Exception):
                exif = image.getexif() if image.format == "JPEG" else {}
                turned = int(exif.get(_ORIENTATION, 1)) >= 5
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        width = height = most + 1
    # Broken headers raise whatever they hit.
    except Exception:
        raise errors.invalid(
            f"{label} must be the bytes of a JPEG or PNG picture. The "
            f"{len(data)} bytes that came are of another kind or cut off."
        ) from None
    if width * height > most:
        raise errors.invalid(
            f"{label} has more than the {most} pixels in all that this "
            "server takes; shrink it."
        )
    return (max(width, height),) * 2 if turned else (width, height)
