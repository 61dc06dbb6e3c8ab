"""Labels of many photographs in memory, in one form for every dataset."""

import collections
import dataclasses

import numpy as np

from ordinal_tf import skeleton


@dataclasses.dataclass(frozen=True)
class LabelledPhotos:
    """N people in N pictures, joints of `skeleton.H36M17` (K = 17).

    What a dataset does not know is masked and holds zeros; `labelled` makes
    one from what is known.

    Attributes:
        name: str, the dataset.
        paths: `(N,)` str, the pictures.
        boxes: `(N, 3)` float32 centre x, centre y, side; image pixels.
        keypoints: `(N, K, 2)` float32 image pixels.
        keypoint_mask: `(N, K)` bool.
        depth: `(N, K)` float32 mm, root-relative.
        depth_mask: `(N, K)` bool.
        relation: `(N, K, K)` int8, antisymmetric, +1: i is nearer than j.
        relation_mask: `(N, K, K)` bool, symmetric, an annotated pair. What
            follows from depths is derived while training, by `supervision`.
        pose: `(N, K, 3)` float32 mm, camera axes, seen from the camera.
        pose_mask: `(N, K)` bool.
        camera: `(N, 3, 3)` float32, intrinsics in image pixels without
            distortion; zeros where unknown.
        source: `skeleton.Skeleton` that was labelled.
        left_out: dict of reason to number of what the dataset has and is not
            among these people.
        notes: sentences on what the reader had to decide.
    """

    name: str
    paths: np.ndarray
    boxes: np.ndarray
    keypoints: np.ndarray
    keypoint_mask: np.ndarray
    depth: np.ndarray
    depth_mask: np.ndarray
    relation: np.ndarray
    relation_mask: np.ndarray
    pose: np.ndarray
    pose_mask: np.ndarray
    camera: np.ndarray
    source: skeleton.Skeleton = skeleton.H36M17
    left_out: dict = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self):
        return len(self.paths)

    @property
    def columns(self):
        """dict of the arrays that have an entry for each person."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.type is np.ndarray
        }

    def take(self, rows):
        """The people at `rows` (indices or a slice), in that order."""
        taken = {name: array[rows] for name, array in self.columns.items()}
        return dataclasses.replace(self, **taken)


_K = len(skeleton.H36M17)
# Shape, type, and the mask of what is known, which comes before.
_FIELDS = {
    "boxes": ((3,), np.float32, None),
    "camera": ((3, 3), np.float32, None),
    "keypoint_mask": ((_K,), bool, None),
    "keypoints": ((_K, 2), np.float32, "keypoint_mask"),
    "pose_mask": ((_K,), bool, None),
    "pose": ((_K, 3), np.float32, "pose_mask"),
    "depth_mask": ((_K,), bool, None),
    "depth": ((_K,), np.float32, "depth_mask"),
    "relation_mask": ((_K, _K), bool, None),
    "relation": ((_K, _K), np.int8, "relation_mask"),
}


def labelled(
    name,
    paths,
    boxes,
    *,
    source=skeleton.H36M17,
    left_out=None,
    notes=(),
    **known,
):
    """The labels of a dataset from what it knows; the rest is masked.

    Depth follows from the pose where the root is known.

    Args:
        name, paths, boxes, source, left_out, notes: see `LabelledPhotos`.
        known: other fields of it, in any number type, or None; values that are
            not masked must be finite.

    Returns:
        `LabelledPhotos`.

    Raises:
        ValueError: an array has another shape than its field, or holds
            something that is not finite where it is not masked.
    """
    if not set(known) <= set(_FIELDS):
        raise TypeError(f"Unknown fields: {set(known) - set(_FIELDS)}.")
    known = {"boxes": boxes} | {k: v for k, v in known.items() if v is not None}
    if "pose" in known and "depth" not in known:
        root, mask = skeleton.H36M17.root, np.asarray(known["pose_mask"])
        away = np.where(mask, np.asarray(known["pose"], np.float64)[..., 2], 0)
        known["depth"] = away - away[:, [root]]
        known["depth_mask"] = mask & mask[:, [root]]
    fields = {}
    for key, (shape, dtype, mask) in _FIELDS.items():
        shape = (len(paths), *shape)
        value = np.asarray(known.get(key, np.zeros(shape)))
        if value.shape != shape:
            raise ValueError(
                f"{name}: `{key}` must have shape {shape}. Received: "
                f"{value.shape}."
            )
        if mask:
            mask = fields[mask]
            mask = mask.reshape(mask.shape + (1,) * (value.ndim - mask.ndim))
            value = np.where(mask, value, 0)
        if not np.isfinite(value).all():
            row = int(np.argwhere(~np.isfinite(value))[0][0])
            raise ValueError(
                f"{name}: `{key}` of {paths[row]} is not finite; mask what "
                "is not known."
            )
        fields[key] = value.astype(dtype)
    return LabelledPhotos(
        name=name,
        paths=np.asarray(paths, str),
        **fields,
        source=source,
        left_out=dict(left_out or {}),
        notes=tuple(notes),
    )


def join_clips(clips):
    """Clips of videos as the people of one dataset.

    Args:
        clips: tuples of paths `(T,)`, keypoints `(T, 17, 2)` px, poses
            `(T, 17, 3)` mm and intrinsics `(T, 3, 3)`; all joints are known.

    Returns:
        `(N,)` paths of the frames, and a dict of what `labelled` takes of them.
    """
    paths, keypoints, pose, camera = (
        np.concatenate(column) for column in zip(*clips, strict=True)
    )
    every = np.ones(keypoints.shape[:2], bool)
    fields = {"keypoints": keypoints, "keypoint_mask": every}
    return paths, fields | {"pose": pose, "pose_mask": every, "camera": camera}


def check_split(split, *parts):
    """Raises `ValueError` unless a data set has a part of that name."""
    if split not in parts:
        names = " or ".join(map(repr, parts))
        raise ValueError(f"`split` must be {names}. Received: {split!r}.")


def where(wrong, sentence):
    """The sentence for each record that is wrong, None for the others."""
    return [sentence if one else None for one in wrong]


class BadRecords:
    """Counts what of a dataset is left out, and why.

    Args:
        name: str, the dataset, for messages.
        limit: int, how many bad records may be skipped before it is an error;
            readers take it as `skip_limit`.
        report: function of one str that tells the user of each.

    Attributes:
        left_out: `collections.Counter` of reasons.
    """

    def __init__(self, name, limit, report=print):
        self.name, self.limit, self.report = name, limit, report
        self.bad = 0
        self._unnamed = False  # Something was left out that was not named.
        self.left_out = collections.Counter()

    def skip(self, reason, *, kind="bad records, each named"):
        """Reports a bad record.

        Args:
            reason: str, a sentence.
            kind: str, what it is counted under in `left_out`.

        Raises:
            ValueError: there are now more than the limit.
        """
        self.bad += 1
        self.report(f"skipped: {reason}")
        if self.bad > self.limit:
            raise ValueError(
                f"{self.name} has more than {self.limit} bad records, the "
                f"last one: {reason} Mend the data, or allow more by a higher "
                "`skip_limit`."
            )
        self.left_out[kind] += 1

    def sound(self, name_of, *faults):
        """Skips the records that something is wrong with.

        Args:
            name_of: function of an index that returns what messages call it.
            faults: lists of a sentence or None for each record; of several
                sentences the first is reported.

        Returns:
            list of the others' indices.

        Raises:
            ValueError: see `skip`.
        """
        rows = []
        for row, sentences in enumerate(zip(*faults, strict=True)):
            fault = next(filter(None, sentences), None)
            if fault:
                self.skip(f"{name_of(row)}{fault}")
            else:
                rows.append(row)
        return rows

    def leave_out(self, kind, count=1):
        """Counts what is healthy and of no use here.

        Args:
            kind: str, what it is counted under in `left_out`.
            count: int, how much of it.
        """
        if count:
            self._unnamed = True
            self.left_out[kind] += int(count)

    def finish(self, kept):
        """Reports how many were left out, by reason, unless each was named.

        Args:
            kept: what is left, anything with a length.

        Raises:
            ValueError: nothing is.
        """
        if self._unnamed:
            reasons = ", ".join(
                f"{count} {kind}" for kind, count in self.left_out.most_common()
            )
            self.report(f"{self.name}: left out {reasons}.")
        if not len(kept):
            raise ValueError(f"{self.name}: no usable record is left.")
