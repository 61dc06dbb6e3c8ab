"""Light on a synthetic person: colours of every sample, shadows, coverage.

The mesh is drawn once, as numbers of triangles (`raster`); then each covered
sample gets its colour from what its triangle's corners say.
"""

import dataclasses
import functools

import cv2
import numpy as np

from ordinal_tf import vectors
from ordinal_tf.synthetic.body import posing
from ordinal_tf.synthetic.clothes import outfits
from ordinal_tf.synthetic.render import raster, surfaces

# Shadow maps: pixels, and how far off a directed light stands.
_SHADOW_SIDE = 192
_LIGHT_MM = 30000.0
# A point this close behind the surface that the light sees is lit.
_BIAS_MM = 14.0
# What is this close around a point takes sky from it: as much as it ever can
# where it is nearer to the camera by the second, in the mean.
_NEAR_MM, _DARK_MM, _DARKEST = 60.0, 140.0, 0.6
_SUPERSAMPLE = 2  # Samples per pixel and axis.
_GAMMA = 1 / 2.2
# Every so many vertices cast a shadow on the floor; each covers this much.
_CAST_STEP, _CAST_MM = 3, 55.0
_COARSE = 4  # Pixels of the picture, per axis, to one of that shadow.


@dataclasses.dataclass(frozen=True, eq=False)
class Light:
    """One directed light and the light from all sides; camera axes.

    Attributes:
        direction: `(3,)` unit vector towards the light.
        colour: `(3,)` linear RGB of the directed light.
        sky, ground: `(3,)` linear RGB of what comes from above and below.
        up: `(3,)` unit vector away from the ground.
    """

    direction: np.ndarray
    colour: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    up: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """A person on nothing.

    Attributes:
        rgb: `(H, W, 3)` float32, 0 to 255, multiplied by `alpha`.
        alpha: `(H, W)` float32, 0 to 1, the share that the person covers.
        depth: `(H, W)` float32 mm of the nearest surface; inf for none.
        mask: `(H, W)` bool, alpha is 0.5 or more.
    """

    rgb: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray
    mask: np.ndarray


def sample_light(
    rng,
    *,
    up=(0.0, -1.0, 0.0),
    directed=(0.15, 1.0),
    height=(0.15, 1.35),
    warmth=0.12,
    bounce=(0.2, 0.7),
    strength=(0.8, 1.35),
    flash=0.06,
):
    """Sun, lamps or an overcast sky.

    Args:
        rng: `np.random.Generator`.
        up: `(3,)` unit vector away from the ground, camera axes.
        directed: (least, most) share of the light that has a direction.
        height: (least, most) radians of it above the horizon.
        warmth: standard deviation of the logarithm of red over blue.
        bounce: (least, most) share of light that comes back from the ground.
        strength: (least, most) light on a surface that faces the source.
        flash: probability that the light comes from the camera.

    Returns:
        `Light`.
    """
    up = np.asarray(up, np.float64)
    share, total = rng.uniform(*directed), rng.uniform(*strength)
    azimuth, angle = rng.uniform(-np.pi, np.pi), rng.uniform(*height)
    tints = np.exp(np.outer(rng.normal(0, warmth, 2), [0.5, 0, -0.5]))
    earth = rng.uniform(0.75, 1.0, 3)
    side = np.cross(up, [0.0, 0.0, 1.0] if abs(up[2]) < 0.9 else [1.0, 0, 0])
    side = vectors.unit(side)
    level = np.cos(azimuth) * side + np.sin(azimuth) * np.cross(side, up)
    direction = np.cos(angle) * level + np.sin(angle) * up
    back = rng.uniform(*bounce)
    if rng.random() < flash:
        direction = rng.normal(0, 0.08, 3) - [0.0, 0.0, 1.0]
        direction = vectors.unit(direction)
        share = max(share, 0.7)
    return Light(
        direction=direction.astype(np.float32),
        colour=(total * share * tints[0]).astype(np.float32),
        sky=(total * (1.05 - share) * tints[1]).astype(np.float32),
        ground=(
            back * total * (0.25 + 0.75 * (1.05 - share)) * earth * tints[0]
        ).astype(np.float32),
        up=up.astype(np.float32),
    )


def render(vertices, normals, body, look, light, camera, size):
    """Draws a dressed person.

    Args:
        vertices, normals: `(V, 3)` float32 of the posed body; mm, camera
            axes.
        body: `model.Body`.
        look: `looks.Look`.
        light: `Light`.
        camera: `(3, 3)` intrinsics; pixel centres lie on integers.
        size: `(H, W)`, or an int for both.

    Returns:
        `Drawn`.
    """
    size = tuple(int(side) for side in np.broadcast_to(size, 2))
    outfit = outfits.dress(body, look.garments)
    placed = outfits.place(outfit, body, vertices, normals)
    window = raster.window_around(placed, camera, size)
    if window is None:
        return _nothing(size)
    shown = raster.facing(placed, outfit.faces) | outfit.face_open
    shown = np.flatnonzero(shown)
    samples = raster.rasterise(
        placed, outfit.faces[shown], camera, window, supersample=_SUPERSAMPLE
    )
    if not len(samples.face):
        return _nothing(size)
    face = shown[samples.face]
    normal, tint, texture, at = _interpolated(
        samples,
        posing.normals(placed, outfit.faces),
        surfaces.tints(body, look, outfit),
        outfit.texture,
        placed,
    )
    part = outfit.face_part[face]
    noise = surfaces.noise(texture, np.take(outfit.hair, part))
    albedo = tint * surfaces.cloth(outfit, part, texture)
    surfaces.add_badges(albedo, body, outfit, part, samples)
    gloss, rough, blotch = surfaces.surface(outfit)
    albedo *= 1 + blotch[part] * noise[0]
    normal = vectors.unit(normal, axis=0, least=1e-9) + rough[part] * noise[1:]
    normal = _towards(vectors.unit(normal, axis=0, least=1e-9), at)
    lit = shadow(placed, outfit.faces, light, at + _BIAS_MM * normal)
    colour = shade(
        normal,
        albedo,
        light,
        lit=lit,
        open_to_sky=_openness(samples, camera[0][0] * _SUPERSAMPLE),
        gloss=gloss[part],
    )
    return _developed(samples, colour, window, size)


def shade(normal, albedo, light, *, lit=1.0, open_to_sky=1.0, gloss=0.0):
    """Light that surfaces send to the camera, linear.

    Coordinates and colours come first, samples last, which is much faster.

    Args:
        normal: `(3, P)` unit vectors, camera axes.
        albedo: `(3, P)` linear RGB, 0 to 1.
        light: `Light`.
        lit: `(P,)` or a number, the share of the directed light that gets
            there.
        open_to_sky: `(P,)` or a number, the share of the rest.
        gloss: `(P,)` or a number, strength of the highlight.

    Returns:
        `(3, P)` float32. A matt surface that faces the directed light sends
        albedo times its colour, and what the sky adds.
    """
    direct = np.maximum(light.direction @ normal, 0) * lit
    above = (light.up @ normal + 1) * np.float32(0.5)
    ambient = (light.sky - light.ground)[:, None] * above
    ambient += light.ground[:, None]
    ambient *= open_to_sky
    ambient += light.colour[:, None] * direct
    ambient *= albedo
    half = light.direction - np.float32([0, 0, 1])
    half = vectors.unit(half, least=1e-6)
    shine = np.maximum(half @ normal, 0)
    for _ in range(4):
        shine *= shine  # To the power of 16.
    shine *= lit * np.float32(4) * gloss
    ambient += light.colour[:, None] * shine
    return ambient


def shadow(vertices, faces, light, points):
    """The share of a directed light that reaches points past a mesh.

    Args:
        vertices: `(V, 3)` float32 mm, camera axes.
        faces: `(F, 3)` int32.
        light: `Light`.
        points: `(3, P)` float32 mm; those on the mesh should be moved off it
            by a little.

    Returns:
        `(P,)` float32, 0 to 1.
    """
    frame = _light_frame(light.direction)
    low, high = vertices.min(0), vertices.max(0)
    middle = (low + high) / 2
    offset = np.float32([0, 0, _LIGHT_MM]) - frame @ middle
    seen = vertices @ frame.T + offset
    x, y, z = np.ascontiguousarray(seen.T)
    reach = max(float(np.abs(side / z).max()) for side in (x, y))
    side = _SHADOW_SIDE
    focal, centre = (side / 2 - 3) / reach, (side - 1) / 2
    intrinsics = np.array([[focal, 0, centre], [0, focal, centre], [0, 0, 1]])
    deep = np.abs(z - _LIGHT_MM).max() + 100
    depth = raster.depth_map(
        seen,
        faces[raster.facing(seen, faces)],
        intrinsics,
        (side, side),
        near_mm=_LIGHT_MM - deep,
        far_mm=_LIGHT_MM + deep,
    ).ravel()
    x, y, z = frame @ points + offset[:, None]
    scale = np.float32(focal) / z
    column = np.clip(x * scale + np.float32(centre), 0, side - 1.01)
    row = np.clip(y * scale + np.float32(centre), 0, side - 1.01)
    left, top = column.astype(np.int32), row.astype(np.int32)
    # In place, which keeps float32.
    column -= left
    row -= top
    first = top * side + left
    limit = z - np.float32(_BIAS_MM)

    def open_at(step):
        return (depth[first + step] > limit).astype(np.float32)

    upper = open_at(0) * (1 - column) + open_at(1) * column
    lower = open_at(side) * (1 - column) + open_at(side + 1) * column
    return upper + row * (lower - upper)


def ground_shadow(vertices, light, camera, size, *, floor):
    """How much a person's shadow leaves of the light on the floor.

    Args:
        vertices: `(V, 3)` mm, camera axes.
        light: `Light`; `light.up` is the floor's normal.
        camera: `(3, 3)` intrinsics.
        size: `(H, W)`, or an int for both.
        floor: `(3,)` mm, camera axes, a point of the floor.

    Returns:
        `(H, W)` float32, 0 to 1, to be multiplied with linear light. It is
        about the floor alone and takes no notice of what stands before it.
    """
    height, width = (int(side) for side in np.broadcast_to(size, 2))
    shape = -(-height // _COARSE), -(-width // _COARSE)
    vertices = vertices[::_CAST_STEP]
    above = (vertices - np.asarray(floor, np.float32)) @ light.up
    slope = max(float(light.direction @ light.up), 0.15)
    dark = np.zeros(shape, np.float32)
    # The nearer to the floor, the sharper; the sky's shadow lies below.
    total = light.colour.mean() + light.sky.mean()
    for share, way, reach, sigma in (
        (light.colour.mean() / total, light.direction / slope, np.inf, 1.2),
        (light.sky.mean() / total, light.up, 350.0, 2.0),
    ):
        near = above < reach
        cast = vertices[near] - above[near, None] * way
        dark = np.maximum(dark, share * _splat(cast, camera, shape, sigma))
    dark = cv2.resize(dark, (width, height), interpolation=cv2.INTER_LINEAR)
    return 1 - dark


def _splat(points, camera, shape, sigma):
    """Coverage `(rows, columns)` of many points on a coarse image."""
    points = points[points[:, 2] > raster.NEAR_MM]
    cover = np.zeros(shape, np.float32)
    if len(points):
        at = (vectors.project(points, camera) + 0.5) / _COARSE
        inside = ((at >= 0) & (at < [shape[1], shape[0]])).all(1)
        column, row = at[inside].astype(np.int32).T
        cover[row, column] = 1
        # Where the camera is close, gaps between points span pixels.
        gap = _CAST_MM * camera[0][0] / np.median(points[:, 2]) / _COARSE
        side = 2 * int(np.clip(gap / 2, 1, 8)) + 1
        cover = cv2.dilate(cover, np.ones((side, side), np.uint8))
        cover = cv2.GaussianBlur(cover, (0, 0), max(sigma, gap / 3))
    return cover


def _light_frame(direction):
    """Rotation `(3, 3)` float32 whose z points away from the light."""
    z = -np.asarray(direction, np.float64)
    x = np.cross(np.eye(3)[np.argmin(np.abs(z))], z)
    x = vectors.unit(x)
    return np.stack([x, np.cross(z, x), z]).astype(np.float32)


def _interpolated(samples, *values):
    """Values `(N, C)` of several kinds, each as `(C, P)` at the samples."""
    widths = np.cumsum([v.shape[1] for v in values])[:-1]
    together = samples.interpolate(np.concatenate(values, 1))
    return np.split(np.ascontiguousarray(together.T), widths)


def _towards(normal, at):
    """Normals `(3, P)`, those of inner sides turned to the camera."""
    x, y, z = normal
    away = x * at[0] + y * at[1] + z * at[2] > 0
    return normal * np.where(away, np.float32(-1), np.float32(1))


def _openness(samples, focal):
    """`(P,)` share of the sky: less where all around is nearer."""
    rows, columns = samples.shape
    both = np.stack([samples.depth, np.ones_like(samples.depth)], axis=1)
    factor = 4
    small = samples.grid(both, 0)[::factor, ::factor]
    sigma = _NEAR_MM * focal / factor / np.median(samples.depth[::factor])
    small = cv2.GaussianBlur(small, (0, 0), max(float(sigma), 0.5))
    depth = small[..., 0] / np.maximum(small[..., 1], 1e-3)
    depth = cv2.resize(depth, None, fx=factor, fy=factor)[:rows, :columns]
    depth = np.ascontiguousarray(depth).ravel()[samples.samples]
    behind = (samples.depth - depth) / np.float32(_DARK_MM)
    return 1 - np.float32(_DARKEST) * np.clip(behind, 0, 1)


def _developed(samples, colour, window, size):
    """`Drawn` of linear colours at samples."""
    colour = 255 * cv2.pow(np.clip(colour, 0, 1), _GAMMA)
    opaque = np.ones_like(samples.depth)
    grid = samples.grid(np.stack([*colour, opaque], axis=1), 0)
    x0, y0, width, height = window
    grid = cv2.resize(grid, (width, height), interpolation=cv2.INTER_AREA)
    at = (slice(y0, y0 + height), slice(x0, x0 + width))
    drawn = _nothing(size)
    drawn.rgb[at] = grid[..., :3]
    drawn.alpha[at] = grid[..., 3]
    drawn.mask[at] = grid[..., 3] >= 0.5
    depth = samples.grid(samples.depth, np.float32(np.inf))
    # Over slices: NumPy's reductions over short axes are slow.
    for _ in range(2):
        cells = [depth[i::_SUPERSAMPLE] for i in range(_SUPERSAMPLE)]
        depth = functools.reduce(np.minimum, cells).T
    drawn.depth[at] = depth
    return drawn


def _nothing(size):
    return Drawn(
        rgb=np.zeros((*size, 3), np.float32),
        alpha=np.zeros(size, np.float32),
        depth=np.full(size, np.inf, np.float32),
        mask=np.zeros(size, bool),
    )
