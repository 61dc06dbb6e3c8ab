"""Random looks: valid for every seed, with the options that they promise."""

import numpy as np
import pytest

from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.clothes import garments, looks, outfits


def draw(seed, **options):
    return looks.sample_look(np.random.default_rng(seed), **options)


def kinds(look):
    return [garment.kind for garment in look.garments]


def test_200_looks_are_valid():
    person = bodies.load_body()
    seen = set()
    for seed in range(200):
        look = draw(seed, male=bool(seed % 2))
        for colour in (look.skin, look.lips, look.brows, look.iris, look.scalp):
            assert colour.shape == (3,) and colour.dtype == np.float32
            assert (colour >= 0).all() and (colour <= 1).all()
        # People are redder than they are blue, whatever their tone.
        assert look.skin[0] >= look.skin[2]
        for garment in look.garments:
            seen.add(garment.kind)
            tile = garment.fabric.tile
            assert (tile >= 0).all() and (tile <= 1).all()
            side = len(tile)
            assert tile.shape == (side, side, 3) and side & (side - 1) == 0
            assert garment.loose_mm > 0
        if seed % 10 == 0:
            outfit = outfits.dress(person, look.garments)
            assert outfit.faces.max() == len(outfit.start) - 1
            assert np.isfinite(outfit.lift).all()
            assert {*outfit.face_part} == {*range(len(look.garments) + 1)}
    assert seen == set(garments.KINDS) - {"bodysuit"}


def test_same_seed_same_look():
    first, again, other = draw(5), draw(5), draw(6)
    np.testing.assert_array_equal(first.skin, again.skin)
    assert kinds(first) == kinds(again)
    for a, b in zip(first.garments, again.garments, strict=True):
        np.testing.assert_array_equal(a.fabric.tile, b.fabric.tile)
        assert (a.reach_mm, a.loose_mm, a.fold_seed) == (
            b.reach_mm,
            b.loose_mm,
            b.fold_seed,
        )
    assert not np.array_equal(first.skin, other.skin)


def test_without_clothes_variety_all_wear_one_grey_suit():
    tones = set()
    for seed in range(20):
        look = draw(seed, clothes=False)
        assert kinds(look) == ["bodysuit"]
        tile = look.garments[0].fabric.tile
        assert np.ptp(tile) == 0
        assert look.beard == 0
        tones.add(float(look.skin[0]))
        # Switching clothes off leaves the person as it was.
        np.testing.assert_array_equal(look.skin, draw(seed).skin)
    assert len(tones) == 20


def test_only_men_are_bare_chested_or_bearded():
    tops = (("none", 1.0),)
    for seed in range(30):
        man = draw(seed, male=True, tops=tops, beard=1.0)
        assert "top" not in kinds(man) and man.beard > 0
        for male in (False, None):
            look = draw(seed, male=male, tops=tops, beard=1.0)
            assert "top" in kinds(look) and look.beard == 0


def test_choices_can_be_forced():
    for seed in range(20):
        look = draw(
            seed,
            tops=(("tee", 1.0),),
            bottoms=(("trousers", 1.0),),
            shoes=(("shoes", 1.0),),
            hair_styles=(("long", 1.0),),
            patterns=(("plain", 1.0),),
            badge=0.0,
            gloves=0.0,
            cap=0.0,
        )
        assert sorted(kinds(look)) == [
            "bottom",
            "hair",
            "long_hair",
            "shoes",
            "top",
        ]
        for garment in look.garments:
            assert garment.fabric.badge is None
            assert np.ptp(garment.fabric.tile, axis=(0, 1)).max() == 0
        bare = draw(seed, cap=1.0, gloves=1.0, hair_styles=(("none", 1.0),))
        assert {"cap", "gloves"} <= set(kinds(bare))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tops": (("toga", 1.0),)}, "toga"),
        ({"hair_styles": (("short", 0.0),)}, "not all 0"),
        ({"shoes": (("shoes", -1.0), ("bare", 2.0))}, "0 or more"),
        ({"patterns": (("tweed", 1.0),)}, "tweed"),
    ],
)
def test_bad_choices(options, words):
    with pytest.raises(ValueError, match=words):
        draw(0, **options)
