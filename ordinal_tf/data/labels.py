"""Labels of many photographs in memory, in one form for every dataset."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class LabelledPhotos:
    """N people in N photographs, joints of `skeleton.H36M17` (K = 17).

    What a dataset does not know is masked and holds zeros.

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
