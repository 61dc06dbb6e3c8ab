r"""Photographs in, 2D keypoints, ordinal depths and 3D poses out.

Example:
    python -m tools.predict --model=saved_models/lite --images=photo.jpg \
        --out=out

Writes OUT/predictions.npz, one row a person, and one picture per photograph.
"""

import collections
import json
import pathlib

import numpy as np
from absl import app, flags

import ordinal_tf
from ordinal_tf import drawing
from ordinal_tf.data import photos

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_IMAGES = flags.DEFINE_multi_string(
    "images", None, "Picture or folder; may be repeated.", required=True
)
_BOXES = flags.DEFINE_string(
    "boxes",
    None,
    'JSON file: {"NAME.jpg": [[cx, cy, side], ...], ...}. Without it the '
    "program finds one person per picture.",
)
_OUT = flags.DEFINE_string(
    "out", None, "Folder for the results.", required=True
)
_PICTURES = flags.DEFINE_bool("pictures", True, "Also draw a PNG per picture.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    paths = photos.find_photos(_IMAGES.value)
    boxes = _read_boxes(_BOXES.value, paths)
    predictor = ordinal_tf.load(_MODEL.value)
    if boxes is None:
        print(
            "No --boxes: the person is found by a pass on the whole picture "
            "and one on the box that its joints suggest."
        )
    out = pathlib.Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    rows = collections.defaultdict(list)
    names = _picture_names(paths)
    for path in _common.progress(paths, label="predict"):
        given = None if boxes is None else boxes.get(path.name, [])
        try:
            found = predictor.predict(path, given)
        except ValueError as error:
            message = str(error)
            if str(path) not in message:
                message = f"{path}: {message}"
            raise ValueError(message) from error
        count = len(found["box"])
        rows["image"].extend([path.name] * count)
        for name, value in found.items():
            rows[name].append(value)
        if _PICTURES.value:
            people = [
                {name: value[i] for name, value in found.items()}
                for i in range(count)
            ]
            canvas = drawing.draw_prediction(photos.read_photo(path), people)
            _common.write_png(out / names[path], canvas)
    table = {
        # Text even where nobody was in any picture.
        name: np.concatenate(value) if name != "image" else np.array(value, str)
        for name, value in rows.items()
    }
    _write_npz(out / "predictions.npz", table)
    pictures = f" and {len(paths)} pictures" if _PICTURES.value else ""
    print(
        f"Wrote {out / 'predictions.npz'} with {len(table['image'])} people "
        f"of {len(paths)} photographs{pictures}."
    )


def _read_boxes(path, pictures):
    if path is None:
        return None
    try:
        boxes = json.loads(pathlib.Path(path).read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error
    if not isinstance(boxes, dict):
        raise ValueError(
            f'{path} must be an object {{"NAME.jpg": [[cx, cy, side], ...]}}.'
        )
    missing = [p.name for p in pictures if p.name not in boxes]
    if missing:
        raise ValueError(
            f"{path} has no boxes for {missing[0]} ({len(missing)} such "
            "pictures); give it an empty list if nobody is in it."
        )
    return boxes


def _picture_names(paths):
    """A PNG name per picture, unlike even where two share theirs."""
    names, used = {}, set()
    for path in paths:
        name, number = f"{path.stem}.png", 1
        while name in used:
            number += 1
            name = f"{path.stem}_{number}.png"
        used.add(name)
        names[path] = name
    return names


def _write_npz(path, table):
    new = path.with_name(f"new_{path.name}")
    np.savez_compressed(new, **table)
    new.replace(path)


if __name__ == "__main__":
    _common.run(main)
