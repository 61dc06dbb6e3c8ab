r"""Photographs or videos in, 2D keypoints, ordinal depths and 3D poses out.

Example:
    python -m tools.predict --model=saved_models/lite --images=photo.jpg \
        --out=out

Writes OUT/predictions.npz, one row a person, and one picture per photograph or
one video per video. What cannot be read is named at the end, and the exit
status is 1 then; everything else is written.
"""

import collections
import contextlib
import math
import pathlib

import numpy as np
from absl import flags

import ordinal_tf
from ordinal_tf import drawing, files
from ordinal_tf.data.files import photos, video
from ordinal_tf.data.readers import box_file
from ordinal_tf.inference import absolute, detector, following
from ordinal_tf.writers import formats

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_IMAGES = flags.DEFINE_multi_string(
    "images",
    None,
    "Picture, video, or folder of these; may be repeated.",
    required=True,
)
_BOXES = flags.DEFINE_string(
    "boxes",
    None,
    'File of boxes: JSON {"NAME.jpg": [[cx, cy, side], ...], ...}, COCO\'s '
    "results or annotations, or CSV (image and cx, cy, side; or x, y, width, "
    "height; or x1, y1, x2, y2). Without it the program finds the people. The "
    'name of a video stands for all of its frames, "NAME.mp4@12" for one, '
    "counted from 0. Where two files share their name, each goes by its path "
    "as given.",
)
_DETECTOR = flags.DEFINE_string(
    "detector", None, "ONNX or LiteRT file that finds the people instead."
)
_DETECTOR_PIXELS = flags.DEFINE_enum(
    "detector_pixels",
    "unit",
    list(detector.PIXELS),
    "What a detector that takes floats is given: 0 to 1, -1 to 1, 0 to 255, or "
    "the last as BGR.",
)
_DETECTOR_CLASS = flags.DEFINE_integer(
    "detector_class", 0, "Number that the detector has for people."
)
_BOX_SCORE = flags.DEFINE_float(
    "box_score",
    detector.SCORE,
    "Least score of what --detector finds, and of rows of --boxes with one.",
)
_PERSON_SCORE = flags.DEFINE_float(
    "person_score",
    None,
    "Least score of people whom the program finds by itself, 0 to 1; by "
    "default the model's own.",
)
_SMOOTH = flags.DEFINE_bool(
    "smooth", False, "Smooth the motion of people in videos (One-Euro)."
)
_EVERY = flags.DEFINE_integer("every", 1, "Take every Nth frame of videos.", 1)
_OUT = flags.DEFINE_string(
    "out", None, "Folder for the results.", required=True
)
_INTRINSICS = flags.DEFINE_string(
    "intrinsics",
    None,
    "Camera of the pictures, for poses in its space as well: fx,fy,cx,cy in "
    'pixels, a JSON file of these (for all pictures or by name), or "exif" for '
    "the focal lengths that photographs note.",
)
_FORMATS = flags.DEFINE_list(
    "formats",
    [],
    f"What to write beside predictions.npz: {', '.join(formats.FORMATS)}.",
)
_PICTURES = flags.DEFINE_bool("pictures", True, "Also draw the results.")


# Pictures are drawn smaller than they may be.
_DRAWN_PIXELS = 4_000_000


def main():
    formats.check(_FORMATS.value)
    paths, left = _find(_IMAGES.value)
    names = _names(paths)
    boxes = None
    if _BOXES.value:
        boxes = box_file.read_boxes(
            _BOXES.value, names.values(), least_score=_BOX_SCORE.value
        )
    films, failed = _films(paths)
    out = pathlib.Path(_OUT.value)
    targets = _targets(paths, films, out)
    cameras = None
    if _INTRINSICS.value:
        cameras, said = absolute.read_cameras(_INTRINSICS.value, names, films)
        print(*said, sep="\n", end="\n" if said else "")
    detect = _detector()
    predictor = ordinal_tf.load(_MODEL.value)
    if boxes is None and detect is None:
        print(
            "No --boxes: people are found by looking at the whole picture, "
            "then twice at each."
        )
    out.mkdir(parents=True, exist_ok=True)
    rows = collections.defaultdict(list)
    update = _common.progress_line(_count(paths, films), "predict")
    pictures, drawings = 0, 0
    for path in paths:
        if path in failed:
            continue
        found, look = [], _looker(predictor, detect, films.get(path))
        try:
            shots = _shots(path, names[path], films.get(path))
            for name, seconds, picture in shots:
                given = None
                if boxes is not None:
                    given = boxes.get(name, boxes.get(names[path], []))
                people = _predict(look, path, name, (picture, seconds, given))
                found.append((name, seconds, people))
                update(pictures + len(found))
        except (ValueError, OSError) as error:
            failed[path] = _common.sentence(error)
        if not found:
            continue
        try:
            if _PICTURES.value:
                _draw(path, films.get(path), found, targets[path])
                drawings += 1
        except (ValueError, OSError) as error:
            failed.setdefault(path, _common.sentence(error))
        pictures += len(found)
        for name, seconds, people in found:
            rows["image"] += [name] * len(people["box"])
            if films:
                rows["time"] += [seconds] * len(people["box"])
                # In photographs people are counted.
                people.setdefault(
                    "person", np.arange(len(people["box"]), dtype=np.int32)
                )
            for key, value in people.items():
                rows[key].append(value)
    _say_left_out(left)
    if pictures:
        table = _table(rows)
        if cameras is not None:
            table = absolute.add_absolute(table, cameras)
        files.write_npz(out / "predictions.npz", table, compressed=True)
        stems = _stems(names, targets)
        more = formats.write(out, table, _FORMATS.value, stems)
        people = _common.counted(len(table["image"]), "person", "people")
        shown = _common.counted(pictures, "photograph")
        if films:
            many = "photographs and frames of videos"
            shown = _common.counted(pictures, "photograph or frame", many)
        if _PICTURES.value:
            kind = "file" if films else "picture"
            shown += f" and {_common.counted(drawings, kind)}"
        print(f"Wrote {out / 'predictions.npz'} with {people} of {shown}.")
        if more:
            print(f"Beside it {_some(more)}.")
    if failed:
        reasons = "; ".join(
            reason if str(path) in reason else f"{path}: {reason}"
            for path, reason in failed.items()
        )
        raise ValueError(
            f"{len(failed)} of {_common.counted(len(paths), 'file')} could "
            f"not be read to the end: {reasons}"
        )


def _find(paths):
    """The files to read, and those of folders that are left out."""
    suffixes = (*photos.SUFFIXES, *video.SUFFIXES)
    if photos.can_read_heic():
        suffixes += photos.HEIC_SUFFIXES
    return photos.find_files(paths, suffixes, "picture or video")


def _names(paths):
    """What each file is called: its name, or its path where two share it."""
    count = collections.Counter(path.name for path in paths)
    return {
        path: path.name if count[path.name] == 1 else path.as_posix()
        for path in paths
    }


def _films(paths):
    """Dict of `video.Info` by path of a video; and of reasons against."""
    films, failed = {}, {}
    for path in paths:
        try:
            if video.is_video(path):
                films[path] = video.describe(path)
        except (ValueError, OSError) as error:
            failed[path] = _common.sentence(error)
    return films, failed


def _count(paths, films):
    """How many pictures there are, as far as the videos' headers know."""
    frames = sum(
        math.ceil(film.frames / _EVERY.value) for film in films.values()
    )
    return len(paths) - len(films) + frames


def _shots(path, name, film):
    """Yields (name, seconds, path of a photograph or RGB array of a frame)."""
    if film is None:
        yield name, math.nan, path
        return
    for frame, seconds, image in video.every_frame(path, step=_EVERY.value):
        yield video.frame_path(name, frame), seconds, image
    if frame + _EVERY.value < film.frames:
        print(
            f"{path}: frame {frame} is the last one taken, but its header "
            f"promises {film.frames}; it may be cut off."
        )


def _detector():
    """Function of a picture to boxes; None without --detector."""
    if not _DETECTOR.value:
        return None
    if _BOXES.value:
        raise ValueError("Name either --boxes or --detector.")
    return detector.open_detector(
        _DETECTOR.value,
        pixels=_DETECTOR_PIXELS.value,
        person=_DETECTOR_CLASS.value,
        least_score=_BOX_SCORE.value,
    )


def _looker(predictor, detect, film):
    """Function of a picture, its time and its boxes or None to its people."""
    options = {}
    if _PERSON_SCORE.value is not None:
        options["least_score"] = _PERSON_SCORE.value

    def look(picture, boxes):
        if boxes is None and detect is not None:
            if not isinstance(picture, np.ndarray):
                picture = photos.read_photo(picture)
            boxes = detect(picture)
        return predictor.predict(picture, boxes, **options)

    if film is not None:
        return following.Follower(look, smooth=_SMOOTH.value)
    return lambda picture, seconds, boxes: look(picture, boxes)


def _predict(look, path, name, shot):
    try:
        return look(*shot)
    except ValueError as error:
        message = str(error)
        if str(path) not in message:
            message = f"{path.with_name(pathlib.Path(name).name)}: {message}"
        raise ValueError(message) from error


def _say_left_out(left):
    """Prints which files of the folders were not taken."""
    heic = [file for file in left if file.suffix.lower() in _HEIC]
    others = [file for file in left if file not in heic]
    if heic:
        print(
            f"Left out {_some(heic)}: HEIC is read where the package "
            "pillow-heif is installed (pip install pillow-heif); or save them "
            "as JPEG."
        )
    if others:
        print(f"Left out {_some(others)}: no pictures or videos by their name.")


_HEIC = photos.HEIC_SUFFIXES


def _some(paths):
    names = ", ".join(path.name for path in paths[:5])
    return names if len(paths) <= 5 else f"{names} and {len(paths) - 5} more"


def _table(rows):
    """Arrays of `predictions.npz`."""
    table = {}
    for name, value in rows.items():
        if name == "image":
            # Text even where nobody was in any picture.
            table[name] = np.array(value, str)
        elif name == "time":
            table[name] = np.array(value, np.float64)
        else:
            table[name] = np.concatenate(value)
    return table


def _draw(path, film, found, target):
    """Draws the people of a photograph or a video."""
    if film is None:
        (_, _, people) = found[0]
        image, ratio = photos.read_reduced(path, _DRAWN_PIXELS)
        files.write_picture(target, _drawn(image, people, ratio))
        return
    # Panels are as wide as those of the frame with most people.
    most = max(len(people["box"]) for _, _, people in found)
    rate = video.writing_rate([seconds for _, seconds, _ in found])
    frames = video.every_frame(path, step=_EVERY.value)
    with contextlib.closing(frames), video.writing(target, fps=rate) as add:
        for (_, seconds, people), (_, _, image) in zip(
            found, frames, strict=False
        ):
            add(_drawn(image, people, 1, panels=most), seconds)


def _drawn(image, found, ratio, **options):
    """`drawing.draw_prediction` on a picture that was shrunk by `ratio`."""
    people = [
        {
            "keypoints": _shrunk(found["keypoints"][i], ratio),
            "box": np.append(
                _shrunk(found["box"][i, :2], ratio), found["box"][i, 2] / ratio
            ),
            "pose": found["pose"][i],
            "score": found["score"][i],
        }
        for i in range(len(found["box"]))
    ]
    return drawing.draw_prediction(image, people, **options)


def _shrunk(points, ratio):
    # Pixel u of the shrunk picture covers those from `ratio * u` on.
    return (points - (ratio - 1) / 2) / ratio


def _targets(paths, films, out):
    """Where each file is drawn, apart even where two share their name."""
    names, used = {}, set()
    inputs = {path.resolve() for path in paths}
    for path in paths:
        suffix = ".mp4" if path in films else ".png"
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


def _stems(names, targets):
    """How the files of each picture's people begin: as its drawing does."""
    stems = {}
    for path, target in targets.items():
        # A photograph and a video may share theirs.
        stem = target.stem
        while stem in stems.values():
            stem = f"{stem}_{target.suffix[1:]}"
        stems[names[path]] = stem
    return stems


if __name__ == "__main__":
    _common.run(main)
