"""Absolute poses beside the root-relative ones, where cameras are known."""

import numpy as np

from ordinal_tf import placing
from ordinal_tf.data.files import photos, video
from ordinal_tf.data.readers import camera_file

EXIF = "exif"


def read_cameras(given, names, films):
    """Intrinsics of the pictures that can be read.

    Args:
        given: str, four numbers, a file (see `camera_file`), or "exif".
        names: dict of path to name, of all pictures and videos.
        films: dict of path to `video.Info`, of the videos.

    Returns:
        dict of name to `(4,)` fx, fy, cx, cy; and a list of sentences that
        people should read.

    Raises:
        ValueError, OSError: see `camera_file.read_intrinsics`.
    """
    sizes, cameras = {}, {}
    for path, name in names.items():
        try:
            if path in films:
                sizes[name] = films[path].height, films[path].width
            elif given == EXIF:
                cameras[name] = camera_file.intrinsics_from_exif(path)
            else:
                sizes[name], _ = photos.look_at(path)
        except (ValueError, OSError):
            continue  # Said where the picture itself is read.
    if given != EXIF:
        return camera_file.read_intrinsics(given, sizes), []
    unknown = [name for name in cameras if cameras[name] is None]
    unknown += sizes
    cameras = {name: c for name, c in cameras.items() if c is not None}
    said = []
    if cameras:
        said.append(
            f"Pictures whose focal length is from EXIF: {len(cameras)}. It is "
            "not calibrated, and wrong where a picture was cropped since, so "
            "distances from the camera are rough."
        )
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        said.append(
            f"No focal length in EXIF of {', '.join(unknown[:5])}{more}; "
            "poses there stay root-relative."
        )
    return cameras, said


def add_absolute(table, cameras):
    """The table with `intrinsics` and `pose_camera`, see `placing`.

    Args:
        table: dict of arrays, a row a person, with `image`, `keypoints` and
            `pose`. Not modified.
        cameras: dict of a picture's or video's name to `(4,)`.

    Returns:
        dict: the table's arrays, `intrinsics` `(M, 4)` float64 pixels and
        `pose_camera` `(M, 17, 3)` float32 mm from the camera; NaN in rows of
        other pictures.
    """
    count = len(table["image"])
    intrinsics = np.full((count, 4), np.nan)
    placed = np.full(table["pose"].shape, np.nan, np.float32)
    for row, name in enumerate(table["image"].tolist()):
        camera = cameras.get(video.split_path(name)[0])
        if camera is not None:
            one = slice(row, row + 1)
            intrinsics[row] = camera
            placed[one] = placing.place(
                table["keypoints"][one], table["pose"][one], camera
            )
    return table | {"intrinsics": intrinsics, "pose_camera": placed}
