"""Writes prepared datasets: sharded records, index, card, contact sheet.

Shards are written by parallel processes, each under another name until it is
whole. What a shard holds depends on its rows alone, so the files are the same
byte for byte whatever the number of processes, and a shard that an
interrupted preparation left whole is kept.
"""

import concurrent.futures
import contextlib
import dataclasses
import errno
import hashlib
import multiprocessing
import pathlib
import shutil

import numpy as np
import tensorflow as tf

from ordinal_tf import files
from ordinal_tf._version import __version__
from ordinal_tf.data.files import text, video
from ordinal_tf.data.prepared import cards, cutouts, reading, records, workers
from ordinal_tf.data.readers import labels

SHARD_RECORDS = 500
REQUEST = "preparing.json"  # What an unfinished folder is to become.
_SPARE = 1.05  # Of the estimated size: labels and pictures vary.
_SAMPLED = 16  # Records that the size is estimated from.


@dataclasses.dataclass(frozen=True)
class PhotoPeople:
    """The people of labelled picture files, as `prepare` takes them.

    Attributes:
        photos: `labels.LabelledPhotos`.
        root: folder of the dataset.
        options: dict, see `cutouts.photo_record`.
    """

    photos: labels.LabelledPhotos
    root: str
    options: dict

    @property
    def name(self):
        return self.photos.name

    def __len__(self):
        return len(self.photos)

    def part(self, first, last):
        """The people `first` to `last` - 1, alone."""
        photos = self.photos.take(slice(first, last))
        return dataclasses.replace(self, photos=photos)

    def record(self, i):
        """Record and picture number of person i, see `photo_record`."""
        return cutouts.photo_record(
            self.photos, i, root=self.root, **self.options
        )

    def fingerprint(self):
        """str that changes with labels, options and the pictures' sizes."""
        digest = hashlib.sha256(repr(sorted(self.options.items())).encode())
        for name, array in self.photos.columns.items():
            if name != "paths":
                digest.update(array.tobytes())
        for name in self.photos.paths:
            path = pathlib.Path(name)
            file = pathlib.Path(video.split_path(name)[0])
            size = file.stat().st_size if file.is_file() else -1
            digest.update(f"{path.name} {size}\n".encode())
        return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class _Task:
    people: object
    path: pathlib.Path
    fingerprint: str


def prepare(
    people,
    out,
    *,
    about,
    processes=1,
    shard_records=SHARD_RECORDS,
    skip_limit=0,
    report=print,
    progress=None,
):
    """Writes a prepared folder, or finishes one that was interrupted.

    Args:
        people: what is to be prepared: `PhotoPeople`, or another picklable
            object with its attribute and methods.
        out: folder, made where missing.
        about: `cards.About`.
        processes: int; 1 works in this process.
        shard_records: int, people per shard.
        skip_limit, report: see `labels.BadRecords`, for people without a
            usable picture.
        progress: function of the number of people done, or None.

    Returns:
        dict, the card.

    Raises:
        ValueError: no people, too many bad ones, or `out` holds something
            else.
        OSError: the disk is full or cannot be written.
    """
    out = pathlib.Path(out)
    if not len(people):
        raise ValueError(f"{people.name} has no people; nothing to prepare.")
    given = {"processes": processes, "shard_records": shard_records}
    for key, value in given.items():
        if value < 1:
            raise ValueError(f"`{key}` must be positive. Received: {value}.")
    tasks = _tasks(people, out, shard_records)
    fingerprints = "\n".join(task.fingerprint for task in tasks)
    request = {
        "format": reading.FORMAT,
        "code_version": __version__,
        "name": people.name,
        **cards.describe(about),
        "options": {**people.options, "shard_records": shard_records},
        "request": hashlib.sha256(fingerprints.encode()).hexdigest(),
    }
    finished = _begin(out, request)
    if finished is not None:
        report(f"{out} is prepared already, and its files are whole.")
        return finished
    parts = [_kept(task) for task in tasks]
    todo = [task for task, part in zip(tasks, parts, strict=True) if not part]
    kept = len(tasks) - len(todo)
    if kept:
        report(f"{out}: keeping {kept} of {len(tasks)} shards.")
    _check_disk(out, todo)
    bad = labels.BadRecords(people.name, skip_limit, report)
    done = 0
    with _running(todo, processes, out) as results:
        for k, task in enumerate(tasks):
            parts[k] = parts[k] or next(results)
            for reason in parts[k]["skipped"]:
                bad.skip(reason)
            done += len(task.people)
            if progress:
                progress(done)
    return _finish(out, request, parts, tasks)


def _tasks(people, out, size):
    count = -(-len(people) // size)
    tasks = []
    for k in range(count):
        part = people.part(k * size, min((k + 1) * size, len(people)))
        path = out / f"data-{k:05}-of-{count:05}.tfrecord"
        tasks.append(_Task(part, path, part.fingerprint()))
    return tasks


def _begin(out, request):
    """Makes the folder; the card where it is finished already, else None."""
    if (out / reading.CARD).exists():
        card = reading.open_prepared(out).card
        if any(card.get(key) != value for key, value in request.items()):
            raise ValueError(
                f"{out} holds a dataset prepared from other data, with other "
                "options or by another version; use another --out, or delete "
                "it."
            )
        check_files(out, card)
        return card
    unfinished = out / REQUEST
    if unfinished.exists():
        if text.read_json(unfinished, remedy="delete it") != request:
            raise ValueError(
                f"{out} holds an interrupted preparation of other data, with "
                "other options or by another version; use another --out, or "
                "delete it."
            )
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} must be a new or an empty folder.")
    out.mkdir(parents=True, exist_ok=True)
    files.write_json(unfinished, request, indent=1)
    return None


def check_files(folder, card):
    """Compares a prepared folder's files with its card.

    Args:
        folder: path.
        card: dict, the content of `dataset.json`.

    Raises:
        ValueError: a file's checksum is not the card's; names the file.
    """
    for entry in (*card["shards"], card["index"]):
        path = pathlib.Path(folder, entry["name"])
        if reading.file_entry(path)["sha256"] != entry["sha256"]:
            raise ValueError(
                f"{path} is damaged: its checksum is not the card's; copy it "
                "again, or prepare the dataset again."
            )


def _part_path(task):
    return task.path.with_suffix(".json")


def _kept(task):
    """What an earlier run noted of a shard that is still whole, or None."""
    note = _part_path(task)
    if not (note.exists() and task.path.exists()):
        return None
    try:
        part = text.read_json(note)
    except ValueError:
        return None
    same = part.get("fingerprint") == task.fingerprint
    same = same and part.get("file") == reading.file_entry(task.path)
    return part if same else None


def _check_disk(out, todo):
    """Raises `OSError` where the shards to write will not fit."""
    people = [(task, i) for task in todo for i in range(len(task.people))]
    if not people:
        return
    rows = np.linspace(0, len(people) - 1, _SAMPLED).round().astype(int)
    sizes = []
    for task, i in (people[row] for row in np.unique(rows)):
        try:
            record, _ = task.people.record(i)
        except (ValueError, OSError):
            continue  # Reported when its turn comes.
        sizes.append(len(records.serialize(record)) + reading.FRAME_BYTES)
    if not sizes:
        return
    needed = int(np.mean(sizes) * len(people) * _SPARE)
    free = shutil.disk_usage(out).free
    if free < needed:
        raise OSError(
            f"{out} needs about {needed / 1e6:.0f} MB, and its disk has "
            f"{free / 1e6:.0f} MB free; make room or use another --out."
        )


@contextlib.contextmanager
def _running(todo, processes, out):
    """An iterator of the finished parts of `todo`, in order."""
    if processes == 1 or len(todo) < 2:
        yield map(_write_shard, todo)
        return
    pool = concurrent.futures.ProcessPoolExecutor(
        min(processes, len(todo)),
        # TensorFlow's threads do not survive a fork.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=workers.start,
    )
    try:
        yield pool.map(_write_shard, todo)
    except concurrent.futures.process.BrokenProcessPool as error:
        raise OSError(
            "A process that was writing shards died, perhaps for want of "
            f"memory; use fewer --processes. {out} continues where it stopped."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _write_shard(task):
    """Writes one shard and its note; returns the note."""
    note, skipped = {}, []
    try:
        with (
            files.whole(task.path) as new,
            tf.io.TFRecordWriter(str(new)) as writer,
        ):
            for i in range(len(task.people)):
                try:
                    record, picture = task.people.record(i)
                    data = records.serialize(record)
                except (ValueError, FileNotFoundError) as error:
                    skipped.append(str(error))
                    continue
                writer.write(data)
                cards.add_to_note(
                    note, record, length=len(data), picture=int(picture)
                )
    except tf.errors.ResourceExhaustedError as error:
        raise OSError(
            errno.ENOSPC,
            "The disk is full; make room and run the same command again, "
            "which continues from here",
            str(task.path),
        ) from error
    part = {
        "fingerprint": task.fingerprint,
        "file": reading.file_entry(task.path),
        "skipped": skipped,
        **note,
    }
    files.write_json(_part_path(task), part, indent=1)
    return part


def _finish(out, request, parts, tasks):
    """Writes index, sheet and card, and removes the shards' notes."""
    lengths = [np.array(part.get("length", []), np.int64) for part in parts]
    counts = [len(length) for length in lengths]
    if not sum(counts):
        raise ValueError(f"{out}: no usable person is left; see above.")
    frames = [length + reading.FRAME_BYTES for length in lengths]
    arrays = {
        "shard": np.repeat(np.arange(len(parts)), counts),
        "offset": np.concatenate([np.cumsum(f) - f for f in frames]),
        "length": np.concatenate(lengths),
        "picture": np.array(
            [n for p in parts for n in p.get("picture", [])], np.uint64
        ),
    }
    reading.write_index(out / reading.INDEX, arrays)
    card = {
        **request,
        **cards.statistics(parts),
        "skipped": [reason for part in parts for reason in part["skipped"]],
        "shards": [
            {**part["file"], "records": count}
            for part, count in zip(parts, counts, strict=True)
        ],
        "index": reading.file_entry(out / reading.INDEX),
    }
    whole = reading.PreparedSet(folder=out, card=card, **arrays)
    files.write_picture(out / reading.SHEET, cards.contact_sheet(whole))
    files.write_json(out / reading.CARD, card, indent=1)
    for task in tasks:
        _part_path(task).unlink()
    (out / REQUEST).unlink()
    return card
