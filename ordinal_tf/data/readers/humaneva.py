"""HumanEva-I as it is distributed: videos, calibration, motion capture.

    S1/Image_Data/Walking_1_(C1).avi        60 frames a second
    S1/Calibration_Data/C1.cal              22 numbers
    S1/Sync_Data/Walking_1_(C1).ofs         3 numbers
    S1/Mocap_Data/Walking_1.mat or .c3d     markers, 120 frames a second
    S1/Mocap_Data/Static.mat or .c3d        the subject at rest
    S1/Mocap_Data/S1.mp                     measures of the subject

Trial 1 of each action has videos and motion capture: its first half is for
validation, its second for training. `humaneva_body` says how joints follow
from markers. Apply the data set's "critical update" of the .ofs files first.

Source: HumanEva support code v1.1 beta (Sigal, Brown University):
@he_dataset/he_dataset.m (partition), @sync_stream/sync_stream.m, README.
"""

import math
import pathlib

import cv2
import numpy as np

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.files import video
from ordinal_tf.data.readers import humaneva_body, labels, plausible
from ordinal_tf.data.readers import humaneva_files as files

CAMERAS = ("C1", "C2", "C3")
# The streams are aligned over all cameras, the black-and-white ones, too.
_ALL_CAMERAS = (*CAMERAS, "BW1", "BW2", "BW3", "BW4")

# Last frame for validation, and last frame of all, of the actions on which
# the paper reports; the codec repeats some of the first five.
_FIRST = 6
_PARTITION = {
    ("S1", "Walking"): (590, 1203),
    ("S1", "Jog"): (367, 740),
    ("S2", "Walking"): (438, 876),
    ("S2", "Jog"): (398, 795),
    ("S3", "Walking"): (448, 939),
    ("S3", "Jog"): (401, 842),
}


def read_humaneva(source, *, split="train", report=print):
    """Reads the frames of walking and jogging with valid motion capture.

    Args:
        source: path of the folder that holds S1, S2, S3.
        split: "train" or "validate".
        report: function of one str that tells the user of each clip that is
            missing or damaged, and of how many frames were dropped.

    Returns:
        `labels.LabelledPhotos`; paths are frames of videos, see `video`.

    Raises:
        ValueError: see `readers`.
    """
    labels.check_split(split, "train", "validate")
    source = pathlib.Path(source)
    bad = labels.BadRecords(str(source), math.inf, report)
    clips = []
    for (subject, action), (middle, last) in _PARTITION.items():
        if split == "train":
            frames = np.arange(middle + 1, last + 1)
        else:
            frames = np.arange(_FIRST, middle + 1)
        clips += _read_action(source / subject, action, frames, bad)
    bad.finish(clips)
    paths, fields = labels.join_clips(clips)
    return labels.labelled(
        f"humaneva_{split}",
        paths,
        geometry.box_around(fields["keypoints"], fields["keypoint_mask"]),
        **fields,
        source=skeleton.HUMANEVA15,
        left_out=bad.left_out,
    )


def _read_action(folder, action, frames, bad):
    """Paths, keypoints, poses and intrinsics of each camera's clip."""
    try:
        offsets = _all_offsets(folder, action)
        starts, time, scale = files.align_streams(offsets)
        poses, valid = _capture(folder, action, time + (frames - 1) * scale)
    except ValueError as error:
        bad.skip(f"{error} {folder.name} {action} is left out.")
        return []
    if not valid.any():
        bad.skip(
            f"{folder.name} {action}: no frame has valid motion capture; it "
            "is left out."
        )
        return []
    dropped = len(frames) - int(valid.sum())
    bad.leave_out("frames without valid motion capture", dropped)
    if dropped:
        bad.report(
            f"{folder.name} {action}: dropped {dropped} of {len(frames)} "
            "frames without valid motion capture."
        )
    frames, poses = frames[valid], poses[valid]
    clips = []
    for camera in CAMERAS:
        try:
            clips.append(
                _read_clip(folder, action, camera, starts, frames, poses)
            )
        except ValueError as error:
            bad.skip(f"{error} The clip is left out.")
    return clips


def _all_offsets(folder, action):
    offsets = {}
    for camera in _ALL_CAMERAS:
        path = folder / "Sync_Data" / f"{action}_1_({camera}).ofs"
        if path.is_file():
            offsets[camera] = files.read_offsets(path)
    if not offsets:
        raise ValueError(f"{path.parent} holds no {action}_1_(C1).ofs.")
    return offsets


def _capture(folder, action, times):
    """`(N, 17, 3)` mm in world axes at captured frames from 1, and validity."""
    names, points = files.read_markers(folder / "Mocap_Data" / f"{action}_1")
    static = folder / "Mocap_Data" / "Static"
    still = (
        files.read_markers(static)
        if files.has_markers(static)
        else (names, points)
    )
    path = folder / "Mocap_Data" / f"{folder.name}.mp"
    try:
        joints, valid = humaneva_body.joints_at(
            names,
            points,
            times - 1,
            half_shoulders_mm=humaneva_body.half_shoulders(*still),
            offsets_mm=files.read_shoulder_offsets(path),
        )
    except ValueError as error:
        raise ValueError(
            f"{folder / 'Mocap_Data'}, {action}_1: {error}."
        ) from error
    to_ours = skeleton.mapping(skeleton.HUMANEVA15, skeleton.H36M17)
    pose, known = to_ours.points(joints)
    plausible.check_clip(f"{path.parent}, {action}_1", pose[valid])
    faults = plausible.pose_faults(pose, known)
    return pose, valid & np.array([fault is None for fault in faults])


def _read_clip(folder, action, camera, starts, frames, poses):
    film = folder / "Image_Data" / f"{action}_1_({camera}).avi"
    calibration = files.read_calibration(
        folder / "Calibration_Data" / f"{camera}.cal"
    )
    if camera not in starts:
        raise ValueError(f"{film} has no .ofs file in Sync_Data.")
    info = video.describe(film)
    # Frame 1 of all streams is the image `starts`, counted from 1.
    images = frames - 1 + starts[camera] - 1
    there = (images >= 0) & (images < info.frames)
    if not there.any():
        raise ValueError(
            f"{film} has {info.frames} frames, none of those that are needed; "
            "it is cut off, fetch it again."
        )
    images, poses = images[there], poses[there]
    pose = poses @ calibration["rotation"].T + calibration["translation"]
    if not (pose[..., 2] > 0).all():
        raise ValueError(f"{film}: {camera}.cal sees the subject behind it.")
    return (
        np.array([video.frame_path(film, image) for image in images]),
        _project(pose, calibration),
        pose,
        np.tile(calibration["matrix"], (len(images), 1, 1)),
    )


def _project(pose, calibration):
    """`(N, K, 2)` px, distorted, from `(N, K, 3)` in camera axes."""
    bent, _ = cv2.projectPoints(
        pose.reshape(-1, 1, 3),
        np.zeros(3),
        np.zeros(3),
        np.eye(3),
        calibration["distortion"],
    )
    bent = bent.reshape(*pose.shape[:2], 2)
    # By the matrix, because OpenCV would leave out its skew.
    matrix = calibration["matrix"]
    return bent @ matrix[:2, :2].T + matrix[:2, 2]
