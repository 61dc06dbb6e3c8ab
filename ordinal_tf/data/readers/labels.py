"""Labels of many photographs in memory, in one form for every dataset."""

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
        relation_mask: `(N, K, K)` bool, symmetric, an annotated pair.
        pose: `(N, K, 3)` float32 mm, camera axes, seen from the camera.
        pose_mask: `(N, K)` bool.
        camera: `(N, 3, 3)` float32, intrinsics in image pixels without
            distortion; zeros where unknown.
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

    def __len__(self):
        return len(self.paths)

    def take(self, rows):
        """The people at `rows` (indices or a slice), in that order."""
        fields = {
            field.name: getattr(self, field.name)[rows]
            for field in dataclasses.fields(self)
            if field.name != "name"
        }
        return LabelledPhotos(name=self.name, **fields)


def labelled(
    name,
    paths,
    boxes,
    *,
    keypoints=None,
    keypoint_mask=None,
    relation=None,
    relation_mask=None,
    pose=None,
    pose_mask=None,
    camera=None,
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

    # One mask for `keypoints`, `pose` and `relation` each.
    k_mask = field("keypoint_mask", keypoint_mask, (joints,), bool)
    p_mask = field("pose_mask", pose_mask, (joints,), bool)
    pairs = (joints, joints)
    r_mask = field("relation_mask", relation_mask, pairs, bool)
    pose = field("pose", pose, (joints, 3), np.float64, p_mask[..., None])
    d_mask = p_mask & p_mask[:, root : root + 1]
    depth = np.where(d_mask, pose[..., 2] - pose[:, root : root + 1, 2], 0.0)
    return LabelledPhotos(
        name=name,
        paths=np.asarray(paths, str),
        boxes=field("boxes", boxes, (3,), np.float32),
        keypoints=field(
            "keypoints", keypoints, (joints, 2), np.float32, k_mask[..., None]
        ),
        keypoint_mask=k_mask,
        depth=depth.astype(np.float32),
        depth_mask=d_mask,
        relation=field("relation", relation, pairs, np.int8, r_mask),
        relation_mask=r_mask,
        pose=pose.astype(np.float32),
        pose_mask=p_mask,
        camera=field("camera", camera, (3, 3), np.float32),
    )


class BadRecords:
    """Counts the records of a dataset that had to be skipped.

    Args:
        name: str, the dataset, for messages.
        limit: int, how many may be skipped before it is an error.
        report: function of one str that tells the user of each.
    """

    def __init__(self, name, limit, report=print):
        self.name, self.limit, self.report = name, limit, report
        self.reasons = []

    def skip(self, reason):
        """Reports a record; `ValueError` once there are too many."""
        self.reasons.append(reason)
        self.report(f"skipped: {reason}")
        if len(self.reasons) > self.limit:
            raise ValueError(
                f"{self.name} has more than {self.limit} bad records, the "
                f"last one: {reason} Mend the data, or raise the limit "
                "(`--config.data.skip_limit`)."
            )
