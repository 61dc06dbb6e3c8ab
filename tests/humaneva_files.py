"""A small HumanEva-I for tests."""

import numpy as np
import scipy.io

from tests import c3d_files, video_files

# Segments: where origin and proximal point lie, and nothing is turned: x
# (anterior), y (lateral, to the left), z (proximal, up) are the world's. mm.
_ORIGINS = {
    "PEL": ((0, 0, 1000), (0, 0, 1100)),
    "TRX": ((50, 0, 1500), (50, 0, 1600)),
    "HED": ((60, 0, 1650), (60, 0, 1750)),
    "LFE": ((0, 100, 550), (0, 100, 950)),
    "LTI": ((0, 100, 100), (0, 100, 550)),
    "LHU": ((0, 200, 1050), (0, 200, 1450)),
    "LRA": ((0, 200, 800), (0, 200, 1050)),
}
SHOULDERS_MM = 414.0  # Between the markers: 200 without their radius, halved.


def markers():
    """dict of marker to `(3,)` mm: skin, and Plug-in Gait's segments."""
    from ordinal_tf.data.readers import humaneva_body

    places = {}
    for segment, (origin, proximal) in _ORIGINS.items():
        o, p = np.array(origin, float), np.array(proximal, float)
        places[segment + "O"], places[segment + "P"] = o, p
        places[segment + "A"] = o + [80, 0, 0]
        places[segment + "L"] = o + [0, 80, 0]
    places["LCLO"] = np.array([0.0, 200, 1450])
    for name, place in list(places.items()):
        if name[0] == "L":
            base = places[f"{name[:3]}O"] if name != "LCLO" else place
            mirrored = place * [1, -1, 1]
            if name.endswith("L"):
                # Lateral is to the left on both sides.
                mirrored = base * [1, -1, 1] + [0, 80, 0]
            places["R" + name[1:]] = mirrored
    skin = [*humaneva_body._SKIN, "LFRM", "RFRA"]
    for k, name in enumerate(skin):
        places.setdefault(name, np.array([k + 1.0, 2 * k, 900]))
    places["LSHO"] = np.array([0, SHOULDERS_MM / 2, 1500])
    places["RSHO"] = np.array([0, -SHOULDERS_MM / 2, 1500])
    return places


def write_markers(path, points, labels):
    """Writes `(T, M, 3)` mm as the data set's MATLAB files, or as C3D."""
    if path.suffix == ".c3d":
        return c3d_files.write_c3d(path, labels, points)

    def cell(*values):
        array = np.empty((1, len(values)), object)
        array[0] = values
        return array

    def structs(*rows):
        array = np.empty((1, len(rows)), [(k, object) for k in rows[0]])
        for k, row in enumerate(rows):
            array[0, k] = tuple(row.values())
        return array

    used = {"name": cell("USED"), "datatype": 2.0, "data": float(len(labels))}
    names = {"name": cell("LABELS"), "datatype": -1.0, "data": cell(*labels)}
    group = {"name": cell("POINT"), "Parameter": structs(used, names)}
    other = {"name": cell("ANALOG"), "Parameter": structs(used)}
    content = {
        "Markers": points,
        "ParameterGroup": structs(other, group),
        "VideoFrameRate": 120.0,
    }
    scipy.io.savemat(path, content)
    return path


def walk(frames):
    """`(frames, M, 3)` mm along y by 1 mm a frame, and the names."""
    places = markers()
    points = np.stack([*places.values()])[None]
    names = [f"LS:{name}" for name in places]
    return points + np.arange(frames)[:, None, None] * [0, 1.0, 0], names


def write_numbers(path, numbers):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{number:f} \n" for number in numbers))


# 640 x 480 in the data set; a camera 5 m along +x, looking back: its x is the
# world's +y, its y down. Two focal lengths, centre, skew, distortion.
CALIBRATION = [
    *(80, 70, 32, 24, 0, -0.1, 0.02, 0.001, -0.002, 0),
    *(0, 1, 0, 0, 0, -1, -1, 0, 0),
    *(0, 1000, 5000),
]


def write_subject(folder, *, action="Walking", frames=30, suffix=".mat"):
    """One subject, one action, camera C1 (and C2 without a video).

    Images and motion capture start together: frame k of the video, from 0,
    is captured frame 2 k, from 0.
    """
    points, names = walk(2 * frames)
    mocap = folder / "Mocap_Data"
    mocap.mkdir(parents=True)
    write_markers(mocap / f"{action}_1{suffix}", points, names)
    write_markers(mocap / f"Static{suffix}", points[:5], names)
    (mocap / f"{folder.name}.mp").write_text(
        "$LShoulderOffset=600\n$RShoulderOffset = 600.0\n$LElbowWidth=80\n"
    )
    for camera in ("C1", "C2"):
        path = folder / "Sync_Data" / f"{action}_1_({camera}).ofs"
        write_numbers(path, [1, 1, 2])
        path = folder / "Calibration_Data" / f"{camera}.cal"
        write_numbers(path, CALIBRATION)
    film = folder / "Image_Data" / f"{action}_1_(C1).avi"
    video_files.write_video(film, frames, fps=60, codec="XVID")
    return folder
