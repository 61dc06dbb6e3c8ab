"""What `tools.dev.fuzz_readers` damages, how, and what it reads it with."""

import dataclasses
import functools
import importlib
import io
import zipfile
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Format:
    """One reader, and how a small data set for it is made.

    Attributes:
        made: str, module of the checkout's tests that can make one.
        reader: str, module of `ordinal_tf.data` that reads it.
        make: function of the former and a folder; writes the data set there.
        targets: patterns of the files that are damaged.
        read: function of the latter and the folder; returns labels, clips or
            arrays.
    """

    made: str
    reader: str
    make: Callable
    targets: tuple[str, ...]
    read: Callable

    def load(self):
        """`make` and `read` as functions of a folder.

        Raises:
            ValueError: this is no checkout, or a package is missing.
        """
        try:
            made = importlib.import_module(f"tests.{self.made}")
            reader = importlib.import_module(f"ordinal_tf.data.{self.reader}")
        except ModuleNotFoundError as error:
            raise ValueError(
                f"{error}: this program runs in a checkout, with the packages "
                "of `pip install -e '.[datasets,test]'`."
            ) from error
        make = functools.partial(self.make, made)
        return make, functools.partial(self.read, reader)


def quiet(text):
    del text


def _inside(folder, name):
    folder.mkdir()
    return folder / name


_WHOLE = {}  # Prepared sets by folder, as they were before any damage.


def _read_prepared(reading, folder):
    opened = reading.open_prepared(folder)
    found = [opened.read(row) for row in range(len(opened))]
    # The first time nothing is damaged. Checksums leave no other labels.
    whole = _WHOLE.setdefault(folder, found)
    same = [
        np.array_equal(value, one[key])
        for one, two in zip(found, whole, strict=True)
        for key, value in two.items()
    ]
    return np.where(same, 0.0, np.nan)


def _read_mpi_inf_3dhp(mpi_inf_3dhp, folder):
    mpi_inf_3dhp.SEQUENCES = ("TS1",)
    return mpi_inf_3dhp.read_mpi_inf_3dhp(folder, skip_limit=2, report=quiet)


def _read_humaneva(humaneva, folder):
    humaneva._PARTITION = {("S1", "Walking"): (12, 20)}
    return humaneva.read_humaneva(folder, report=quiet)


def _write_custom(made, folder):
    lines = [
        {
            "image": f"photo{k}.jpg",
            "a": "left_wrist",
            "b": "right_knee",
            "relation": relation,
        }
        for k, relation in enumerate(("closer", "farther", "equal"))
    ]
    made.write(folder, made.content(3), relations=lines)


def _write_amc(made, folder):
    made.write(_inside(folder, "07.asf"), made.ASF)
    made.write(folder / "07_01.amc", made.AMC)


def _write_videos(made, folder):
    made.write_video(folder / "a.mp4", 20)
    made.write_video(folder / "b.avi", 20, codec="XVID")


def _read_videos(video, folder):
    reader = video.Reader()
    for name in ("a.mp4", "b.avi"):
        for frame in (0, 7, 15):
            reader.read(folder / name, frame)


READERS = {
    "prepared": Format(
        "prepared_files",
        "prepared.reading",
        lambda made, folder: made.write_prepared(folder, count=5),
        ("*.tfrecord*", "*.npz", "*.json"),
        _read_prepared,
    ),
    "lsp": Format(
        "lsp_files",
        "readers.lsp",
        lambda made, folder: made.write_lsp(folder, count=3),
        ("*.mat", "im00002.png"),
        lambda lsp, folder: lsp.read_lsp(folder, skip_limit=2, report=quiet),
    ),
    "mpii": Format(
        "data.readers.test_mpii",
        "readers.mpii",
        lambda made, folder: made.write(
            folder, made.release([made.rect()], [made.rect()])
        ),
        ("*.mat",),
        lambda mpii, folder: mpii.read_mpii(folder, report=quiet),
    ),
    "h36m": Format(
        "data.readers.test_h36m",
        "readers.h36m",
        lambda made, folder: made.write_release(
            folder, made.tags(S=made.POSE), mat=True
        ),
        ("*.h5", "*.mat", "*.txt"),
        lambda h36m, folder: h36m.read_h36m(
            folder, split="train", skip_limit=2, report=quiet
        ),
    ),
    "h36m_release": Format(
        "h36m_files",
        "readers.h36m_release",
        lambda made, folder: made.write_release(folder, subjects=("S9",)),
        ("*.cdf", "metadata.xml", "*.55011271.mp4"),
        lambda h36m_release, folder: h36m_release.read_h36m_release(
            folder, split="test", report=quiet
        ),
    ),
    "h36m_npz": Format(
        "data.readers.test_h36m_npz",
        "readers.h36m_npz",
        lambda made, folder: made.write(folder, made.arrays()),
        ("*.npz",),
        lambda h36m_npz, folder: h36m_npz.read_h36m_npz(
            folder, split="train", skip_limit=2, report=quiet
        ),
    ),
    "positions_npz": Format(
        "data.readers.test_h36m_npz",
        "mocap.clips",
        lambda made, folder: made.save_positions(
            _inside(folder, "data_3d_h36m.npz")
        ),
        ("*.npz",),
        lambda clips, folder: clips.read_clips(
            folder / "data_3d_h36m.npz", fps=10
        ),
    ),
    "mpi_inf_3dhp": Format(
        "data.readers.test_mpi_inf_3dhp",
        "readers.mpi_inf_3dhp",
        lambda made, folder: made.write(folder / "TS1", made.arrays()),
        ("annot_data.mat",),
        _read_mpi_inf_3dhp,
    ),
    "humaneva": Format(
        "humaneva_files",
        "readers.humaneva",
        lambda made, folder: made.write_subject(folder / "S1"),
        ("Walking_1.mat", "Static.mat", "*.mp", "*.ofs", "C1.cal", "*.avi"),
        _read_humaneva,
    ),
    "custom": Format(
        "coco_files",
        "readers.coco",
        _write_custom,
        ("*.json", "*.jsonl"),
        lambda coco, folder: coco.read_custom(
            folder, skip_limit=2, report=quiet
        ),
    ),
    "c3d": Format(
        "c3d_files",
        "mocap.clips",
        lambda made, folder: made.write_body(_inside(folder, "a.c3d")),
        ("*",),
        lambda clips, folder: clips.read_clips(folder / "a.c3d", fps=10),
    ),
    "bvh": Format(
        "mocap_files",
        "mocap.clips",
        lambda made, folder: made.write_bandai(_inside(folder, "a.bvh")),
        ("*",),
        lambda clips, folder: clips.read_clips(folder / "a.bvh", fps=10),
    ),
    "amc": Format(
        "data.mocap.test_asf_amc",
        "mocap.asf_amc",
        _write_amc,
        ("*.asf", "*.amc"),
        lambda asf_amc, folder: (
            asf_amc.read_amc(folder / "07_01.amc").positions
        ),
    ),
    "video": Format(
        "video_files",
        "files.video",
        _write_videos,
        ("*.mp4", "*.avi"),
        _read_videos,
    ),
}


_WORDS = (
    *(b"nan", b"inf", b"-1", b"1e999", b"9" * 30, b"", b"null", b"[]"),
    *(b"{}", b'"x"', b"\xff\xfe", b"\x00", b"left_wrist", b"0", b"1e400"),
)


def damage(data, path, rng):
    """Bytes of a file with something wrong.

    Args:
        data: bytes. A .npz file is damaged inside, with checksums that fit,
            half of the time.
        path: `pathlib.Path`, tells text from numbers.
        rng: `np.random.Generator`, the only source of chance.
    """
    if path.suffix == ".npz" and rng.random() < 0.5:
        return _damage_inside(data, rng)
    text = path.suffix in (
        *(".json", ".jsonl", ".xml", ".txt", ".mp", ".ofs", ".cal"),
        *(".bvh", ".asf", ".amc"),
    )
    ways = [_flip, _cut, _swap, _zero, _repeat, _remove]
    ways += [_word, _word, _word] if text else [_length, _length]
    for _ in range(int(rng.integers(1, 4))):
        data = ways[rng.integers(len(ways))](bytearray(data), rng)
    return bytes(data)


def _damage_inside(data, rng):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {n: archive.read(n) for n in archive.namelist()}
    name = sorted(entries)[rng.integers(len(entries))]
    way = [_flip, _cut, _swap, _zero, _length][rng.integers(5)]
    entries[name] = bytes(way(bytearray(entries[name]), rng))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    return file.getvalue()


def _span(data, rng):
    start = int(rng.integers(0, len(data) + 1))
    return start, start + int(rng.integers(1, 512))


def _place(data, rng):
    """A byte; often one of the header's, where most can go wrong."""
    limit = min(len(data), 700) if rng.random() < 0.5 else len(data)
    return int(rng.integers(0, max(limit, 1)))


def _flip(data, rng):
    for _ in range(int(rng.integers(1, 9))):
        if data:
            data[_place(data, rng)] = int(rng.integers(256))
    return data


def _cut(data, rng):
    return data[: int(rng.integers(0, len(data) + 1))]


def _swap(data, rng):
    a, b = _span(data, rng)
    start, _ = _span(data, rng)
    block = data[a:b]
    del data[a:b]
    data[start:start] = block
    return data


def _zero(data, rng):
    a, b = _span(data, rng)
    data[a:b] = bytes(len(data[a:b]))
    return data


def _repeat(data, rng):
    a, b = _span(data, rng)
    data[a:a] = data[a:b]
    return data


def _remove(data, rng):
    a, b = _span(data, rng)
    del data[a:b]
    return data


def _length(data, rng):
    """An impossible number where a length may stand."""
    size = int(rng.choice([1, 2, 4, 8]))
    value = [0, -1, 2 ** (8 * size - 1) - 1, 2 ** (4 * size)][rng.integers(4)]
    place = _place(data, rng) // size * size
    order = "little" if rng.random() < 0.7 else "big"
    word = (value % 2 ** (8 * size)).to_bytes(size, order)
    data[place : place + size] = word
    return data


def _word(data, rng):
    """A word of a text file replaced by another."""
    words = bytes(data).split(b" ") if b" " in data else bytes(data).split(b",")
    words[rng.integers(len(words))] = _WORDS[rng.integers(len(_WORDS))]
    return bytearray((b" " if b" " in data else b",").join(words))


def fault(result):
    """What is wrong with what a reader returned, None where nothing is."""
    if result is None:
        return None
    if isinstance(result, np.ndarray):
        return None if np.isfinite(result).all() else "not finite"
    if isinstance(result, list):
        for clip in result:
            if clip.poses.shape[1:] != (17, 3) or not len(clip.poses):
                return f"poses of shape {clip.poses.shape}"
            if not np.isfinite(clip.poses).all() or not clip.fps >= 0:
                return "poses that are not finite"
        return None if result else "no clip"
    return _fault_of_labels(result)


def _fault_of_labels(photos):
    count = len(photos)
    if not count:
        return "nobody"
    for name, value in photos.columns.items():
        if len(value) != count:
            return f"{len(value)} {name} of {count} people"
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            return f"{name} that is not finite"
    if not (photos.boxes[:, 2] > 0).all():
        return "a box without area"
    if (photos.relation != -np.swapaxes(photos.relation, 1, 2)).any():
        return "relations that contradict themselves"
    if not np.isin(photos.relation, (-1, 0, 1)).all():
        return "relations of other values"
    unknown = ~photos.relation_mask
    if photos.relation[unknown].any() or photos.depth[~photos.depth_mask].any():
        return "labels where the mask says that there are none"
    return None


def limit_memory(gigabytes):
    """Lets this process take that much more address space, where it can."""
    try:
        import resource
    except ImportError:
        return  # Not on Windows.
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[0])
    limit = int(pages * resource.getpagesize() + gigabytes * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
