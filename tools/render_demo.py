r"""Renders the people of demo/photos from their poses, with NumPy alone.

A body of soft capsules is traced as a signed distance field on a lawn: plain,
but lit, shadowed and clothed. The pose that a picture shows is known.

    python -m tools.render_demo --poses=demo/poses.json --out=demo/photos
"""

import json
import os
import pathlib

import cv2
import numpy as np
from absl import app, flags

from ordinal_tf import skeleton

from . import _common

_POSES = flags.DEFINE_string(
    "poses", None, "JSON of poses and colours.", required=True
)
_OUT = flags.DEFINE_string("out", None, "Folder of pictures.", required=True)
_HEIGHT = flags.DEFINE_integer("height", 640, "Pixels.", lower_bound=32)

DISTANCE, EYE_LEVEL = 4500.0, 1250.0  # mm, camera to pelvis and to ground.
SUN = np.array([-0.5, -0.75, -0.45]) / np.linalg.norm([-0.5, -0.75, -0.45])
SKY = (((120, 160, 208), (222, 230, 236)), ((92, 138, 196), (236, 226, 212)))
GRASS = np.array([[96, 128, 62], [128, 132, 76], [150, 132, 112]], float)


def read_poses(path):
    """List of the people in a JSON file, checked; `ValueError` names it."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    try:
        people = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    for person in people:
        missing = {"name", "scene", "colours", "pose"} - set(person)
        if missing or np.shape(person["pose"]) != (17, 3):
            raise ValueError(
                f"{path}: each entry needs name, scene, colours and a pose "
                f"of 17 rows x, y, z. Received: {sorted(person)}."
            )
    return people


def body(pose, colours):
    """Capsules `(start, end, radius, radius, colour)` of a clothed person."""
    at = dict(zip(skeleton.H36M17.joints, pose, strict=True))
    skin, shirt, legs, hair = (
        np.array(colours[key], float)
        for key in ("skin", "shirt", "legs", "hair")
    )
    dark, sole = np.array([28.0, 26, 26]), np.array([232.0, 230, 226])
    across = at["left_shoulder"] - at["right_shoulder"]
    up = at["thorax"] - at["pelvis"]
    front = _unit(np.cross(across, up))
    parts = []
    for side in ("right_", "left_"):
        hip, knee, ankle, shoulder, elbow, wrist = (
            at[side + joint]
            for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
        )
        hem = hip + 0.72 * (knee - hip)
        cuff = shoulder + 0.62 * (elbow - shoulder)
        sock = knee + 0.8 * (ankle - knee)
        calf = knee + 0.3 * (ankle - knee) - 12 * front
        hand = wrist + 95 * _unit(wrist - elbow)
        toe = ankle + 165 * _unit(_flat(front)) + [0, 55, 0]
        chest = (
            shoulder
            + 0.25 * (at["thorax"] - shoulder)
            + 0.16 * (hip - shoulder)
        )
        waist = hip + 0.22 * (shoulder - hip) + 0.12 * (at["spine"] - hip)
        parts += [
            (hip, hem, 92, 76, legs),
            (hem, knee, 62, 53, skin),
            (knee, calf, 52, 54, skin),
            (calf, sock, 54, 38, skin),
            (sock, ankle, 42, 42, sole),
            (ankle + [0, 40, 0], toe, 42, 36, dark),
            (shoulder, cuff, 58, 52, shirt),
            (cuff, elbow, 42, 38, skin),
            (elbow, wrist, 38, 27, skin),
            (wrist, hand, 28, 22, skin),
            (chest, waist, 98, 84, shirt),
            (waist, hip, 88, 94, legs),
        ]
    level = [at[f"left_{j}"] + at[f"right_{j}"] for j in ("hip", "shoulder")]
    hips, shoulders = (0.5 * middle for middle in level)
    for share, radius, paint in (
        (0.78, 98, shirt),
        (0.6, 103, shirt),
        (0.42, 98, shirt),
        (0.2, 93, legs),
    ):
        middle = hips + share * (shoulders - hips)
        arm = 0.3 * across * (0.55 + 0.45 * share)
        parts.append((middle - arm, middle + arm, radius, radius, paint))
    parts.append((at["left_hip"], at["right_hip"], 98, 98, legs))
    # The joint called nose is the jaw, the one called head top the brow.
    head = _unit(at["head_top"] + 25 * front - at["nose"])
    jaw = at["nose"] + 45 * front + 8 * head
    brow = at["head_top"] + 32 * front
    tip = jaw + 55 * front + 38 * head
    side = _unit(across)
    parts += [
        (shoulders, at["nose"], 54, 50, skin),
        (jaw, brow, 56, 82, skin),
        (brow - 30 * front - 20 * head, brow + 22 * head, 80, 84, hair),
        (tip, tip - 12 * front + 22 * head, 11, 8, skin),
    ]
    for sign in (-1, 1):
        eye = brow + 70 * front - 22 * head + sign * 31 * side
        parts.append((eye, eye + 1, 9, 9, dark))
        ear = brow - 22 * front - 22 * head + sign * 80 * side
        parts.append((ear, ear - 22 * head, 13, 10, skin))
    return parts


def _unit(vector):
    return vector / max(np.linalg.norm(vector), 1e-9)


def _flat(vector):
    return vector * [1, 0, 1]


def distance(points, parts, blend=14.0):
    """Distance `(N,)` in mm to the smooth union, and `(N,)` nearest parts."""
    total = np.zeros(len(points), np.float32)
    least = np.full(len(points), np.inf, np.float32)
    nearest = np.zeros(len(points), np.int64)
    for index, (start, end, first, second, _) in enumerate(parts):
        axis = (end - start).astype(np.float32)
        offset = points - start.astype(np.float32)
        t = offset @ (axis / np.float32(max(axis @ axis, 1e-6)))
        np.clip(t, 0, 1, out=t)
        offset -= t[:, None] * axis
        gap = np.sqrt(np.einsum("nc,nc->n", offset, offset))
        gap -= np.float32(first) + t * np.float32(second - first)
        nearest[gap < least] = index
        np.minimum(least, gap, out=least)
        # The soft minimum: -blend * log(sum(exp(-gap / blend))).
        total += np.exp(np.clip(gap / np.float32(-blend), -60, 60))
    return -blend * np.log(np.maximum(total, 1e-26)), nearest


def trace(origins, rays, parts, near, far, steps=48):
    """Walks rays to the body: distances (`inf` where missed), closeness."""
    reach = np.full(len(rays), near, np.float32)
    hit, close = np.zeros(len(rays), bool), np.ones(len(rays), np.float32)
    # Most rays pass far from the body: only those near its sphere walk.
    ends = np.array([end for part in parts for end in part[:2]])
    middle = ((ends.min(0) + ends.max(0)) / 2).astype(np.float32)
    radius = np.linalg.norm(ends - middle, axis=1).max() + 160
    toward = middle - origins
    along = (toward * rays).sum(-1)
    aside = (toward * toward).sum(-1) - along**2
    alive = np.flatnonzero((aside < radius**2) & (along > -radius))
    for _ in range(steps):
        points = origins[alive] + reach[alive, None] * rays[alive]
        gap, _ = distance(points, parts)
        softness = 9 * gap / np.maximum(reach[alive] - near + 60, 1)
        close[alive] = np.minimum(close[alive], softness)
        hit[alive[gap < 1.0]] = True
        reach[alive] += np.maximum(gap, 1.0)
        alive = alive[(gap >= 1.0) & (reach[alive] < far)]
        if not len(alive):
            break
    return np.where(hit, reach, np.inf), np.clip(close, 0, 1)


def noise(x, z, seed):
    """Smooth noise in [0, 1] from a random table, `x`, `z` in cells."""
    table = np.random.default_rng(seed).random((64, 64)).astype(np.float32)
    x0, z0 = np.floor(x).astype(int), np.floor(z).astype(int)
    fx, fz = x - x0, z - z0
    top = (
        table[x0 % 64, z0 % 64] * (1 - fx) + table[(x0 + 1) % 64, z0 % 64] * fx
    )
    low = table[x0 % 64, (z0 + 1) % 64] * (1 - fx)
    low = low + table[(x0 + 1) % 64, (z0 + 1) % 64] * fx
    return top * (1 - fz) + low * fz


def backdrop(rays, ground, scene):
    """Sky, hedge and lawn `(N, 3)`, and each ray's way to the lawn in mm."""
    slope = rays[:, 1] / rays[:, 2]
    top, low = np.array(SKY[scene % 2], float)
    share = np.clip(-slope / 0.45, 0, 1)[:, None] ** 0.7
    colour = low + (top - low) * share
    across = rays[:, 0] / rays[:, 2] * 40 + 7 * scene
    hedge = (
        0.02
        + 0.05 * noise(across, across * 0, scene)
        + 0.02 * noise(across * 5, slope * 150, scene + 9)
    )
    tone = 0.6 + 0.7 * noise(across * 6, slope * 300, scene + 5)
    green = np.array([62, 84, 58]) * tone[:, None] * 0.9 + 0.1 * low
    colour = np.where((-slope < hedge)[:, None], green, colour)
    way = np.where(slope > 1e-4, ground / np.maximum(rays[:, 1], 1e-6), np.inf)
    spot = rays[:, [0, 2]] * np.minimum(way, 4e5)[:, None]
    tone = 0.9
    for cell, strength in ((2500, 0.2), (400, 0.2), (90, 0.2), (22, 0.25)):
        # What is smaller than a pixel at that distance averages out.
        fade = strength * np.clip(400 * cell / np.minimum(way, 1e6), 0, 1)
        tone = tone + fade * (noise(*(spot.T / cell), scene + cell) - 0.5)
    lawn = GRASS[scene % 3] * tone[:, None]
    haze = np.clip(way / 1.2e5, 0, 0.35)[:, None]
    lawn = lawn * (1 - haze) + low * haze
    return np.where((slope > 1e-4)[:, None], lawn, colour), way


def render(pose, colours, *, scene, height):
    """Picture and keypoints of one pose.

    Args:
        pose: `(17, 3)` mm, camera axes, relative to the pelvis.
        colours: dict of `skin`, `shirt`, `legs`, `hair` RGB.
        scene: int, chooses the backdrop.
        height: int, rows; a picture is three quarters as wide.

    Returns:
        uint8 `(height, 3 / 4 height, 3)` RGB, float `(17, 2)` pixels.
    """
    width, fine = height * 3 // 4, 2
    low, high = pose.min(0) - 160, pose.max(0) + 160
    place = [-(low[0] + high[0]) / 2, 0, DISTANCE]
    place[1] = EYE_LEVEL - (pose[:, 1].max() + 85)
    pose = pose + place
    low, high = low + place, high + place
    scale = max((high[1] - low[1]) / height, (high[0] - low[0]) / width)
    focal = 0.92 * DISTANCE / scale
    middle = focal * (low + high)[1] / 2 / DISTANCE
    y, x = np.mgrid[: height * fine, : width * fine].astype(np.float32)
    u = (x + 0.5) / fine - width / 2
    v = (y + 0.5) / fine - height / 2 + middle
    rays = np.stack([u / focal, v / focal, np.ones_like(u)], -1).reshape(-1, 3)
    rays = (rays / np.linalg.norm(rays, axis=1, keepdims=True)).astype("f4")
    colour, way = backdrop(rays, EYE_LEVEL, scene)
    parts = body(pose, colours)
    sun = np.broadcast_to(SUN.astype("f4"), rays.shape)

    near, far = low[2] - 100, high[2] + 600
    zero = np.zeros_like(rays)
    reach, _ = trace(zero, rays, parts, near, far)
    reach = np.where(reach < way, reach, np.inf)
    lawn = np.flatnonzero(np.isinf(reach) & (way < far + 2500))
    spots = rays[lawn] * way[lawn, None]
    _, light = trace(spots.astype("f4"), sun[lawn], parts, 8.0, 3500.0, 30)
    gap, _ = distance(spots.astype("f4"), parts)
    contact = np.clip(gap / 160, 0.35, 1) ** 0.5
    colour[lawn] *= (0.5 + 0.5 * light)[:, None] * contact[:, None]

    seen = np.flatnonzero(np.isfinite(reach))
    spots = (rays[seen] * reach[seen, None]).astype("f4")
    _, nearest = distance(spots, parts)
    paint = np.array([part[-1] for part in parts])[nearest]
    normal = np.stack(
        [
            distance(spots + step, parts)[0] - distance(spots - step, parts)[0]
            for step in 2 * np.eye(3, dtype="f4")
        ],
        -1,
    )
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    _, light = trace(spots + 9 * normal, sun[seen], parts, 4.0, 1500.0, 24)
    open_, _ = distance(spots + 60 * normal, parts)
    open_ = np.clip(open_ / 60, 0.3, 1)
    key = np.clip(normal @ SUN, 0, 1) * light
    sky = 0.5 - 0.5 * normal[:, 1]
    cloth = 0.94 + 0.12 * noise(spots[:, 0] / 30, spots[:, 1] / 45, scene)
    shade = (0.3 + 0.3 * sky) * open_ + 0.75 * key
    colour[seen] = paint * (shade * cloth)[:, None]

    image = colour.reshape(height * fine, width * fine, 3).astype(np.float32)
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    grain = np.random.default_rng(scene).normal(0, 2.0, image.shape)
    image = np.clip(image + grain, 0, 255).astype(np.uint8)
    pixels = pose[:, :2] / pose[:, 2:] * focal
    return image, pixels + [width / 2 - 0.5, height / 2 - 0.5 - middle]


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    people = read_poses(_POSES.value)
    out = pathlib.Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    for person in _common.progress(people, label="render"):
        image, _ = render(
            np.array(person["pose"], float),
            person["colours"],
            scene=person["scene"],
            height=_HEIGHT.value,
        )
        quality = [cv2.IMWRITE_JPEG_QUALITY, 92]
        _, jpeg = cv2.imencode(".jpg", image[..., ::-1], quality)
        path = out / f"{person['name']}.jpg"
        path.with_suffix(".tmp").write_bytes(jpeg.tobytes())
        os.replace(path.with_suffix(".tmp"), path)
    print(f"Pictures written to {out}: {len(people)}.")


if __name__ == "__main__":
    _common.run(main)
