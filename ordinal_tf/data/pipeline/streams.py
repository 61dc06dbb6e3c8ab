"""Rendered people as records: prepared, or made while training.

`people` stands for `synthetic.people.SyntheticPeople`, or anything else that
can be pickled and whose item i is a dict of `jpeg` bytes and labels, a pure
function of i.
"""

import concurrent.futures
import dataclasses
import multiprocessing

import numpy as np
import tensorflow as tf

from ordinal_tf.data.files import photos
from ordinal_tf.data.pipeline import sources
from ordinal_tf.data.prepared import records, workers

_LABELS = ("box", "keypoints", "keypoint_mask", "depth", "depth_mask", "camera")


@dataclasses.dataclass(frozen=True)
class RenderedPeople:
    """The first people of an endless row, as `writing.prepare` takes them.

    Attributes:
        people: see above.
        name: str, the dataset's.
        options: dict of what `people` was made with, for the card.
        first, last: people `first` to `last` - 1.
    """

    people: object
    name: str
    options: dict
    first: int
    last: int

    def __len__(self):
        return self.last - self.first

    def part(self, first, last):
        """The people `first` to `last` - 1 of these, alone."""
        return dataclasses.replace(
            self, first=self.first + first, last=self.first + last
        )

    def record(self, i):
        """Record and picture number of person i of these."""
        return rendered_record(self.people, self.first + i)

    def fingerprint(self):
        """str that changes with the options."""
        options = sorted(self.options.items())
        return repr((self.name, options, self.first, self.last))


def rendered_record(people, i):
    """Sample i as a `records.FIELDS` dict, and its picture number."""
    sample = people[i]
    joints = len(sample["visible"])
    pairs = np.asarray(sample["relation_mask"])
    record = {
        "image": sample["jpeg"],
        "size": np.array(photos.size_of(sample["jpeg"]), np.int32),
        "name": f"{i:08}.jpg",
        "to_picture": np.eye(2, 3, dtype=np.float32),
        **{key: np.asarray(sample[key]) for key in _LABELS},
        "relation": np.asarray(sample["relation"]),
        "relation_mask": pairs | pairs.T,
        "pose": np.asarray(sample["pose"]),
        "pose_mask": np.ones(joints, bool),
        "visible": np.asarray(sample["visible"]),
        "visible_mask": np.ones(joints, bool),
    }
    return record, records.picture_number(sample["jpeg"])


def stream_source(people, *, processes=1):
    """People rendered while they are needed, without end.

    Row r is sample r, whichever process draws it. The processes start with
    the first example and end with the program. The source calls Python, so
    tf.data service cannot serve it.

    Args:
        people: see above.
        processes: int.

    Returns:
        `sources.Source`.
    """
    pool = concurrent.futures.ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(people,),
    )

    def draw(row):
        return pool.submit(_strings_of, int(row)).result()

    def read(row):
        kinds = [tf.string, tf.string]
        strings = tf.numpy_function(draw, [row], kinds, stateful=False)
        return tuple(tf.ensure_shape(one, ()) for one in strings)

    return sources.Source(
        name="synthetic people",
        count=None,
        read=read,
        name_of=lambda row: f"{row:08}.jpg",
        pictures=lambda: None,
    )


_people = None  # Of a worker process.


def _start_worker(people):
    global _people
    _people = people
    workers.start()


def _strings_of(i):
    record, _ = rendered_record(_people, i)
    records.check(record)
    return [record["image"], records.pack(record, sources.READ)]
