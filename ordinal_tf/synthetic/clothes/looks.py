"""What a synthetic person looks like: skin, hair and clothes, by chance."""

import dataclasses

import cv2
import numpy as np

from ordinal_tf.synthetic import chance
from ordinal_tf.synthetic.clothes import fabrics
from ordinal_tf.synthetic.clothes.fabrics import linear
from ordinal_tf.synthetic.clothes.garments import Fabric, Garment

# sRGB of skin, from fair to dark.
SKINS = (
    np.array(
        [
            [242, 208, 188],
            [230, 188, 162],
            [212, 165, 136],
            [190, 140, 108],
            [158, 109, 80],
            [120, 79, 56],
            [84, 54, 40],
            [58, 38, 31],
        ]
    )
    / 255
)
# sRGB and weight.
HAIRS = (
    ((22, 18, 17), 5.0),
    ((44, 30, 23), 4.0),
    ((76, 51, 34), 3.0),
    ((120, 84, 52), 1.5),
    ((178, 138, 88), 1.5),
    ((214, 184, 132), 0.8),
    ((128, 58, 30), 0.6),
    ((150, 148, 146), 0.8),
)
IRISES = ((60, 40, 28), (40, 28, 22), (84, 108, 126), (92, 98, 60))
# Choices and their weights, the defaults of `sample_look`.
TOPS = (
    ("none", 0.16),
    ("tank", 0.26),
    ("tee", 0.32),
    ("long", 0.14),
    ("jacket", 0.08),
    ("leotard", 0.04),
)
BOTTOMS = (
    ("shorts", 0.42),
    ("short tights", 0.1),
    ("trousers", 0.24),
    ("tights", 0.1),
    ("briefs", 0.1),
    ("skirt", 0.04),
)
SHOES = (("shoes", 0.4), ("socks", 0.08), ("both", 0.3), ("bare", 0.22))
HAIR_STYLES = (
    ("none", 0.1),
    ("short", 0.5),
    ("bun", 0.18),
    ("long", 0.22),
)
PATTERNS = (
    ("plain", 0.6),
    ("hoops", 0.11),
    ("stripes", 0.08),
    ("checks", 0.07),
    ("dots", 0.04),
    ("camouflage", 0.1),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Look:
    """Colours are linear RGB `(3,)` float32; see `sample_look`.

    Attributes:
        skin, lips, brows, iris, scalp: colours of the skin's parts; the
            scalp is what shows under and without hair.
        beard: float 0 to 1, how much of `brows` covers cheeks and chin.
        garments: tuple of `garments.Garment`, from the skin outwards.
    """

    skin: np.ndarray
    lips: np.ndarray
    brows: np.ndarray
    iris: np.ndarray
    scalp: np.ndarray
    beard: float
    garments: tuple[Garment, ...]


def sample_look(
    rng,
    *,
    male=None,
    clothes=True,
    tops=TOPS,
    bottoms=BOTTOMS,
    shoes=SHOES,
    hair_styles=HAIR_STYLES,
    patterns=PATTERNS,
    badge=0.4,
    gloves=0.05,
    cap=0.08,
    beard=0.2,
    matching=0.35,
    dye=0.03,
):
    """How a person looks.

    Args:
        rng: `np.random.Generator`.
        male: True or False; None for unknown. Only men go without a top or
            grow a beard; everybody else wears a sports bra instead.
        clothes: False puts everybody in the same plain grey suit, without
            hair; skin still varies.
        tops, bottoms, shoes, hair_styles: pairs of a name (see the constants
            of this module) and its weight.
        patterns: pairs of one of `fabrics.PATTERNS` and its weight.
        badge: probability of a print on a top.
        gloves, cap, beard: probability of each.
        matching: probability that bottoms are of the top's cloth.
        dye: probability of hair in any colour.

    Returns:
        `Look`.

    Raises:
        ValueError: a name that is unknown, or weights without a sum.
    """
    skin = _skin(rng)
    colour = _hair_colour(rng, dye)
    style = chance.choose(
        rng, hair_styles, what="hair_styles", among=dict(HAIR_STYLES)
    )
    hair = _hair(rng, style, colour)
    stubble = rng.uniform(0.3, 1) * (rng.random() < beard) * (male is True)
    worn = (
        *_feet(rng, chance.choose(rng, shoes, what="shoes", among=dict(SHOES))),
        *_clothes(rng, tops, bottoms, patterns, badge, matching, male),
    )
    if rng.random() < gloves:
        worn += (_gloves(rng),)
    if rng.random() < cap:
        hair = tuple(piece for piece in hair if piece.kind != "bun")
        worn += (*hair, _cap(rng, hair))
    else:
        worn += hair
    if not clothes:
        worn = (_suit(),)
    bare = style == "none"
    return Look(
        skin=skin,
        lips=skin * np.float32([0.85, 0.52, 0.5]),
        brows=(colour * 0.8 + skin * 0.2).astype(np.float32),
        iris=linear(np.array(IRISES[rng.integers(len(IRISES))]) / 255),
        scalp=skin * np.float32(rng.uniform(0.7, 1)) if bare else colour,
        beard=float(stubble) if clothes else 0.0,
        garments=worn,
    )


def _skin(rng):
    # Fair skins are as frequent as in sports photographs, dark ones too.
    tone = rng.beta(1.1, 1.4) * (len(SKINS) - 1)
    low = min(int(tone), len(SKINS) - 2)
    share = tone - low
    srgb = SKINS[low] * (1 - share) + SKINS[low + 1] * share
    srgb = srgb * rng.normal(1, [0.03, 0.035, 0.05])
    return linear(np.clip(srgb, 0.05, 1))


def _hair_colour(rng, dye):
    if rng.random() < dye:
        return _colour(rng)
    drawn = chance.index(rng, [weight for _, weight in HAIRS])
    base = np.array(HAIRS[drawn][0]) / 255 * rng.normal(1, 0.1, 3)
    return linear(np.clip(base, 0.03, 1))


def _colour(rng):
    """A colour of cloth: black, white and grey often, else anything."""
    kind = rng.random()
    if kind < 0.2:
        return linear(np.full(3, rng.uniform(0.09, 0.22)))
    if kind < 0.36:
        return linear(np.full(3, rng.uniform(0.82, 0.96)))
    if kind < 0.46:
        return linear(np.full(3, rng.uniform(0.3, 0.7)))
    # Blue and red are worn more than green and violet.
    hue = (rng.uniform(0, 360), rng.normal(222, 18), rng.normal(4, 14))
    hue = hue[rng.choice(3, p=[0.45, 0.3, 0.25])] % 360
    strong, bright = rng.uniform(0.2, 0.95), rng.beta(3, 2)
    hsv = np.array([[[hue, strong, 0.15 + 0.8 * bright]]], np.float32)
    return linear(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0])


def _fabric(rng, patterns, *, badge=0.0, gloss=(0.0, 0.05)):
    colours = np.stack([_colour(rng) for _ in range(3)])
    pattern = chance.choose(
        rng, patterns, what="patterns", among=fabrics.PATTERNS
    )
    if pattern == "camouflage" and rng.random() < 0.7:
        colours = colours[0] * rng.uniform(0.4, 1.3, (3, 1)).astype(np.float32)
    return Fabric(
        tile=fabrics.draw_tile(rng, pattern, np.clip(colours, 0, 1)),
        tile_mm=float(rng.uniform(120, 320)),
        gloss=float(rng.uniform(*gloss)),
        rough=float(rng.uniform(0.02, 0.12)),
        badge=fabrics.draw_badge(rng, _colour(rng))
        if rng.random() < badge
        else None,
    )


_PLAIN = (("plain", 1.0),)


def _clothes(rng, tops, bottoms, patterns, badge, matching, male):
    """Top and bottom, the inner one first."""
    top = chance.choose(rng, tops, what="tops", among=dict(TOPS))
    bottom = chance.choose(rng, bottoms, what="bottoms", among=dict(BOTTOMS))
    fabric = _fabric(rng, patterns, badge=badge)
    lower = _fabric(
        rng, tuple((p, w * (1 + 3 * (p == "plain"))) for p, w in patterns)
    )
    if rng.random() < matching:
        lower = dataclasses.replace(fabric, badge=None)
    folds = int(rng.integers(2**31))
    if top == "none" and male is not True:
        top = "bra"
    if top == "leotard":
        return _leotard(rng, fabric, lower)
    low = _bottom(rng, bottom, lower, folds)
    high = _top(rng, top, fabric, folds + 1)
    # A shirt hangs over the waist unless it is tucked in.
    if bottom == "briefs" or rng.random() < 0.35:
        return (*high, low)
    return (low, *high)


def _top(rng, kind, fabric, folds):
    if kind == "none":
        return ()
    loose = kind == "jacket" or (kind != "bra" and rng.random() < 0.65)
    cut = dict(
        kind="top",
        fabric=fabric,
        hem_mm=rng.uniform(868, 965),
        neck_mm=(rng.uniform(70, 92), max(rng.normal(15, 30), 0)),
        loose_mm=rng.uniform(6, 20) if loose else rng.uniform(3, 5),
        flare_mm=rng.uniform(0, 16) if loose else 0.0,
        fold_mm=rng.uniform(3, 10) if loose else 0.0,
        fold_seed=folds,
        smooth="loose" if loose else "tight",
    )
    if kind in ("tank", "bra"):
        cut["reach_mm"] = rng.uniform(-45, -1)
        cut["neck_mm"] = (rng.uniform(70, 95), rng.uniform(0, 90))
        if kind == "bra":
            cut["hem_mm"] = rng.uniform(1120, 1180)
    else:
        sleeves = (70, 240) if kind == "tee" else (430, 488)
        cut["reach_mm"] = rng.uniform(*sleeves)
    top = Garment(**cut)
    if kind != "jacket":
        return (top,)
    jacket = dataclasses.replace(
        top,
        loose_mm=rng.uniform(14, 30),
        fabric=dataclasses.replace(fabric, badge=None),
        open_mm=rng.uniform(15, 90) if rng.random() < 0.6 else 0.0,
    )
    if not jacket.open_mm:
        return (jacket,)
    shirt = dataclasses.replace(
        top,
        reach_mm=100.0,
        loose_mm=4.0,
        fold_mm=2.0,
        fabric=_fabric(rng, _PLAIN, badge=0.3),
    )
    return shirt, jacket


def _bottom(rng, kind, fabric, folds):
    hem = rng.uniform(985, 1035)
    if kind == "skirt":
        return Garment(
            "skirt", fabric, reach_mm=rng.uniform(430, 760), hem_mm=hem
        )
    if kind == "briefs":
        return Garment(
            "briefs",
            fabric,
            reach_mm=rng.uniform(-25, 40),
            hem_mm=rng.uniform(925, 990),
            loose_mm=3.0,
        )
    tight = kind in ("tights", "short tights")
    short = kind in ("shorts", "short tights")
    reach = rng.uniform(70, 425) if short else rng.uniform(700, 812)
    loose = rng.uniform(8, 24)
    return Garment(
        "bottom",
        fabric,
        reach_mm=reach,
        hem_mm=hem,
        loose_mm=3.0 if tight else loose,
        flare_mm=0.0 if tight else rng.uniform(0, 30),
        fold_mm=0.0 if tight else rng.uniform(3, 11),
        fold_seed=folds,
        smooth="tight" if tight else "loose",
    )


def _leotard(rng, fabric, lower):
    """Gymnasts: one cloth from the shoulders to the hips, long or no legs."""
    high = Garment(
        "top",
        fabric,
        reach_mm=rng.choice([-30.0, -5.0, 475.0]),
        hem_mm=945.0,
        neck_mm=(rng.uniform(72, 95), rng.uniform(0, 60)),
        loose_mm=3.0,
    )
    low = Garment(
        "briefs",
        fabric,
        reach_mm=rng.uniform(0, 50),
        hem_mm=975.0,
        loose_mm=3.0,
    )
    if rng.random() < 0.35:
        low = Garment(
            "bottom", lower, reach_mm=800.0, hem_mm=990.0, loose_mm=3.0
        )
    return high, low


def _feet(rng, kind):
    pieces = []
    if kind in ("socks", "both"):
        fabric = _fabric(rng, (("plain", 0.8), ("hoops", 0.2)))
        long = rng.random() < 0.4
        socks = Garment(
            "socks",
            fabric,
            reach_mm=rng.uniform(440 if long else 690, 790),
            loose_mm=2.5,
            smooth="tight" if kind == "both" else "shoe",
        )
        pieces.append(socks)
    if kind in ("shoes", "both"):
        shoes = Garment(
            "shoes",
            _fabric(rng, _PLAIN, gloss=(0.02, 0.12)),
            reach_mm=rng.uniform(745, 812),
            loose_mm=rng.uniform(5, 8),
            smooth="shoe",
        )
        pieces.append(shoes)
    return pieces


def _gloves(rng):
    return Garment(
        "gloves",
        _fabric(rng, _PLAIN),
        reach_mm=rng.uniform(455, 485),
        loose_mm=rng.uniform(2, 4),
    )


def _cap(rng, hair):
    return Garment(
        "cap",
        _fabric(rng, _PLAIN),
        hem_mm=rng.uniform(1610, 1628),
        reach_mm=rng.uniform(45, 75) * (rng.random() < 0.7),
        loose_mm=rng.uniform(7, 11)
        + max((piece.loose_mm for piece in hair), default=0.0),
    )


def _hair(rng, style, colour):
    if style == "none":
        return ()
    fabric = Fabric(
        tile=fabrics.draw_tile(rng, "plain", np.stack([colour] * 3)),
        gloss=float(rng.uniform(0.01, 0.06)),
        rough=float(rng.uniform(0.08, 0.18)),
    )
    thick = rng.uniform(5, 22) if style == "short" else rng.uniform(6, 14)
    base = Garment(
        "bun" if style == "bun" else "hair",
        fabric,
        hem_mm=rng.normal(0, 6),
        loose_mm=thick,
        fold_mm=thick * 0.25,
        fold_seed=int(rng.integers(2**31)),
    )
    if style != "long":
        return (base,)
    strands = Garment(
        "long_hair",
        fabric,
        reach_mm=rng.uniform(1150, 1500),
        loose_mm=rng.uniform(2, 10),
    )
    return base, strands


def _suit():
    """What everybody wears when clothes are switched off."""
    grey = np.full((1, 1, 3), 0.2, np.float32)
    return Garment("bodysuit", Fabric(tile=grey, rough=0.0), loose_mm=3.0)
