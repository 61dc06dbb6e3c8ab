"""What a request may ask for, checked before it costs anything.

The graph refuses most of this too, but after it has waited for its turn.
"""

import contextlib
import io

import numpy as np
from PIL import ExifTags, Image

from ordinal_tf.boxes import check_boxes
from ordinal_tf.serving import errors


def check(inputs, options):
    """Raises `errors.ServingError` for what is too much or senseless.

    Args:
        inputs: dict of arrays, known by the names that this package's
            signatures give them: `image`, `photo` or `photos` of bytes,
            `boxes` and `counts`. Others pass.
        options: `server.Options`, whose `pixels` and `rows` are the limits.
    """
    rows = options.rows
    boxes = inputs.get("boxes", np.zeros((0, 3)))
    people = boxes.reshape(-1, *boxes.shape[-1:])
    for name, given in {**inputs, "boxes": people}.items():
        if name in ("image", "photos", "boxes") and len(given) > rows:
            said = f"`{name}` has {len(given)} rows, more than the {rows} that "
            raise errors.invalid(said + "this server takes in one request.")
    for name in ("photo", "photos"):
        encoded = inputs.get(name, np.zeros(0))
        for i, data in enumerate(encoded if encoded.dtype == object else ()):
            label = f"`{name}`" + (f" {i}" if i else "")
            width, height = _picture_size(data, label, options.pixels)
            if "counts" in inputs:
                count = sum(inputs["counts"][i : i + 1])
                people = boxes[i : i + 1, :count].reshape(-1, 3)
            try:
                check_boxes(people, width, height)
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
                turned = int(exif.get(ExifTags.Base.Orientation, 1)) >= 5
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        width = height = most + 1
    # Broken headers raise whatever they hit.
    except Exception:
        said = f"{label} must be the bytes of a JPEG or PNG picture. The "
        said += f"{len(data)} bytes that came are of another kind or cut off."
        raise errors.invalid(said) from None
    if width * height > most:
        said = f"{label} has more than the {most} pixels in all that this "
        raise errors.invalid(said + "server takes; shrink it.")
    return (max(width, height),) * 2 if turned else (width, height)
