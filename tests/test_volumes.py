"""Marginals, decoding and targets against golden vectors and closed forms."""

import numpy as np
import pytest
from keras import ops
from scipy import ndimage

from ordinal_tf import skeleton, volumes
from tests.numerics import array, assert_close, gradient
from tests.official import targets


@pytest.fixture(scope="module")
def decoding(golden):
    with np.load(golden / "decode3d.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def flipping(golden):
    with np.load(golden / "flip.npz") as file:
        return dict(file)


def channels_last(volume):
    """`(N, K, Z, H, W)` of the golden files to `(N, H, W, K * Z)`."""
    moved = np.transpose(volume, (0, 3, 4, 1, 2))
    return moved.reshape(*moved.shape[:3], -1).astype("float32")


def rebuilt(v):
    """The golden 2 x 4 volumes of 64 x 64 x 64 from their factors."""
    volume = np.einsum(
        "njrz,njry,njrx->njzyx", v["cp_z"], v["cp_y"], v["cp_x"], optimize=True
    )
    volume += v["add_z"][:, :, :, None, None]
    volume += v["add_y"][:, :, None, :, None]
    return volume + v["add_x"][:, :, None, None, :]


@pytest.fixture(scope="module")
def large(decoding):
    return rebuilt(decoding)


def small_volume(seed=0, shape=(2, 5, 6), joints=3, depth_bins=4):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (*shape, joints * depth_bins))
    return logits.astype("float32")


# Marginals and expected depth.


def test_small_marginals_golden(decoding):
    volume = channels_last(decoding["small_volume"])
    log_xy, pz = volumes.volume_marginals(volume, 4)
    pxy = np.exp(array(log_xy))
    px, py = pxy.sum(1).swapaxes(1, 2), pxy.sum(2).swapaxes(1, 2)
    assert_close(px, decoding["small_px"], atol=1e-6)
    assert_close(py, decoding["small_py"], atol=1e-6)
    assert_close(pz, decoding["small_pz"], atol=1e-6)


def test_large_marginals_golden(decoding, large):
    z, y, x = decoding["probe_zyx_0based"].T
    probes = large[:, :, z, y, x]
    assert_close(probes, decoding["probe_values"], atol=1e-9)
    log_xy, pz = volumes.volume_marginals(channels_last(large), 64)
    pxy = np.exp(array(log_xy))
    px, py = pxy.sum(1).swapaxes(1, 2), pxy.sum(2).swapaxes(1, 2)
    assert_close(px, decoding["px"], atol=1e-6)
    assert_close(py, decoding["py"], atol=1e-6)
    assert_close(pz, decoding["pz"], atol=1e-6)
    z = volumes.expected_depth(pz, decoding["depth_of_bin"])
    assert_close(z, decoding["z_expected"], atol=1e-3)
    bins = volumes.expected_depth(pz, np.arange(1, 65))
    assert_close(bins, decoding["zbin_expected_1based"], atol=1e-4)
    for p, name in ((px, "x"), (py, "y")):
        place = p @ np.arange(1, p.shape[-1] + 1)
        assert_close(place, decoding[f"{name}_expected_1based"], atol=1e-4)


@pytest.mark.parametrize("depth_bins", [1, 2, 4])
def test_marginals_by_a_plain_softmax(depth_bins):
    volume = small_volume(joints=3, depth_bins=depth_bins)
    scores = np.exp(volume.astype("float64")).reshape(2, 5, 6, 3, depth_bins)
    scores /= scores.sum((1, 2, 4), keepdims=True)
    log_xy, pz = volumes.volume_marginals(volume, depth_bins)
    assert_close(np.exp(array(log_xy)), scores.sum(-1), atol=1e-6)
    expected = scores.sum((1, 2))
    assert_close(pz, expected, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_marginals_of_halves_are_float32(dtype):
    volume = ops.cast(small_volume() * 3, dtype)
    log_xy, pz = volumes.volume_marginals(volume, 4)
    assert array(log_xy).dtype == array(pz).dtype == np.float32
    same = volumes.volume_marginals(ops.cast(volume, "float32"), 4)
    np.testing.assert_array_equal(array(pz), array(same[1]))
    np.testing.assert_allclose(array(pz).sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("size", [1e-30, 1e4])
def test_marginals_survive_extremes(size):
    volume = small_volume() * np.float32(size)
    log_xy, pz = volumes.volume_marginals(volume, 4)
    assert np.isfinite(array(log_xy)).all()
    np.testing.assert_allclose(array(pz).sum(-1), 1, atol=1e-5)
    shifted = volumes.volume_marginals(small_volume() + 3e4, 4)
    assert_close(
        shifted[1], volumes.volume_marginals(small_volume(), 4)[1], atol=5e-3
    )

    def depth(logits):
        pz = volumes.volume_marginals(logits, 4)[1]
        return volumes.expected_depth(pz, volumes.ordinal_depths(4))

    assert np.isfinite(gradient(depth, volume)).all()


def test_depth_gradient_by_differences():
    volume = small_volume(shape=(1, 2, 2), joints=1)
    depths = volumes.ordinal_depths(4)

    def depth(logits):
        pz = volumes.volume_marginals(logits, 4)[1]
        return volumes.expected_depth(pz, depths)

    # d z / d logit = p (z_bin - z), by hand from the softmax.
    p = np.exp(volume.astype("float64"))
    p /= p.sum()
    z = (p * depths).sum()
    assert_close(gradient(depth, volume), p * (depths - z), atol=1e-6)


def test_ordinal_depths_put_zero_where_the_original_does():
    expected = (np.arange(1, 65) - 33) / 32
    assert_close(volumes.ordinal_depths(64), expected, atol=1e-7)
    assert volumes.ordinal_depths(1).tolist() == [0]


# Decoding.


def test_decode_argmax_golden(decoding, large):
    small = channels_last(decoding["small_volume"])
    best = array(volumes.decode_argmax(small, 4))
    expected = decoding["small_preds_1based"]
    np.testing.assert_array_equal(best + 1, expected)
    best = array(volumes.decode_argmax(channels_last(large), 64))
    np.testing.assert_array_equal(best + 1, decoding["preds_1based"])


def gaussian_log_map(points, size=(12, 16), sigma=1.5):
    x, y = volumes.gaussian_factors(np.float32(points), size, sigma)
    maps = np.einsum("bkh,bkw->bhwk", array(y), array(x))
    return np.log(maps / maps.sum((1, 2), keepdims=True))


def test_refined_cells_find_a_gaussian():
    points = [[[4.3, 7.8], [10.0, 3.49]]]
    log_map = gaussian_log_map(points)
    cells, values = volumes.peaks(log_map, 1)
    np.testing.assert_array_equal(array(cells), [[[[4, 8]], [[10, 3]]]])
    assert_close(array(values)[0, :, 0], log_map.max((1, 2))[0], atol=1e-6)
    found = volumes.refined(log_map, cells[:, :, 0])
    assert_close(found, np.float32(points), atol=1e-3)
    score = volumes.probability_at(log_map, cells[:, :, 0])
    # By hand: the nine cells around the best one.
    around = np.exp(log_map[0, 7:10, 3:6, 0]).sum()
    assert_close(array(score)[0, 0], np.float32(around), atol=1e-5)


def test_cells_on_the_border_and_on_plateaus():
    log_map = gaussian_log_map([[[-0.4, 11.4], [15.3, 0.2]]])
    cells = volumes.peaks(log_map, 1)[0][:, :, 0]
    found = volumes.refined(log_map, cells)
    np.testing.assert_array_equal(array(found), [[[0, 11], [15, 0]]])
    flat = np.full((1, 12, 16, 1), -np.log(12 * 16), "float32")
    cells = volumes.peaks(flat, 1)[0][:, :, 0]
    found = volumes.refined(flat, cells)
    np.testing.assert_array_equal(array(found), [[[0, 0]]])
    # A corner has four cells.
    score = volumes.probability_at(flat, cells)
    assert_close(score, np.float32([[4 / 192]]), atol=1e-6)


def test_peaks_are_hills_and_come_in_order():
    maps = np.zeros((1, 8, 9, 2), "float32")
    # A ridge has one top; its second highest cell is none.
    maps[0, 2, 3, 0], maps[0, 2, 4, 0], maps[0, 6, 8, 0] = 5, 4, 3
    maps[0, 0, 0, 1] = 1
    cells, values = volumes.peaks(maps, 2)
    np.testing.assert_array_equal(array(cells)[0, 0], [[3, 2], [8, 6]])
    np.testing.assert_array_equal(array(values)[0, 0], [5, 3])
    np.testing.assert_array_equal(array(cells)[0, 1, 0], [0, 0])
    steep = -np.abs(np.arange(9.0))[None, None, :, None].repeat(8, 1)
    steep = (steep - np.arange(8)[None, :, None, None]).astype("float32")
    values = array(volumes.peaks(steep, 2)[1])
    np.testing.assert_array_equal(values, [[[0, -1e9]]])


def test_probability_about_a_place_by_scipy():
    rng = np.random.default_rng(0)
    p = rng.random((2, 20, 40, 3)).astype("float32")
    p /= p.sum((1, 2), keepdims=True)
    found = np.exp(array(volumes.near_marginal(np.log(p))))
    sigma = 40 * 3 / 80
    mean = ndimage.gaussian_filter(
        p.astype("float64"),
        (0, sigma, sigma, 0),
        mode="constant",
        radius=(0, 5, 5, 0),
    )
    weights = np.exp(-0.5 * (np.arange(-5, 6) / sigma) ** 2).sum() ** 2
    assert_close(found, np.float32(mean * weights), atol=1e-6)


def test_a_broad_hill_beats_a_sharp_cell():
    p = np.full((1, 40, 40, 1), 1e-9, "float32")
    p[0, 5, 5] = 0.2
    p[0, 28:31, 18:21] = 0.8 / 9  # Each cell has less than half of that.
    cells, _ = volumes.peaks(volumes.near_marginal(np.log(p)), 2)
    np.testing.assert_array_equal(array(cells)[0, 0], [[19, 29], [5, 5]])


def test_an_impossible_map_stays_finite():
    log_xy = np.full((1, 16, 16, 1), -300.0, "float32")
    log_xy[0, 3, 4] = 0.0
    about = array(volumes.near_marginal(log_xy))
    assert np.isfinite(about).all() and about.max() <= 0
    cells, _ = volumes.peaks(about, 1)
    found = array(volumes.refined(about, cells[:, :, 0]))
    np.testing.assert_allclose(found, [[[4, 3]]], atol=1e-3)


def test_cells_and_crop_pixels():
    # By hand: 4 crop pixels 0, 1, 2, 3 are cell 0, whose middle is 1.5.
    points = np.float32([[0, 1], [63, 10.5]])
    crop = volumes.to_crop(points, 4)
    np.testing.assert_array_equal(array(crop), [[1.5, 5.5], [253.5, 43.5]])
    np.testing.assert_array_equal(array(volumes.to_heatmap(crop, 4)), points)


# Targets.


def test_gaussians_inside_match_the_clean_official_ones(golden):
    with np.load(golden / "gaussian_targets.npz") as file:
        points, clean = file["points_1based"], file["heatmap2d_clean"]
    mask = np.ones((1, 14), bool)
    cells = np.float32(points[None] - 1)
    maps = volumes.gaussian_heatmaps(cells, mask, (64, 64), 3.25)
    maps = array(maps)[0]
    # Within the window of 6 cells; ours go on beyond it.
    for k, (x, y) in enumerate(points - 1):
        rows, columns = slice(max(y - 6, 0), y + 7), slice(max(x - 6, 0), x + 7)
        inside = y + 7 > 0 and x + 7 > 0
        if inside:
            expected = clean[k, rows, columns]
            assert_close(maps[rows, columns, k], expected, atol=1e-6)
    kernel = targets.gaussian_kernel(13)
    assert_close(maps[25:38, 25:38, 0], kernel, atol=1e-6)


def test_gaussians_of_fractions_and_masks():
    points = np.float32([[[2.25, 4.5], [np.nan, np.nan]]])
    mask = np.array([[True, False]])
    maps = array(volumes.gaussian_heatmaps(points, mask, (7, 9), 1.5))
    assert maps.shape == (1, 7, 9, 2)
    y, x = np.mgrid[:7, :9]
    expected = np.exp(-((x - 2.25) ** 2 + (y - 4.5) ** 2) / (2 * 1.5**2))
    assert_close(maps[0, :, :, 0], expected, atol=1e-6)
    assert not maps[..., 1].any()


# The mirrored pass.


def channel_order(mirror, depth_bins):
    """Channels that `mirror_volume` takes, from a volume of their numbers."""
    count = len(mirror) * depth_bins
    numbers = np.arange(count, dtype="float32")[None, None, None]
    return array(volumes.mirror_volume(numbers, mirror, depth_bins)).ravel()


@pytest.mark.parametrize("depth_bins", [4, 64])
def test_channel_order_golden(flipping, depth_bins):
    joints = flipping["joint_perm_0based"]
    order = channel_order(joints, depth_bins)
    expected = flipping[f"channel_perm_0based_z{depth_bins}"]
    np.testing.assert_array_equal(order, expected)
    pairs = flipping["pairs_1based"] - 1
    mirror = np.arange(17)
    mirror[pairs[:, 0]], mirror[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    np.testing.assert_array_equal(mirror, joints)
    assert skeleton.H36M17_LEFT_FIRST.mirror == tuple(joints)


def test_mirrored_average_golden(flipping):
    joints = flipping["joint_perm_0based"]
    plain, mirrored = (
        np.moveaxis(flipping[key], 1, -1)
        for key in ("out_image", "out_flipped_image")
    )
    back = array(volumes.mirror_volume(mirrored, joints, 4))
    expected = np.moveaxis(flipping["shuffled_mirrored"], 1, -1)
    np.testing.assert_array_equal(back, expected)
    shuffled = np.moveaxis(flipping["shuffled"], 1, -1)
    np.testing.assert_array_equal(back[:, :, ::-1], shuffled)
    average = (plain + back) / 2
    expected = np.moveaxis(flipping["average"], 1, -1)
    assert_close(average, expected, atol=1e-7)
    best = array(volumes.decode_argmax(average, 4)) + 1
    np.testing.assert_array_equal(best, flipping["average_preds_1based"])


def test_image_mirror_golden(flipping):
    image = np.moveaxis(flipping["image_nchw"], 1, -1)
    # Three joints that are their own mirror: only the columns move.
    mirrored = array(volumes.mirror_volume(image, (0, 1, 2), 1))
    expected = np.moveaxis(flipping["image_mirrored_nchw"], 1, -1)
    np.testing.assert_array_equal(mirrored, expected)


def test_mirroring_twice_is_nothing():
    volume = small_volume(joints=17)
    once = volumes.mirror_volume(volume, skeleton.H36M17.mirror, 4)
    twice = volumes.mirror_volume(once, skeleton.H36M17.mirror, 4)
    np.testing.assert_array_equal(array(twice), volume)
