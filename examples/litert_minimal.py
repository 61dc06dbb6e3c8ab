"""One photograph to joints with a LiteRT file: ai-edge-litert, NumPy, Pillow.

    pip install ai-edge-litert numpy pillow
    python litert_minimal.py float32.tflite photo.jpg [CX CY SIDE]

The box is the square around the person in pixels of the photograph; without
one the whole picture is taken. Prints a line a joint: pixels in the photograph
and, where the file has the pose, millimetres from the pelvis (x right, y down,
z away from the camera).
"""

import json
import sys
import zipfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps


def read_info(path):
    """What the file says of itself: joints, units, size of its input."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("model.json"))


def crop(image, box, size):
    """The square box of a picture as `(size, size, 3)` uint8.

    Bilinear, black outside. Where the crop is smaller than the box, means
    over blocks of 2, 4, 8, 16, 24, ... pixels come first.
    """
    centre_x, centre_y, side = box
    step = side / size
    ratio = max(r for r in (1, 2, 4, 8) if r <= max(1, step + 0.25))
    factor = ratio * max(1, int((step + 0.25) / ratio))
    image = np.round(shrink(image.astype(np.float32), factor))
    # Pixel centres lie on integers, in the picture and in the crop.
    places = (np.arange(size) - (size - 1) / 2) * step
    x = (centre_x + places - (factor - 1) / 2) / factor
    y = (centre_y + places - (factor - 1) / 2) / factor
    rows = bilinear(image, y, axis=0)
    pixels = bilinear(rows, x, axis=1)
    return np.round(pixels).astype(np.uint8)


def shrink(image, factor):
    """Means over `factor` x `factor` blocks; the ragged edge is repeated."""
    height, width, _ = image.shape
    rest = [(0, -height % factor), (0, -width % factor), (0, 0)]
    image = np.pad(image, rest, mode="edge")
    rows, columns = image.shape[0] // factor, image.shape[1] // factor
    blocks = image.reshape(rows, factor, columns, factor, 3)
    return blocks.mean(axis=(1, 3))


def bilinear(image, places, *, axis):
    """Samples an axis at fractions of pixels; black outside."""
    length = image.shape[axis]
    before = np.floor(places).astype(int)
    share = (places - before).astype(np.float32)
    shape = [1, 1, 1]
    shape[axis] = -1

    def at(index):
        inside = ((index >= 0) & (index < length)).reshape(shape)
        taken = np.take(image, np.clip(index, 0, length - 1), axis=axis)
        return np.where(inside, taken, 0.0)

    share = share.reshape(shape)
    return at(before) * (1 - share) + at(before + 1) * share


def predict(path, image, box, *, threads=2):
    """Joints of the person in a box of a uint8 RGB picture `(H, W, 3)`.

    Returns:
        dict of arrays: `keypoints` `(17, 2)` pixels of the picture,
        `ordinal_depth` `(17,)`, `score` `(17,)` and, where the file has it,
        `pose` `(17, 3)` mm.
    """
    engine = Interpreter(model_path=str(path), num_threads=threads)
    run = engine.get_signature_runner("serving_default")
    size = run.get_input_details()["image"]["shape"][1]
    found = run(image=crop(image, box, size)[None])
    found = {name: value[0] for name, value in found.items()}
    centre_x, centre_y, side = box
    offset = found["keypoints"] - (size - 1) / 2
    found["keypoints"] = [centre_x, centre_y] + offset * side / size
    return found


def main(path, picture, *box):
    with Image.open(picture) as file:
        image = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    height, width = image.shape[:2]
    whole = (width - 1) / 2, (height - 1) / 2, max(width, height)
    box = tuple(map(float, box)) or whole
    found = predict(path, image, box)
    for i, joint in enumerate(read_info(path)["joints"]):
        x, y = found["keypoints"][i]
        line = f"{joint:15} {x:7.1f} {y:7.1f} px  score {found['score'][i]:.2f}"
        if "pose" in found:
            line += "  {:6.0f} {:6.0f} {:6.0f} mm".format(*found["pose"][i])
        print(line)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 6):
        sys.exit(__doc__)
    main(*sys.argv[1:])
