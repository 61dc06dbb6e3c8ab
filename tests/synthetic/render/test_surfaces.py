"""Paint, patterns and prints end up where they belong."""

import dataclasses

import numpy as np
import pytest

from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.body import posing
from ordinal_tf.synthetic.clothes import garments, looks, outfits
from ordinal_tf.synthetic.render import raster, surfaces

CAMERA = np.array([[400.0, 0, 63.5], [0, 400.0, 63.5], [0, 0, 1]])


def shirt(fabric):
    return garments.Garment("top", fabric, reach_mm=150, hem_mm=880)


def test_skin_is_painted_by_its_parts(body):
    look = dataclasses.replace(
        looks.sample_look(np.random.default_rng(0)), garments=(), beard=0.0
    )
    outfit = outfits.dress(body, ())
    tint = surfaces.tints(body, look, outfit)
    for name in ("plain", "lips", "brows", "scalp", "iris"):
        colour = look.skin if name == "plain" else getattr(look, name)
        chosen = body.paint[outfit.start] == bodies.PAINT.index(name)
        if name == "plain":
            chosen &= body.vertex_layer[outfit.start] == 0
        assert chosen.any()
        np.testing.assert_allclose(
            tint[chosen], np.tile(colour, (chosen.sum(), 1)), rtol=1e-6
        )


def test_tiles_repeat(body):
    tile = np.arange(8 * 8 * 3, dtype=np.float32).reshape(8, 8, 3)
    fabric = garments.Fabric(tile=tile, tile_mm=80.0)
    outfit = outfits.dress(body, (shirt(fabric),))
    # Texel centres lie every 10 mm, from 5.
    texture = np.float32([[5, 25, 75, 85, -5, 805], [5, 35, 5, 5, -75, 165]])
    part = np.array([1, 1, 1, 1, 1, 0], np.uint8)
    found = surfaces.cloth(outfit, part, texture)
    expected = [tile[0, 0], tile[3, 2], tile[0, 7], tile[0, 0], tile[0, 7]]
    np.testing.assert_array_equal(found.T[:5], expected)
    np.testing.assert_array_equal(found.T[5], 1)


@pytest.mark.parametrize("front", [True, False])
def test_prints_can_be_read_from_front_and_back(body, front):
    # Red on the reader's left half, green on the right one.
    badge = np.zeros((48, 48, 4), np.float32)
    badge[:, :24, 0] = badge[:, 24:, 1] = badge[..., 3] = 1
    fabric = garments.Fabric(np.zeros((1, 1, 3), np.float32), badge=badge)
    outfit = outfits.dress(body, (shirt(fabric),))
    turn = np.diag([1, -1, -1] if front else [-1, -1, 1]).astype(np.float32)
    vertices = body.vertices @ turn + np.float32([0, 850, 7000])
    normals = posing.normals(body.vertices, body.faces) @ turn
    placed = outfits.place(outfit, body, vertices, normals)
    samples = raster.rasterise(
        placed, outfit.faces, CAMERA, (0, 0, 128, 128), supersample=1
    )
    albedo = np.zeros((3, len(samples.samples)), np.float32)
    part = outfit.face_part[samples.face]
    surfaces.add_badges(albedo, body, outfit, part, samples)
    columns = samples.samples % 128
    red, green = (columns[albedo[k] > 0.5] for k in (0, 1))
    assert len(red) > 15 and len(green) > 15
    assert red.max() <= 64 and green.min() >= 63
    assert not albedo[:, part == 0].any()


def test_noise_is_drawn_out_along_hair():
    along = np.stack([np.full(400, 30.0), np.linspace(0, 200, 400)])
    rough, hair = (
        surfaces.noise(along.astype(np.float32), np.full(400, is_hair))
        for is_hair in (False, True)
    )
    assert rough.shape == hair.shape == (4, 400)
    assert hair[0].std() < 0.5 * rough[0].std()
