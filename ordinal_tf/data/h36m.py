"""Human3.6M annotations as the coarse-to-fine release publishes them."""

import dataclasses

import numpy as np
import scipy.io

from ordinal_tf import skeleton


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
        """The same dictionary as `poses.sample_views` returns.

        `keypoints_2d` is the pinhole projection with `intrinsics`, so it is
        exact; lens distortion (1 to 2.5 px) is left out.
        """
        homogeneous = self.poses @ np.swapaxes(self.intrinsics, -1, -2)
        root = skeleton.H36M17.root
        pose_3d = self.poses - self.poses[:, root : root + 1]
        keypoints = homogeneous[..., :2] / homogeneous[..., 2:]
        return {
            "keypoints_2d": keypoints.astype(np.float32),
            "depth": pose_3d[..., 2].astype(np.float32),
            "pose_3d": pose_3d.astype(np.float32),
        }


def read_annotations(path):
    """Reads `annot/valid.mat` (struct `annot` with `imgname`, `S`, `K`).

    The file has the left leg first; joints are mapped by name.

    Returns:
        `Annotations`.

    Raises:
        ValueError: the file is no such annotation.
    """
    with open(path, "rb") as file:
        try:
            content = scipy.io.loadmat(
                file, squeeze_me=True, struct_as_record=False
            )
        except Exception as error:  # SciPy documents none, and raises many.
            raise ValueError(
                f"{path} is no readable MATLAB 5 file ({error}); fetch it "
                "again."
            ) from error
    annotation = content.get("annot")
    missing = [f for f in ("imgname", "S", "K") if not hasattr(annotation, f)]
    if missing:
        raise ValueError(
            f"{path} must hold a struct `annot` with imgname, S and K; "
            f"missing: {', '.join(missing)}."
        )
    joints = skeleton.H36M17_LEFT_FIRST
    camera = np.asarray(annotation.S, np.float64)
    if camera.ndim == 2:  # `squeeze_me` drops the axis of a single pose.
        camera = camera[None]
    if camera.ndim != 3 or camera.shape[1:] != (3, len(joints)):
        raise ValueError(
            f"{path}: `annot.S` must have shape (N, 3, {len(joints)}). "
            f"Received: {camera.shape}."
        )
    known = np.isfinite(camera).all(axis=1)
    if not known.all():
        row = int(np.flatnonzero(~known.all(axis=-1))[0])
        raise ValueError(f"{path}: `annot.S` is not finite in row {row}.")
    mapping = skeleton.mapping(joints, skeleton.H36M17)
    poses, _ = mapping.points(np.swapaxes(camera, 1, 2), known)
    cells = annotation.K if annotation.K.dtype == object else [annotation.K]
    intrinsics = np.stack([np.asarray(k, np.float64) for k in cells])
    if intrinsics.shape != (len(poses), 3, 3):
        raise ValueError(
            f"{path}: `annot.K` must hold one 3 x 3 matrix per pose. "
            f"Received: {intrinsics.shape} for {len(poses)} poses."
        )
    names = tuple(str(name) for name in np.atleast_1d(annotation.imgname))
    return Annotations(names, poses, intrinsics)
