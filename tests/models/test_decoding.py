"""Decoding of crops, and the mirrored pass, against the network by hand."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from ordinal_tf import skeleton, volumes
from ordinal_tf.models import build, decoding
from tests import tiny

H36M = skeleton.H36M17
SIZE = 32
BINS = 4
MODEL = {"input_size": SIZE, **tiny.WIDTHS, "out_features": 6}


def network_of(name):
    keras.utils.set_random_seed(1)
    options = {"z_resolutions": (1, BINS)} if name == "volume" else {}
    network = build.build_image_network({"name": name, **MODEL, **options})
    if name == "volume":
        # Untrained, it is nearly flat, and its best cell a matter of rounding.
        for variable in network.trainable_variables[-2:]:
            variable.assign(20 * variable)
    return network


def crops(count=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


def run(network, image):
    output = network(image.astype("float32") / 255, training=False)
    output = output[-1] if isinstance(output, list | tuple) else output
    return keras.ops.convert_to_numpy(output)


def predict(network, image, name="volume", **options):
    found = decoding.predict_crops(
        network, image, name=name, depth_bins=BINS, **options
    )
    return {k: keras.ops.convert_to_numpy(v) for k, v in found.items()}


def probabilities(volume):
    """`(B, H * W, 17, BINS)` float64 softmax over plane and depth."""
    batch, height, width, _ = volume.shape
    volume = volume.astype("float64")
    volume = volume.reshape(batch, height * width, 17, BINS)
    p = np.exp(volume - volume.max((1, 3), keepdims=True))
    return p / p.sum((1, 3), keepdims=True)


def decode(p):
    """By hand: expected depth, where bins stand for -1, -0.5, 0, 0.5."""
    depth = (p.sum(1) * np.array([-1.0, -0.5, 0.0, 0.5])).sum(-1)
    return depth - depth[:, :1]


@pytest.fixture(scope="module")
def volume_network():
    return network_of("volume")


@pytest.mark.parametrize("mirror", [False, True])
def test_volume_prediction_by_hand(volume_network, mirror):
    image = crops()
    volume = run(volume_network, image)
    p = probabilities(volume)
    if mirror:
        turned = run(volume_network, image[:, :, ::-1])[:, :, ::-1]
        p = (p + probabilities(turned)[:, :, list(H36M.mirror)]) / 2
    found = predict(volume_network, image, mirror=mirror)
    np.testing.assert_allclose(found["ordinal_depth"], decode(p), atol=1e-4)
    side = volume.shape[1]
    plane = p.sum(3).reshape(-1, side, side, 17)
    sigma = side * volumes.NEAR
    about = ndimage.gaussian_filter(
        plane, (0, sigma, sigma, 0), mode="constant", radius=(0, 1, 1, 0)
    ).reshape(-1, side * side, 17)
    # Joints without sides are where most probability is. Refinement moves by
    # half a cell at most; a cell is 4 pixels, the middle of the first at 1.5.
    alone = np.array(H36M.mirror) == np.arange(17)
    cells = (found["keypoints"] - 1.5) / 4
    x, y = np.rint(cells).astype(int).transpose(2, 0, 1)
    chosen = np.take_along_axis(about, (y * side + x)[:, None], axis=1)[:, 0]
    best = about.max(1)
    np.testing.assert_allclose(chosen[:, alone], best[:, alone], rtol=1e-3)
    assert (chosen > 0.01 * best).all()
    assert (found["score"] > 0).all() and (found["score"] <= 1).all()
    assert {v.dtype.name for v in found.values()} == {"float32"}


@pytest.mark.parametrize("name", ["volume", "coordinates"])
def test_a_mirrored_crop_gives_the_mirrored_person(name):
    network = network_of(name)
    image = crops()
    one = predict(network, image, name)
    other = predict(network, image[:, :, ::-1].copy(), name)
    order = list(H36M.mirror)
    back = other["keypoints"][:, order] * [-1, 1] + [SIZE - 1, 0]
    np.testing.assert_allclose(one["keypoints"], back, atol=2e-3)
    for key in ("ordinal_depth", "score"):
        np.testing.assert_allclose(one[key], other[key][:, order], atol=1e-4)
    # Without the mirrored pass it does not.
    one = predict(network, image, name, mirror=False)
    other = predict(network, image[:, :, ::-1].copy(), name, mirror=False)
    assert (
        np.abs(one["ordinal_depth"] - other["ordinal_depth"][:, order]).max()
        > 1e-3
    )


def test_coordinates_by_hand():
    network = network_of("coordinates")
    image = crops()
    output = run(network, image)
    turned = run(network, image[:, :, ::-1])[:, list(H36M.mirror)]
    found = predict(network, image, "coordinates", mirror=False)
    # Crop sides from the crop's centre, which is pixel 15.5 of 32.
    points = 32 * output[..., :2] + 15.5
    np.testing.assert_allclose(found["keypoints"], points, rtol=1e-5)
    depth = output[..., 2] - output[:, :1, 2]
    np.testing.assert_allclose(
        found["ordinal_depth"], depth, rtol=1e-5, atol=1e-5
    )
    both = predict(network, image, "coordinates")
    x = (output[..., 0] - turned[..., 0]) / 2 * 32 + 15.5
    np.testing.assert_allclose(
        both["keypoints"][..., 0], x, rtol=1e-5, atol=1e-3
    )
    y = (output[..., 1] + turned[..., 1]) / 2 * 32 + 15.5
    np.testing.assert_allclose(
        both["keypoints"][..., 1], y, rtol=1e-5, atol=1e-3
    )


def test_depth_head_finds_no_keypoints():
    network = network_of("depth")
    image = crops()
    output, turned = run(network, image), run(network, image[:, :, ::-1])
    depth = (output + turned[:, list(H36M.mirror)])[..., 0] / 2
    found = predict(network, image, "depth")
    np.testing.assert_allclose(
        found["ordinal_depth"], depth - depth[:, :1], rtol=1e-5, atol=1e-5
    )
    assert np.isnan(found["keypoints"]).all() and not found["score"].any()
    assert found["keypoints"].shape == (3, 17, 2)


def test_gaussian_volume_decodes_to_its_place():
    rng = np.random.default_rng(0)
    points = rng.uniform(8, 52, (2, 17, 2))  # Crop pixels, of 64.
    depths = rng.uniform(-0.4, 0.4, (2, 17))
    bins, side = 16, 16
    cells = (points - 1.5) / 4
    grid = np.arange(side)
    x = (grid - cells[..., :1]) ** 2
    y = (grid - cells[..., 1:]) ** 2
    z = (((np.arange(bins) - 8) / 8 - depths[..., None]) * 8) ** 2
    logits = -0.5 * (
        y[:, :, :, None, None] + x[:, :, None, :, None] + z[:, :, None, None, :]
    )
    volume = np.moveaxis(logits, 1, 3).reshape(2, side, side, 17 * bins)
    found = decoding.decode_volume(volume.astype("float32"), bins)
    found = {k: keras.ops.convert_to_numpy(v) for k, v in found.items()}
    np.testing.assert_allclose(found["keypoints"], points, atol=1e-2)
    # Bins are eighths apart: the expectation of a Gaussian of that width.
    np.testing.assert_allclose(
        found["ordinal_depth"], depths - depths[:, :1], atol=2e-3
    )
    # A Gaussian of one cell has half to two thirds of itself within a cell.
    assert (found["score"] > 0.5).all() and (found["score"] < 0.85).all()


def test_legs_that_nobody_can_tell_apart_are_two():
    """Both ankles have the same two hills; the volume says no more."""
    logits = np.full((1, 40, 40, 17, 1), -20.0, "float32")
    logits[:, 5, 20] = 0.0
    for side in ("right", "left"):
        for joint, y, left, right in (
            ("hip", 12, 19, 22),
            ("knee", 21, 17, 24),
            ("ankle", 30, 15, 26),
        ):
            k = H36M.index(f"{side}_{joint}")
            logits[0, 5, 20, k] = -20.0
            logits[0, y, left, k], logits[0, y, right, k] = 1.0, 0.9
    found = decoding.decode_volume(logits.reshape(1, 40, 40, 17), 1)
    x = keras.ops.convert_to_numpy(found["keypoints"])[0, :, 0]
    x = {name: x[H36M.index(name)] for name in H36M.joints}
    for joint in ("knee", "ankle"):
        assert abs(x[f"right_{joint}"] - x[f"left_{joint}"]) > 20
    # And no leg crosses over.
    assert (x["right_knee"] < 80) == (x["right_ankle"] < 80)


def test_unknown_kind():
    with pytest.raises(ValueError, match="'heatmap'"):
        predict(network_of("depth"), crops(1), "heatmap")
