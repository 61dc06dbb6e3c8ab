"""What is to be scored, for each labelled person in turn, in one form.

Answers come in parts of `PART` people, so that a data set of any size passes
through: a dict with `keypoints` `(P, 17, 2)` pixels of the picture,
`ordinal_depth` `(P, 17)`, `pose` `(P, 17, 3)` mm and `score` `(P, 17)`,
float32, NaN where something was not found.
"""

import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Callable

import numpy as np
import scipy.optimize
from keras import ops

from ordinal_tf import boxes as box_shapes
from ordinal_tf import files, geometry, skeleton
from ordinal_tf.data.files import npz
from ordinal_tf.data.pipeline import batching
from ordinal_tf.evaluation import people as labelled

PART = 512
_SHAPES = {
    "keypoints": (17, 2),
    "ordinal_depth": (17,),
    "pose": (17, 3),
    "score": (17,),
}


@dataclasses.dataclass(frozen=True)
class Answers:
    """Answers for the N people of a data set.

    Attributes:
        name: str, who answers.
        gives: frozenset of the fields that are ever known.
        part: function of an int k that returns the dict of people k `PART`
            to (k + 1) `PART` - 1.
        of: function of a list of rows that returns the dict of those.
        lacks: names of the joints of `skeleton.H36M17` that never come.
    """

    name: str
    gives: frozenset
    part: Callable
    of: Callable
    lacks: tuple = ()


def of_network(
    predict,
    people,
    *,
    name,
    fingerprint,
    input_size,
    batch_size=16,
    folder=None,
):
    """Answers of a network to the people's crops.

    Args:
        predict: function of `(B, S, S, 3)` uint8 crops that returns a dict
            with some of `keypoints` (crop pixels), `ordinal_depth`, `pose`
            and `score`.
        people: `people.People`.
        name: str, for tables.
        fingerprint: str that changes with the network.
        input_size: int, S.
        batch_size: int.
        folder: path to keep parts in, and to take those of before from; None
            keeps nothing.
    """
    folder = folder and _folder(folder, fingerprint, people)
    # Parts come in order: one pass over the pictures gives all of them.
    ahead = {"k": None, "parts": None}

    @functools.lru_cache(maxsize=1)
    def part(k):
        rows = range(k * PART, min(people.count, (k + 1) * PART))
        path = folder and folder / f"part-{k:05}.npz"
        found = _kept(path, len(rows)) if path else None
        if found is None:
            if ahead["k"] != k:
                rest = people.take(range(rows.start, people.count))
                ahead["parts"] = _parts(predict, rest, input_size, batch_size)
            found, ahead["k"] = next(ahead["parts"]), k + 1
            if path:
                files.write_npz(path, found)
        return found

    def of(rows):
        if not folder:
            some = people.take(rows)
            return next(_parts(predict, some, input_size, batch_size))
        found = [(part(row // PART), row % PART) for row in rows]
        return {
            key: np.stack([one[key][place] for one, place in found])
            for key in _SHAPES
        }

    first = part(0)
    gives = frozenset(key for key in _SHAPES if np.isfinite(first[key]).any())
    return Answers(name, gives, part, of)


def _folder(folder, fingerprint, people):
    """Where parts are kept, so that no other network's are ever taken."""
    number = f"{fingerprint} {people.fingerprint} {people.count} {PART}"
    number = hashlib.sha256(number.encode()).hexdigest()[:16]
    folder = pathlib.Path(folder) / number
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _parts(predict, people, size, batch_size):
    """Yields the answers of `PART` people after the other."""
    dataset = batching.evaluation_dataset(
        people.source(), input_size=size, batch_size=batch_size
    )
    found, first, waiting = [], 0, 0
    for batch in dataset:
        found.append(_of_crops(predict, batch["image"]))
        waiting += len(batch["image"])
        while waiting >= PART or waiting and first + waiting == people.count:
            joined = {k: np.concatenate([f[k] for f in found]) for k in _SHAPES}
            count = min(waiting, PART)
            rows = list(range(first, first + count))
            part = {key: value[:count] for key, value in joined.items()}
            yield _in_picture(part, people.read(rows), size)
            found = [{key: value[count:] for key, value in joined.items()}]
            first, waiting = first + count, waiting - count


def _of_crops(predict, image):
    predicted = predict(image)
    count = len(image)
    return {
        key: np.full((count, *shape), np.nan, np.float32)
        if predicted.get(key) is None
        else ops.convert_to_numpy(predicted[key])
        for key, shape in _SHAPES.items()
    }


def _in_picture(found, truth, size):
    """Answers with keypoints in pixels of the original picture."""
    matrix = geometry.crop_matrix(truth["window_box"], size)
    back = ops.convert_to_numpy(geometry.invert_affine(matrix))
    points = labelled.moved(found["keypoints"], back)
    points = labelled.moved(points, truth["to_picture"])
    return {**found, "keypoints": points.astype(np.float32)}


def _kept(path, count):
    """A part of before, or None where it is missing or damaged."""
    if not path.is_file():
        return None
    try:
        arrays = npz.read_arrays(path)
    except ValueError:
        return None
    shapes = {key: (count, *shape) for key, shape in _SHAPES.items()}
    fine = {key: value.shape for key, value in arrays.items()} == shapes
    return arrays if fine else None


def of_file(predictions, people):
    """Answers of a file, matched to people by picture and box.

    Of a picture with one person and one row these belong together; otherwise
    those whose boxes overlap most, all of a picture at once. A row without a
    box goes by that around its keypoints.

    Args:
        predictions: `predictions.Predictions`.
        people: `people.People`.

    Raises:
        ValueError: no picture is known, or without pictures there are more or
            fewer rows than people.
    """
    rows = _matched(predictions, people)
    mapping = skeleton.mapping(predictions.body, skeleton.H36M17)
    gives = set(predictions.fields)
    if "pose" in gives:
        gives.add("ordinal_depth")

    @functools.cache
    def mapped(key):
        return _mapped_field(predictions, mapping, key)

    def of(some):
        which = rows[np.asarray(some, int)]
        found = {}
        for key, shape in _SHAPES.items():
            value = np.full((len(which), *shape), np.nan, np.float32)
            if key in gives:
                value[which >= 0] = mapped(key)[which[which >= 0]]
            found[key] = value
        return found

    def part(k):
        return of(list(range(k * PART, min(people.count, (k + 1) * PART))))

    return Answers(
        predictions.path.name,
        frozenset(gives),
        part,
        of,
        lacks=tuple(np.array(skeleton.H36M17.joints)[~mapping.mask].tolist()),
    )


def _mapped_field(predictions, mapping, key):
    """A field of all rows in our joints, NaN where not known."""
    if key == "ordinal_depth" and key not in predictions.fields:
        # A pose has an order, too.
        return _mapped_field(predictions, mapping, "pose")[..., 2]
    value = predictions.fields[key]
    flat = value.ndim == 2
    points = value[..., None] if flat else value
    points, known = mapping.points(points, np.isfinite(points).all(-1))
    points = np.where(known[..., None], points, np.nan).astype(np.float32)
    return points[..., 0] if flat else points


def _matched(predictions, people):
    """`(N,)` int, the row of each person in the file, -1 without one."""
    if predictions.image is None:
        if len(predictions) != people.count:
            raise ValueError(
                f"{predictions.path} has {len(predictions)} rows and no "
                f"`image`, for the {people.count} people of {people.name}; "
                "give the pictures' names."
            )
        return np.arange(people.count)
    names, boxes = [], []
    for first in range(0, people.count, PART):
        some = range(first, min(people.count, first + PART))
        truth = people.read(list(some))
        names += truth["name"]
        boxes.append(truth["box"])
    by_name = _rows_by_name(predictions, set(names))
    who = {}
    for row, name in enumerate(names):
        who.setdefault(name, []).append(row)
    rows = np.full(people.count, -1)
    true = box_shapes.rectangles(np.concatenate(boxes))
    guessed = box_shapes.rectangles(_boxes_of(predictions))
    for name, some in who.items():
        candidates = by_name.get(name, [])
        if len(some) == len(candidates) == 1:
            rows[some] = candidates
        elif candidates:
            overlap = box_shapes.overlaps(true[some], guessed[candidates])
            pairs = scipy.optimize.linear_sum_assignment(-overlap)
            for i, j in zip(*pairs, strict=True):
                if overlap[i, j] > 0:
                    rows[some[i]] = candidates[j]
    if (rows < 0).all():
        raise ValueError(
            f"{predictions.path} names none of the pictures of {people.name}: "
            f"it has {(predictions.image or ['nothing'])[0]}, where there is "
            f"{names[0]}."
        )
    return rows


def _rows_by_name(predictions, names):
    """Rows of the file by the data set's name of a picture.

    The bare name is enough where only one picture has it.
    """
    bare = {}
    for name in names:
        bare.setdefault(pathlib.PurePosixPath(name).name, []).append(name)
    found = {}
    for row, name in enumerate(predictions.image):
        name = name.replace("\\", "/")
        if name not in names:
            same = bare.get(pathlib.PurePosixPath(name).name, ())
            name = same[0] if len(same) == 1 else None
        if name is not None:
            found.setdefault(name, []).append(row)
    return found


def _boxes_of(predictions):
    """`(M, 3)`: the file's boxes, or those around its keypoints."""
    boxes = predictions.box.copy()
    points = predictions.fields.get("keypoints")
    lacking = ~np.isfinite(boxes).all(-1)
    if points is None or not lacking.any():
        return boxes
    known = np.isfinite(points).all(-1)
    some = lacking & known.any(1)
    around = geometry.box_around(points[some], known[some])
    boxes[some] = ops.convert_to_numpy(around)
    return boxes
