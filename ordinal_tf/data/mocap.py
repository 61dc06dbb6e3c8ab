"""Motion-capture clips as the 17 joints of `skeleton.H36M17`, in mm.

Joints are found by name. Where a capture system has no such joint, a point
fixed to a neighbouring one stands in (`APPROXIMATE` lists these), placed so
that an upright body has the proportions of Human3.6M's: its thorax is the
base of the neck, 6 cm above the middle of the shoulders, its "nose" the jaw,
its "head top" 10 cm below the crown.
"""

import dataclasses
import pathlib

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data import asf_amc, bvh

# Hips, too, lie 6.5 cm (Bandai), 9 cm (CMU) or 12 to 13 cm (Human3.6M) from
# the middle: systems place them differently, and no rule by name mends that.
APPROXIMATE = ("spine", "thorax", "nose", "head_top")


@dataclasses.dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes:
        name: path below the folder that was read, without the suffix; it
            decides on which side of a split the clip falls.
        fps: float, frames per second.
        poses: `(T, 17, 3)` float32, mm, world axes with y up.
    """

    name: str
    fps: float
    poses: np.ndarray


@dataclasses.dataclass(frozen=True)
class _Point:
    """The mean of some joints, or a point fixed to one.

    `offset_mm` is in the frame of the first joint.
    """

    joints: tuple[str, ...]
    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


def _points(**points):
    return {
        joint: point if isinstance(point, _Point) else _Point(point)
        for joint, point in points.items()
    }


# In a Bandai head, x points up and y forward; the file has no end of the head.
BANDAI = _points(
    pelvis=("UpperLeg_L", "UpperLeg_R"),
    right_hip=("UpperLeg_R",),
    right_knee=("LowerLeg_R",),
    right_ankle=("Foot_R",),
    left_hip=("UpperLeg_L",),
    left_knee=("LowerLeg_L",),
    left_ankle=("Foot_L",),
    spine=("Spine", "Chest"),
    thorax=("Neck",),
    nose=_Point(("Head",), (20.0, 50.0, 0.0)),
    head_top=_Point(("Head",), (110.0, 20.0, 0.0)),
    left_shoulder=("UpperArm_L",),
    left_elbow=("LowerArm_L",),
    left_wrist=("Hand_L",),
    right_shoulder=("UpperArm_R",),
    right_elbow=("LowerArm_R",),
    right_wrist=("Hand_R",),
)

# An ASF bone stands for its far end, in axes that are the world's at rest: y
# up, z forward. The bones `radius` and `wrist` together are the forearm (the
# second only twists).
CMU = _points(
    pelvis=("lhipjoint", "rhipjoint"),
    right_hip=("rhipjoint",),
    right_knee=("rfemur",),
    right_ankle=("rtibia",),
    left_hip=("lhipjoint",),
    left_knee=("lfemur",),
    left_ankle=("ltibia",),
    spine=("lowerback", "upperback"),
    thorax=("lowerneck",),
    nose=_Point(("upperneck",), (0.0, 0.0, 50.0)),
    head_top=_Point(("head",), (0.0, 0.0, 20.0)),
    left_shoulder=("lclavicle",),
    left_elbow=("lhumerus",),
    left_wrist=("lwrist",),
    right_shoulder=("rclavicle",),
    right_elbow=("rhumerus",),
    right_wrist=("rwrist",),
)

# Joint names, and the millimetres of the unit that positions come in: BVH
# files do not name theirs, Bandai Namco's are centimetres.
_LAYOUTS = {".bvh": (BANDAI, 10.0), ".amc": (CMU, 1.0)}


def read_clip(path, *, name=None, fps=None, amc_fps=120.0):
    """Reads a `.bvh` clip, or an `.amc` clip with its `.asf` beside it.

    Args:
        path: file.
        name: str, the clip's name; the file's, without suffix, where None.
        fps: float, frames per second to keep; all frames where None.
        amc_fps: float; AMC files do not say their frame rate.

    Returns:
        `Clip`.

    Raises:
        ValueError: one sentence with file, line and fix, when the file is
            damaged, of another kind, or lacks joints.
    """
    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        moved = bvh.read_bvh(path, fps=fps)
    elif suffix == ".amc":
        moved = asf_amc.read_amc(path, source_fps=amc_fps, fps=fps)
    else:
        raise ValueError(
            f"{path}: motion capture must be .bvh, or .amc with its .asf. "
            f"Received: {suffix or 'no suffix'}."
        )
    layout, mm = _LAYOUTS[suffix]
    index = {joint: k for k, joint in enumerate(moved.joints)}
    missing = {j for p in layout.values() for j in p.joints} - set(index)
    if missing:
        raise ValueError(
            f"{path} has no joint named {', '.join(sorted(missing))} (it has "
            f"{', '.join(moved.joints)}); rename its joints, or add a table "
            "of its names to ordinal_tf/data/mocap.py."
        )
    poses = []
    for joint in skeleton.H36M17.joints:
        point = layout[joint]
        rows = [index[source] for source in point.joints]
        place = moved.positions[:, rows].mean(axis=1) * mm
        poses.append(place + moved.rotations[:, rows[0]] @ point.offset_mm)
    poses = np.stack(poses, axis=1).astype(np.float32)
    return Clip(name or path.stem, moved.fps, poses)


def read_folder(
    folder, *, fps=10.0, skip_limit=10, amc_fps=120.0, report=print
):
    """Reads every clip below a folder, in the order of the names.

    Args:
        folder: path.
        fps: float, frames per second to keep; a clip of a lower rate keeps
            all of its frames.
        skip_limit: int, bad clips that may be reported and skipped.
        amc_fps: float, frame rate of `.amc` files.
        report: function of one line of text: what was skipped, how far.

    Returns:
        List of `Clip`.

    Raises:
        ValueError: no clip is there, or more bad ones than the limit.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ValueError(
            f"{folder} is no folder; name the one that holds .bvh or .amc "
            "files."
        )
    paths = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in _LAYOUTS
    )
    if not paths:
        raise ValueError(
            f"{folder} holds no motion capture; .bvh files, or .amc files "
            "with their .asf, were expected."
        )
    clips, skipped = [], 0
    for count, path in enumerate(paths, start=1):
        name = path.relative_to(folder).with_suffix("").as_posix()
        try:
            clip = read_clip(path, name=name, fps=fps, amc_fps=amc_fps)
            clips.append(clip)
        except (ValueError, OSError) as error:
            skipped += 1
            report(f"skipped: {error}")
            if skipped > skip_limit:
                raise ValueError(
                    f"{folder} has more than {skip_limit} bad clips; the "
                    f"last: {error}"
                ) from error
        if count % 50 == 0 or count == len(paths):
            frames = sum(len(clip.poses) for clip in clips)
            report(f"read {count} of {len(paths)} clips, {frames} poses")
    return clips
