"""What is behind the synthetic people.

Places are drawn ray by ray from the camera that shows the person, so that
floor, walls and horizon agree with it; pictures of the user can replace
them. Everything is float32 RGB from 0 to 255.
"""

import functools
import pathlib

import cv2
import numpy as np

from ordinal_tf import vectors
from ordinal_tf.data.files import photos
from ordinal_tf.synthetic import chance
from ordinal_tf.synthetic.scene import cameras, noise, things

KINDS = ("outdoors", "indoors", "texture", "plain")
# Share of the resolution that places are drawn at: most of a background is
# out of focus, and grain is added at the full one.
_COARSE = 0.5


def draw_background(
    rng,
    size,
    camera,
    *,
    kinds=(("outdoors", 0.45), ("indoors", 0.35), ("texture", 0.2)),
    pictures=(),
    picture_share=0.7,
    clutter=(0, 10),
    blur_px=(0.0, 2.5),
    bystanders=True,
):
    """One background.

    Args:
        rng: `np.random.Generator`.
        size: int S.
        camera: `cameras.Camera`, for the horizon; world y up, floor at 0.
        kinds: pairs of one of `KINDS` and its weight.
        pictures: paths of pictures without people. If there are any,
            `picture_share` of the backgrounds are cut from them.
        picture_share: see `pictures`.
        clutter: (least, most) things that stand about, or shapes on textures.
        blur_px: (least, most) standard deviation of the blur, at 256 pixels.
        bystanders: bool, people among the things.

    Returns:
        `(S, S, 3)` float32.

    Raises:
        ValueError: an unknown kind, weights that sum to 0, or a picture that
            cannot be read.
    """
    if len(pictures) and rng.random() < picture_share:
        image = _cut_picture(rng, pictures[rng.integers(len(pictures))], size)
    else:
        kind = chance.choose(rng, kinds, what="kinds", among=KINDS)
        coarse = max(8, round(size * _COARSE))
        if kind in ("outdoors", "indoors"):
            rays, eye = _rays(camera, size, coarse)
            draw = _outdoors if kind == "outdoors" else _indoors
            image = draw(rng, rays, eye)
        else:
            draw = _texture if kind == "texture" else _plain
            image = draw(rng, coarse)
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
        count = int(rng.integers(clutter[0], clutter[1] + 1))
        if kind == "texture":
            image = _scatter(rng, image, count)
        elif kind != "plain":
            image = things.draw_things(
                rng,
                image,
                camera,
                count,
                indoors=kind == "indoors",
                bystanders=bystanders,
            )
        if kind != "plain":
            # Half resolution lacks the finest detail.
            image *= (
                1 + rng.uniform(0, 0.1) * noise.detail(rng, size)[..., None]
            )
    sigma = rng.uniform(*blur_px) * size / 256
    if sigma > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    return np.clip(image, 0, 255, out=image)


def find_pictures(folder):
    """Paths of the pictures below a folder, sorted; `ValueError` if none."""
    found = [
        str(path)
        for path in sorted(pathlib.Path(folder).rglob("*"))
        if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    ]
    if not found:
        raise ValueError(
            f"{folder} holds no .jpg or .png pictures to use as backgrounds."
        )
    return tuple(found)


# Places.


def _rays(camera, size, coarse):
    """World directions `(coarse, coarse, 3)` float32 and the camera's place."""
    centres = (np.arange(coarse) + 0.5) * size / coarse - 0.5
    x, y = np.meshgrid(centres, centres)
    pixels = np.stack([x, y, np.ones_like(x)], -1)
    rays = pixels @ np.linalg.inv(camera.intrinsics).T @ camera.rotation
    rays = vectors.unit(rays)
    return rays.astype(np.float32), cameras.place(camera).astype(np.float32)


_GRASS = ((70, 110, 45), (105, 125, 60), (140, 130, 80))
_HARD = ((125, 120, 115), (165, 150, 130), (150, 80, 60), (90, 90, 95))


def _outdoors(rng, rays, eye):
    up = rays[..., 1]
    azimuth = np.arctan2(rays[..., 0], rays[..., 2])
    image = _sky(rng, rays)
    haze = noise.near(rng, np.float32([190, 200, 210]), 25)
    for layer in range(rng.integers(0, 4)):
        near = (layer + 1) / 4
        colour = noise.mix(
            haze, noise.colour(rng, value=(30, 130)), np.float32(near)
        )
        if rng.random() < 0.5:
            skyline = _houses(rng, azimuth, near)
        else:
            skyline = _hills(rng, azimuth, near)
        tone = 1 + 0.35 * noise.field(rng, azimuth * 300, up * 300)
        below = up < skyline
        image[below] = (colour * tone[..., None])[below]
    ground = up < -1e-3
    grassy = rng.random() < 0.55
    palette = _GRASS if grassy else _HARD
    colour = noise.near(
        rng, np.float32(palette[rng.integers(len(palette))]), 25
    )
    image[ground] = _floor(rng, rays[ground], eye, colour, haze, grassy)
    return image * _light(rng)


def _sky(rng, rays):
    high = noise.near(rng, np.float32([90, 140, 210]), 40)
    low = noise.near(rng, np.float32([200, 215, 225]), 30)
    if rng.random() < 0.3:  # Overcast.
        high = low - rng.uniform(0, 50)
    share = np.clip(rays[..., 1] / 0.6, 0, 1)
    image = noise.mix(low, high, share)
    height = np.maximum(rays[..., 1], 0.05)
    u, v = (25 * rays[..., axis] / height for axis in (0, 2))
    cloud = np.clip(noise.field(rng, u, v) + rng.uniform(-0.6, 0.4), 0, 1)
    return image + cloud[..., None] * (245 - image) * 0.8


def _hills(rng, azimuth, near):
    """Elevation of a skyline of trees or hills."""
    rough = noise.field(rng, azimuth * rng.uniform(5, 60), azimuth * 0)
    fine = noise.field(rng, azimuth * 200, azimuth * 0)
    height = rng.uniform(0.03, 0.35) * (1.2 - near)
    return height * (1 + 0.8 * rough) + 0.02 * fine


def _houses(rng, azimuth, near):
    count = int(rng.integers(6, 30))
    heights = rng.uniform(0.02, 0.5 * (1.2 - near), count).astype(np.float32)
    place = np.floor((azimuth / (2 * np.pi) + 0.5) * count).astype(int)
    return heights[place % count]


def _floor(rng, rays, eye, colour, haze, rough):
    """Colours `(N, 3)` where rays meet the floor."""
    way = eye[1] / -rays[:, 1]
    spot = eye + rays * way[:, None]
    x, z = _turned(rng, spot[:, 0], spot[:, 2])
    tone = np.ones_like(x)
    for cell in (4000.0, 600.0, 90.0):
        # What is finer than a pixel there averages out.
        fade = np.clip(200 * cell / way, 0, 1)
        strength = rng.uniform(0.05, 0.3 if rough else 0.15)
        tone += strength * fade * noise.field(rng, x / cell, z / cell)
    paint = colour * tone[:, None]
    if not rough and rng.random() < 0.6:
        paint = _lines(rng, paint, x, z, way)
    far = np.clip(way / rng.uniform(4e4, 2e5), 0, 1)
    return noise.mix(paint, haze, far * 0.8)


def _turned(rng, x, z):
    angle = rng.uniform(0, 2 * np.pi)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cos * x + sin * z, cos * z - sin * x


def _lines(rng, paint, x, z, way):
    """Lanes, tiles or boards."""
    period = rng.uniform(150, 2500)
    width = rng.uniform(10, 80)
    lines = np.mod(x, period) < width
    if rng.random() < 0.5:
        lines |= np.mod(z, period) < width
    fade = np.clip(150 * width / way, 0, 1)
    colour = noise.colour(rng, value=(20, 250), saturation=(0, 0.3))
    return noise.mix(paint, colour, lines * fade * rng.uniform(0.2, 0.9))


def _indoors(rng, rays, eye):
    """A room: floor, ceiling and four walls around person and camera."""
    angle = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], np.float32)
    rays, eye = rays @ turn, eye @ turn
    reach = np.abs(eye[[0, 2]]).max()  # Larger rooms are higher.
    half = rng.uniform(1500, 6000, 4).astype(np.float32)
    x0, x1 = min(eye[0], 0) - half[0], max(eye[0], 0) + half[1]
    z0, z1 = min(eye[2], 0) - half[2], max(eye[2], 0) + half[3]
    top = np.float32(max(eye[1] + 500, rng.uniform(2400, 6000) + 0.1 * reach))
    safe = np.where(np.abs(rays) < 1e-6, 1e-6, rays)
    walls = np.array([[x0, 0, z0], [x1, top, z1]], np.float32)
    ways = np.where(safe > 0, walls[1] - eye, walls[0] - eye) / safe
    axis = np.argmin(ways, -1)
    way = np.take_along_axis(ways, axis[..., None], -1)[..., 0]
    spot = eye + rays * way[..., None]
    image = np.empty_like(rays)
    wall = noise.colour(rng, value=(90, 235), saturation=(0, 0.35))
    for side in (0, 2):
        for sign in (-1, 1):
            here = (axis == side) & (np.sign(safe[..., side]) == sign)
            if here.any():
                along = spot[..., 2 - side][here]
                colour = noise.near(rng, wall, 20) * rng.uniform(0.7, 1.0)
                image[here] = _wall(rng, along, spot[..., 1][here], colour, top)
    over = (axis == 1) & (rays[..., 1] > 0)
    image[over] = noise.colour(rng, value=(150, 245), saturation=(0, 0.1))
    under = (axis == 1) & (rays[..., 1] <= 0)
    if under.any():
        colour = noise.colour(rng, value=(60, 210), saturation=(0, 0.5))
        image[under] = _floor(rng, rays[under], eye, colour, wall, False)
    # Corners are darker.
    gap = np.minimum(
        np.minimum(spot[..., 0] - x0, x1 - spot[..., 0]),
        np.minimum(spot[..., 2] - z0, z1 - spot[..., 2]),
    )
    edge = np.minimum(np.maximum(gap, 0), np.maximum(spot[..., 1], 0) + 300)
    return image * (0.75 + 0.25 * np.clip(edge / 900, 0, 1))[..., None]


def _wall(rng, along, height, colour, top):
    """Colours `(N, 3)` of a wall with what hangs on it."""
    tone = 1 + 0.1 * noise.field(rng, along / 60, height / 60)
    paint = colour * tone[:, None]
    if rng.random() < 0.5:  # A different colour below.
        lower = height < rng.uniform(600, 1600)
        paint[lower] = noise.colour(rng) * tone[lower, None]
    if rng.random() < 0.5:  # Windows, doors or posters, in a row.
        period, width = rng.uniform(900, 3500), rng.uniform(0.3, 0.8)
        low = rng.uniform(0, 1500)
        high = low + rng.uniform(500, 2000)
        inside = (np.mod(along, period) < width * period) & (height > low)
        inside &= height < min(high, top - 100)
        glow = noise.colour(rng, value=(40, 255), saturation=(0, 0.6))
        number = np.floor(along / period).astype(int) % 7
        shade = rng.uniform(0.6, 1.3, 7).astype(np.float32)[number]
        paint[inside] = (glow * shade[:, None])[inside]
    return paint


def _texture(rng, size):
    """Something without a floor: noise in colours, patches, stripes."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    first, second = noise.colour(rng, saturation=(0, 0.8)), noise.colour(rng)
    choice = rng.integers(3)
    if choice == 0:
        zoom = rng.uniform(0.1, 1.2)
        field = 0.5 + 0.5 * noise.field(rng, x * zoom, y * zoom)
    elif choice == 1:
        across = x * np.cos(rng.uniform(0, np.pi)) + y * rng.uniform(-1, 1)
        field = np.mod(across / rng.uniform(4, size / 3), 1)
        field = (field < rng.uniform(0.2, 0.8)).astype(np.float32)
    else:
        seeds = np.ones((size, size), np.uint8)
        spots = rng.integers(0, size, (int(rng.integers(5, 80)), 2))
        seeds[spots[:, 0], spots[:, 1]] = 0
        _, label = cv2.distanceTransformWithLabels(
            seeds, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
        )
        colours = np.stack([noise.colour(rng) for _ in range(label.max() + 1)])
        return colours[label]
    image = noise.mix(first, second, field)
    return image * (1 + 0.3 * noise.field(rng, x * 0.7, y * 0.7)[..., None])


def _plain(rng, size):
    """A studio's wall: one tone, a little uneven."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    colour = noise.colour(rng, value=(90, 230), saturation=(0, 0.15))
    slope = rng.uniform(-0.15, 0.15, 2)
    tone = 1 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5)
    return colour * tone[..., None].astype(np.float32)


def _light(rng):
    """Colour of the daylight, `(3,)`."""
    warm = rng.uniform(-0.12, 0.12)
    return np.float32([1 + warm, 1, 1 - warm]) * rng.uniform(0.6, 1.1)


def _scatter(rng, image, count):
    """Flat things of all sizes, most of them near the middle rows."""
    image = np.ascontiguousarray(image)
    size = len(image)
    for _ in range(count):
        side = size * np.exp(rng.uniform(np.log(0.02), np.log(0.25)))
        middle = np.array([rng.random(), rng.normal(0.5, 0.15)]) * size
        colour = noise.colour(
            rng, value=(10, 230), saturation=(0, 0.5)
        ).tolist()
        if rng.random() < 0.4:
            axes = side * rng.uniform(0.2, 0.6, 2)
            ends = tuple(np.round(np.append(middle, axes)).astype(int).tolist())
            cv2.ellipse(
                image,
                ends[:2],
                ends[2:],
                float(rng.uniform(0, 180)),
                0,
                360,
                colour,
                -1,
                cv2.LINE_AA,
            )
        else:
            corners = rng.integers(3, 7)
            angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
            reach = side * rng.uniform(0.3, 0.8, corners)
            ring = np.stack([np.cos(angles), np.sin(angles)], -1)
            points = np.round(middle + ring * reach[:, None]).astype(np.int32)
            cv2.fillPoly(image, [points], colour, cv2.LINE_AA)
    return image


# Pictures of the user.


def _cut_picture(rng, path, size):
    picture = _small_picture(str(path))
    height, width = picture.shape[:2]
    side = int(rng.uniform(0.4, 1.0) * min(height, width))
    side = max(side, min(8, height, width))
    top = rng.integers(0, height - side + 1)
    left = rng.integers(0, width - side + 1)
    window = picture[top : top + side, left : left + side]
    if rng.random() < 0.5:
        window = window[:, ::-1]
    shrinks = side > size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    window = cv2.resize(
        np.ascontiguousarray(window), (size, size), interpolation=how
    )
    return window.astype(np.float32) * rng.uniform(0.7, 1.2)


@functools.lru_cache(maxsize=64)
def _small_picture(path):
    """uint8 RGB, at most 640 pixels on the shorter side."""
    picture = photos.read_photo(pathlib.Path(path))
    scale = 640 / min(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(
            picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
        )
    return picture
