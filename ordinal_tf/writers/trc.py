"""Tracks as TRC, the markers' files of OpenSim.

Tabs between cells: two lines of what the file is, a line of markers and one of
their coordinates, an empty line, then a frame a line.
"""

import numpy as np

from ordinal_tf import files, skeleton
from ordinal_tf.writers import tracks


def write_trc(path, track):
    """Writes a `tracks.Track`: mm, x right, y up, z towards the camera.

    The markers are the joints; frames in which the person was not found hold
    NaN, which OpenSim takes for a missing marker.
    """
    joints = skeleton.H36M17.joints
    count, rate = len(track.times), f"{1 / track.frame_s:.6g}"
    about = {
        "DataRate": rate,
        "CameraRate": rate,
        "NumFrames": count,
        "NumMarkers": len(joints),
        "Units": "mm",
        "OrigDataRate": rate,
        "OrigDataStartFrame": 1,
        "OrigNumFrames": count,
    }
    # Each marker's name stands over its x, two empty cells beside it.
    names = [cell for joint in joints for cell in (joint, "", "")]
    axes = [f"{a}{k}" for k in range(1, len(joints) + 1) for a in "XYZ"]
    lines = [
        ["PathFileType", 4, "(X/Y/Z)", path.name],
        about,
        about.values(),
        ["Frame#", "Time", *names[:-2]],
        ["", "", *axes],
        [],
    ]
    points = tracks.up_and_towards(track.poses).reshape(count, -1)
    for number, (time, row) in enumerate(
        zip(track.times, points, strict=True), start=1
    ):
        cells = ("NaN" if np.isnan(v) else f"{v:.4f}" for v in row)
        lines.append([number, f"{time:.6f}", *cells])
    text = "".join("\t".join(map(str, line)) + "\n" for line in lines)
    files.write_text(path, text)
