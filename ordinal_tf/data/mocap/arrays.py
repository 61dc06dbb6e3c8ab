"""Motion as arrays of joints: .npz files of our own, AMASS, Human3.6M (.cdf).

In a file of our own every array of shape (T, 17, 3) is a clip, joints as in
`skeleton.H36M17`, mm, y up; a number `fps` may say how many frames a second
they have.

AMASS (amass.is.tue.mpg.de) publishes parameters of a body model, from which
joints follow only with that model's files, which have terms of their own.
Its joints are read where somebody saved them as `joints`, of shape (T, 22 or
more, 3), in the order of SMPL.
"""

import dataclasses

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.files import npz
from ordinal_tf.data.mocap import person
from ordinal_tf.data.readers import h36m_npz, h36m_release

# The first 22 joints of SMPL, SMPL+H and SMPL-X: the model's own order.
SMPL22 = (
    "pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle "
    "right_ankle spine3 left_foot right_foot neck left_collar right_collar "
    "head left_shoulder right_shoulder left_elbow right_elbow left_wrist "
    "right_wrist"
).split()
_JOINTS = ("joints", "Jtr", "jtr", "joints3d", "joints_3d")
_RATES = ("fps", "mocap_framerate", "mocap_frame_rate")
_SAME = {joint: joint for joint in skeleton.H36M17.joints}


@dataclasses.dataclass(frozen=True)
class Recording:
    """Poses in the file's own unit and axes.

    Attributes:
        name: of the recording in its file; "" where it is the only one.
        poses: `(T, 17, 3)` float64.
        fps: float; 0 where these are poses and no frames of a film.
        unit, up: what the kind of file says.
        toes: `(T, 2, 3)` points of the left and right foot, or None.
        names: dict from our joints to the file's.
    """

    name: str
    poses: np.ndarray
    fps: float
    unit: str
    up: str
    toes: np.ndarray | None
    names: dict[str, str]


def read_recordings(path):
    """Reads the clips of a file of arrays.

    Args:
        path: `pathlib.Path` of a .npz file, or of a .cdf of D3_Positions.

    Returns:
        list of `Recording`.

    Raises:
        ValueError: the file is damaged or holds none; names it.
    """
    if path.suffix.lower() == ".cdf":
        return [_h36m("", h36m_release.read_positions(path))]
    arrays = npz.read_arrays(path)
    own = {
        key: array
        for key, array in arrays.items()
        if array.ndim == 3 and array.shape[1:] == (17, 3)
    }
    if own and not any("/" in key for key in own):
        rate = _rate(path, arrays)
        return [
            Recording(
                key if len(own) > 1 else "",
                _finite(path, key, array),
                rate,
                *("mm", "+Y", None, _SAME),
            )
            for key, array in own.items()
        ]
    for key in _JOINTS:
        array = arrays.get(key, np.zeros(0))
        if array.ndim == 3 and array.shape[1] >= 22 and array.shape[2] == 3:
            return [_smpl(_finite(path, key, array), _rate(path, arrays))]
    if "poses" in arrays and {"trans", "betas"} & set(arrays):
        raise ValueError(
            f"{path} holds parameters of a body model (AMASS), from which "
            "joints follow only with that model's own files; save the joints "
            "that the model gives as 'joints', (T, 22 or more, 3), in metres."
        )
    # VideoPose3D's `data_3d_h36m.npz`.
    return [
        _h36m(f"{subject}/{action}", world)
        for (subject, action), world in h36m_npz.read_positions(path).items()
    ]


def _h36m(name, world):
    return Recording(name, world, 50.0, "mm", "+Z", None, _SAME)


def _rate(path, arrays):
    """Frames a second, 0 where the file does not say."""
    for key in _RATES:
        if key not in arrays:
            continue
        rate = arrays[key]
        number = rate.size == 1 and rate.dtype.kind in "iuf"
        if not number or not 0 <= rate.item() < 1e5:
            raise ValueError(f"{path}: {key!r} must be a positive number.")
        return float(rate.item())
    return 0.0


def _finite(path, key, array):
    if array.dtype.kind != "f" or not (np.abs(array) < 1e6).all():
        raise ValueError(f"{path}: {key!r} holds what are no places.")
    if not len(array):
        raise ValueError(f"{path}: {key!r} holds no pose.")
    return array.astype(np.float64)


def _smpl(joints, fps):
    """A recording of SMPL's joints; the face is 5 cm ahead of the head's."""
    place = {name: joints[:, k] for k, name in enumerate(SMPL22)}
    line = [place[n] for n in ("pelvis", "spine1", "spine2", "spine3", "neck")]
    up = person.unit(place["head"] - place["neck"])
    left = place["left_shoulder"] - place["right_shoulder"]
    ahead = person.unit(np.cross(left, up))
    pose = {
        **place,
        "pelvis": (place["left_hip"] + place["right_hip"]) / 2,
        "spine": person.halfway(line),
        "thorax": place["neck"],
        # AMASS is in metres.
        "nose": place["head"] + 0.02 * up + 0.05 * ahead,
        "head_top": place["head"] + 0.11 * up + 0.02 * ahead,
    }
    names = _SAME | {"spine": "spine1 + spine2 + spine3", "thorax": "neck"}
    names |= {"nose": "head", "head_top": "head"}
    poses = np.stack([pose[j] for j in skeleton.H36M17.joints], axis=1)
    toes = np.stack([place["left_foot"], place["right_foot"]], axis=1)
    return Recording("", poses, fps, "m", "+Z", toes, names)
