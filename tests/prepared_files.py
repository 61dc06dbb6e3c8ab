"""Prepared datasets for tests: drawn people whose every label is known."""

import functools

import cv2
import numpy as np

from ordinal_tf import geometry, ordinal, skeleton
from ordinal_tf.data.pipeline import streams
from ordinal_tf.data.prepared import cards, writing

# A person who faces the camera, mm from the pelvis: x right, y down, z away.
# The person's right is on our left; both knees are bent.
_STANDING = {
    "pelvis": (0, 0, 0),
    "hip": (120, 0, 0),
    "knee": (130, 400, -150),
    "ankle": (130, 830, 0),
    "spine": (0, -240, 0),
    "thorax": (0, -480, 0),
    "nose": (0, -580, -80),
    "head_top": (0, -700, 0),
    "shoulder": (170, -450, 0),
    "elbow": (250, -180, 60),
    "wrist": (330, 30, -100),
}
ABOUT = cards.About("Drawn people", "free", skeleton.H36M17)


def standing():
    """`(17, 3)` mm."""
    rows = []
    for joint in skeleton.H36M17.joints:
        side, _, rest = joint.partition("_")
        x, y, z = _STANDING[rest if side in ("left", "right") else joint]
        rows.append((-x if side == "right" else x, y, z))
    return np.array(rows, float)


class DrawnPeople:
    """Sample i is a pure function of i, in the form of synthetic people."""

    def __init__(self, size=96):
        self.size = size

    def __getitem__(self, i):
        return _sample(self.size, i)


@functools.cache
def _sample(size, i):
    rng = np.random.default_rng(i)
    yaw = rng.uniform(-np.pi, np.pi)
    turn = np.array(
        [
            [np.cos(yaw), 0, np.sin(yaw)],
            [0, 1, 0],
            [-np.sin(yaw), 0, np.cos(yaw)],
        ]
    )
    pose = standing() @ turn.T + [*rng.uniform(-200, 200, 2), 4000]
    middle = (size - 1) / 2
    camera = np.array(
        [[1.5 * size, 0, middle], [0, 1.5 * size, middle]] + [[0, 0, 1]]
    )
    seen = pose @ camera.T
    keypoints = seen[:, :2] / seen[:, 2:]
    image = rng.integers(0, 40, (size, size, 3), np.uint8)
    colours = np.random.default_rng(1).integers(90, 256, (17, 3))
    for (x, y), colour in zip(keypoints, colours.tolist(), strict=True):
        cv2.circle(image, (round(x), round(y)), 3, colour, -1)
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    depth = pose[:, 2] - pose[0, 2]
    relation, pairs = ordinal.relations_from_depths(depth)
    everything = np.ones(17, bool)
    return {
        "jpeg": jpeg.tobytes(),
        "box": np.asarray(geometry.box_around(keypoints, everything)),
        "keypoints": keypoints.astype(np.float32),
        "keypoint_mask": everything,
        "depth": depth.astype(np.float32),
        "depth_mask": everything,
        "relation": np.asarray(relation),
        "relation_mask": np.asarray(ordinal.upper_pairs(pairs)),
        "pose": pose.astype(np.float32),
        "visible": rng.random(17) < 0.8,
        "camera": camera.astype(np.float32),
    }


def drawn(count, first=0, name="drawn"):
    """`streams.RenderedPeople` for `writing.prepare`."""
    return streams.RenderedPeople(
        DrawnPeople(), name, {"size": 96}, first, first + count
    )


def quiet(*text):
    del text


def write_prepared(folder, *, count=10, shard_records=4, first=0, **options):
    """Prepares drawn people in this process; returns the card."""
    return writing.prepare(
        drawn(count, first),
        folder,
        about=ABOUT,
        shard_records=shard_records,
        report=quiet,
        **options,
    )


def record(i=0):
    """One valid record."""
    return streams.rendered_record(DrawnPeople(), i)[0]
