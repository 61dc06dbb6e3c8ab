"""From one labelled picture to one record: a window around the person."""

import functools
import io
import pathlib

import cv2
import numpy as np
from PIL import Image

from ordinal_tf.data.files import photos as pictures
from ordinal_tf.data.files import video
from ordinal_tf.data.prepared import records

# What crops need that are turned by 30 degrees at a scale of 0.75:
# (cos 30 + sin 30) / 0.75 = 1.82 boxes.
MARGIN = 1.85
# What crops of 256 pixels need at a scale of 1.25.
MAX_SIDE = 320
QUALITY = 92


def photo_record(
    labelled, row, *, root, margin=MARGIN, max_side=MAX_SIDE, quality=QUALITY
):
    """The record of one person in a picture file or a frame of a video.

    JPEG bytes are kept as they are where the window is most of the picture
    and need not shrink; otherwise the window is cut out, shrunk once by area
    averaging, and encoded again.

    Args:
        labelled: `labels.LabelledPhotos`.
        row: int.
        root: folder that the picture's name is given relative to.
        margin: side of the window, in sides of the box.
        max_side: int, larger boxes are shrunk to this side in pixels.
        quality: int, of encoded JPEGs, 1 to 100.

    Returns:
        `records.FIELDS` dict, and `records.picture_number` of the file.

    Raises:
        ValueError: no readable picture, or the box lies outside it.
        OSError: the file cannot be opened.
    """
    path = pathlib.Path(labelled.paths[row])
    data, pixels, number = _load(path)
    height, width = pixels.shape[:2] if data is None else pictures.size_of(data)
    box = np.asarray(labelled.boxes[row], np.float64)
    left, top, right, bottom = _window(box, (width, height), margin, path)
    scale = min(1.0, max_side / box[2])
    share = (right - left) * (bottom - top) / (width * height)
    to_window = np.eye(3)
    as_it_is = data is not None and data.startswith(b"\xff\xd8")
    if scale == 1 and share >= 0.5 and as_it_is:
        encoded = data
    else:
        if pixels is None:
            pixels = pictures.read_photo(path)
        image = pixels[top:bottom, left:right]
        size = tuple(max(1, round(n * scale)) for n in image.shape[1::-1])
        # Pixel centres lie on integers: the window's edge is at -0.5.
        for axis, start in enumerate((left, top)):
            zoom = size[axis] / image.shape[1 - axis]
            to_window[axis, axis] = zoom
            to_window[axis, 2] = zoom * (0.5 - start) - 0.5
        if scale < 1:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        encoded = pictures.encode_jpeg(image, quality)
    record = {
        "image": encoded,
        "size": np.array(pictures.size_of(encoded), np.int32),
        "name": _name(path, root),
        "to_picture": np.linalg.inv(to_window)[:2].astype(np.float32),
        **_move(labelled, row, box, to_window),
    }
    return record, number


def _load(path):
    """Encoded picture or None, its pixels or None, and its number."""
    file, frame = video.split_path(path)
    if frame is None:
        number = records.picture_number(path.read_bytes())
        return pictures.encode_for_graph(path), None, number
    pixels = _videos().read(file, frame)
    return None, pixels, records.picture_number(pixels.tobytes())


@functools.cache
def _videos():
    """The process's reader: the people of a shard come frame by frame."""
    return video.Reader()


def decode(data):
    """Decodes a record's picture.

    Args:
        data: bytes, JPEG or PNG.

    Returns:
        uint8 `(H, W, 3)` RGB.

    Raises:
        ValueError: they are damaged.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except Exception as error:  # Decoders raise whatever they hit.
        raise ValueError(f"a picture that does not decode ({error})") from error


def _window(box, size, margin, path):
    """Left, top, right, bottom of the window in whole pixels."""
    if not np.isfinite(box).all() or box[2] <= 0:
        raise ValueError(f"{path} has no usable box: {box.tolist()}.")
    low = np.floor(box[:2] - margin * box[2] / 2).astype(int)
    high = np.ceil(box[:2] + margin * box[2] / 2).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, size)
    if np.any(high - low < 2):
        raise ValueError(
            f"{path} is {size[0]} x {size[1]} pixels, and the person's box "
            f"{box.tolist()} (centre x, y, side) lies outside it."
        )
    return *low, *high


def _name(path, root):
    """The picture's path below its dataset, the same on every machine."""
    whole, root = path.resolve(), pathlib.Path(root).resolve()
    if root not in whole.parents:
        return path.name
    return whole.relative_to(root).as_posix()


def _move(labelled, row, box, to_window):
    """The labels of a person in pixels of the window."""
    # Both zooms are the same but for the rounding of the size.
    zoom = np.sqrt(to_window[0, 0] * to_window[1, 1])
    centre = to_window[:2, :2] @ box[:2] + to_window[:2, 2]
    keypoints = np.asarray(labelled.keypoints[row], np.float64)
    moved = keypoints @ to_window[:2, :2].T + to_window[:2, 2]
    mask = labelled.keypoint_mask[row]
    camera = np.asarray(labelled.camera[row], np.float64)
    if camera.any():
        camera = to_window @ camera
    unknown = np.zeros(mask.shape, bool)
    return {
        "box": np.append(centre, zoom * box[2]).astype(np.float32),
        "keypoints": np.where(mask[:, None], moved, 0).astype(np.float32),
        "keypoint_mask": mask,
        "depth": labelled.depth[row],
        "depth_mask": labelled.depth_mask[row],
        "relation": labelled.relation[row],
        "relation_mask": labelled.relation_mask[row],
        "pose": labelled.pose[row],
        "pose_mask": labelled.pose_mask[row],
        "camera": camera.astype(np.float32),
        "visible": unknown,
        "visible_mask": unknown,
    }
