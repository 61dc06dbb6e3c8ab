"""MPI-INF-3DHP's test set: six sequences, indoors and outdoors.

    TS1/annot_data.mat      MATLAB 7.3, which is HDF5 with axes reversed
        annot2              (N, 1, 17, 2) pixels
        univ_annot3         (N, 1, 17, 3) mm, camera axes, scaled to the
                            height of Human3.6M's skeleton: what the benchmark
                            scores, and not what the camera projects to annot2
        valid_frame         N, 1 where the frame counts
    TS1/imageSequence/img_000001.jpg

Joints are those of `skeleton.MPI_INF_3DHP17`. Its neck stands for our thorax,
its head (the lower end of the head) for our nose, and its pelvis and spine
are the capture rig's own.

Source: README.txt and mpii_get_joint_set.m of the data set,
vcai.mpi-inf.mpg.de/3dhp-dataset (arXiv:1611.09813).
"""

import pathlib

import numpy as np

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.files import hdf5
from ordinal_tf.data.readers import labels, plausible

SEQUENCES = ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6")
_JOINTS = skeleton.MPI_INF_3DHP17
_TO_OURS = skeleton.mapping(_JOINTS, skeleton.H36M17)


def read_mpi_inf_3dhp(source, *, split="test", skip_limit=10, report=print):
    """Reads the valid frames of the test set.

    Args:
        source: path of the folder that holds TS1 to TS6
            (`mpi_inf_3dhp_test_set`).
        split: "test".
        skip_limit, report: see `labels.BadRecords`.

    Returns:
        `labels.LabelledPhotos`, without cameras; boxes are
        `geometry.box_around` the joints.

    Raises:
        ValueError: see `readers`.
    """
    labels.check_split(split, "test")
    source = pathlib.Path(source)
    bad = labels.BadRecords(str(source), skip_limit, report)
    parts = [_read_sequence(source / name, bad) for name in SEQUENCES]
    paths, points, pose = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    bad.finish(paths)
    keypoints, known = _TO_OURS.points(points)
    pose, _ = _TO_OURS.points(pose)
    return labels.labelled(
        "mpi_inf_3dhp_test",
        paths,
        geometry.box_around(points, np.ones(points.shape[:2], bool)),
        keypoints=keypoints,
        keypoint_mask=known,
        pose=pose,
        pose_mask=known,
        source=_JOINTS,
        left_out=bad.left_out,
    )


def _read_sequence(folder, bad):
    """Paths, keypoints and poses of the valid frames, as stored."""
    path = folder / "annot_data.mat"
    arrays = hdf5.read_arrays(path, ["annot2", "univ_annot3", "valid_frame"])
    valid = arrays["valid_frame"].ravel() == 1
    for name, axes in (("annot2", 2), ("univ_annot3", 3)):
        shape = (len(valid), 1, 17, axes)
        if arrays[name].shape != shape:
            raise ValueError(
                f"{path}: {name!r} must have shape {shape}, reversed in "
                f"MATLAB, for {len(valid)} frames. Found: "
                f"{arrays[name].shape}."
            )
    frames = np.flatnonzero(valid)
    points = arrays["annot2"][frames, 0].astype(np.float64)
    pose = arrays["univ_annot3"][frames, 0].astype(np.float64)
    # Neither NaN nor what no place can be.
    finite = (np.abs(points) < 1e5).all((1, 2))
    finite &= (np.abs(pose) < 1e6).all((1, 2))
    places = np.where(finite[:, None, None], pose, 0.0)
    odd = plausible.pose_faults(*_TO_OURS.points(places))
    images = folder / "imageSequence"
    paths = [images / f"img_{frame + 1:06}.jpg" for frame in frames]
    rows = bad.sound(
        lambda row: f"frame {frames[row] + 1} of {path}: ",
        labels.where(~finite, "its joints are not finite."),
        labels.where(~(pose[..., 2] > 0).all(-1), "it is behind the camera."),
        [one and f"by univ_annot3, {one}" for one in odd],
        [None if p.is_file() else f"there is no {p}." for p in paths],
    )
    bad.leave_out("frames that are not marked as valid", (~valid).sum())
    return [str(paths[row]) for row in rows], points[rows], pose[rows]
