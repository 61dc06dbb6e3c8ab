"""The 15 joints on which HumanEva is scored, from its motion capture.

The captured files hold markers on the skin and, for each segment of the body,
four points that Vicon's Plug-in Gait computes: LFEO, LFEP, LFEA, LFEL are
origin, proximal, anterior and lateral point of the left femur, which span its
axes z, x, y. The data set's support code places 20 points of a body model by
these, and `error.m` scores means of them; both are followed here, with what
makes arms and trunk differ from Plug-in Gait's own joint centres.

Source: HumanEva support code v1.1 beta (Sigal, Brown University):
@mocap_stream/cur_frame.m, TOOLBOX_common/MarkerCoord2Xform.m,
define_markers.m, ComputeLimbParameters.m, @body_pose/error.m.
"""

import dataclasses

import numpy as np
from scipy.spatial import transform

from ordinal_tf import skeleton

# A frame counts where all of these were seen.
_SKIN = (
    *"RASI LASI LPSI RPSI STRN CLAV T10 C7 RBAK LBHD RBHD RFHD LFHD".split(),
    *"LTHI LKNE LTIB LANK LHEE LTOE RTHI RKNE RTIB RANK RHEE RTOE".split(),
    *"LSHO LUPA LELB LWRA LWRB LFIN RSHO RUPA RELB RWRA RWRB RFIN".split(),
)
_FOREARM = (("RFRM", "RFRA"), ("LFRM", "LFRA"))
_SEGMENTS = ("PEL", "TRX", "HED", *(s + n for s in "LR" for n in ("FE", "TI")))
_ARMS = tuple(side + name for side in "LR" for name in ("HU", "RA"))
_HEAD_MM, _PELVIS_BACK_MM, _MARKER_MM = 316.103, 50.0, 14.0


def half_shoulders(labels, points):
    """Half the distance of the shoulder markers, without their radius.

    Args:
        labels: M names.
        points: `(T, M, 3)` mm of the static trial, zeros where not seen.

    Returns:
        float, mm.

    Raises:
        ValueError: these markers are not there, or never seen together.
    """
    index = _index(labels, ["LSHO", "RSHO"])
    left, right = points[:, index["LSHO"]], points[:, index["RSHO"]]
    both = left.any(-1) & right.any(-1)
    if not both.any():
        raise ValueError("LSHO and RSHO are never seen together")
    apart = np.linalg.norm(left - right, axis=-1)[both]
    return float(apart.mean()) / 2 - _MARKER_MM / 2


def joints_at(labels, points, times, *, half_shoulders_mm, offsets_mm):
    """The joints at times between the captured frames.

    Args:
        labels: M names.
        points: `(T, M, 3)` mm, zeros where not seen.
        times: `(N,)` floats, frames counted from 0.
        half_shoulders_mm: float, see `half_shoulders`.
        offsets_mm: (left, right) shoulder offset of the subject's .mp file.

    Returns:
        `(N, 15, 3)` float64 mm, the axes of `points`, in the order of
        `skeleton.HUMANEVA15`, zeros where not valid; and `(N,)` bool: all
        markers were seen in the frames before and after.

    Raises:
        ValueError: the file lacks a marker or a segment.
    """
    corners = [s + c for s in (*_SEGMENTS, *_ARMS) for c in "OPAL"]
    index = _index(labels, [*_SKIN, *corners, "LCLO", "RCLO"])
    needed = list(index.values())
    needed += [_first_of(labels, names) for names in _FOREARM]
    usable = points[:, needed].any(-1).all(-1)
    for segment in (*_SEGMENTS, *_ARMS):
        usable &= _is_rotation(_axes(points, index, segment))
    last = len(points) - 1
    before = np.clip(np.floor(times), 0, last).astype(np.int64)
    # Where a time is a whole frame, nothing is asked of the next one.
    after = np.clip(np.ceil(times), 0, last).astype(np.int64)
    valid = (times >= 0) & (times <= last) & usable[before] & usable[after]
    body = _Body(
        index,
        points[before[valid]],
        points[after[valid]],
        (times - before)[valid],
    )
    joints = _joints(body, half_shoulders_mm, offsets_mm)
    order = [joints[joint] for joint in skeleton.HUMANEVA15.joints]
    result = np.zeros((len(times), len(order), 3))
    result[valid] = np.stack(order, axis=1)
    return result, valid


@dataclasses.dataclass(frozen=True)
class _Body:
    """Points and axes of segments, `share` of the way from frame to frame."""

    index: dict[str, int]
    before: np.ndarray
    after: np.ndarray
    share: np.ndarray

    def point(self, name):
        """`(N, 3)`, linear in time."""
        a, b = (f[:, self.index[name]] for f in (self.before, self.after))
        return a + self.share[:, None] * (b - a)

    def axes(self, segment):
        """`(N, 3, 3)` rotations from the segment's axes, spherical in time."""
        first, second = (
            transform.Rotation.from_matrix(_axes(f, self.index, segment))
            for f in (self.before, self.after)
        )
        turn = (first.inv() * second).as_rotvec() * self.share[:, None]
        return (first * transform.Rotation.from_rotvec(turn)).as_matrix()

    def length(self, one, other):
        """`(N,)` mean distance of two points in the two frames."""
        i, j = self.index[one], self.index[other]
        apart = [
            np.linalg.norm(f[:, i] - f[:, j], axis=-1)
            for f in (self.before, self.after)
        ]
        return np.mean(apart, axis=0)


def _joints(body, half_shoulders_mm, offsets_mm):
    """dict of joint to `(N, 3)`."""
    joints = {}
    for side, offset in zip(("left", "right"), offsets_mm, strict=True):
        letter = side[0].upper()
        hip, knee, ankle = (letter + n for n in ("FEP", "FEO", "TIO"))
        joints[f"{side}_hip"] = body.point(hip)
        thigh, shin = body.length(hip, knee), body.length(knee, ankle)
        # Segments hang down their z axis from the joint above.
        end = body.point(hip) - _along(body.axes(letter + "FE"), thigh)
        joints[f"{side}_knee"] = (end + body.point(knee)) / 2
        end = body.point(knee) - _along(body.axes(letter + "TI"), shin)
        joints[f"{side}_ankle"] = end
        _place_arm(body, joints, side, letter, offset)
    trunk = body.length("TRXO", "PELO")
    axes = body.axes("PEL")
    pelvis = body.point("PELO") - _PELVIS_BACK_MM * axes[..., 0]
    tilted = axes @ _about_y(np.arctan2(half_shoulders_mm / 2, trunk))
    joints["pelvis"] = pelvis
    joints["thorax"] = (pelvis + _along(tilted, trunk) + body.point("TRXO")) / 2
    head = np.full(len(pelvis), _HEAD_MM)
    joints["head_top"] = body.point("TRXO") + _along(body.axes("HED"), head)
    return joints


def _place_arm(body, joints, side, letter, offset_mm):
    """The upper arm turned away from the trunk, the forearm turned back."""
    shoulder, elbow = letter + "CLO", letter + "HUO"
    upper = body.length(shoulder, elbow)
    lower = body.length(elbow, letter + "RAO")
    angle = np.arctan2(offset_mm / 2, upper)
    axes = body.axes(letter + "HU")
    start = body.point(shoulder)
    gap = body.point(elbow) - (start - _along(axes, upper))
    end = start - _along(axes @ _about_y(-angle), upper)
    joints[f"{side}_shoulder"] = start
    joints[f"{side}_elbow"] = end + gap / 2
    forearm = body.axes(letter + "RA") @ _about_y(angle)
    joints[f"{side}_wrist"] = end + gap - _along(forearm, lower)


def _along(axes, length):
    """`(N, 3)` of that length along the z axes."""
    return length[:, None] * axes[..., 2]


def _about_y(angle):
    """`(N, 3, 3)` as the support code's yRotation.m: z towards -x."""
    return transform.Rotation.from_euler("y", -angle[:, None]).as_matrix()


def _axes(points, index, segment):
    """`(N, 3, 3)`, columns x, y, z, from the points O, A, L, P."""
    origin = points[:, index[segment + "O"]]
    columns = [points[:, index[segment + c]] - origin for c in "ALP"]
    matrix = np.stack(columns, axis=-1)
    norm = np.linalg.norm(matrix, axis=-2, keepdims=True)
    return matrix / np.maximum(norm, 1e-9)


def _is_rotation(matrices):
    """Whether axes are at right angles and right-handed, `(N,)` bool."""
    product = np.swapaxes(matrices, -1, -2) @ matrices
    straight = (np.abs(product - np.eye(3)) < 1e-3).all((-2, -1))
    return straight & (np.linalg.det(matrices) > 0)


def _index(labels, names):
    found = {label: m for m, label in reversed([*enumerate(labels)])}
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"there is no marker {', '.join(missing)}")
    return {name: found[name] for name in names}


def _first_of(labels, names):
    for m, label in enumerate(labels):
        if label in names:
            return m
    raise ValueError(f"there is no marker {' or '.join(names)}")
