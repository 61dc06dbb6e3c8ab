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


def labelled(
    name,
    paths,
    boxes,
    *,
    keypoints=None,
    keypoint_mask=None,
    relation=None,
    relation_mask=None,
    depth=None,
    depth_mask=None,
    pose=None,
    pose_mask=None,
    camera=None,
    source=skeleton.H36M17,
    left_out=None,
    notes=(),
):
    """`LabelledPhotos` from what a dataset knows; the rest is masked.

    Depth follows from the pose where the root is known. Arguments are the
    fields of `LabelledPhotos`, in any number type; values that are not
    masked must be finite.

    Raises:
        ValueError: an array has another shape than its field, or holds
            something that is not finite where it is not masked.
    """
    count, joints = len(paths), len(skeleton.H36M17)
    root = skeleton.H36M17.root

    def field(key, value, shape, dtype, mask=None):
        if value is None:
            return np.zeros((count, *shape), dtype)
        value = np.asarray(value)
        if value.shape != (count, *shape):
            raise ValueError(
                f"{name}: `{key}` must have shape {(count, *shape)}. "
                f"Received: {value.shape}."
            )
        if mask is not None:
            value = np.where(mask, value, 0)
        if not np.isfinite(value).all():
            row = int(np.argwhere(~np.isfinite(value))[0][0])
            raise ValueError(
                f"{name}: `{key}` of {paths[row]} is not finite; mask what "
                "is not known."
            )
        return value.astype(dtype)

    # One mask for `keypoints`, `depth`, `pose` and `relation` each.
    k_mask = field("keypoint_mask", keypoint_mask, (joints,), bool)
    p_mask = field("pose_mask", pose_mask, (joints,), bool)
    pairs = (joints, joints)
    r_mask = field("relation_mask", relation_mask, pairs, bool)
    pose = field("pose", pose, (joints, 3), np.float64, p_mask[..., None])
    if depth is None:
        d_mask = p_mask & p_mask[:, root : root + 1]
        depth = pose[..., 2] - pose[:, root : root + 1, 2]
    else:
        d_mask = field("depth_mask", depth_mask, (joints,), bool)
    depth = field("depth", depth, (joints,), np.float32, d_mask)
    return LabelledPhotos(
        name=name,
        paths=np.asarray(paths, str),
        boxes=field("boxes", boxes, (3,), np.float32),
        keypoints=field(
            "keypoints", keypoints, (joints, 2), np.float32, k_mask[..., None]
        ),
        keypoint_mask=k_mask,
        depth=depth,
        depth_mask=d_mask,
        relation=field("relation", relation, pairs, np.int8, r_mask),
        relation_mask=r_mask,
        pose=pose.astype(np.float32),
        pose_mask=p_mask,
        camera=field("camera", camera, (3, 3), np.float32),
        source=source,
        left_out=dict(left_out or {}),
        notes=tuple(notes),
    )


def join_clips(clips):
    """Paths of the frames of clips, and what `labelled` takes of them.

    Args:
        clips: tuples of paths `(T,)`, keypoints `(T, 17, 2)` px, poses
            `(T, 17, 3)` mm and intrinsics `(T, 3, 3)`; all joints are known.
    """
    paths, keypoints, pose, camera = (
        np.concatenate(column) for column in zip(*clips, strict=True)
    )
    every = np.ones(keypoints.shape[:2], bool)
    fields = {"keypoints": keypoints, "keypoint_mask": every}
    return paths, fields | {"pose": pose, "pose_mask": every, "camera": camera}


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
        """Reports a bad record; `ValueError` once there are too many.

        Args:
            reason: str, a sentence.
            kind: str, what it is counted under in `left_out`.
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
        """Indices of the records that nothing is wrong with; skips the others.

        Args:
            name_of: function of an index that returns what messages call it.
            faults: lists of a sentence or None for each record; of several
                sentences the first is reported.
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
        """Counts what is healthy and of no use here."""
        if count:
            self._unnamed = True
            self.left_out[kind] += int(count)

    def finish(self, kept):
        """Reports how many were left out, by reason, unless each was named.

        Raises `ValueError` where nothing is kept.
        """
        if self._unnamed:
            reasons = ", ".join(
                f"{count} {kind}" for kind, count in self.left_out.most_common()
            )
            self.report(f"{self.name}: left out {reasons}.")
        if not len(kept):
            raise ValueError(f"{self.name}: no usable record is left.")
