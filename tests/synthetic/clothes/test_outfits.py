"""Dressed people: hems, what is left out, and that clothes follow."""

import numpy as np
import pytest

from ordinal_tf.synthetic.body import anatomy, posing
from ordinal_tf.synthetic.clothes import garments, outfits

PLAIN = garments.Fabric(tile=np.full((1, 1, 3), 0.5, np.float32))
TEE = garments.Garment("top", PLAIN, reach_mm=150, hem_mm=870)
SHORTS = garments.Garment("bottom", PLAIN, reach_mm=250, hem_mm=1000)


def test_hems_are_cut_where_the_field_is_zero(body):
    outfit = outfits.dress(body, (SHORTS,))
    field = outfit.vary(garments.cover(body, SHORTS))
    shorts = field[outfit.parts[1]]
    assert shorts.min() > -1e-2
    cut = outfit.share[outfit.parts[1]] > 0
    assert cut.sum() > 50
    np.testing.assert_allclose(shorts[cut], 0, atol=1e-2)
    # A leg ends at its reach, and nothing is missing above.
    along = outfit.vary(anatomy.anatomy(body).along_leg)[outfit.parts[1]]
    assert along.max() == pytest.approx(SHORTS.reach_mm, abs=1)


def test_a_cut_keeps_area_and_sense(body):
    # The two sides of a cut make up the whole, in area and direction.
    faces = body.faces[body.face_layer == 0]
    field = body.vertices[:, 1] - 700.3

    def area(field):
        start, end, share, cut = outfits._cut(faces, field)
        at = body.vertices[start]
        at = at + share[:, None] * (body.vertices[end] - at)
        corner = at[cut].astype(np.float64)
        return np.cross(
            corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
        )

    above, below = area(field), area(-field)
    everything = area(np.ones_like(field))
    for total in (
        lambda x: x.sum(0),
        lambda x: np.linalg.norm(x, axis=1).sum(),
    ):
        np.testing.assert_allclose(
            total(above) + total(below), total(everything), rtol=1e-4, atol=5.0
        )


def test_clothes_lie_outside_of_the_skin(body):
    normals = posing.normals(body.vertices, body.faces)
    outfit = outfits.dress(body, (SHORTS, TEE))
    placed = outfits.place(outfit, body, body.vertices, normals)
    skin = outfit.vary(body.vertices)
    out = outfit.vary(normals)
    gap = ((placed - skin) * out).sum(1)
    np.testing.assert_array_equal(gap[outfit.parts[0]], 0)
    for part in outfit.parts[1:]:
        assert np.quantile(gap[part], 0.02) > 0
        assert 2 < np.median(gap[part]) < 12


def test_place_moves_with_the_body(body):
    normals = posing.normals(body.vertices, body.faces)
    outfit = outfits.dress(body, (SHORTS, TEE))
    placed = outfits.place(outfit, body, body.vertices, normals)
    turn = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.float32)
    shift = np.array([100, -50, 3000], np.float32)
    moved = outfits.place(
        outfit, body, body.vertices @ turn.T + shift, normals @ turn.T
    )
    np.testing.assert_allclose(moved, placed @ turn.T + shift, atol=5e-3)


def test_hidden_skin_is_left_out_and_the_rest_is_there(body):
    naked = outfits.dress(body, ())
    dressed = outfits.dress(body, (SHORTS, TEE))
    assert len(naked.faces) == sum(map(len, anatomy.anatomy(body).faces[:2]))
    left = np.count_nonzero(dressed.face_part == 0)
    assert left < 0.95 * len(naked.faces)
    shown = np.unique(dressed.start[dressed.parts[0]])
    bare = np.unique(naked.start)
    hidden = np.setdiff1d(bare, shown)
    inside = np.maximum(
        *(garments.cover(body, garment) for garment in (SHORTS, TEE))
    )
    assert len(hidden) > 500
    assert inside[hidden].min() > 20
    assert inside[shown].max() < 80


def test_dressing_twice_is_the_same(body):
    loose = garments.Garment(
        "top",
        PLAIN,
        reach_mm=200,
        hem_mm=880,
        loose_mm=10,
        fold_mm=6,
        fold_seed=3,
        smooth="loose",
    )
    first = outfits.dress(body, (loose,))
    outfits.dress.cache_clear()
    again = outfits.dress(body, (loose,))
    assert first is not again
    np.testing.assert_array_equal(first.lift, again.lift)
    np.testing.assert_array_equal(first.faces, again.faces)
    assert np.ptp(first.lift[first.parts[1]]) > 6


def test_insides_are_kept_near_openings_only(body):
    outfit = outfits.dress(body, (SHORTS, TEE))
    assert not outfit.face_open[outfit.face_part == 0].any()
    for part, garment in ((1, SHORTS), (2, TEE)):
        field = outfit.vary(garments.cover(body, garment))
        least = field[outfit.faces].min(1)
        mine = outfit.face_part == part
        assert outfit.face_open[mine & (least < 50)].all()
        assert not outfit.face_open[mine & (least > 100)].any()
    skirt = garments.Garment("skirt", PLAIN, reach_mm=600, hem_mm=1000)
    outfit = outfits.dress(body, (skirt,))
    assert outfit.face_open[outfit.face_part == 1].all()


def test_hair_is_told_from_cloth(body):
    hair = garments.Garment("hair", PLAIN)
    assert outfits.dress(body, (TEE, hair)).hair == (False, False, True)
