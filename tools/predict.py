r"""Photographs or videos in, 2D keypoints, ordinal depths and 3D poses out.

Example:
    python -m tools.predict --model=saved_models/lite --images=photo.jpg \
        --out=out

Writes OUT/predictions.npz, one row a person, and one picture per photograph or
one video per video.
"""

import collections
import contextlib
import json
import math
import pathlib

import numpy as np
from absl import app, flags

import ordinal_tf
from ordinal_tf import drawing, files
from ordinal_tf.data.files import photos, video

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_IMAGES = flags.DEFINE_multi_string(
    "images",
    None,
    "Picture, folder of pictures, or video; may be repeated.",
    required=True,
)
_BOXES = flags.DEFINE_string(
    "boxes",
    None,
    'JSON file: {"NAME.jpg": [[cx, cy, side], ...], ...}. Without it the '
    "program finds one person per picture. The name of a video stands for "
    'all of its frames, "NAME.mp4@12" for one, counted from 0.',
)
_EVERY = flags.DEFINE_integer("every", 1, "Take every Nth frame of videos.", 1)
_OUT = flags.DEFINE_string(
    "out", None, "Folder for the results.", required=True
)
_PICTURES = flags.DEFINE_bool("pictures", True, "Also draw the results.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    paths = photos.find_photos(_IMAGES.value)
    boxes = _read_boxes(_BOXES.value, paths)
    films = {
        path: video.describe(path) for path in paths if video.is_video(path)
    }
    out = pathlib.Path(_OUT.value)
    drawn = _targets(paths, out)
    predictor = ordinal_tf.load(_MODEL.value)
    if boxes is None:
        print(
            "No --boxes: the person is found by looking at the whole picture, "
            "then at what its joints suggest."
        )
    out.mkdir(parents=True, exist_ok=True)
    rows = collections.defaultdict(list)
    update = _common.progress_line(_count(paths, films), "predict")
    done = 0
    for path in paths:
        film = films.get(path)
        with _drawing(drawn[path], film) as draw:
            for name, picture in _pictures(path, film):
                given = None
                if boxes is not None:
                    given = boxes.get(name, boxes.get(path.name, []))
                found = _predict(predictor, path, name, picture, given)
                rows["image"].extend([name] * len(found["box"]))
                for key, value in found.items():
                    rows[key].append(value)
                draw(picture, found)
                done += 1
                update(done)
    table = {
        # Text even where nobody was in any picture.
        name: np.concatenate(value) if name != "image" else np.array(value, str)
        for name, value in rows.items()
    }
    files.write_npz(out / "predictions.npz", table, compressed=True)
    kinds = "photographs and frames of videos" if films else "photographs"
    kind = "files" if films else "pictures"
    pictures = f" and {len(paths)} {kind}" if _PICTURES.value else ""
    print(
        f"Wrote {out / 'predictions.npz'} with {len(table['image'])} people "
        f"of {done} {kinds}{pictures}."
    )


def _count(paths, films):
    """How many pictures there are, as far as the videos' headers know."""
    frames = sum(
        math.ceil(film.frames / _EVERY.value) for film in films.values()
    )
    return len(paths) - len(films) + frames


def _pictures(path, film):
    """Yields (name, path of a photograph or RGB array of a frame)."""
    if film is None:
        yield path.name, path
        return
    for frame, image in video.every_frame(path, step=_EVERY.value):
        yield video.frame_path(path.name, frame), image
    if frame + _EVERY.value < film.frames:
        print(
            f"{path}: frame {frame} is the last one taken, but its header "
            f"promises {film.frames}; it may be cut off."
        )


def _predict(predictor, path, name, picture, boxes):
    try:
        return predictor.predict(picture, boxes)
    except ValueError as error:
        message = str(error)
        if str(path) not in message:
            named = path.with_name(name)
            message = f"{named}: {message}"
        raise ValueError(message) from error


@contextlib.contextmanager
def _drawing(path, film):
    """Yields a function of a picture and its people that draws them."""
    if not _PICTURES.value:
        yield lambda picture, found: None
    elif film is None:
        yield lambda picture, found: files.write_picture(
            path, _drawn(photos.read_photo(picture), found)
        )
    else:
        # Some headers have no rate, or a nonsensical one.
        fps = film.fps if 1 <= film.fps <= 240 else 25.0
        with video.writing(path, fps=fps / _EVERY.value) as add:
            yield lambda picture, found: add(_drawn(picture, found))


def _drawn(image, found):
    people = [
        {name: value[i] for name, value in found.items()}
        for i in range(len(found["box"]))
    ]
    return drawing.draw_prediction(image, people)


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
    # Of a video, single frames may have boxes.
    named = {video.split_path(name)[0] for name in boxes}
    missing = [p.name for p in pictures if p.name not in named]
    if missing:
        raise ValueError(
            f"{path} has no boxes for {missing[0]} ({len(missing)} such "
            "pictures); give it an empty list if nobody is in it."
        )
    return boxes


def _targets(paths, out):
    """Where each file is drawn, apart even where two share their name."""
    names, used = {}, set()
    inputs = {path.resolve() for path in paths}
    for path in paths:
        suffix = ".mp4" if video.is_video(path) else ".png"
        name, number = f"{path.stem}{suffix}", 1
        while name in used:
            number += 1
            name = f"{path.stem}_{number}{suffix}"
        used.add(name)
        names[path] = out / name
        if _PICTURES.value and names[path].resolve() in inputs:
            raise ValueError(
                f"{names[path]} is one of the pictures, and the results would "
                "overwrite it; name another folder with --out."
            )
    return names


if __name__ == "__main__":
    _common.run(main)
