"""Small C3D files for tests, and a body with markers."""

import warnings

import numpy as np

# A standing person, facing +x, left along +y, z up; mm.
_PLACES = {
    "LFHD": (80, 70, 1700),
    "RFHD": (80, -70, 1700),
    "LBHD": (-80, 70, 1700),
    "RBHD": (-80, -70, 1700),
    "C7": (-60, 0, 1500),
    "CLAV": (60, 0, 1480),
    "LASI": (100, 120, 1000),
    "RASI": (100, -120, 1000),
    "LPSI": (-60, 40, 1000),
    "RPSI": (-60, -40, 1000),
    "LSHO": (0, 190, 1490),
    "LELB": (0, 260, 1180),
    "LWRA": (30, 250, 920),
    "LWRB": (-30, 290, 920),
    "LKNE": (10, 150, 520),
    "LANK": (0, 140, 90),
}


def body(*, cmu=False):
    """dict of marker to `(3,)` mm, right ones mirrored from the left."""
    places = dict(_PLACES)
    for name, (x, y, z) in _PLACES.items():
        if name.startswith("L"):
            places["R" + name[1:]] = (x, -y, z)
    if cmu:
        for side in "LR":
            places[f"{side}FWT"] = places.pop(f"{side}ASI")
            places[f"{side}BWT"] = places.pop(f"{side}PSI")
    return {name: np.array(place, float) for name, place in places.items()}


def write_c3d(
    path, labels, points, *, fps=120.0, units="mm", screen=None, seen=None
):
    """Writes `(T, M, 3)` points as the c3d package does.

    Args:
        path: file.
        labels: M names.
        points: in `units`.
        fps: float.
        units: str.
        screen: two axes such as ("+X", "+Z"), which point right and up.
        seen: `(T, M)` bool; residual -1 where False.
    """
    import c3d

    points = np.asarray(points, np.float32)
    if seen is None:
        seen = np.ones(points.shape[:2], bool)
    writer = c3d.Writer(point_rate=fps, point_units=units.ljust(4))
    writer.set_point_labels(labels)
    if screen:
        writer.set_screen_axis(*screen)
    for frame, visible in zip(points, seen, strict=True):
        rows = np.zeros((len(frame), 5), np.float32)
        rows[:, :3] = frame
        rows[:, 3] = np.where(visible, 0, -1)
        writer.add_frames((rows, np.zeros((0, 0), np.float32)))
    with open(path, "wb") as file, warnings.catch_warnings():
        # The package warns of files without analog data, such as these.
        warnings.simplefilter("ignore")
        writer.write(file)
    return path


def write_body(
    path, *, frames=24, cmu=False, extra=None, subject="", **options
):
    """A person who walks along x by 10 mm a frame."""
    places = body(cmu=cmu) | (extra or {})
    points = np.stack([*places.values()])[None]
    points = points + np.arange(frames)[:, None, None] * [10.0, 0, 0]
    labels = [subject + name for name in places]
    return write_c3d(path, labels, points, **options)
