"""Cameras of Human3.6M from the release's own `metadata.xml`.

Its `w0` holds 300 numbers: for each of 4 cameras and 11 subjects three angles
(radians) and the camera's place (mm, world axes, z up), then for each camera
focal length (2), principal point (2), radial (3) and tangential (2)
distortion. `dbcameras/index2id` names the cameras, the first row of `mapping`
the subjects.

Source: Release-v1.2 of the data set's code; how `w0` is laid out is written
down in 3d-pose-baseline (src/cameras.py) and mmpose (preprocess_h36m.py).
"""

import dataclasses
import pathlib
import xml.etree.ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

_SUBJECTS, _CAMERAS = 11, 4
_MAX_BYTES = 10**7


@dataclasses.dataclass(frozen=True)
class Camera:
    """One camera as it stood for one subject.

    Attributes:
        rotation: `(3, 3)`, from world to camera axes (x right, y down, z
            away).
        place: `(3,)` mm, world axes.
        focal, centre: `(2,)` pixels.
        radial: `(3,)`, factors of r^2, r^4, r^6.
        tangential: `(2,)`, x then y (the file has y first).
    """

    rotation: np.ndarray
    place: np.ndarray
    focal: np.ndarray
    centre: np.ndarray
    radial: np.ndarray
    tangential: np.ndarray

    @property
    def matrix(self):
        """`(3, 3)` intrinsics without distortion."""
        matrix = np.eye(3)
        matrix[[0, 1], [0, 1]] = self.focal
        matrix[:2, 2] = self.centre
        return matrix

    def from_world(self, points):
        """`(..., 3)` mm in world axes to camera axes."""
        return (points - self.place) @ self.rotation.T

    def project(self, points):
        """`(..., 3)` mm in camera axes to `(..., 2)` pixels, distorted.

        The data set's own model, in which the tangential part has half the
        weight that OpenCV gives it.
        """
        flat = points[..., :2] / points[..., 2:]
        square = np.sum(flat**2, axis=-1, keepdims=True)
        powers = np.concatenate([square, square**2, square**3], axis=-1)
        factor = 1 + (powers @ self.radial + flat @ self.tangential)[..., None]
        bent = flat * factor + square * self.tangential
        return bent * self.focal + self.centre


def read_cameras(path):
    """Reads the cameras of `metadata.xml`.

    Args:
        path: file.

    Returns:
        dict of (subject, camera), such as ("S9", "54138969"), to `Camera`.

    Raises:
        ValueError: the file is missing, damaged or another one.
    """
    path = pathlib.Path(path)
    if not path.is_file() or path.stat().st_size > _MAX_BYTES:
        raise ValueError(
            f"{path} is missing, or too large for metadata.xml of Human3.6M's "
            "Release-v1.2 code; download it from vision.imar.ro/human3.6m."
        )
    try:
        root = xml.etree.ElementTree.fromstring(path.read_bytes())
        subjects = [cell.text for cell in root.find("mapping")[0]][2:]
        cameras = [cell.text for cell in root.find("dbcameras/index2id")]
        text = root.find("w0").text.strip()
        numbers = np.array(text.strip("[]").split(), np.float64)
    except Exception as error:  # Whatever is not where it should be.
        raise ValueError(
            f"{path} is not the metadata.xml of Human3.6M's Release-v1.2 "
            f"({error or type(error).__name__}); fetch it again."
        ) from error
    lengths = len(subjects), len(cameras), numbers.size
    if lengths != (_SUBJECTS, _CAMERAS, 300) or not np.isfinite(numbers).all():
        raise ValueError(
            f"{path} must name 11 subjects, 4 cameras and 300 finite numbers "
            f"in w0. Found: {lengths}."
        )
    outside = numbers[:264].reshape(_CAMERAS, _SUBJECTS, 6)
    inside = numbers[264:].reshape(_CAMERAS, 9)
    return {
        (str(subject), str(camera)): _camera(outside[c, s], inside[c])
        for c, camera in enumerate(cameras)
        for s, subject in enumerate(subjects)
    }


def _camera(outside, inside):
    return Camera(
        # Rx Ry Rz, right-handed.
        rotation=Rotation.from_euler("XYZ", outside[:3]).as_matrix(),
        place=outside[3:],
        focal=inside[:2],
        centre=inside[2:4],
        radial=inside[4:7],
        tangential=inside[[8, 7]],
    )
