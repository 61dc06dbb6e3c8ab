"""MPI-INF-3DHP's test set: six sequences, indoors and outdoors.

    TS1/annot_data.mat      MATLAB 7.3, which is HDF5 with axes reversed
        annot2              (N, 1, 17, 2) pixels
        annot3              (N, 1, 17, 3) mm, camera axes
        univ_annot3         the same, scaled to the height of Human3.6M's
                            skeleton: what the benchmark scores
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


def read_mpi_inf_3dhp(
    source,
    *,
    split="test",
    sequences=SEQUENCES,
    universal=True,
    skip_limit=10,
    report=print,
):
    """Reads the valid frames of the test set.

    Args:
        source: path of the folder that holds TS1 to TS6
            (`mpi_inf_3dhp_test_set`).
        split: "test".
        sequences: names of those to read, each of which must be there.
        universal: bool, poses are `univ_annot3`, which the benchmark scores;
            they are not what the camera projects to the picture, so `camera`
            is zeros. Otherwise `annot3`, with the camera that follows from
            it and `annot2`.
        skip_limit: int, how many bad records are skipped with a report
            before it is an error.
        report: function of one str that tells the user of each.

    Returns:
        `labels.LabelledPhotos`; boxes are `geometry.box_around` the joints.

    Raises:
        ValueError: a file is missing or not in this layout, or there are too
            many bad records.
    """
    if split != "test":
        raise ValueError(f"`split` must be 'test'. Received: {split!r}.")
    source = pathlib.Path(source)
    bad = labels.BadRecords(str(source), skip_limit, report)
    parts = [
        _read_sequence(source / name, universal, bad) for name in sequences
    ]
    paths = [path for part in parts for path in part["paths"]]
    if not paths:
        raise ValueError(f"{source}: no usable frame in {sequences}.")
    joined = {
        key: np.concatenate([part[key] for part in parts])
        for key in ("keypoints", "pose", "camera")
    }
    to_ours = skeleton.mapping(_JOINTS, skeleton.H36M17)
    every = np.ones((len(paths), len(_JOINTS)), bool)
    keypoints, known = to_ours.points(joined["keypoints"], every)
    pose, _ = to_ours.points(joined["pose"], every)
    bad.summarize()
    return labels.labelled(
        "mpi_inf_3dhp_test",
        paths,
        geometry.box_around(joined["keypoints"], every),
        keypoints=keypoints,
        keypoint_mask=known,
        pose=pose,
        pose_mask=known,
        camera=joined["camera"],
        source=_JOINTS,
        left_out=bad.left_out,
    )


def _read_sequence(folder, universal, bad):
    """Paths, keypoints, poses and cameras of the valid frames, as stored."""
    path = folder / "annot_data.mat"
    key = "univ_annot3" if universal else "annot3"
    arrays = hdf5.read_arrays(path, ["annot2", "valid_frame", key])
    valid = arrays["valid_frame"].ravel()
    shapes = {"annot2": (len(valid), 1, 17, 2), key: (len(valid), 1, 17, 3)}
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(
                f"{path}: {name!r} must have shape {shape}, reversed in "
                f"MATLAB, for {len(valid)} frames. Found: "
                f"{arrays[name].shape}."
            )
    keypoints = arrays["annot2"][:, 0].astype(np.float64)
    pose = arrays[key][:, 0].astype(np.float64)
    # Neither NaN nor what no place can be.
    finite = (np.abs(keypoints) < 1e5).all((1, 2))
    finite &= (np.abs(pose) < 1e6).all((1, 2))
    places = np.where(finite[:, None, None], pose, 0.0)
    ours, known = skeleton.mapping(_JOINTS, skeleton.H36M17).points(
        places, np.ones(places.shape[:2], bool)
    )
    odd = plausible.pose_faults(ours, known)
    paths, rows = [], []
    for row in np.flatnonzero(valid == 1):
        picture = folder / "imageSequence" / f"img_{row + 1:06}.jpg"
        if not finite[row]:
            bad.skip(f"frame {row + 1} of {path}: its joints are not finite.")
        elif not (pose[row, :, 2] > 0).all():
            bad.skip(f"frame {row + 1} of {path}: it is behind the camera.")
        elif odd[row]:
            bad.skip(f"frame {row + 1} of {path}: by {key}, {odd[row]}")
        elif not picture.is_file():
            bad.skip(f"frame {row + 1} of {path}: there is no {picture}.")
        else:
            paths.append(str(picture))
            rows.append(row)
    bad.leave_out("frames that are not marked as valid", (valid != 1).sum())
    camera = np.zeros((3, 3))
    if rows and not universal:
        camera = _camera(path, keypoints[rows], pose[rows])
    return {
        "paths": paths,
        "keypoints": keypoints[rows],
        "pose": pose[rows],
        "camera": np.tile(camera, (len(rows), 1, 1)),
    }


def _camera(path, keypoints, pose):
    """`(3, 3)` intrinsics that project `pose` to `keypoints`."""
    camera = np.eye(3)
    for axis in range(2):
        slope = (pose[..., axis] / pose[..., 2]).ravel()
        columns = np.column_stack([slope, np.ones_like(slope)])
        place = keypoints[..., axis].ravel()
        camera[axis, [axis, 2]] = np.linalg.lstsq(columns, place)[0]
        error = np.median(np.abs(columns @ camera[axis, [axis, 2]] - place))
        if not error < 2:
            raise ValueError(
                f"{path}: 'annot3' and 'annot2' fit no camera (they are "
                f"{error:.1f} px apart); are they of the same sequence?"
            )
    return camera
