r"""Measures what an image network gets wrong, for the reconstruction to learn.

Runs the network of a run on prepared people that it was not trained on, fits
`data.mocap.image_errors.ImageErrors`, and prints it as flags of
tools.train_reconstruction. Folders without poses, such as photographs, tell
nothing on depth.

    python -m tools.prepare synthetic --seed=2 --count=600 --views=2 \
        --out=prepared/people_2
    python -m tools.dev.measure_errors --image=runs/lite \
        --people=prepared/people_2 --people=prepared/lspet_held

The last line of standard output is JSON: a dict from the folder to the
fields.
"""

import dataclasses
import json

from absl import flags

from ordinal_tf.evaluation import lifted
from ordinal_tf.training import image

from . import _common, _errors

_IMAGE = flags.DEFINE_string(
    "image", None, "Run of an image network.", required=True
)
_PEOPLE = flags.DEFINE_multi_string(
    "people", None, "Folder that tools.prepare wrote.", required=True
)
_INPUT_SIZE = flags.DEFINE_integer(
    "input_size", None, "Side of the crops; the network's by default."
)


def main():
    predict, config = image.load_predict(_IMAGE.value)
    size = _INPUT_SIZE.value or config.model.input_size
    measured = {}
    for folder in _PEOPLE.value:
        found = lifted.found_people(predict, folder, input_size=size)
        errors = dataclasses.asdict(_errors.of_found(found))
        measured[folder] = errors
        print(f"{folder}, {len(found['keypoints'])} people:")
        for name, value in errors.items():
            print(f"  --config.errors.{name}={json.dumps(value)}")
    print(json.dumps(measured))


if __name__ == "__main__":
    _common.run(main)
