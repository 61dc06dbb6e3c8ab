"""Garments cover what they say, and follow the body."""

import numpy as np
import pytest

from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.clothes import garments

PLAIN = garments.Fabric(tile=np.full((1, 1, 3), 0.5, np.float32))
TEE = garments.Garment("top", PLAIN, reach_mm=150, hem_mm=870)
SHORTS = garments.Garment("bottom", PLAIN, reach_mm=250, hem_mm=1000)


def near(body, place):
    """The skin vertex next to a place on the mean body."""
    skin = np.flatnonzero(body.vertex_layer == 0)
    gap = np.linalg.norm(body.vertices[skin] - place, axis=1)
    return skin[gap.argmin()]


# Places by anatomy, from the points of the body: mm at rest.
def places(body):
    at = dict(zip(bodies.POINTS, body.points, strict=True))
    half = (at["left_shoulder"] + at["left_elbow"]) / 2
    return {
        "chest": near(body, at["thorax"] + [0, -120, 150]),
        "back": near(body, at["thorax"] + [0, -120, -150]),
        "belly": near(body, at["spine"] + [0, -80, 150]),
        "shoulder": near(body, at["left_shoulder"] + [20, 40, 0]),
        "upper arm": near(body, half),
        "wrist": near(body, at["left_wrist"]),
        "hand": near(body, at["left_wrist"] + [40, -45, 70]),
        "hip": near(body, at["left_hip"] + [80, 0, 0]),
        "thigh": near(body, at["left_knee"] + [0, 250, 100]),
        "knee": near(body, at["left_knee"] + [0, 0, 80]),
        "shin": near(body, at["left_knee"] + [0, -200, 60]),
        "heel": near(body, at["left_ankle"] + [0, -50, -80]),
        "toes": near(body, at["left_ankle"] + [0, -50, 200]),
        "nose": near(body, at["nose"] + [0, 60, 150]),
        "neck": near(body, at["upper_neck"] + [0, 0, -90]),
        "crown": near(body, at["crown"]),
    }


TRUNK = {"chest", "back", "belly", "shoulder"}
CASES = {
    "tee": (TEE, TRUNK | {"upper arm", "hip"}),
    "tank": (
        garments.Garment("top", PLAIN, reach_mm=-20, hem_mm=870),
        {"chest", "back", "belly", "hip"},
    ),
    "long sleeves": (
        garments.Garment("top", PLAIN, reach_mm=495, hem_mm=950),
        TRUNK | {"upper arm", "wrist"},
    ),
    "shorts": (SHORTS, {"hip", "thigh"}),
    "trousers": (
        garments.Garment("bottom", PLAIN, reach_mm=800, hem_mm=1000),
        {"hip", "thigh", "knee", "shin"},
    ),
    "shoes": (garments.Garment("shoes", PLAIN, reach_mm=800), {"heel", "toes"}),
    "long socks": (
        garments.Garment("socks", PLAIN, reach_mm=500),
        {"heel", "toes", "shin"},
    ),
    "gloves": (garments.Garment("gloves", PLAIN, reach_mm=500), {"hand"}),
    "cap": (garments.Garment("cap", PLAIN, hem_mm=1620), {"crown"}),
    "hair": (garments.Garment("hair", PLAIN), {"crown"}),
    "suit": (
        garments.Garment("bodysuit", PLAIN),
        TRUNK | {"upper arm", "hip", "thigh", "knee", "shin"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_covers_what_it_says(body, name):
    garment, expected = CASES[name]
    field = garments.cover(body, garment)
    found = {place for place, i in places(body).items() if field[i] > 0}
    # What is at the very hem may be either.
    edge = {"wrist"} if name == "suit" else set()
    assert found - edge == expected


def test_both_sides_are_alike(body):
    for garment, _ in CASES.values():
        field = garments.cover(body, garment)
        np.testing.assert_allclose(field[body.mirror], field, atol=0.5)
