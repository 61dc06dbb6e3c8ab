"""Human3.6M as it is released: videos, 3D positions, and its metadata.

    metadata.xml (of the code, Release-v1.2)
    S1/Videos/Directions 1.54138969.mp4                 50 frames a second
    S1/MyPoseFeatures/D3_Positions/Directions 1.cdf     Pose, (1, T, 96)

`Pose` is 32 joints (`skeleton.H36M32`), mm, world axes with z up. This is
what people get who register at vision.imar.ro/human3.6m: the archives
`Videos_S*.tgz` and `Poses_D3_Positions_S*.tgz`, unpacked into one folder.

Every copy lacks parts: the video `S11/Videos/Directions.54138969.mp4` is
damaged. Such clips are reported by name and the rest is read.

Source: the release's README; h36m-fetch and VideoPose3D (DATASETS.md) for
names and layout.
"""

import math
import pathlib

import numpy as np

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.files import cdf_check, existing, video
from ordinal_tf.data.readers import h36m_cameras, labels, plausible

SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
_VIDEO_FPS, _KEPT_FPS = 50, 10
# The box of the authors' own annotations: 40 px wider than the joints.
_BOX_BORDER = 40.0


def read_h36m_release(source, *, split="train", report=print):
    """Reads 10 frames a second: distorted 2D joints, poses and cameras.

    Args:
        source: path of the folder that holds S1, S5, ..., and metadata.xml,
            maybe in a folder inside.
        split: "train" (S1, S5, S6, S7, S8) or "test" (S9, S11), the paper's.
        report: function of one str that tells the user of each clip that is
            missing or damaged.

    Returns:
        `labels.LabelledPhotos`; paths are frames of videos, see `video`.

    Raises:
        ValueError: metadata.xml or all clips are missing or damaged, or
            cdflib is not installed.
    """
    labels.check_split(split, *SUBJECTS)
    source = pathlib.Path(source)
    cameras = h36m_cameras.read_cameras(_find_metadata(source))
    bad = labels.BadRecords(str(source), math.inf, report)
    clips = []
    for subject in SUBJECTS[split]:
        read = _read_subject(source / subject, cameras, bad)
        clips += read
        frames = sum(len(clip[0]) for clip in read)
        report(f"{subject}: {len(read)} videos, {frames} frames")
    if not clips:
        raise ValueError(
            f"{source} holds no usable clip of {SUBJECTS[split]}; unpack "
            "Videos_S*.tgz and Poses_D3_Positions_S*.tgz there."
        )
    paths, fields = labels.join_clips(clips)
    bad.finish(paths)
    box = geometry.box_around(
        fields["keypoints"], fields["keypoint_mask"], margin=1.0
    )
    return labels.labelled(
        f"h36m_{split}",
        paths,
        np.asarray(box) + [0.0, 0.0, _BOX_BORDER],
        **fields,
        source=skeleton.H36M32,
        left_out=bad.left_out,
    )


def read_positions(path):
    """Poses of one file of D3_Positions.

    Args:
        path: `.cdf` file.

    Returns:
        `(T, 17, 3)` float64 mm, world axes with z up, in the order of
        `skeleton.H36M17`.

    Raises:
        ValueError: the file is missing, damaged or another one, or cdflib is
            not installed.
    """
    path = existing.file(path)
    try:
        import cdflib
    except ImportError as error:
        raise ValueError(
            f"{path} is a CDF file, which cdflib reads: pip install "
            "'ordinal-tf[datasets]'."
        ) from error
    try:
        cdf_check.check(path.read_bytes())
        pose = np.asarray(cdflib.CDF(path).varget("Pose"), np.float64)
    except Exception as error:  # Damaged files raise whatever they hit.
        raise ValueError(
            f"{path} is no CDF file with a variable Pose "
            f"({str(error)[:80] or type(error).__name__}); fetch it again."
        ) from error
    width = 3 * len(skeleton.H36M32)
    if pose.ndim not in (2, 3) or pose.shape[-1] != width or pose.size == 0:
        raise ValueError(
            f"{path}: Pose must have shape (1, T, {width}). Found: "
            f"{pose.shape}."
        )
    if not (np.abs(pose) < 1e6).all():  # NaN, too.
        raise ValueError(f"{path}: Pose holds what are no places in mm.")
    pose = pose.reshape(-1, len(skeleton.H36M32), 3)
    to_ours = skeleton.mapping(skeleton.H36M32, skeleton.H36M17)
    return to_ours.points(pose)[0]


def _find_metadata(source):
    found = sorted(
        [*source.glob("metadata.xml"), *source.glob("*/metadata.xml")]
    )
    if not found:
        raise ValueError(
            f"{source} holds no metadata.xml; it comes with Human3.6M's "
            "Release-v1.2 code, at vision.imar.ro/human3.6m."
        )
    return found[0]


def _read_subject(folder, cameras, bad):
    """What is usable of each video: paths, keypoints, poses, intrinsics."""
    positions = folder / "MyPoseFeatures" / "D3_Positions"
    names = {
        camera: c for (s, camera), c in cameras.items() if s == folder.name
    }
    # `_ALL` is all actions in one.
    files = [f for f in sorted(positions.glob("*.cdf")) if f.name[0] != "_"]
    if not files or not names:
        bad.skip(f"{positions} holds no .cdf file; all of it is left out.")
        return []
    clips = []
    for path in files:
        try:
            world = read_positions(path)
            plausible.check_clip(path, world)
        except ValueError as error:
            bad.skip(f"{error} Its clips are left out.")
            continue
        for name, camera in names.items():
            film = folder / "Videos" / f"{path.stem}.{name}.mp4"
            try:
                clips.append(_read_clip(film, world, camera))
            except ValueError as error:
                bad.skip(f"{error} The clip is left out.")
    return clips


def _read_clip(film, world, camera):
    info = video.describe(film)
    if abs(info.fps - _VIDEO_FPS) > 1:
        raise ValueError(
            f"{film} has {info.fps:g} frames a second instead of {_VIDEO_FPS}; "
            "it is not the release's."
        )
    # Videos run on for some frames after the capture.
    if info.frames < len(world) - _VIDEO_FPS:
        raise ValueError(
            f"{film} has {info.frames} frames, its positions {len(world)}; it "
            "is cut off, fetch it again."
        )
    frames = np.arange(0, min(len(world), info.frames), _VIDEO_FPS // _KEPT_FPS)
    pose = camera.from_world(world[frames])
    if not (pose[..., 2] > 0).all():
        raise ValueError(
            f"{film}: its positions lie behind the camera; is metadata.xml "
            "the one of this release?"
        )
    return (
        np.array([video.frame_path(film, frame) for frame in frames]),
        camera.project(pose),
        pose,
        np.tile(camera.matrix, (len(frames), 1, 1)),
    )
