"""Human3.6M in the .npz files of other projects.

Annotated frames, as MMPose and its relatives package them (`h36m_train.npz`):
`imgname` N, `center` (N, 2), `scale` N (box side / 200), `part` (N, 17, 3)
and `S` (N, 17, 4), metres in camera axes, the last column of both a flag.

Poses without pictures, as VideoPose3D and its relatives package them
(`data_3d_h36m.npz`): `positions_3d`, a dictionary of subject to action to
(T, 32, 3), metres in world axes with z up, 50 frames a second. It is pickled;
`npz` says how it is read without running what it names. The same as plain
arrays named "SUBJECT/ACTION" is read, too.

Both have the right leg first.

Source: MMPose (tools/dataset_converters/preprocess_h36m.py), VideoPose3D
(data/prepare_data_h36m.py, common/h36m_dataset.py).
"""

import pathlib

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.files import npz
from ordinal_tf.data.readers import labels, plausible


def read_h36m_npz(source, *, split="test", skip_limit=10, report=print):
    """Reads annotated frames.

    The pictures are in `images` beside the file, or above it, each below its
    path in the file or by its bare name.

    Args:
        source: path of the .npz file, or of a folder that holds
            `h36m_SPLIT.npz` in itself or in `annotation_body3d/fps10`.
        split: "train" or "test", where `source` is a folder.
        skip_limit, report: see `labels.BadRecords`.

    Returns:
        `labels.LabelledPhotos`, without cameras, which these files lack.

    Raises:
        ValueError: see `readers`.
    """
    path = _find(pathlib.Path(source), split)
    images = _find_images(path)
    arrays = npz.read_arrays(path)
    names = arrays.get("imgname")
    count = len(names) if names is not None and names.ndim == 1 else 0
    shapes = {
        "imgname": (count,),
        "center": (count, 2),
        "scale": (count,),
        "part": (count, 17, 3),
        "S": (count, 17, 4),
    }
    for name, shape in shapes.items():
        found = arrays.get(name)
        kind = "U" if name == "imgname" else "fiu"
        if (
            found is None
            or found.shape != shape
            or found.dtype.kind not in kind
        ):
            raise ValueError(
                f"{path} must hold {name!r} of shape {shape}. Found: "
                f"{None if found is None else (found.dtype.str, found.shape)}."
            )
    part, pose = arrays["part"], 1000.0 * arrays["S"][..., :3]
    # NaN, and what no place can be, is not annotated.
    known = (np.abs(part) < 1e5).all(-1) & (part[..., 2] > 0)
    pose_known = (np.abs(pose) < 1e9).all(-1) & (arrays["S"][..., 3] > 0)
    boxes = np.column_stack([arrays["center"], 200.0 * arrays["scale"]])
    behind = (pose_known & (pose[..., 2] <= 0)).any(-1)
    odd = plausible.pose_faults(pose, pose_known)
    found = [_find_picture(images, name) for name in names]
    bad = labels.BadRecords(str(path), skip_limit, report)
    rows = bad.sound(
        lambda row: f"row {row} ({names[row]}) of {path}: ",
        plausible.box_faults(boxes, part[..., :2], known),
        labels.where(behind, "its S is behind the camera."),
        [one and f"by its S in metres, {one}" for one in odd],
        [
            None if picture else f"there is no picture {images / name}."
            for picture, name in zip(found, names, strict=True)
        ],
    )
    bad.finish(rows)
    return labels.labelled(
        path.stem,
        [str(found[row]) for row in rows],
        boxes[rows],
        keypoints=part[rows, :, :2],
        keypoint_mask=known[rows],
        pose=pose[rows],
        pose_mask=pose_known[rows],
        source=skeleton.H36M17,
        left_out=bad.left_out,
    )


def read_positions(path):
    """Poses without pictures: `data_3d_h36m.npz`, or the same as plain arrays.

    Args:
        path: file.

    Returns:
        dict of (subject, action) to `(T, 17, 3)` float64 mm, world axes with
        z up, in the order of `skeleton.H36M17`; 50 frames a second.

    Raises:
        ValueError: the file is missing, damaged or another one.
    """
    path = pathlib.Path(path)
    content = npz.read_pickled(path, "positions_3d")
    if content is None:
        content = {}
        for name, array in npz.read_arrays(path).items():
            subject, slash, action = name.partition("/")
            if slash:
                content.setdefault(subject, {})[action] = array
    elif not isinstance(content, dict) or not all(
        isinstance(actions, dict) for actions in content.values()
    ):
        raise ValueError(
            f"{path}: 'positions_3d' must be a dictionary of subject to "
            "action to array."
        )
    if not content:
        raise ValueError(
            f"{path} has no 'positions_3d', and no arrays named "
            "'SUBJECT/ACTION', such as 'S1/Directions 1'."
        )
    return {
        (str(subject), str(action)): _clip(path, f"{subject}/{action}", array)
        for subject, actions in content.items()
        for action, array in actions.items()
    }


def _find(source, split):
    if source.is_file():
        return source
    labels.check_split(split, "train", "test")
    name = f"h36m_{split}.npz"
    for folder in (source, source / "annotation_body3d" / "fps10"):
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{source} is no .npz file, and holds no {name}.")


def _find_images(path):
    for folder in path.parents[:3]:
        if (folder / "images").is_dir():
            return folder / "images"
    raise ValueError(
        f"{path.parent / 'images'} is missing: the frames that {path.name} "
        "names."
    )


def _find_picture(images, name):
    for path in (images / name, images / pathlib.PurePath(name).name):
        if "\0" not in name and path.is_file():
            return path
    return None


def _clip(path, name, array):
    """One clip, checked, as `(T, 17, 3)` mm in our order."""
    bodies = {17: skeleton.H36M17, 32: skeleton.H36M32}
    array = np.asarray(array)
    if (
        array.ndim != 3
        or array.shape[1] not in bodies
        or array.shape[2] != 3
        or array.dtype.kind != "f"
        or not len(array)
    ):
        raise ValueError(
            f"{path}: {name!r} must have shape (T, 32, 3) or (T, 17, 3). "
            f"Found: {array.shape}."
        )
    if not (np.abs(array) < 100).all():  # NaN, too.
        raise ValueError(f"{path}: {name!r} holds what are no places in m.")
    to_ours = skeleton.mapping(bodies[array.shape[1]], skeleton.H36M17)
    world, _ = to_ours.points(1000.0 * array.astype(np.float64))
    plausible.check_clip(f"{path}, {name!r} in metres", world)
    return world
