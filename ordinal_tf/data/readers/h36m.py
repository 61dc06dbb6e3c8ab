"""Human3.6M as the authors publish it: frames with annotation files.

A folder holds `images/` and, for a split of "train" or "valid",

    annot/SPLIT.h5          center (N, 2), scale (N); in the full release also
                            part (N, 17, 2) and zind (N, 17), maybe S
    annot/SPLIT_images.txt  N file names
    annot/SPLIT.mat         struct `annot`: imgname, S (N, 3, 17) mm, K

`center` and `part` are pixels from 0, and `scale` is the side of the box /
200. `zind` is the depth bin of a joint, 1 to 64. S is in camera axes,
absolute. **All of these have the left leg first**; joints are mapped by name.

Source: c2f-vol-train (README, src/data.lua, src/util/pose-vol.lua) and
c2f-vol-demo, the code of arXiv:1611.07828.
"""

import dataclasses
import pathlib

import numpy as np

from ordinal_tf import skeleton, vectors
from ordinal_tf.data.files import existing, hdf5, matlab, text
from ordinal_tf.data.readers import labels, plausible

_JOINTS = skeleton.H36M17_LEFT_FIRST
_TO_OURS = skeleton.mapping(_JOINTS, skeleton.H36M17)
_BIN_LIMITS_MM = (-1005.1859029814127, 980.8598618317474)


@dataclasses.dataclass(frozen=True)
class Annotations:
    """Poses of one annotation file.

    Attributes:
        names: `N` image names, without suffix.
        poses: `(N, 17, 3)` float64 mm, camera axes (x right, y down, z away
            from the camera), absolute, in the order of `skeleton.H36M17`.
        intrinsics: `(N, 3, 3)` float64, pixels, without lens distortion.
    """

    names: tuple[str, ...]
    poses: np.ndarray
    intrinsics: np.ndarray

    @property
    def views(self):
        """What `views.sample_views` returns, of these poses and cameras.

        `keypoints_2d` is the pinhole projection with `intrinsics`, so it is
        exact; lens distortion (1 to 2.5 px) is left out.
        """
        root = skeleton.H36M17.root
        pose_3d = self.poses - self.poses[:, root : root + 1]
        keypoints = vectors.project(self.poses, self.intrinsics)
        return {
            "keypoints_2d": keypoints.astype(np.float32),
            "depth": pose_3d[..., 2].astype(np.float32),
            "pose_3d": pose_3d.astype(np.float32),
        }


def read_annotations(path):
    """Reads `annot/valid.mat`.

    Args:
        path: file.

    Returns:
        `Annotations`.

    Raises:
        ValueError: the file is missing, damaged, or another one.
    """
    content = matlab.read_variables(path, ["annot"], structs=True)
    annotation = content["annot"]
    missing = [f for f in ("imgname", "S", "K") if not hasattr(annotation, f)]
    if missing:
        raise ValueError(
            f"{path} must hold a struct `annot` with imgname, S and K; "
            f"missing: {', '.join(missing)}."
        )
    try:
        camera = np.asarray(annotation.S, np.float64)
        cells = np.asarray(annotation.K)
        cells = list(cells.ravel()) if cells.dtype == object else [cells]
        intrinsics = np.stack([np.asarray(k, np.float64) for k in cells])
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: `annot.S` and `annot.K` must be numbers ({error})."
        ) from error
    if camera.ndim == 2:  # `squeeze_me` drops the axis of a single pose.
        camera = camera[None]
    if camera.ndim != 3 or camera.shape[1:] != (3, len(_JOINTS)):
        raise ValueError(
            f"{path}: `annot.S` must have shape (N, 3, {len(_JOINTS)}). "
            f"Received: {camera.shape}."
        )
    finite = np.isfinite(camera).all((1, 2))
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(f"{path}: `annot.S` is not finite in row {row}.")
    if intrinsics.shape != (len(camera), 3, 3):
        raise ValueError(
            f"{path}: `annot.K` must hold one 3 x 3 matrix per pose. "
            f"Received: {intrinsics.shape} for {len(camera)} poses."
        )
    if not (np.abs(intrinsics) < 1e6).all():
        raise ValueError(f"{path}: `annot.K` holds no intrinsics in pixels.")
    poses, _ = _TO_OURS.points(np.swapaxes(camera, 1, 2))
    plausible.check_clip(f"{path}, `annot.S`", poses)
    names = tuple(str(name) for name in np.atleast_1d(annotation.imgname))
    if len(names) != len(poses):
        raise ValueError(
            f"{path}: `annot.imgname` must name {len(poses)} images. Found: "
            f"{len(names)}."
        )
    return Annotations(names, poses, intrinsics)


def read_h36m(source, *, split="valid", skip_limit=10, report=print):
    """Reads the authors' frames with boxes, 2D joints and depth.

    3D comes from S, of the .h5 file or of the .mat file; where there is none,
    depth comes from the bins, to half a bin (15.5 mm). 2D comes from `part`;
    where there is none, it is the pinhole projection of S (1 to 2.5 px off).

    Args:
        source: path of the folder.
        split: "train" (S1, S5, S6, S7, S8) or "valid" (S9, S11).
        skip_limit, report: see `labels.BadRecords`.

    Returns:
        `labels.LabelledPhotos`.

    Raises:
        ValueError: see `readers`; also, files contradict each other.
    """
    labels.check_split(split, "train", "valid")
    source = pathlib.Path(source)
    path = source / "annot" / f"{split}.h5"
    names = _read_names(source / "annot" / f"{split}_images.txt")
    arrays = _read_h5(path, len(names))
    images = source / "images"
    if not images.is_dir():
        raise ValueError(f"{images} is missing; it must hold the frames.")
    pose, camera = _read_pose(source / "annot" / f"{split}.mat", names, arrays)
    keypoints, known = _keypoints(path, arrays, pose, camera)
    boxes = np.column_stack([arrays["center"], 200 * arrays["scale"]])
    pixels = np.where(known[..., None], keypoints, 0.0)
    paths = [images / name for name in names]
    fields = {"keypoints": keypoints, "keypoint_mask": known}
    if camera is not None:
        fields["camera"] = camera
    of_poses = []
    if pose is not None:
        near = (np.abs(pose) < 1e6).all((1, 2))
        ahead = near & (pose[..., 2] > 0).all(-1)
        every = np.ones(pose.shape[:2], bool)
        odd = plausible.pose_faults(
            np.where(near[:, None, None], pose, 0.0), every
        )
        said = "its S is not finite, or behind the camera."
        of_poses = [
            labels.where(~ahead, said),
            [one and f"by its S, {one}" for one in odd],
        ]
        fields |= {"pose": pose, "pose_mask": every}
    elif "zind" in arrays:
        depth = _bin_depth(arrays["zind"])
        binned = np.isfinite(depth)
        of_poses = [labels.where(~binned.all(-1), "its zind is not 1 to 64.")]
        fields |= {"depth": depth, "depth_mask": binned}
    bad = labels.BadRecords(str(path), skip_limit, report)
    rows = bad.sound(
        lambda row: f"row {row + 1} ({names[row]}) of {path}: ",
        plausible.box_faults(boxes, pixels, known),
        *of_poses,
        [None if p.is_file() else f"there is no picture {p}." for p in paths],
    )
    bad.finish(rows)
    return labels.labelled(
        f"h36m_{split}",
        [str(paths[row]) for row in rows],
        boxes[rows],
        **{key: value[rows] for key, value in fields.items()},
        source=_JOINTS,
        left_out=bad.left_out,
    )


def _read_names(path):
    existing.file(path, "it must name the frames")
    lines = text.read_text(path).split("\n")
    names = [line.strip() for line in lines if line.strip()]
    if not names or any("\0" in name for name in names):
        raise ValueError(f"{path} must hold one file name a line.")
    return names


def _read_h5(path, count):
    """Arrays of SPLIT.h5, in the shapes that the module names."""
    arrays = hdf5.read_arrays(
        path, ["center", "scale"], optional=["part", "zind", "S"]
    )
    joints = len(_JOINTS)
    shapes = {
        "center": [(count, 2)],
        "scale": [(count,), (count, 1)],
        "part": [(count, joints, 2)],
        "zind": [(count, joints)],
        "S": [(count, joints, 3), (count, 3, joints)],
    }
    for name, array in arrays.items():
        if array.shape not in shapes[name]:
            raise ValueError(
                f"{path}: {name!r} must have shape {shapes[name][0]}, a row "
                f"for each of the {count} names in {path.stem}_images.txt. "
                f"Found: {array.shape}."
            )
    arrays = {name: a.astype(np.float64) for name, a in arrays.items()}
    arrays["scale"] = arrays["scale"].reshape(count)
    if "S" in arrays and arrays["S"].shape[1] == 3:
        arrays["S"] = np.swapaxes(arrays["S"], 1, 2)
    return arrays


def _read_pose(path, names, arrays):
    """Absolute poses `(N, 17, 3)` mm in our order and cameras, or None."""
    pose = camera = None
    if path.is_file():
        read = read_annotations(path)
        stems = tuple(name.rpartition(".")[0] or name for name in names)
        if read.names not in (stems, tuple(names)):
            raise ValueError(
                f"{path} and {path.stem}_images.txt name different frames, "
                "or the same in another order."
            )
        pose, camera = read.poses, read.intrinsics
    if "S" not in arrays:
        return pose, camera
    # Depth tells millimetres (about 5000) from metres (about 5).
    depth = np.nanmedian(arrays["S"][..., 2])
    if not depth > 0.5:
        raise ValueError(
            f"{path.with_suffix('.h5')}: 'S' must be absolute, seen from the "
            f"camera; its depth is {depth:.3g} on average."
        )
    to_mm = 1.0 if depth > 500 else 1000.0
    return _TO_OURS.points(arrays["S"] * to_mm)[0], camera


def _keypoints(path, arrays, pose, camera):
    """`(N, 17, 2)` pixels in our order, and which are known."""
    projected = None
    if pose is not None and camera is not None:
        with np.errstate(all="ignore"):  # What is behind is found later.
            projected = vectors.project(pose, camera)
    if "part" not in arrays:
        if projected is None:
            raise ValueError(
                f"{path} has no dataset 'part', and no S and K beside it in "
                f"{path.stem}.mat: there are no 2D joints."
            )
        return projected, (np.abs(projected) < 1e5).all(-1)
    part = arrays["part"]
    known = (np.abs(part) < 1e5).all(-1) & (part[..., 0] > 0)
    keypoints, known = _TO_OURS.points(part, known)
    if projected is not None and known.any():
        apart = np.linalg.norm(keypoints - projected, axis=-1)[known]
        limit = 0.05 * np.median(200 * arrays["scale"])
        if not np.median(apart) < limit:
            raise ValueError(
                f"{path}: 'part' lies {np.median(apart):.0f} px from where S "
                f"and K of {path.stem}.mat put the joints; is one of them in "
                "another joint order?"
            )
    return keypoints, known


def _bin_depth(zind):
    """`(N, 17)` mm relative to the root, NaN where a bin is impossible."""
    centres = metric_bin_centres()
    with np.errstate(invalid="ignore"):
        fits = (zind >= 1) & (zind <= len(centres)) & (zind % 1 == 0)
    bins = np.where(fits, zind, 1).astype(np.int64)
    depth = np.where(fits, centres[bins - 1], np.nan)
    depth = depth[:, np.argmax(_TO_OURS.weights, axis=-1)]
    return depth - depth[:, [skeleton.H36M17.root]]


def metric_bin_centres():
    """`(64,)` centres of the bins (`zcen`), mm relative to the root.

    Source: `startup.m` of c2f-vol-demo.
    """
    limits = np.linspace(*_BIN_LIMITS_MM, 65)
    return (limits[1:] + limits[:-1]) / 2
