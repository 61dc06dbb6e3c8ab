"""Patterns of cloth: small pictures that repeat over a garment."""

import functools

import cv2
import numpy as np

PATTERNS = ("plain", "hoops", "stripes", "checks", "dots", "camouflage")
WORDS = ("TEAM", "RUN", "CLUB", "SPORT", "JUMP", "GYM", "CITY", "OPEN")
SIDE = 64  # Of a tile, in texels; a power of 2.
BADGE = 48


def linear(colour):
    """Linear light, float32 0 to 1, of sRGB 0 to 1 (gamma 2.2)."""
    return np.asarray(colour, np.float32) ** np.float32(2.2)


def draw_tile(rng, pattern, colours):
    """One tile of a pattern.

    Args:
        rng: `np.random.Generator`.
        pattern: one of `PATTERNS`.
        colours: `(3, 3)` RGB, linear; plain cloth takes the first, stripes
            two, camouflage all.

    Returns:
        `(SIDE, SIDE, 3)` float32, seamless; columns go around the body.
    """
    colours = np.asarray(colours, np.float32)
    line = np.arange(SIDE)
    if pattern == "plain":
        which = np.zeros((SIDE, SIDE), np.int64)
    elif pattern in ("hoops", "stripes"):
        period = int(rng.choice([16, 32, 64]))
        wide = rng.uniform(0.15, 0.6) * period
        bar = (line % period < wide).astype(np.int64)
        # A thin third colour beside some of the bars.
        if rng.random() < 0.3:
            bar[(line % period == round(wide))] = 2
        which = np.broadcast_to(bar[:, None], (SIDE, SIDE))
        which = which if pattern == "hoops" else which.T
    elif pattern == "checks":
        period = int(rng.choice([8, 16, 32]))
        bar = line % period < period * rng.uniform(0.3, 0.6)
        down, along = bar[:, None], bar[None]
        if rng.random() < 0.5:
            # Tartan: the threads mix where bars cross.
            mix = (down.astype(np.float32) + along)[..., None] / 2
            return colours[0] * (1 - mix) + colours[1] * mix
        which = (down ^ along).astype(np.int64)
    elif pattern == "dots":
        period = int(rng.choice([8, 16, 32]))
        y, x = np.mgrid[:SIDE, :SIDE] % period - (period - 1) / 2
        radius = period * rng.uniform(0.2, 0.38)
        which = (x**2 + y**2 < radius**2).astype(np.int64)
    else:
        table = noise_table(int(rng.integers(4)))[..., 0]
        step = len(table) // SIDE
        ranks = np.quantile(table, np.sort(rng.uniform(0.25, 0.85, 2)))
        which = np.searchsorted(ranks, table[::step, ::step])
    return colours[which]


def draw_badge(rng, colour):
    """A number, a band or a blot for chest and back.

    Args:
        rng: `np.random.Generator`.
        colour: `(3,)` RGB, linear.

    Returns:
        `(BADGE, BADGE, 4)` float32 colour and coverage.
    """
    cover = np.zeros((BADGE, BADGE), np.uint8)
    kind = rng.choice(
        ["number", "word", "band", "blot"], p=[0.45, 0.2, 0.2, 0.15]
    )
    if kind == "number":
        text = str(rng.integers(1, 100))
        scale = 1.6 if len(text) == 1 else 1.1
        _write(cover, text, scale, 5)
    elif kind == "word":
        # Letters drawn at random would spell words that nobody wants.
        text = str(rng.choice(WORDS))
        _write(cover, text, 1.9 / len(text), 2)
    elif kind == "band":
        low = int(rng.integers(0, BADGE // 2))
        cover[low : low + int(rng.integers(6, 20))] = 255
    else:
        points = rng.uniform(6, BADGE - 6, (6, 2)).astype(np.int32)
        cv2.fillConvexPoly(cover, cv2.convexHull(points), 255, cv2.LINE_AA)
    badge = np.empty((BADGE, BADGE, 4), np.float32)
    badge[..., :3] = colour
    badge[..., 3] = cover / np.float32(255)
    return badge


def _write(cover, text, scale, thick):
    font = cv2.FONT_HERSHEY_SIMPLEX
    (width, height), _ = cv2.getTextSize(text, font, scale, thick)
    at = ((BADGE - width) // 2, (BADGE + height) // 2)
    cv2.putText(cover, text, at, font, scale, 255, thick, cv2.LINE_AA)


@functools.cache
def noise_table(number):
    """Smooth noise `(128, 128, 4)` float32, seamless, spread 1, mean 0."""
    rng = np.random.default_rng((7, number))
    side = 128
    table = np.zeros((side, side, 4), np.float32)
    for sigma, weight in ((2.5, 0.6), (7.0, 1.0), (14.0, 1.0)):
        layer = rng.normal(size=(side, side, 4)).astype(np.float32)
        wide = np.concatenate([layer] * 3)
        wide = np.concatenate([wide] * 3, axis=1)
        soft = cv2.GaussianBlur(wide, (0, 0), sigma)
        soft = soft[side : 2 * side, side : 2 * side]
        table += weight * soft / soft.std()
    table = (table - table.mean((0, 1))) / table.std((0, 1))
    table.setflags(write=False)
    return table
