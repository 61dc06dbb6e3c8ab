"""Point transforms and boxes of the published code against golden vectors."""

import numpy as np
import pytest

from tests.numerics import assert_close
from tests.official import boxes


@pytest.fixture(scope="module")
def vectors(golden):
    with np.load(golden / "transform.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def metric(golden):
    with np.load(golden / "metric_depth.npz") as file:
        return dict(file)


def cases(vectors):
    """`center, scale, rotation_deg, size` of each case."""
    keys = ("center", "scale", "rot_deg", "res")
    columns = zip(*(vectors[key] for key in keys), strict=True)
    return [(c, float(s), float(r), int(n)) for c, s, r, n in columns]


def test_matrices_golden(vectors):
    for i, case in enumerate(cases(vectors)):
        matrix = boxes.get_transform(*case)
        assert_close(matrix, vectors["matrix"][i], rtol=1e-9)
        inverse = vectors["matrix_inv"][i]
        assert_close(np.linalg.inv(matrix), inverse, rtol=1e-9)


def test_untruncated_points_golden(vectors):
    for i, case in enumerate(cases(vectors)):
        matrix = boxes.get_transform(*case)
        if vectors["invert"][i]:
            matrix = np.linalg.inv(matrix)
        moved = matrix @ [*(vectors["point_1based"][i] - 1), 1]
        assert_close(moved[:2] + 1, vectors["affine_1based"][i], atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "key"),
    [(np.float64, "official_1based"), (np.float32, "official_1based_float32")],
)
def test_transform_golden(vectors, dtype, key):
    points = np.stack(
        [
            boxes.transform(point, *case, invert=bool(invert), dtype=dtype)
            for point, case, invert in zip(
                vectors["point_1based"],
                cases(vectors),
                vectors["invert"],
                strict=True,
            )
        ]
    )
    robust = vectors["robust"]
    assert robust.sum() == 569
    np.testing.assert_array_equal(points[robust], vectors[key][robust])


def test_transform_truncates_toward_zero(vectors):
    differs = vectors["affine_1based"] - 1 + 1e-4
    differs = (np.floor(differs) != np.trunc(differs)).any(-1)
    np.testing.assert_array_equal(differs, vectors["differs_from_floor"])
    assert differs.sum() == 127


@pytest.mark.parametrize(
    ("function", "key"),
    [
        (boxes.lua_box, "box_lua_1based"),
        (boxes.matlab_box, "box_matlab_1based"),
    ],
)
def test_boxes_golden(metric, function, key):
    found = [
        function(center, float(scale))
        for center, scale in zip(
            metric["box_center"], metric["box_scale"], strict=True
        )
    ]
    np.testing.assert_array_equal(found, metric[key])


def test_boxes_differ_mostly(metric):
    differ = metric["box_lua_1based"] != metric["box_matlab_1based"]
    assert 0.93 < differ.any(-1).mean() < 0.95


def test_keypoints_in_image_golden(metric):
    for i in range(6):
        box = boxes.matlab_box(metric["center"][i], float(metric["scale"][i]))
        np.testing.assert_array_equal(box, metric["bbox"][i])
        pixels = boxes.keypoints_in_image(metric["preds_1based"][i], box)
        assert_close(pixels, metric["W"][i], atol=1e-6)
