"""Drawn targets of the published code against golden vectors."""

import numpy as np
import pytest

from tests.numerics import assert_close
from tests.official import boxes, targets


@pytest.fixture(scope="module")
def vectors(golden):
    with np.load(golden / "gaussian_targets.npz") as file:
        return dict(file)


@pytest.mark.parametrize("size", [1, 13])
def test_kernel_golden(vectors, size):
    kernel = targets.gaussian_kernel(size)
    assert_close(kernel, vectors[f"kernel{size}"], atol=1e-6)


@pytest.mark.parametrize(
    ("quirk", "key"), [(True, "heatmap2d"), (False, "heatmap2d_clean")]
)
def test_draw_gaussian_golden(vectors, quirk, key):
    maps = [
        targets.draw_gaussian(p, quirk=quirk) for p in vectors["points_1based"]
    ]
    assert_close(maps, vectors[key], atol=1e-6)


def test_quirk_is_where_it_is_said_to_be(vectors):
    for point, quirk in zip(
        vectors["points_1based"], vectors["quirk"], strict=True
    ):
        quirky = targets.draw_gaussian(point)
        clean = targets.draw_gaussian(point, quirk=False)
        assert (np.abs(quirky - clean).max() > 1e-6) == quirk


@pytest.mark.parametrize("depth_bins", [1, 2, 4, 64])
def test_draw_gaussian_3d_golden(vectors, depth_bins):
    points, zind = vectors["points_1based"], vectors["zind"]
    index = [targets.depth_index(z, depth_bins) for z in zind]
    expected = vectors[f"z_index_1based_res{depth_bins}"]
    np.testing.assert_array_equal(index, expected)
    window = targets.depth_window(depth_bins)
    assert window == vectors[f"size_z_res{depth_bins}"]
    for point, z, expected in zip(
        points, zind, vectors[f"target_res{depth_bins}"], strict=True
    ):
        volume = targets.draw_gaussian_3d(point, z, depth_bins)
        assert_close(volume, expected, atol=1e-6)


@pytest.mark.parametrize("depth_bins", [1, 4])
def test_person_target_golden(vectors, depth_bins):
    part, center = vectors["person_part"], vectors["person_center"]
    scale = float(vectors["person_scale"])
    cells = [boxes.transform(p + 1, center, scale, 0, 64) for p in part]
    np.testing.assert_array_equal(cells, vectors["person_point64_1based"])
    label = targets.person_target(
        part, vectors["person_zind"], center, scale, depth_bins
    )
    assert_close(label, vectors[f"person_label_res{depth_bins}"], atol=1e-6)
