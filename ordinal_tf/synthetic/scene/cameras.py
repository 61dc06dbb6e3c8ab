"""Cameras around synthetic people.

World axes: y up, the floor at y = 0, mm. Camera axes: x right, y down, z
away. Pixel centres lie on integers.
"""

import dataclasses

import numpy as np

from ordinal_tf.data.mocap import views

# Least height of a camera above the floor.
FLOOR_GAP_MM = 100.0
_STEPS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera without distortion.

    Attributes:
        intrinsics: `(3, 3)` float64, K.
        rotation: `(3, 3)` float64, world to camera.
        translation: `(3,)` float64 mm; camera = rotation @ world + translation.
    """

    intrinsics: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray


def to_camera(points, camera):
    """Moves `(..., 3)` world points to camera axes."""
    return points @ camera.rotation.T + camera.translation


def sample_camera(
    rng,
    points,
    *,
    size,
    focal=(0.9, 3.0),
    elevation=(-0.25, 0.5),
    steep=(0.12, 1.0),
    roll=0.08,
    share=(0.55, 0.92),
    aside=0.08,
    cut=(0.12, 0.35),
    nearest_mm=1200.0,
):
    """A camera that shows a person.

    It looks at the person from a random side; its distance follows from the
    focal length and the share of the picture that the person fills.

    Args:
        rng: `np.random.Generator`.
        points: `(N, 3)` mm, world; what the person extends to.
        size: int, side of the picture in pixels.
        focal: (least, most) focal length in sides of the picture, uniform in
            the logarithm; 0.9 is a phone, 3 a tele lens.
        elevation: (least, most) radians, usual; positive looks down.
        steep: (probability, most) radians of an unusual view from above.
        roll: standard deviation, radians.
        share: (least, most) of the picture's side that the person fills.
        aside: the person is off the middle by up to this share of the side.
        cut: (probability, most) share of the person's extent that is moved
            out of the picture.
        nearest_mm: the camera keeps this far from every point.

    Returns:
        `Camera`, above the floor.
    """
    points = np.asarray(points, np.float64)
    length = size * np.exp(rng.uniform(*np.log(focal)))
    azimuth = rng.uniform(-np.pi, np.pi)
    angle = rng.uniform(*elevation)
    if rng.random() < steep[0]:
        angle = rng.uniform(elevation[1], max(steep[1], elevation[1]))
    tilt = rng.normal(0, roll)
    wanted = rng.uniform(*share) * size
    offset = rng.uniform(-aside, aside, 2) * size
    if rng.random() < cut[0]:
        bearing = rng.uniform(0, 2 * np.pi)
        reach = (size - wanted) / 2 + rng.uniform(0, cut[1]) * wanted
        offset = reach * np.array([np.cos(bearing), np.sin(bearing)])
    while True:
        camera = _aimed(
            points,
            (azimuth, angle, tilt),
            length,
            wanted,
            offset,
            size,
            nearest_mm,
        )
        if place(camera)[1] >= FLOOR_GAP_MM:
            return camera
        angle += 0.1  # From below the floor to above it, in the end.


def place(camera):
    """Where a camera is in the world, `(3,)` mm."""
    return -camera.rotation.T @ camera.translation


def _aimed(points, angles, length, wanted, offset, size, nearest_mm):
    """The camera from which the person's extent is as wanted."""
    turn = views.camera_rotations(*(np.array([angle]) for angle in angles))[0]
    middle = (points.min(0) + points.max(0)) / 2
    seen = (points - middle) @ turn.T
    nearest = nearest_mm - seen[:, 2].min()
    distance = np.ptp(seen[:, :2], axis=0).max() * length / wanted
    # The extent in the picture falls with the distance: a few steps find it.
    for _ in range(_STEPS):
        distance = max(distance, nearest)
        flat = seen[:, :2] / (seen[:, 2:] + distance)
        distance *= np.ptp(flat, axis=0).max() * length / wanted
    distance = max(distance, nearest)
    flat = seen[:, :2] / (seen[:, 2:] + distance)
    # Moved sideways, not shifted in the picture: the principal point stays
    # in the middle, as in a picture that nobody cropped.
    aside = offset / length - (flat.min(0) + flat.max(0)) / 2
    centre = (size - 1) / 2
    return Camera(
        intrinsics=np.array(
            [[length, 0, centre], [0, length, centre], [0, 0, 1.0]]
        ),
        rotation=turn,
        translation=np.append(aside, 1) * distance - turn @ middle,
    )
