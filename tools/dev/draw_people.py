r"""Writes pictures of synthetic people, their labels and a contact sheet.

    python -m tools.dev.draw_people --count=48 --out=people

The pictures go to `photos` below --out. Beside it, `sheet.jpg` shows them all,
`labels.json` holds for each picture what `synthetic.people` knows of it:
box, keypoints (pixels), pose (mm, camera axes), camera, visibility.
`boxes.json` is for `tools.predict --boxes`.
"""

import pathlib

from absl import flags

from ordinal_tf import drawing, files
from ordinal_tf.data.files import photos as pictures
from ordinal_tf.synthetic import people
from ordinal_tf.synthetic.scene import backgrounds

from . import _common

_OUT = flags.DEFINE_string("out", None, "Folder to write.", required=True)
_COUNT = flags.DEFINE_integer("count", 48, "Pictures.", lower_bound=1)
_START = flags.DEFINE_integer("start", 0, "Number of the first, from 0.", 0)
_NUMBERS = flags.DEFINE_list(
    "numbers", None, "Numbers of the pictures, instead of --start and --count."
)
_SEED = flags.DEFINE_integer("seed", 0, "Which people.", lower_bound=0)
_SIZE = flags.DEFINE_integer("size", 256, "Side in pixels.", lower_bound=32)
_PRESET = flags.DEFINE_enum(
    "preset", "photographs", sorted(people.PRESETS), "What they are like."
)
_OPTIONS = flags.DEFINE_string(
    "options", "{}", 'JSON, such as {"camera": {"roll": 0}}; see docs.'
)
_BACKGROUNDS = flags.DEFINE_string(
    "backgrounds", None, "Folder of background pictures without people."
)
_COLUMNS = flags.DEFINE_integer("columns", 8, "Of the contact sheet.", 1)
_LABELS = flags.DEFINE_bool("draw_labels", False, "Draw labels on the sheet.")

_SHEET_QUALITY = 85
_WRITTEN = ("box", "keypoints", "pose", "camera", "visible", "kind")


def main():
    options = _common.parse_json(_OPTIONS.value, "--options")
    numbers = range(_START.value, _START.value + _COUNT.value)
    if _NUMBERS.value:
        if not all(number.isdecimal() for number in _NUMBERS.value):
            raise ValueError(
                "`--numbers` must be numbers and commas, such as 3,17. "
                f"Received: {','.join(_NUMBERS.value)}."
            )
        numbers = [int(number) for number in _NUMBERS.value]
    made = people.SyntheticPeople(
        _SEED.value,
        size=_SIZE.value,
        preset=_PRESET.value,
        options=options,
        pictures=backgrounds.find_pictures(_BACKGROUNDS.value)
        if _BACKGROUNDS.value
        else (),
    )
    out = pathlib.Path(_OUT.value)
    photos = out / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    labels, tiles = {}, []
    for i in _common.progress(numbers, label="draw"):
        sample = made[i]
        name = f"{i:06}.jpg"
        files.write_bytes(photos / name, sample["jpeg"])
        labels[name] = {key: _plain(sample[key]) for key in _WRITTEN}
        tiles.append(_tile(sample))
    files.write_json(out / "labels.json", labels, indent=None)
    boxes = {name: [label["box"]] for name, label in labels.items()}
    files.write_json(out / "boxes.json", boxes, indent=None)
    sheet = drawing.contact_sheet(tiles, _COLUMNS.value, _SIZE.value)
    jpeg = pictures.encode_jpeg(sheet, _SHEET_QUALITY)
    files.write_bytes(out / "sheet.jpg", jpeg)
    print(f"Wrote {len(tiles)} pictures, labels and sheet.jpg to {out}.")


def _tile(sample):
    if not _LABELS.value:
        return sample["image"]
    return drawing.draw_labels(
        sample["image"],
        sample["keypoints"],
        sample["keypoint_mask"],
        relations=sample["relation"],
        relation_mask=sample["relation_mask"],
    )


def _plain(value):
    return value.tolist() if hasattr(value, "tolist") else value


if __name__ == "__main__":
    _common.run(main)
