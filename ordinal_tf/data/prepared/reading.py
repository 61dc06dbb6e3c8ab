"""Folders of prepared records: the card, the index, and random access.

    dataset.json                   the card: what this is, counts, checksums
    index.npz                      where each record lies
    data-00000-of-00012.tfrecord   a `tf.train.Example` a person
    sheet.png                      random samples with their labels

The card is written last, so a folder with a card is whole.
"""

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from ordinal_tf import files
from ordinal_tf.data.files import npz, text
from ordinal_tf.data.prepared import records

CARD, INDEX, SHEET = "dataset.json", "index.npz", "sheet.png"
FORMAT = 1  # Of the card and the records; others are refused.

# A TFRecord frames its data with its length and two checksums.
FRAME_BYTES = 12 + 4


@dataclasses.dataclass(frozen=True)
class PreparedSet:
    """An opened prepared folder of N records.

    Attributes:
        folder: `pathlib.Path`.
        card: dict, the content of `dataset.json`.
        shard: `(N,)` int32, which of `shards` holds a record.
        offset: `(N,)` int64, where its frame begins.
        length: `(N,)` int64, bytes of its data.
        picture: `(N,)` uint64, from a checksum of the original picture: the
            same picture has the same number in every dataset.
    """

    folder: pathlib.Path
    card: dict
    shard: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    picture: np.ndarray

    def __len__(self):
        return len(self.shard)

    @property
    def shards(self):
        """Paths of the TFRecord files."""
        return [self.folder / one["name"] for one in self.card["shards"]]

    def read(self, row):
        """Reads one record.

        Args:
            row: int, which one.

        Returns:
            dict of NumPy values, see `records.FIELDS`.

        Raises:
            ValueError: it is damaged; names the row and the file.
        """
        path = self.shards[self.shard[row]]
        where = f"Record {row}, in {path}"
        try:
            data = read_frame(
                str(path), int(self.offset[row]), int(self.length[row])
            ).numpy()
        except tf.errors.OpError as error:
            raise ValueError(
                f"{where}, is damaged: {error.message.splitlines()[0]}; "
                "prepare the dataset again."
            ) from error
        return records.parse(data, where)

    def read_many(self, rows):
        """Reads records in one graph: cheaper than one by one.

        Args:
            rows: list of int.

        Returns:
            list of dicts, as `read` returns them, in that order.

        Raises:
            ValueError: one is damaged; names the row and the file.
        """
        rows = np.asarray(rows, np.int64)
        paths = np.array([str(path) for path in self.shards])
        frames = tf.data.Dataset.from_tensor_slices(
            (paths[self.shard[rows]], self.offset[rows], self.length[rows])
        ).map(read_frame, num_parallel_calls=tf.data.AUTOTUNE)
        try:
            found = list(frames.as_numpy_iterator())
        except tf.errors.OpError:
            # One by one, to say which of them is damaged.
            return [self.read(row) for row in rows.tolist()]
        return [
            records.parse(data, f"Record {row}, in {paths[self.shard[row]]}")
            for row, data in zip(rows.tolist(), found, strict=True)
        ]


def read_frame(path, offset, length):
    """The data of one record, works in graphs.

    The public `tf.data.TFRecordDataset` cannot start at an offset, though
    the kernel below it can. It checks the record's checksums. (Skipping with
    `FixedLengthRecordDataset` takes 20 times as long.)

    Args:
        path: scalar string.
        offset: scalar int64, where the record's frame begins.
        length: scalar int64, bytes of data: how much to read ahead.

    Returns:
        scalar string.

    Raises:
        tf.errors.OpError: when it runs, for what is damaged or missing.
    """
    length = tf.cast(length, tf.int64)
    whole = tf.raw_ops.TFRecordDatasetV2(
        filenames=tf.reshape(path, [1]),
        compression_type="",
        buffer_size=length + FRAME_BYTES,
        byte_offsets=tf.reshape(tf.cast(offset, tf.int64), [1]),
    )
    kind = {"output_types": [tf.string], "output_shapes": [()]}
    one = tf.raw_ops.TakeDataset(
        input_dataset=whole, count=tf.constant(1, tf.int64), **kind
    )
    return tf.raw_ops.DatasetToSingleElement(dataset=one, **kind)[0]


def _damaged(said):
    return ValueError(f"{said}; copy it again, or prepare the dataset again.")


def open_prepared(folder):
    """Opens a folder; its files must be those that its card lists.

    Sizes are checked here; checksums, which cost reading everything, by
    `validate`, and each record's own whenever it is read.

    Args:
        folder: path.

    Returns:
        `PreparedSet`.

    Raises:
        ValueError: the folder is not prepared, not whole, or its card, index
            and shards do not belong together.
    """
    folder = pathlib.Path(folder)
    card = _read_card(folder)
    for one in (*card["shards"], card["index"]):
        path = folder / one["name"]
        if not path.is_file():
            raise _damaged(f"{path} is missing, which {CARD} lists")
        size = path.stat().st_size
        if size != one["bytes"]:
            said = f"{path} has {size} bytes and {CARD} says {one['bytes']}"
            raise _damaged(said)
    arrays = read_index(folder / INDEX)
    prepared = PreparedSet(folder=folder, card=card, **arrays)
    _check_index(prepared)
    return prepared


_CARD_ENTRIES = {"name": str, "records": int, "shards": list, "index": dict}
_FILE_ENTRIES = {"name": str, "bytes": int, "sha256": str}


def _read_card(folder):
    path = folder / CARD
    if not path.is_file():
        raise ValueError(
            f"{folder} has no {CARD}; it must be a folder that tools.prepare "
            "has finished."
        )
    card = text.read_json(path, remedy="prepare the dataset again")
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else card
        said = f"{path} must be a card of format {FORMAT}. Found: {found!r}"
        raise _damaged(said)
    _check_entries(path, card, _CARD_ENTRIES)
    _check_entries(path, card["index"], _FILE_ENTRIES)
    for shard in card["shards"]:
        _check_entries(path, shard, {**_FILE_ENTRIES, "records": int})
    return card


def _check_entries(path, entry, kinds):
    for key, kind in kinds.items():
        value = entry.get(key) if isinstance(entry, dict) else None
        # A path that leads out of the folder is nobody's shard.
        strange = key == "name" and "/" in str(value)
        if type(value) is not kind or strange:
            raise _damaged(
                f"{path}: `{key}` must be {kind.__name__}. Found: {value!r}"
            )


_ARRAYS = {
    "shard": np.int32,
    "offset": np.int64,
    "length": np.int64,
    "picture": np.uint64,
}


def read_index(path):
    """dict of the arrays of `index.npz`; `ValueError` where it is damaged."""
    arrays = npz.read_arrays(path)
    for key, kind in _ARRAYS.items():
        found = arrays.get(key, np.zeros(()))
        if found.dtype != kind or found.ndim != 1:
            raise _damaged(
                f"{path}: `{key}` must be a row of {np.dtype(kind).name}. "
                f"Found: {found.dtype} {found.shape}"
            )
    return {key: arrays[key] for key in _ARRAYS}


def _check_index(prepared):
    """Records must fill their shards one after the other, without gaps."""
    card, folder = prepared.card, prepared.folder
    counts = [one["records"] for one in card["shards"]]
    sizes = np.array([one["bytes"] for one in card["shards"]], np.int64)
    lengths = {len(getattr(prepared, key)) for key in _ARRAYS}
    fits = lengths == {card["records"]} and sum(counts) == card["records"]
    if fits and card["records"]:
        shard = np.repeat(np.arange(len(counts)), counts)
        fits = np.array_equal(prepared.shard, shard)
    if fits and card["records"]:
        frames = prepared.length + FRAME_BYTES
        ends = np.cumsum(frames)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        begins = ends - frames - starts[prepared.shard]
        fits = np.array_equal(begins, prepared.offset) and np.array_equal(
            np.bincount(shard, frames, len(counts)).astype(np.int64), sizes
        )
    if not fits:
        raise _damaged(f"{folder / INDEX} does not match {CARD} and its shards")
    if not card["records"]:
        raise _damaged(f"{folder} holds no records")


def write_index(path, arrays):
    """Writes `index.npz` in one rename, byte for byte the same each time."""
    files.write_npz(
        path,
        {key: np.asarray(arrays[key], kind) for key, kind in _ARRAYS.items()},
    )


def file_entry(path):
    """`name`, `bytes` and `sha256` of a file, as the card lists them."""
    return {
        "name": path.name,
        "bytes": path.stat().st_size,
        "sha256": files.checksum(path),
    }
