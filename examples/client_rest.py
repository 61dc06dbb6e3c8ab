"""Asks a server for the pose of a person, over REST and without TensorFlow.

The server is TF-Serving or `tools.serve`; nothing differs.

    python examples/client_rest.py photo.jpg --box 320 240 400

Needs Python alone; Pillow too where no box is given, to learn the size of
the picture. It is free to copy into other programs.
"""

import argparse
import base64
import json
import sys
import time
import urllib.error
import urllib.request

JOINTS = (
    *("pelvis", "right_hip", "right_knee", "right_ankle"),
    *("left_hip", "left_knee", "left_ankle", "spine", "thorax"),
    *("nose", "head_top", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_shoulder", "right_elbow", "right_wrist"),
)
BUSY = (429, 503)


def predict(url, photo, boxes, *, timeout_s=30.0, tries=5):
    """Poses of the people in one photograph.

    Args:
        url: str, such as "http://127.0.0.1:8501/v1/models/lite".
        photo: bytes of a JPEG or PNG.
        boxes: list of [centre x, centre y, side] in pixels, one a person.
        timeout_s: float, of one try.
        tries: int, how often to ask a server that is busy.

    Returns:
        dict of lists, one row a person: `keypoints` (17 x, y in pixels),
        `ordinal_depth` (17), `pose` (17 x, y, z in mm) and `score` (17).

    Raises:
        ValueError: the server refuses the request; says why.
        OSError: no server there, or it stayed busy.
    """
    # The signature `photos` takes several pictures; this is a list of one.
    # Unlike `photo`, a server may put it into a batch with other requests.
    body = {
        "signature_name": "photos",
        "inputs": {
            "photos": [{"b64": base64.b64encode(photo).decode()}],
            "boxes": [boxes],
            "counts": [len(boxes)],
        },
    }
    request = urllib.request.Request(
        f"{url}:predict",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    for attempt in range(tries):
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as reply:
                outputs = json.load(reply)["outputs"]
            return {name: rows[0] for name, rows in outputs.items()}
        except urllib.error.HTTPError as error:
            said = _said(error)
            if error.code not in BUSY:
                raise ValueError(f"{error.code}: {said}") from None
        time.sleep(0.1 * 2**attempt)
    raise OSError(f"The server stayed busy through {tries} tries: {said}")


def _said(error):
    text = error.read().decode("utf-8", "replace")
    try:
        return json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return text


def whole_picture(path):
    """A box around all of a picture: right where one person fills it."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        width, height = ImageOps.exif_transpose(image).size
    return [(width - 1) / 2, (height - 1) / 2, max(width, height)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", help="JPEG or PNG file")
    parser.add_argument(
        "--url",
        default="http://127.0.0.1:8501/v1/models/lite",
        help="address of the model (%(default)s); /versions/N or /labels/L "
        "may follow",
    )
    parser.add_argument(
        "--box",
        type=float,
        nargs=3,
        action="append",
        metavar=("CX", "CY", "SIDE"),
        help="square around a person, in pixels; may be repeated",
    )
    arguments = parser.parse_args()
    try:
        with open(arguments.photo, "rb") as file:
            photo = file.read()
        boxes = arguments.box or [whole_picture(arguments.photo)]
        found = predict(arguments.url, photo, boxes)
    except (OSError, ValueError) as error:
        sys.exit(f"client_rest: {error}")
    for person, keypoints in enumerate(found["keypoints"]):
        print(f"person {person}    x px    y px     x mm    y mm    z mm")
        for joint, name in enumerate(JOINTS):
            x, y = keypoints[joint]
            pose = found["pose"][person][joint]
            print(
                f"{name:14} {x:7.1f} {y:7.1f} "
                f"{pose[0]:8.0f} {pose[1]:7.0f} {pose[2]:7.0f}"
            )


if __name__ == "__main__":
    main()
