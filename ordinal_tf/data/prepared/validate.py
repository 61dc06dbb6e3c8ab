"""Checks of prepared datasets that no format can make: is this a body?

Every check looks at each person by itself and says which of them it could
test and which look wrong. A few always do, for people label in haste and
bodies twist; a share above the check's limit means that something systematic
went wrong, such as mirrored legs or a reversed sign.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.prepared import cutouts, reading, writing

_SKELETON = skeleton.H36M17
_CHUNK = 500  # Records in memory at a time.
_CLEAR_MM = 150.0  # A depth difference that a sign should show.
_joint = _SKELETON.index


@dataclasses.dataclass(frozen=True)
class Check:
    """One question to each person.

    Attributes:
        name: str, a few words.
        meaning: str, what is the matter where many fail.
        limit: share of the tested people that may fail.
        test: function of a dict of arrays `(N, ...)`, by `records.FIELDS`,
            that returns `(N,)` bool: could be tested, and fails.
    """

    name: str
    meaning: str
    limit: float
    test: Callable


def validate(folder, *, progress=None):
    """Checks a prepared folder.

    Args:
        folder: path.
        progress: function of the number of people done, or None.

    Returns:
        list of dicts, one for each check that found people to test: `check`
        and `meaning` (see `Check`), `tested`, `failed` (numbers of people),
        `limit`, `wrong` (bool: above the limit) and `examples` (up to five
        `(row, name)` that fail).

    Raises:
        ValueError: the folder is not prepared, a file's checksum is not the
            card's, or a record is damaged.
    """
    opened = reading.open_prepared(folder)
    writing.check_files(folder, opened.card)
    tested = np.zeros(len(CHECKS), int)
    failed = np.zeros(len(CHECKS), int)
    examples = [[] for _ in CHECKS]
    for first in range(0, len(opened), _CHUNK):
        rows = range(first, min(first + _CHUNK, len(opened)))
        people = _read(opened, rows)
        for k, check in enumerate(CHECKS):
            could, fails = check.test(people)
            fails = fails & could
            tested[k] += could.sum()
            failed[k] += fails.sum()
            for i in np.flatnonzero(fails)[: 5 - len(examples[k])]:
                examples[k].append((rows[i], str(people["name"][i])))
        if progress:
            progress(rows[-1] + 1)
    return [
        {
            "check": check.name,
            "meaning": check.meaning,
            "tested": int(tested[k]),
            "failed": int(failed[k]),
            "limit": check.limit,
            "wrong": bool(failed[k] > check.limit * tested[k]),
            "examples": examples[k],
        }
        for k, check in enumerate(CHECKS)
        if tested[k]
    ]


def _read(opened, rows):
    """Arrays of all fields but the pictures, which must decode."""
    found = []
    for row in rows:
        record = opened.read(row)
        try:
            image = cutouts.decode(record.pop("image"))
            if image.shape[:2] != tuple(record["size"]):
                raise ValueError("a picture of another size than it says")
        except ValueError as error:
            raise ValueError(
                f"Record {row} of {opened.folder} ({record['name']}) holds "
                f"{error}; prepare the dataset again."
            ) from error
        found.append(record)
    return {key: np.stack([one[key] for one in found]) for key in found[0]}


def _box_in_picture(people):
    low = people["box"][:, :2] - people["box"][:, 2:] / 2
    high = people["box"][:, :2] + people["box"][:, 2:] / 2
    low, high = np.maximum(low, 0), np.minimum(high, people["size"][:, ::-1])
    seen = np.prod(np.maximum(high - low, 0), axis=1) / people["box"][:, 2] ** 2
    return np.ones(len(seen), bool), seen < 0.25


def _keypoints_in_picture(people):
    """More than half a box beyond the picture's edge is nobody's joint."""
    points, mask = people["keypoints"], people["keypoint_mask"]
    far = 0.5 * people["box"][:, None, 2:]
    size = people["size"][:, None, ::-1]  # x, y.
    out = ((points < -far) | (points > size + far)).any(-1)
    return mask.any(1), (out & mask).any(1)


def _box_fits(people):
    """The box is about as large as what it should contain."""
    mask = people["keypoint_mask"]
    could = mask.sum(1) >= 8
    around = np.asarray(
        geometry.box_around(
            people["keypoints"], mask | ~mask.any(1, keepdims=True), margin=1.0
        )
    )
    ratio = people["box"][:, 2] / around[:, 2]
    aside = np.abs(people["box"][:, :2] - around[:, :2]).max(1)
    return could, (ratio < 0.7) | (ratio > 4) | (aside > people["box"][:, 2])


def _relations_transitive(people):
    """i nearer than j, and j than k, so i is nearer than k."""
    nearer = ((people["relation"] == 1) & people["relation_mask"]).astype(int)
    chains = np.einsum("nij,njk->nik", nearer, nearer)
    known = chains * people["relation_mask"]
    broken = known * (people["relation"] != 1)
    total = known.sum((1, 2))
    return total > 0, broken.sum((1, 2)) > 0.2 * total


def _relations_agree_with_depth(people):
    """The sign is that of the depths, where they differ clearly."""
    depth = people["depth"]
    diff = depth[:, :, None] - depth[:, None, :]
    clear = (np.abs(diff) > _CLEAR_MM) & (people["relation"] != 0)
    known = people["depth_mask"]
    clear &= people["relation_mask"] & known[:, :, None] & known[:, None, :]
    opposite = clear & (people["relation"] * np.sign(diff) > 0)
    total = clear.sum((1, 2))
    # Relations that have nothing to do with the depths reach a half.
    return total > 0, opposite.sum((1, 2)) > 0.3 * total


def _depth_is_of_the_pose(people):
    root = _SKELETON.root
    relative = people["pose"][:, :, 2] - people["pose"][:, root : root + 1, 2]
    both = people["depth_mask"] & people["pose_mask"]
    both &= people["pose_mask"][:, root : root + 1]
    off = np.abs(relative - people["depth"]) > 1.0
    return both.any(1), (off & both).any(1)


def _pose_projects_to_keypoints(people):
    """Lens distortion moves points by 1 or 2 px of about 500."""
    known = people["pose_mask"] & people["keypoint_mask"]
    could = known.any(1) & people["camera"].any((1, 2))
    seen = people["pose"] @ np.swapaxes(people["camera"], 1, 2)
    depth = np.where(seen[..., 2:] > 0, seen[..., 2:], np.nan)
    off = np.linalg.norm(seen[..., :2] / depth - people["keypoints"], axis=-1)
    # A joint behind the camera projects nowhere.
    off = np.where(np.isnan(off), np.inf, off) / people["box"][:, 2:]
    return could, (np.where(known, off, 0) > 0.02).any(1)


def _lengths(points, names):
    """`(N,)` lengths of the bone between two joints."""
    a, b = (_joint(name) for name in names)
    return np.linalg.norm(points[:, a] - points[:, b], axis=-1)


# Bones as shares of the way from pelvis to thorax (about 480 mm), widely.
_PROPORTIONS = {
    ("hip", "knee"): (0.6, 1.4),
    ("knee", "ankle"): (0.6, 1.4),
    ("shoulder", "elbow"): (0.35, 0.95),
    ("elbow", "wrist"): (0.3, 0.85),
}


def _limbs(people):
    """Bones of `_PROPORTIONS`, and `(2, N)` lengths on the left and right."""
    for a, b in _PROPORTIONS:
        sides = [(f"{side}_{a}", f"{side}_{b}") for side in ("left", "right")]
        yield (a, b), np.stack([_lengths(people["pose"], s) for s in sides])


def _sides_alike(people):
    """Left and right bones are as long as each other, to a fifth."""
    worst = 0.0
    for _, (left, right) in _limbs(people):
        worst = np.maximum(worst, np.abs(np.log((left + 1) / (right + 1))))
    return people["pose_mask"].all(1), worst > np.log(1.25)


def _proportions(people):
    trunk = _lengths(people["pose"], ("pelvis", "spine"))
    trunk = trunk + _lengths(people["pose"], ("spine", "thorax")) + 1e-6
    odd = np.zeros(len(trunk), bool)
    for bone, lengths in _limbs(people):
        low, high = _PROPORTIONS[bone]
        shares = lengths / trunk
        odd |= ((shares < low) | (shares > high)).any(0)
    return people["pose_mask"].all(1), odd


def _unit_is_mm(people):
    """From the hip over the knee to the ankle: 0.4 to 1.3 m."""
    _, leg = sum(length for bone, length in _limbs(people) if "knee" in bone)
    return people["pose_mask"].all(1), (leg < 400) | (leg > 1300)


def _across(points, part):
    """From the left to the right joint of a part."""
    return (
        points[:, _joint(f"right_{part}")] - points[:, _joint(f"left_{part}")]
    )


def _knees_bend_forwards(people):
    """Swapped sides, or a mirrored pose, turn the front to the back.

    The front follows from the hips and the trunk; a knee that is clearly
    bent lies before the line from hip to ankle.
    """
    pose = people["pose"]
    up = pose[:, _joint("thorax")] - pose[:, _joint("pelvis")]
    # Axes x right, y down, z away: right-handed, so right x up is backwards
    # of somebody who faces us, who has his right on the picture's left.
    front = np.cross(up, _across(pose, "hip"))
    front /= np.linalg.norm(front, axis=-1, keepdims=True) + 1e-6
    ahead = np.zeros(len(pose))
    for side in ("left", "right"):
        hip, knee, ankle = (
            pose[:, _joint(f"{side}_{part}")]
            for part in ("hip", "knee", "ankle")
        )
        bend = knee - (hip + ankle) / 2
        clear = np.linalg.norm(bend, axis=-1) > 60.0
        ahead += np.where(clear, np.sum(bend * front, axis=-1), 0)
    could = people["pose_mask"].all(1) & (np.abs(ahead) > 30.0)
    return could, ahead < 0


def _legs_and_arms_agree(people):
    """Hips and shoulders have their right on the same side."""
    pose, known = people["pose"], people["pose_mask"].all(1)
    turn = np.sum(_across(pose, "hip") * _across(pose, "shoulder"), axis=-1)
    flat, mask = people["keypoints"], people["keypoint_mask"]
    joints = [
        _joint(f"{side}_{part}")
        for side in ("left", "right")
        for part in ("hip", "shoulder")
    ]
    hips, shoulders = _across(flat, "hip"), _across(flat, "shoulder")
    clear = 0.1 * people["box"][:, 2]
    wide = np.minimum(
        np.linalg.norm(hips, axis=-1), np.linalg.norm(shoulders, axis=-1)
    )
    could = mask[:, joints].all(1) & (wide > clear)
    apart = np.where(known, turn < 0, np.sum(hips * shoulders, axis=-1) < 0)
    return known | could, apart


CHECKS = (
    Check(
        "box in the picture",
        "the box lies outside the picture: centre or scale are misread",
        0.02,
        _box_in_picture,
    ),
    Check(
        "keypoints near the picture",
        "keypoints lie far outside: the crop offset or x and y are misread",
        0.02,
        _keypoints_in_picture,
    ),
    Check(
        "box around the keypoints",
        "boxes do not fit the keypoints: centre or scale are misread",
        0.05,
        _box_fits,
    ),
    Check(
        "hips and shoulders turn alike",
        "hips and shoulders have left and right on opposite sides: the legs "
        "or the arms are mirrored",
        0.15,
        _legs_and_arms_agree,
    ),
    Check(
        "relations are transitive",
        "relations contradict each other: rows and columns are misread",
        0.1,
        _relations_transitive,
    ),
    Check(
        "relations agree with depth",
        "relations have the opposite sign of the depths",
        0.1,
        _relations_agree_with_depth,
    ),
    Check(
        "depth is that of the pose",
        "depth is not the pose's z relative to the root",
        0.0,
        _depth_is_of_the_pose,
    ),
    Check(
        "pose projects to the keypoints",
        "the camera does not project the pose onto the keypoints",
        0.05,
        _pose_projects_to_keypoints,
    ),
    Check(
        "left and right bones alike",
        "left and right bones differ in length: joints are mixed up",
        0.05,
        _sides_alike,
    ),
    Check(
        "proportions of a body",
        "bones have the lengths of other bones: joints are mixed up",
        0.05,
        _proportions,
    ),
    Check(
        "millimetres",
        "legs are not 0.4 to 1.3 m long: the unit is another one",
        0.02,
        _unit_is_mm,
    ),
    Check(
        "knees bend forwards",
        "knees bend backwards: left and right are swapped, or the pose is "
        "mirrored",
        0.1,
        _knees_bend_forwards,
    ),
)
