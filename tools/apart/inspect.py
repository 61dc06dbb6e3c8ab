r"""Shows what a prepared dataset holds, what a training run was given, or how
motion capture is understood.

Example:
    python -m tools.inspect --data=prepared/lspet --sheet=sheet.png

    python -m tools.inspect --run=runs/lite --example=12345 --sheet=one.png

    python -m tools.inspect --mocap=walk.bvh --sheet=walk.png
"""

import json
import pathlib

from absl import flags

from ordinal_tf import drawing, files
from ordinal_tf.data.mocap import clips, pictures
from ordinal_tf.data.prepared import cards, reading
from ordinal_tf.training import config_data

from . import _common

_DATA = flags.DEFINE_string("data", None, "Prepared folder.")
_ROW = flags.DEFINE_integer("row", None, "One record, from 0, in full.")
_RUN = flags.DEFINE_string("run", None, "Folder of a training run.")
_EXAMPLE = flags.DEFINE_integer(
    "example",
    0,
    "Example of the run: step s of batches of B holds s B to (s + 1) B - 1.",
)
_MOCAP = flags.DEFINE_string(
    "mocap",
    None,
    "Motion capture, a file or a folder: its unit, its way up and its joints' "
    "names are printed, and with --sheet one clip of each kind is drawn.",
)
_SHEET = flags.DEFINE_string("sheet", None, "PNG to write, with labels drawn.")
_COUNT = flags.DEFINE_integer("count", 24, "Random samples on the sheet.")
_SEED = flags.DEFINE_integer("seed", 0, "Which random samples.")


def main():
    if sum(map(bool, (_DATA.value, _RUN.value, _MOCAP.value))) != 1:
        raise ValueError(
            "Name a prepared folder with --data, a --run, or --mocap."
        )
    if _RUN.value:
        image = _show_example()
    elif _MOCAP.value:
        image = _show_mocap(pathlib.Path(_MOCAP.value))
    else:
        image = _show_data(reading.open_prepared(_DATA.value))
    if _SHEET.value:
        path = pathlib.Path(_SHEET.value)
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_picture(path, image())
        print(f"Wrote {path}.")


def _show_data(opened):
    """Prints the card or a record; returns what draws it."""
    if _ROW.value is not None:
        if not 0 <= _ROW.value < len(opened):
            raise ValueError(
                f"{opened.folder} has the rows 0 to {len(opened) - 1}. "
                f"Received: --row={_ROW.value}."
            )
        record = opened.read(_ROW.value)
        _print_values(record)
        return lambda: cards.draw_record(record)
    print(cards.text(opened.card))
    return lambda: cards.contact_sheet(
        opened, count=_COUNT.value, seed=_SEED.value
    )


def _show_example():
    """Prints where an example comes from; returns what draws it."""
    found = config_data.example(_RUN.value, _EXAMPLE.value)
    example = found.pop("example")
    print(json.dumps(found, indent=1))
    return lambda: drawing.draw_labels(
        example["image"],
        example["keypoints"],
        example["keypoint_mask"],
        relations=example["relation"],
        relation_mask=example["relation_mask"],
    )


def _show_mocap(path):
    """Prints how files were understood; returns what draws it."""
    if path.is_dir():
        # Every bad file is to be seen.
        found = clips.read_folder(path, skip_limit=1_000_000)
    else:
        found = clips.read_clips(path, fps=10)
        for line in clips.describe(found):
            print(line)
    kinds = pictures.one_of_each(found)
    for clip in kinds:
        print(f"{clip.name}:")
        for joint, name in clip.understood.names.items():
            print(f"  {joint}: {name}")
    return lambda: pictures.sheet(kinds)


def _print_values(record):
    for key, value in record.items():
        shown = f"{len(value)} bytes" if key == "image" else value
        print(f"{key}: {shown}")


if __name__ == "__main__":
    _common.run(main)
