"""Where training examples come from: pictures on disk, records, renderings.

A source gives, inside a TensorFlow graph, the encoded picture of its person
number `row` and the bytes of the labels: sources of every kind mix in one
graph, and the labels of a batch are decoded at once.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ordinal_tf.data.files import photos as files
from ordinal_tf.data.pipeline import supervision
from ordinal_tf.data.prepared import reading, records

# What the training contract has; the picture's size and the box to crop to.
LABELS = (
    "keypoints",
    "keypoint_mask",
    "depth",
    "depth_mask",
    "relation",
    "relation_mask",
)
READ = ("size", "box", *LABELS)


@dataclasses.dataclass(frozen=True)
class Source:
    """N people, or people without end, who can be read in any order.

    Attributes:
        name: str, for messages.
        count: int N, or None where row r exists for every r >= 0.
        read: function of a scalar int64 tensor, the row, that returns two
            scalar strings: the encoded picture, and `READ` as `records.pack`
            packs it.
        name_of: function of an int, the row, that returns the name of its
            picture.
        pictures: function without arguments that returns `(N,)` uint64, see
            `records.picture_number`, or None where pictures never repeat.
        knows: set of "depth" and "relation", what some of its people have.
        seen: `supervision.Supervision`, what a training may see of it.
    """

    name: str
    count: int | None
    read: Callable
    name_of: Callable
    pictures: Callable
    knows: frozenset = frozenset(("depth", "relation"))
    seen: supervision.Supervision = supervision.ALL


def as_source(people):
    """The `Source` of `labels.LabelledPhotos`; a `Source` as it is."""
    return people if isinstance(people, Source) else photos_source(people)


def photos_source(photos):
    """The people of labelled photographs, from the pictures themselves.

    Pictures that TensorFlow would not decode as people see them (turned by
    EXIF, transparent, of another kind) take a way through Python that is
    slow; `tools.prepare` goes it once for all.

    Args:
        photos: `labels.LabelledPhotos`.

    Returns:
        `Source`.

    Raises:
        ValueError: a file is no picture.
        OSError: one cannot be opened.
    """
    look_at = functools.cache(files.look_at)
    looks = [look_at(path) for path in photos.paths]
    sizes = np.array([size for size, _ in looks], np.int32).reshape(-1, 2)
    alike = np.array([same for _, same in looks], bool)
    arrays = {key: getattr(photos, key) for key in LABELS}
    arrays.update(size=sizes, box=photos.boxes)
    rows = [
        records.pack({key: array[i] for key, array in arrays.items()}, READ)
        for i in range(len(photos))
    ]
    # As an object array, or NumPy strips trailing zero bytes.
    packed = np.array(rows, object)
    paths = photos.paths.astype(object)

    def encode(path):
        return files.encode_for_graph(path.decode())

    def convert(path):
        data = tf.numpy_function(encode, [path], tf.string, stateful=False)
        return tf.ensure_shape(data, ())

    def read(row):
        path = tf.constant(paths)[row]
        data = (
            tf.io.read_file(path)
            if alike.all()
            else tf.cond(
                tf.constant(alike)[row],
                lambda: tf.io.read_file(path),
                lambda: convert(path),
            )
        )
        return data, tf.constant(packed)[row]

    @functools.cache
    def number(path):
        return records.picture_number(pathlib.Path(path).read_bytes())

    return Source(
        name=photos.name,
        count=len(photos),
        read=read,
        name_of=lambda row: str(photos.paths[row]),
        pictures=lambda: np.array(list(map(number, photos.paths)), np.uint64),
        knows=_known(photos.depth_mask.any(), photos.relation_mask.any()),
    )


def prepared_source(folder):
    """The people of a folder that `tools.prepare` wrote.

    Args:
        folder: path.

    Returns:
        `Source`.

    Raises:
        ValueError: see `reading.open_prepared`.
    """
    opened = reading.open_prepared(folder)
    paths = [str(path.resolve()) for path in opened.shards]

    def read(row):
        data = reading.read_frame(
            tf.constant(paths)[tf.constant(opened.shard)[row]],
            tf.constant(opened.offset)[row],
            tf.constant(opened.length)[row],
        )
        return records.parse_packed(data, READ)

    return Source(
        name=f"{opened.card['name']} in {folder}",
        count=len(opened),
        read=read,
        name_of=lambda row: opened.read(row)["name"],
        pictures=lambda: opened.picture,
        knows=_known(
            "depth" in opened.card["coverage"],
            opened.card["relations"]["people"],
        ),
    )


def _known(depth, relation):
    found = {"depth": depth, "relation": relation}
    return frozenset(name for name, has in found.items() if has)


def taken(source, rows):
    """The people of a source at `rows`, ints, in that order."""
    wanted = tf.constant(np.asarray(rows, np.int64))
    return dataclasses.replace(
        source,
        count=len(rows),
        read=lambda row: source.read(wanted[row]),
        name_of=lambda row: source.name_of(int(rows[row])),
        pictures=lambda: source.pictures()[np.asarray(rows)],
    )
