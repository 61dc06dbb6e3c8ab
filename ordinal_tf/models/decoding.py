"""From crops to keypoints and ordinal depths, with the mirrored pass."""

import numpy as np
from keras import ops

from ordinal_tf import skeleton, volumes
from ordinal_tf.models import hourglass, pictorial

_SKELETON = skeleton.H36M17
CELL = 4  # Crop pixels per heatmap cell.


def predict_crops(network, image, *, name, depth_bins=None, mirror=True):
    """Runs an image network on crops and decodes it.

    Args:
        network: of `build.build_image_network`.
        image: `(B, S, S, 3)` uint8.
        name: str, the network's kind: "volume", "coordinates" or "depth".
        depth_bins: int, D of the last stack, for "volume".
        mirror: bool, average with the mirrored crop, in one call.

    Returns:
        dict of float32: `keypoints` `(B, 17, 2)` crop pixels,
        `ordinal_depth` `(B, 17)` root-relative, the network's range from
        nearest to farthest bin being 2, and `score` `(B, 17)` in [0, 1].
        "depth" finds no keypoints: they are NaN, with a score of 0.

    The plane is decoded by the places with the most probability about them
    that make a body, see `pictorial`, depth by its expectation, which is what
    the ranking loss supervises.
    """
    pixels = hourglass.scale_pixels(image)
    if mirror:
        pixels = ops.concatenate([pixels, ops.flip(pixels, axis=2)], axis=0)
    output = network(pixels, training=False)
    if name == "volume":
        volume = output[-1] if isinstance(output, list | tuple) else output
        return decode_volume(volume, depth_bins, mirrored=mirror)
    if name not in ("coordinates", "depth"):
        raise ValueError(
            "The network's kind must be volume, coordinates or depth. "
            f"Received: {name!r}."
        )
    if mirror:
        plain, turned = ops.split(output, 2, axis=0)
        turned = ops.take(turned, list(_SKELETON.mirror), axis=1)
        if name == "coordinates":
            turned = turned * ops.convert_to_tensor([-1.0, 1.0, 1.0])
        output = (plain + turned) / 2
    depth = output[..., -1]
    if name == "depth":
        nowhere = ops.full_like(depth, np.nan)
        keypoints = ops.stack([nowhere, nowhere], axis=-1)
        score = ops.zeros_like(depth)
    else:
        size = image.shape[1]
        keypoints = output[..., :2] * size + (size - 1) / 2
        # A regression has no confidence to report.
        score = ops.ones_like(depth)
    return {
        "keypoints": keypoints,
        "ordinal_depth": _root_relative(depth),
        "score": score,
    }


def decode_volume(volume, depth_bins, *, mirrored=False):
    """Keypoints, ordinal depth and score of volume logits.

    Two views of a crop are averaged as probabilities, not as logits: where
    they disagree about a depth, a product of the two would sharpen onto a
    compromise that neither believes in.

    Args:
        volume: `(B, H, W, 17 * D)` logits.
        depth_bins: int, D.
        mirrored: bool, the second half of the batch shows the first, flipped
            left to right.

    Returns:
        dict as `predict_crops`; of B / 2 people if mirrored.
    """
    if mirrored:
        plain, turned = ops.split(volume, 2, axis=0)
        turned = volumes.mirror_volume(turned, _SKELETON.mirror, depth_bins)
        volume = ops.concatenate([plain, turned], axis=0)
    log_xy, pz = volumes.volume_marginals(volume, depth_bins)
    if mirrored:
        log_xy = ops.logaddexp(*ops.split(log_xy, 2, axis=0)) - np.log(2.0)
        pz = sum(ops.split(pz, 2, axis=0)) / 2
    about = volumes.near_marginal(log_xy)
    places, log_p = volumes.peaks(about, pictorial.PLACES)
    width = log_xy.shape[2]
    best = pictorial.choose(ops.cast(places, "float32") / width, log_p)
    cells = ops.take_along_axis(places, best[:, :, None, None], axis=2)[:, :, 0]
    points = volumes.refined(about, cells)
    depth = volumes.expected_depth(pz, volumes.ordinal_depths(depth_bins))
    return {
        "keypoints": volumes.to_crop(points, CELL),
        "ordinal_depth": _root_relative(depth),
        "score": volumes.probability_at(log_xy, cells),
    }


def _root_relative(depth):
    root = _SKELETON.root
    return depth - depth[:, root : root + 1]
