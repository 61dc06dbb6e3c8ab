"""A small Human3.6M release for tests."""

import numpy as np

from ordinal_tf import skeleton
from tests import bodies, video_files

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
FOCAL, CENTRE = (80.0, 70.0), (32.0, 24.0)
RADIAL, TANGENTIAL = (-0.2, 0.25, -0.003), (-0.001, -0.0014)


def world(frames, seed=0):
    """`(frames, 32, 3)` mm, z up, near the origin."""
    body = bodies.people(1, skeleton.H36M32.joints, seed=seed)
    pose = body[..., [0, 2, 1]] * [1, 1, -1] + [0, 0, 900]
    return pose + np.arange(frames)[:, None, None] * [3.0, 0, 0]


def angles_and_place(camera):
    """Angles and place of a camera, the same for every subject.

    Camera 0 looks along world -y from (0, 5000, 1000): its x axis is the
    world's -x, its y axis down. The others look from other sides.
    """
    turn = camera * np.pi / 2
    # Rx(90) takes the world's z to the camera's -y, Rz turns about z first.
    angles = np.array([np.pi / 2, 0, np.pi + turn])
    place = np.array([0.0, 5000, 1000])
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return angles, rotation @ place


def w0():
    """The 300 numbers of w0, all cameras alike but for where they stand."""
    outside = [
        number
        for camera in range(4)
        for _ in range(11)
        for number in np.concatenate(angles_and_place(camera))
    ]
    inside = [*FOCAL, *CENTRE, *RADIAL, *TANGENTIAL[::-1]]
    return outside + 4 * inside


def metadata(*, numbers=None, subjects=11, cameras=CAMERAS):
    """Text of a metadata.xml; `numbers` replaces w0."""
    if numbers is None:
        numbers = w0()
    cells = ["action", "subaction"]
    cells += [f"S{k}" for k in range(1, subjects + 1)]
    header = "".join(f"<td>{cell}</td>" for cell in cells)
    ids = "".join(f"<_>{camera}</_>" for camera in cameras)
    text = " ".join(repr(float(number)) for number in numbers)
    return (
        f"<metadata><mapping><tr>{header}</tr></mapping>"
        f"<dbcameras><index2id>{ids}</index2id></dbcameras>"
        f"<w0>[{text}]</w0></metadata>"
    )


def write_cdf(path, pose, *, name="Pose"):
    """Writes `(T, 32, 3)` positions as the release has them."""
    import cdflib.cdfwrite

    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.asarray(pose, np.float32).reshape(1, len(pose), -1)
    file = cdflib.cdfwrite.CDF(path, delete=True)
    variable = {
        "Variable": name,
        "Data_Type": file.CDF_FLOAT,
        "Num_Elements": 1,
        "Rec_Vary": True,
        "Dim_Sizes": list(data.shape[1:]),
    }
    file.write_var(variable, var_data=data)
    file.close()
    return path


def write_release(folder, *, subjects=("S9", "S11"), frames=12):
    """Two actions, four cameras: `Directions` and `Directions 1`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metadata.xml").write_text(metadata())
    for subject in subjects:
        for seed, action in enumerate(("Directions", "Directions 1")):
            positions = folder / subject / "MyPoseFeatures" / "D3_Positions"
            write_cdf(positions / f"{action}.cdf", world(frames, seed))
            for camera in CAMERAS:
                film = folder / subject / "Videos" / f"{action}.{camera}.mp4"
                video_files.write_video(film, frames + 1)
    return folder
