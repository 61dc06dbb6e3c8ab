"""People with every label, and answers to them, made of random numbers."""

import dataclasses

import numpy as np

from ordinal_tf import ordinal, skeleton
from ordinal_tf.data.readers import labels
from ordinal_tf.evaluation import answers, people
from tests import bodies

H36M = skeleton.H36M17


def photos(count, *, names=None, source=H36M, seed=0, jitter_mm=60, **more):
    """`labels.LabelledPhotos` whose pictures are nowhere."""
    rng = np.random.default_rng(seed)
    pose = bodies.people(count, H36M.joints, seed=seed, jitter_mm=jitter_mm)
    pose = pose + [0, 0, 4000]
    every = np.ones((count, len(H36M)), bool)
    pixels = 1000 * pose[..., :2] / pose[..., 2:] + 500
    relation, known = ordinal.relations_from_depths(pose[..., 2])
    names = names or [f"images/{k:06}.jpg" for k in range(count)]
    fields = {
        "keypoints": pixels,
        "keypoint_mask": rng.random(every.shape) < 0.9,
        "pose": pose,
        "pose_mask": every,
        "relation": np.asarray(relation),
        "relation_mask": np.asarray(known),
    }
    boxes = np.column_stack([pixels.mean(1), np.full(count, 400.0)])
    return labels.labelled(
        "made", names, boxes, source=source, **(fields | more)
    )


def of(count=40, *, head_size=None, **options):
    """`people.People`, with some joints hidden."""
    found = people.of_photos(
        photos(count, **options), where="made", head_size=head_size
    )

    def read(rows):
        hidden = np.random.default_rng(7).random((count, len(H36M))) < 0.3
        every = np.ones((len(rows), len(H36M)), bool)
        more = {"visible": ~hidden[rows], "visible_mask": every}
        return found.read(rows) | more

    return dataclasses.replace(found, read=read)


def answered(someone, *, noise_px=15.0, noise_mm=60.0, seed=1, name="theirs"):
    """`answers.Answers` near the truth, with all fields as float32."""
    truth = someone.read(list(range(someone.count)))
    rng = np.random.default_rng(seed)
    pose = truth["pose"] - truth["pose"][:, :1]
    pose = pose + rng.normal(0, noise_mm, pose.shape)
    found = {
        "keypoints": truth["keypoints"]
        + rng.normal(0, noise_px, truth["keypoints"].shape),
        "ordinal_depth": pose[..., 2] / 1000,
        "pose": pose,
        "score": rng.random(pose.shape[:2]),
    }
    found = {key: value.astype(np.float32) for key, value in found.items()}

    def rows(some):
        return {key: value[some] for key, value in found.items()}

    return answers.Answers(
        name,
        frozenset(found),
        part=lambda k: rows(slice(k * answers.PART, (k + 1) * answers.PART)),
        of=rows,
    )
