"""Motion-capture clips as the 17 joints of `skeleton.H36M17`, in mm.

Joints are found by name. Where a capture system has no such joint, a point
fixed to a neighbouring one stands in (`APPROXIMATE` lists these), placed so
that an upright body has the proportions of Human3.6M's: its thorax is the
base of the neck, 6 cm above the middle of the shoulders, its "nose" the jaw,
its "head top" 10 cm below the crown.

Besides skeletons (BVH, ASF/AMC) and markers (C3D, see `marker_body`), poses
of Human3.6M are read, of the release (`.cdf`) and as VideoPose3D packages
them (`.npz`), and plain `.npz` files: every array of shape (T, 17, 3) in them
is a clip, joints as in `skeleton.H36M17`, mm, world axes with y up; a number
`fps` may say how many frames a second they have.
"""

import dataclasses
import pathlib

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.files import npz
from ordinal_tf.data.mocap import asf_amc, bvh, c3d, marker_body, motion
from ordinal_tf.data.readers import h36m_npz, h36m_release

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


SUFFIXES = (*_LAYOUTS, ".c3d", ".cdf", ".npz")

# Rotations that bring an axis up, that is, to +y.
_TO_Y_UP = {
    "+X": ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    "-X": ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
    "+Y": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "-Y": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "+Z": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "-Z": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
}


def read_clip(path, *, name=None, fps=None, amc_fps=120.0):
    """Reads a file that holds one clip; see `read_clips`.

    Returns:
        `Clip`.

    Raises:
        ValueError: as `read_clips`, or the file holds several clips.
    """
    clips = read_clips(path, name=name, fps=fps, amc_fps=amc_fps)
    if len(clips) != 1:
        raise ValueError(f"{path} holds {len(clips)} clips, not one.")
    return clips[0]


def read_clips(path, *, name=None, fps=None, amc_fps=120.0):
    """Reads a `.bvh`, `.c3d`, `.cdf`, `.npz`, or `.amc` with its `.asf` beside.

    Args:
        path: file.
        name: str, the clip's name; the file's, without suffix, where None.
            Clips of a file with several get "/" and their own name behind it.
        fps: float, frames per second to keep; all frames where None.
        amc_fps: float; AMC files do not say their frame rate.

    Returns:
        List of `Clip`.

    Raises:
        ValueError: one sentence with file, place and fix, when the file is
            damaged, of another kind, or lacks joints.
    """
    path = pathlib.Path(path)
    name, suffix = name or path.stem, path.suffix.lower()
    if suffix == ".bvh":
        moved = bvh.read_bvh(path, fps=fps)
        return [Clip(name, moved.fps, _skeleton_poses(path, moved))]
    if suffix == ".amc":
        moved = asf_amc.read_amc(path, source_fps=amc_fps, fps=fps)
        return [Clip(name, moved.fps, _skeleton_poses(path, moved))]
    if suffix == ".c3d":
        return [_resampled(name, *_read_markers(path), fps)]
    if suffix == ".cdf":
        return [_resampled(name, *_read_h36m(path), fps)]
    if suffix == ".npz":
        return _read_npz(path, name, fps)
    raise ValueError(
        f"{path}: motion capture must be .bvh, or .amc with its .asf, .c3d, "
        f".cdf or .npz. Received: {suffix or 'no suffix'}."
    )


def _skeleton_poses(path, moved):
    """`(T, 17, 3)` float32 mm from the joints of a `motion.Motion`."""
    layout, mm = _LAYOUTS[path.suffix.lower()]
    index = {joint: k for k, joint in enumerate(moved.joints)}
    missing = {j for p in layout.values() for j in p.joints} - set(index)
    if missing:
        raise ValueError(
            f"{path} has no joint named {', '.join(sorted(missing))} (it has "
            f"{', '.join(moved.joints)}); rename its joints, or add a table "
            "of its names to ordinal_tf/data/mocap/clips.py."
        )
    poses = []
    for joint in skeleton.H36M17.joints:
        point = layout[joint]
        rows = [index[source] for source in point.joints]
        place = moved.positions[:, rows].mean(axis=1) * mm
        poses.append(place + moved.rotations[:, rows[0]] @ point.offset_mm)
    return np.stack(poses, axis=1).astype(np.float32)


def _read_markers(path):
    """Poses of the frames of a C3D file in which no marker is missing."""
    read = c3d.read_c3d(path)
    try:
        poses, complete = marker_body.joints_from_markers(
            read.labels, read.points, read.seen
        )
    except ValueError as error:
        raise ValueError(
            f"{path}: {error} (it has {', '.join(read.labels[:60])})."
        ) from error
    if not len(poses):
        raise ValueError(f"{path}: a marker is missing in every frame.")
    # Frames are left out, so that the rate is the one of those that are kept.
    fps = read.fps * complete.mean()
    up = read.up if read.up in _TO_Y_UP else _up_of(poses)
    return poses @ np.transpose(_TO_Y_UP[up]), fps


def _up_of(poses):
    """The axis along which heads are, on the whole, away from ankles."""
    joints = skeleton.H36M17
    ankles = [joints.index("left_ankle"), joints.index("right_ankle")]
    body = poses[:, joints.index("head_top")] - poses[:, ankles].mean(1)
    mean = body.mean(axis=0)
    axis = int(np.argmax(np.abs(mean)))
    return ("-" if mean[axis] < 0 else "+") + motion.AXES[axis]


def _read_h36m(path):
    """Poses of one file of Human3.6M's D3_Positions; 50 a second."""
    world = h36m_release.read_positions(path)
    to_ours = skeleton.mapping(skeleton.H36M32, skeleton.H36M17)
    poses, _ = to_ours.points(world, np.ones(world.shape[:2], bool))
    return poses @ np.transpose(_TO_Y_UP["+Z"]), 50.0


def _read_npz(path, name, fps):
    """Clips of Human3.6M or of our own making."""
    arrays = npz.read_arrays(path)
    own = {
        key: array
        for key, array in arrays.items()
        if array.ndim == 3 and array.shape[1:] == (17, 3)
    }
    if not own or any("/" in key for key in own):
        positions = h36m_npz.read_positions(path)
        return [
            _resampled(
                f"{name}/{subject}/{action}",
                world @ np.transpose(_TO_Y_UP["+Z"]),
                50.0,
                fps,
            )
            for (subject, action), world in positions.items()
        ]
    rate = arrays.get("fps", np.zeros(1))
    if rate.size != 1 or rate.dtype.kind not in "iuf" or not rate.item() >= 0:
        raise ValueError(f"{path}: 'fps' must be a positive number.")
    clips = []
    for key, array in own.items():
        if array.dtype.kind != "f" or not (np.abs(array) < 1e6).all():
            raise ValueError(f"{path}: {key!r} holds what are no places in mm.")
        if not len(array):
            raise ValueError(f"{path}: {key!r} holds no pose.")
        whole = name if len(own) == 1 else f"{name}/{key}"
        # Without a rate these are poses, of which all are kept.
        wanted = fps if rate.item() else None
        clips.append(_resampled(whole, array, float(rate.item()), wanted))
    return clips


def _resampled(name, poses, source_fps, fps):
    kept, rate = motion.resample(len(poses), source_fps, fps)
    return Clip(name, rate, poses[kept].astype(np.float32))


def read_folder(
    folder, *, fps=10.0, skip_limit=10, amc_fps=120.0, report=print
):
    """Reads every clip below a folder, in the order of the names.

    Of a clip that is there as markers (.c3d) and as a skeleton (.amc, .bvh),
    as in the CMU database, the markers are left out.

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
            "files, or others of motion capture."
        )
    paths = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES
    )
    solved = {p.with_suffix("") for p in paths if p.suffix.lower() in _LAYOUTS}
    paths = [
        path
        for path in paths
        if path.suffix.lower() != ".c3d" or path.with_suffix("") not in solved
    ]
    if not paths:
        raise ValueError(
            f"{folder} holds no motion capture; .bvh files, .amc files with "
            "their .asf, .c3d, .cdf or .npz files were expected."
        )
    clips, skipped = [], 0
    for count, path in enumerate(paths, start=1):
        name = path.relative_to(folder).with_suffix("").as_posix()
        try:
            clips += read_clips(path, name=name, fps=fps, amc_fps=amc_fps)
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
