"""Training poses for the reconstruction network from motion capture.

Bodies with other limb lengths, mirrored poses, cameras around the subject,
noise on the depth; all of it a pure function of poses and a generator.
"""

import dataclasses

import numpy as np

from ordinal_tf import ordinal, skeleton

_SKELETON = skeleton.H36M17
# Names of its joints without their side.
SIDELESS = tuple(
    joint.removeprefix("left_").removeprefix("right_")
    for joint in _SKELETON.joints
)


@dataclasses.dataclass(frozen=True)
class Body:
    """How much bodies differ from the recorded one.

    Each factor is `exp(s * n)`, n normal and cut at two standard deviations,
    so an `s` of 0.1 changes lengths by about 10 %.

    Attributes:
        scale: s of the whole body.
        limbs: s of each bone, the same left and right.
        girdles: s of the two bones from the trunk to hips and shoulders;
            larger, because capture systems place these joints differently.
        average: bool, factors are of `PEOPLE_MM`, not of recorded lengths: a
            picture does not tell how large a person is, and the few bodies
            that were recorded are no guide to it.
    """

    scale: float = 0.05
    limbs: float = 0.1
    girdles: float = 0.25
    average: bool = False


# Bone lengths, mm, by the joint where a bone ends: the means of the people
# that `synthetic.people` draws, of both sexes.
PEOPLE_MM = {
    "hip": 119.0,
    "knee": 418.0,
    "ankle": 424.0,
    "spine": 230.0,
    "thorax": 242.0,
    "nose": 112.0,
    "head_top": 97.0,
    "shoulder": 155.0,
    "elbow": 251.0,
    "wrist": 240.0,
}


@dataclasses.dataclass(frozen=True)
class Camera:
    """Where cameras are; the azimuth is always uniform.

    Attributes:
        elevation: (low, high) radians; the camera looks down by this much.
        roll: radians, uniform in +-roll.
        anyhow: probability of a camera that looks from anywhere on the
            sphere and is rolled by anything; the others are as above.
        distance_mm: (low, high), root to camera, uniform in the logarithm.
        off_axis: tangent of the angle by which the root may lie off the
            optical axis, uniform in +-off_axis along x and y.
        focal_px: (low, high), uniform in the logarithm. It sets the scale of
            `keypoints_2d`, which the network's input divides out.
    """

    elevation: tuple[float, float] = (-0.2, 0.5)
    roll: float = 0.1
    anyhow: float = 0.0
    distance_mm: tuple[float, float] = (2500.0, 8000.0)
    off_axis: float = 0.2
    focal_px: tuple[float, float] = (800.0, 1600.0)

    def __post_init__(self):
        if self.distance_mm[0] < 2000:
            raise ValueError(
                "`camera.distance_mm` must start at 2000 or more, or an arm "
                f"can reach behind the camera. Received: {self.distance_mm}."
            )
        if not 0 <= self.anyhow <= 1:
            raise ValueError(
                f"`camera.anyhow` is a probability. Received: {self.anyhow}."
            )


def limb_factors(body, count, rng):
    """`(count, 17)` float64 length factors of every bone, for `count` bodies.

    Column j scales the bone that ends in joint j; the root's is 1. Left and
    right are equal.
    """
    names = np.array(SIDELESS)
    whole = np.exp(body.scale * _normal(rng, count))
    factors = np.ones((count, len(_SKELETON)))
    for name in sorted(PEOPLE_MM):
        spread = body.girdles if name in ("hip", "shoulder") else body.limbs
        one = whole * np.exp(spread * _normal(rng, count))
        factors[:, names == name] = one[:, None]
    return factors


def average_bones():
    """`(17,)` mm of `PEOPLE_MM`: of the bone that ends there; 0 the root's."""
    return np.array([PEOPLE_MM.get(name, 0.0) for name in SIDELESS])


def _to_average(poses):
    """`(B, 17)`: factors that give bones the lengths of `PEOPLE_MM`."""
    factors = np.ones(poses.shape[:2])
    parents, children = np.array(_SKELETON.bones).T
    bones = poses[:, children] - poses[:, parents]
    lengths = np.sqrt(np.einsum("bki,bki->bk", bones, bones))
    factors[:, children] = average_bones()[children] / lengths
    return factors


def _normal(rng, count):
    return np.clip(rng.standard_normal(count), -2, 2)


def scale_limbs(poses, factors):
    """Changes bone lengths, keeps every bone's direction and the root's place.

    Args:
        poses: `(B, 17, 3)`, as the result.
        factors: `(B, 17)`, see `limb_factors`.
    """
    scaled = np.array(poses, np.float64)
    # Parents precede children in H36M17, so each is in place when needed.
    for parent, child in _SKELETON.bones:
        bone = poses[:, child] - poses[:, parent]
        scaled[:, child] = scaled[:, parent] + factors[:, child, None] * bone
    return scaled


def mirror_poses(poses):
    """Mirror images `(..., 17, 3)` of poses in world axes (x changes sign)."""
    return poses[..., list(_SKELETON.mirror), :] * [-1.0, 1.0, 1.0]


def camera_rotations(azimuth, elevation, roll):
    """Rotations of cameras around somebody, for column vectors.

    Args:
        azimuth: `(B)` radians about the vertical; 0 puts the camera on the
            world's +z side, so that somebody who faces +z faces the camera.
        elevation: `(B)` radians, positive looks down on the subject.
        roll: `(B)` radians, positive turns the picture clockwise.

    Returns:
        `(B, 3, 3)` from world axes (y up) to camera axes (x right, y down, z
        away).
    """
    zero = np.zeros_like(azimuth)
    away = -np.stack(
        [
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.cos(azimuth),
        ],
        axis=-1,
    )
    right = np.stack([np.cos(azimuth), zero, -np.sin(azimuth)], axis=-1)
    down = np.cross(away, right)
    cos, sin = np.cos(roll)[:, None], np.sin(roll)[:, None]
    rows = [cos * right - sin * down, sin * right + cos * down, away]
    return np.stack(rows, axis=-2)


def sample_views(poses, rng, *, camera, body=None, mirror=False):
    """Photographs of poses, without the pixels: one random camera each.

    Args:
        poses: `(B, 17, 3)` mm, world axes, y up.
        rng: `np.random.Generator`, the only source of chance.
        camera: `Camera`.
        body: `Body` to vary limb lengths; recorded lengths where None.
        mirror: bool, mirror each pose with probability 1/2.

    Returns:
        dict of float32 arrays: `keypoints_2d` `(B, 17, 2)` px, `depth`
        `(B, 17)` and `pose_3d` `(B, 17, 3)` mm, relative to the root, camera
        axes (x right, y down, z away).
    """
    count = len(poses)
    root = _SKELETON.root
    poses = np.asarray(poses, np.float64)
    poses = poses - poses[:, root : root + 1]
    if mirror:
        flip = rng.random(count) < 0.5
        poses = np.where(flip[:, None, None], mirror_poses(poses), poses)
    if body is not None:
        factors = limb_factors(body, count, rng)
        if body.average:
            factors = factors * _to_average(poses)
        poses = scale_limbs(poses, factors)
    turn = camera_rotations(*_camera_angles(camera, count, rng))
    distance = np.exp(rng.uniform(*np.log(camera.distance_mm), count))
    focal = np.exp(rng.uniform(*np.log(camera.focal_px), count))
    aside = rng.uniform(-camera.off_axis, camera.off_axis, (count, 2))
    away = np.concatenate([aside, np.ones((count, 1))], axis=-1)
    pose_3d = poses @ np.swapaxes(turn, -1, -2)
    placed = pose_3d + (distance[:, None] * away)[:, None]
    # The principal point is at 0.
    pixels = focal[:, None, None] * placed[..., :2] / placed[..., 2:]
    return {
        "keypoints_2d": pixels.astype(np.float32),
        "depth": pose_3d[..., 2].astype(np.float32),
        "pose_3d": pose_3d.astype(np.float32),
    }


def _camera_angles(camera, count, rng):
    """Azimuths, elevations and rolls `(count)` of cameras, radians."""
    azimuth = rng.uniform(-np.pi, np.pi, count)
    elevation = rng.uniform(*camera.elevation, count)
    roll = rng.uniform(-camera.roll, camera.roll, count)
    if camera.anyhow:
        anyhow = rng.random(count) < camera.anyhow
        # Uniform on the sphere: the sine of the elevation is uniform.
        anywhere = np.arcsin(rng.uniform(-1, 1, count))
        elevation = np.where(anyhow, anywhere, elevation)
        roll = np.where(anyhow, rng.uniform(-np.pi, np.pi, count), roll)
    return azimuth, elevation, roll


def training_batch(poses, seed, step, *, batch_size, camera, body):
    """`sample_views` of one training step, a pure function of seed and step.

    Args:
        poses: `(M, 17, 3)` mm, all training poses.
        seed, step: ints of 0 or more.
        batch_size: int, poses drawn, with replacement.
        camera, body: see `sample_views`; half of the poses are mirrored.

    Returns:
        dict of `sample_views`, and its `np.random.Generator`, for whatever
        chance the caller adds.
    """
    rng = np.random.default_rng((seed, step))
    drawn = poses[rng.integers(0, len(poses), batch_size)]
    views = sample_views(drawn, rng, camera=camera, body=body, mirror=True)
    return views, rng


def noisy_depth(depth, rng, *, sigma_mm, spread=0.0, log_scale=0.0):
    """Depths as an image network might give them.

    Args:
        depth: `(B, 17)` mm, root-relative.
        rng: `np.random.Generator`.
        sigma_mm: standard deviation of the normal noise on every joint, the
            root included: the result is relative to the noisy root.
        spread: each pose's sigma is `sigma_mm * exp(u)`, u uniform in
            +-spread, for some photographs are harder than others.
        log_scale: each pose's depths are multiplied by `exp(u)`, u uniform
            in +-log_scale, for ordinal depth has no unit.

    Returns:
        `(B, 17)` float32 mm.
    """
    root = _SKELETON.root
    scale = np.exp(rng.uniform(-log_scale, log_scale, (len(depth), 1)))
    sigma = np.exp(rng.uniform(-spread, spread, (len(depth), 1))) * sigma_mm
    noisy = depth + sigma * rng.standard_normal(depth.shape)
    noisy = scale * (noisy - noisy[:, root : root + 1])
    return noisy.astype(np.float32)


def relations_preserved(depth, noisy):
    """How much of the ordinal relations noise leaves as it was.

    Args:
        depth: `(B, 17)` mm, true depths. Pairs that are nearer than 100 mm
            have no relation.
        noisy: `(B, 17)`, depths in any unit.

    Returns:
        float, their share in [0, 1]; NaN where no pair has a relation.
    """
    true = depth[:, :, None] - depth[:, None, :]
    found = noisy[:, :, None] - noisy[:, None, :]
    count = np.abs(true) > ordinal.TOLERANCE_MM
    same = (np.sign(true) == np.sign(found)) & count
    total = count.sum()
    return float(same.sum() / total) if total else float("nan")
