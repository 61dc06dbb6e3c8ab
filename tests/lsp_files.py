"""Small data sets in the LSP layout for tests: drawn people, made-up depths."""

import cv2
import numpy as np
import scipy.io

from ordinal_tf import skeleton

# A standing person, facing us, in a unit square; y grows downwards.
_PLACES = {
    "ankle": (0.15, 0.95),
    "knee": (0.15, 0.7),
    "hip": (0.12, 0.5),
    "wrist": (0.4, 0.5),
    "elbow": (0.35, 0.35),
    "shoulder": (0.2, 0.2),
    "pelvis": (0.0, 0.5),
    "thorax": (0.0, 0.2),
    "neck": (0.0, 0.17),
    "upper_neck": (0.0, 0.12),
    "head_top": (0.0, 0.0),
}


def standing(joints):
    """`(J, 2)` x, y in a unit square; the person's right is on our left."""
    rows = []
    for joint in joints:
        side, _, rest = joint.partition("_")
        x, y = _PLACES[rest if side in ("left", "right") else joint]
        rows.append((0.5 + (x if side == "left" else -x), y))
    return np.array(rows)


def draw(points, size, seed=0):
    """RGB picture `size` = (height, width), a coloured disc per joint."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 40, (*size, 3), np.uint8)
    colours = np.random.default_rng(1).integers(90, 256, (len(points), 3))
    for (x, y), colour in zip(points, colours.tolist(), strict=True):
        centre = (round(float(x)), round(float(y)))
        cv2.circle(image, centre, 3, colour, -1)
    return image


def write_picture(path, image):
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def write_lsp(
    folder, *, count=4, source=skeleton.LSP14, size=(64, 80), relations=True
):
    """Writes pictures, `joints.mat` and, with `relations`, `ordinal.mat`.

    Args:
        folder: path, made here.
        count: int, M people.
        source: `skeleton.LSP14` or `skeleton.MPII16`.
        size: height and width of the pictures.
        relations: bool.

    Returns:
        dict: `joints` `(3, J, M)`, `ord` `(M, J, J)` (as published: -1 where
        joint i is nearer) and the depths `(M, J)` in mm that it follows.
    """
    rng = np.random.default_rng(0)
    folder.joinpath("images").mkdir(parents=True)
    joints = np.ones((3, len(source), count))
    depth = rng.uniform(-500, 500, (count, len(source)))
    for k in range(count):
        points = standing(source.joints) * 0.75 * min(size)
        points += rng.uniform(2, 10, 2) + rng.normal(0, 1.5, points.shape)
        joints[:2, :, k] = points.T
        image = draw(points, size, seed=k)
        write_picture(folder / "images" / f"im{k + 1:05}.png", image)
    diff = depth[:, :, None] - depth[:, None, :]
    published = np.where(np.abs(diff) < 100, 0.0, np.sign(diff))
    labels = {"joints": joints, "ord": published, "depth": depth}
    save_joints(folder, joints)
    if relations:
        save_ordinal(folder, published)
    return labels


def save_joints(folder, joints):
    scipy.io.savemat(folder / "joints.mat", {"joints": joints})


def save_ordinal(folder, published):
    scipy.io.savemat(folder / "ordinal.mat", {"ord": published})
