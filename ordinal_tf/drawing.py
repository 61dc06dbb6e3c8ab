"""Pictures for people: predictions in 2D and 3D, training labels, sheets.

Colours are RGB. The person's right side is orange and the left side blue, a
pair that colour-blind people tell apart; the middle is nearly white, and a
dark rim keeps all three visible on any photograph.
"""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ordinal_tf import skeleton

SKELETON = skeleton.H36M17
RIGHT, LEFT, MIDDLE = (255, 133, 27), (64, 156, 255), (238, 238, 230)
RIM, BACKGROUND, GROUND = (16, 18, 24), (30, 34, 42), (44, 50, 61)
GRID, QUIET, TEXT = (82, 91, 107), (150, 160, 176), MIDDLE
NEARER = (120, 235, 140)

HEIGHT = 640
UNSURE = 0.3  # Joints with a lower score are drawn hollow, their bones faint.
VIEWS = (("from the camera", 0.0), ("from the right", np.deg2rad(75.0)))
ELEVATION = np.deg2rad(12.0)  # High enough to see the grid on the ground.
CAMERA_MM = 5000.0  # From the middle of the body: a gentle perspective.
GRID_MM = 500.0
RELATIONS = 3  # Of one person; more would hide it.
SHIFT = 4  # OpenCV draws at 1/16 of a pixel.


def draw_prediction(photo, people, *, panels=None):
    """The photo with every person's joints, and each pose in 3D, twice.

    The first view is the camera's, a little raised; the second goes round to
    the right of the picture. Both stand on a grid of half metres.

    Args:
        photo: uint8 `(H, W, 3)` RGB.
        people: list of dicts with `keypoints` `(17, 2)` photo pixels, `pose`
            `(17, 3)` mm (x right, y down, z away), `score` `(17,)` in [0, 1]
            and, if it is to be shown, `box` `(3,)` centre and side in pixels.
        panels: int, for how many people there is room in 3D; for these by
            default. The picture's width follows from it: frames of a video
            need the same.

    Returns:
        uint8 `(640, W', 3)` RGB. Of more than four people the first four are
        drawn in 3D.
    """
    canvas, scale = _fit(photo)
    for number, person in enumerate(people, start=1):
        points = (np.asarray(person["keypoints"], float) + 0.5) * scale - 0.5
        if person.get("box") is not None:
            _draw_box(canvas, np.asarray(person["box"], float) * scale)
        depths = np.nan_to_num(np.asarray(person["pose"], float)[:, 2])
        canvas = _draw_overlay(
            canvas, points, depths, np.asarray(person["score"])
        )
        known = points[np.isfinite(points).all(-1)]
        if len(people) > 1 and len(known):
            corner = np.clip(known.min(0) - 24, 2, HEIGHT - 24)
            canvas = write(canvas, [(str(number), TEXT)], corner, 18)
    rows = min(max(1, len(people) if panels is None else panels), 4)
    shown = people[:rows]
    height = HEIGHT // rows
    width = max(height * 2 // 3, 240)
    views = [
        np.hstack(
            [
                draw_view(person, name, yaw, (width, height))
                for name, yaw in _titles(number if len(people) > 1 else None)
            ]
        )
        for number, person in enumerate(shown, start=1)
    ] or [np.full((HEIGHT, 2 * width, 3), BACKGROUND, np.uint8)]
    side = np.vstack(views)
    rest = np.full((HEIGHT - len(side), 2 * width, 3), BACKGROUND, np.uint8)
    side = np.vstack([side, rest])
    notes = [("person's right", RIGHT), ("person's left", LEFT)]
    if not people:
        notes = [("no person", TEXT)]
    elif len(people) > len(shown):
        notes.append((f"{len(shown)} of {len(people)} people in 3D", TEXT))
    side = write(side, notes, (12, HEIGHT - 24))
    return np.hstack([canvas, side])


def draw_labels(photo, keypoints, mask, *, relations=None, relation_mask=None):
    """The photo with annotated joints and a few of their depth relations.

    A relation is a green line: the nearer joint carries a full disc, the
    farther one a ring; both carry a disc where they are about equal. The
    longest are drawn, at most three, each joint once.

    Args:
        photo: uint8 `(H, W, 3)` RGB.
        keypoints: `(17, 2)` pixels.
        mask: `(17,)` bool, the joint is annotated.
        relations: `(17, 17)` of -1, 0, +1 (+1: the first is nearer), or None.
        relation_mask: `(17, 17)` bool, the pairs that are annotated.

    Returns:
        uint8 `(640, W', 3)` RGB.
    """
    canvas, scale = _fit(photo)
    points = (np.asarray(keypoints, float) + 0.5) * scale - 0.5
    mask = np.asarray(mask, bool)
    points = np.where(mask[:, None], points, np.nan)
    ones = np.ones(len(points))
    canvas = _draw_overlay(canvas, points, 0 * ones, ones)
    if relations is None:
        return canvas
    width = _bone_width(points)
    for i, j in shown_pairs(points, relation_mask, RELATIONS):
        _draw_relation(canvas, points[[i, j]], int(relations[i][j]), width)
    text = "green disc: nearer, ring: farther, two discs: about equal"
    return write(canvas, [(text, TEXT)], (12, HEIGHT - 24))


def contact_sheet(images, columns, tile_height):
    """Pictures side by side in rows, each in the middle of its cell.

    Args:
        images: list of uint8 `(H, W, 3)` RGB of any sizes, at least one.
        columns: int, pictures in a row.
        tile_height: int, the height that every picture is scaled to.

    Returns:
        uint8 RGB.

    Raises:
        ValueError: no pictures, or fewer than one column.
    """
    if not images or columns < 1:
        raise ValueError(
            f"A contact sheet needs pictures and columns. Received: "
            f"{len(images)} pictures, columns={columns}."
        )
    tiles = [_resize(image, tile_height / image.shape[0]) for image in images]
    columns, gap = min(columns, len(tiles)), 6
    width = max(tile.shape[1] for tile in tiles) + gap
    height = max(tile.shape[0] for tile in tiles) + gap
    rows = -(-len(tiles) // columns)
    shape = (rows * height + gap, columns * width + gap, 3)
    sheet = np.full(shape, BACKGROUND, np.uint8)
    for i, tile in enumerate(tiles):
        top = gap + i // columns * height
        left = gap + i % columns * width + (width - gap - tile.shape[1]) // 2
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet


def prediction_sheet(predict, pictures):
    """What a model sees in pictures of one person each, three in a row.

    Args:
        predict: see `Predictor.predict`.
        pictures: iterable of uint8 RGB `(H, W, 3)` and its box `(3,)`, at
            least one.

    Returns:
        uint8 RGB.
    """
    tiles = []
    for image, box in pictures:
        found = predict(image, box[None])
        person = {name: value[0] for name, value in found.items()}
        tiles.append(draw_prediction(image, [person]))
    return contact_sheet(tiles, columns=3, tile_height=320)


def side_colour(joint):
    """RGB colour of a joint by its name's side."""
    if joint.startswith("right"):
        return RIGHT
    return LEFT if joint.startswith("left") else MIDDLE


def _titles(number):
    """`VIEWS`, their names led by the person's number if there is one."""
    lead = "" if number is None else f"{number}  "
    return [(lead + name, yaw) for name, yaw in VIEWS]


def _resize(image, scale):
    shrink = scale < 1
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Area averages where it shrinks: bilinear would skip pixels.
    method = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(image), size, interpolation=method)


def _fit(photo):
    """Photo at the canvas height, wide ones between bars; and its scale.

    Only the bar below is filled, so that a scaled point needs no offset.
    """
    height, width = photo.shape[:2]
    scale = min(HEIGHT / height, 1.6 * HEIGHT / width)
    image = _resize(photo, scale)[:HEIGHT]
    canvas = np.full((HEIGHT, image.shape[1], 3), BACKGROUND, np.uint8)
    canvas[: image.shape[0]] = image
    return canvas, scale


def _at(point):
    """A point as OpenCV's fixed-point integers."""
    return tuple(int(round(float(v) * (1 << SHIFT))) for v in point)


def _line(image, start, end, colour, width):
    width = max(1, round(width))
    cv2.line(image, _at(start), _at(end), colour, width, cv2.LINE_AA, SHIFT)


def _disc(image, centre, radius, colour):
    # A polygon: OpenCV's own small circles come out as diamonds.
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rim = np.stack([np.cos(angles), np.sin(angles)], -1) * radius + centre
    rim = np.array([_at(point) for point in rim], np.int32)
    cv2.fillConvexPoly(image, rim, colour, cv2.LINE_AA, SHIFT)


def _faded(colour, share):
    """`share` of a colour, the rest of the background's."""
    return tuple(
        round(share * a + (1 - share) * b)
        for a, b in zip(colour, BACKGROUND, strict=True)
    )


def _draw_skeleton(image, points, depths, colours, hollow, width):
    """Draws bones and joints, far ones first, each with a dark rim.

    Args:
        image: uint8 RGB, drawn into.
        points: `(17, 2)` pixels; joints that are not finite are left out.
        depths: `(17,)`, growing away from the viewer.
        colours: 17 RGB tuples, of each joint and the bone to its parent.
        hollow: `(17,)` bool, draw the joint as a ring.
        width: bone width in pixels.
    """
    known = np.isfinite(points).all(-1)
    bones = [(p, c) for p, c in SKELETON.bones if known[p] and known[c]]
    parts = [((depths[p] + depths[c]) / 2, p, c) for p, c in bones]
    # A joint lies over all of its own bones.
    nearest = np.array(depths, float)
    for depth, *ends in parts:
        nearest[ends] = np.minimum(nearest[ends], depth)
    parts += [(nearest[k] - 1e-3, k, k) for k in np.flatnonzero(known)]
    rim = max(1.0, width / 4)
    for _, parent, child in sorted(parts, key=lambda part: -part[0]):
        start, end, colour = points[parent], points[child], colours[child]
        if parent != child:
            _line(image, start, end, RIM, width + 2 * rim)
            _line(image, start, end, colour, width)
        else:
            radius = 0.8 * width
            _disc(image, end, radius + rim, RIM)
            _disc(image, end, radius, colour)
            if hollow[child]:
                _disc(image, end, 0.5 * radius, RIM)


def _draw_overlay(canvas, points, depths, score):
    """The skeleton over the photo; what is unsure shines through."""
    width = _bone_width(points)
    colours = [side_colour(joint) for joint in SKELETON.joints]
    unsure = score < UNSURE
    everything = canvas.copy()
    args = depths, colours, unsure, width
    _draw_skeleton(everything, points, *args)
    faint = cv2.addWeighted(everything, 0.5, canvas, 0.5, 0)
    sure = np.where(unsure[:, None], np.nan, points)
    _draw_skeleton(faint, sure, *args)
    return faint


def _bone_width(points):
    """Pixels, by the person's size in the picture."""
    known = points[np.isfinite(points).all(-1)]
    extent = np.ptp(known, axis=0).max() if len(known) else 0.0
    return float(np.clip(extent / 70, 2.0, HEIGHT / 110))


def _draw_box(canvas, box):
    """The corners of a square box."""
    cx, cy, side = box
    half, arm = side / 2, side / 12
    for sx in (-1, 1):
        for sy in (-1, 1):
            corner = np.array([cx + sx * half, cy + sy * half])
            for arm_end in ((-sx * arm, 0), (0, -sy * arm)):
                _line(canvas, corner, corner + arm_end, RIM, 4)
                _line(canvas, corner, corner + arm_end, MIDDLE, 2)


def _turn(points, yaw):
    """Camera-frame points as seen from `yaw` to the right, and from above."""
    x, y, z = np.moveaxis(points, -1, 0)
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    cos, sin = np.cos(ELEVATION), np.sin(ELEVATION)
    return np.stack([x, y * cos - z * sin, z * cos + y * sin], -1)


def draw_view(person, name, yaw, size):
    """One 3D view of one person on its grid.

    Args:
        person: dict with `pose` `(17, 3)` mm (x right, y down, z away) and
            `score` `(17,)` in [0, 1].
        name: str, written above.
        yaw: radians by which the view goes round to the right.
        size: (width, height) in pixels.

    Returns:
        uint8 `(height, width, 3)` RGB.
    """
    width, height = size
    image = np.full((height, width, 3), BACKGROUND, np.uint8)
    pose = np.asarray(person["pose"], float)
    known = np.isfinite(pose).all(-1)
    if not known.any():
        return write(image, [(f"{name}: no pose", TEXT)], (12, 10))
    low, high = pose[known].min(0), pose[known].max(0)
    middle = (low + high) / 2
    reach = max(600.0, np.linalg.norm(pose[known] - middle, axis=-1).max())
    scale = 0.43 * min(height, 1.3 * width) / reach

    def project(points):
        turned = _turn(points - middle, yaw)
        near = CAMERA_MM / (CAMERA_MM + turned[..., 2])
        flat = turned[..., :2] * (near * scale)[..., None]
        return flat + [width / 2, height / 2], turned[..., 2]

    ground = high[1] + 60.0  # The ankle is above the sole.
    _draw_grid(image, project, middle, ground, reach)
    points, depths = project(pose)
    bone = np.clip(height / 75, 2.0, 8.0)
    feet = pose.copy()
    feet[:, 1] = ground
    shadow, _ = project(feet)
    for p, c in SKELETON.bones:
        if known[p] and known[c]:
            _line(image, shadow[p], shadow[c], BACKGROUND, bone)
    unsure = np.asarray(person["score"]) < UNSURE
    # Far limbs fade, which helps where two lie over each other.
    far = np.clip((np.nan_to_num(depths) + reach) / (2 * reach), 0, 1)
    colours = [
        _faded(side_colour(joint), (1 - 0.4 * f) * (0.6 if u else 1))
        for joint, f, u in zip(SKELETON.joints, far, unsure, strict=True)
    ]
    _draw_skeleton(image, points, depths, colours, unsure, bone)
    image[:, 0] = image[0] = GROUND
    return write(image, [(name, TEXT), ("grid 0.5 m", QUIET)], (12, 10))


def _draw_grid(image, project, middle, ground, reach):
    """Lines every `GRID_MM` on the ground, around the body."""
    cells = int(np.ceil(reach / GRID_MM))
    ends = cells * GRID_MM
    corners = [(-ends, -ends), (ends, -ends), (ends, ends), (-ends, ends)]
    corners = [(middle[0] + x, ground, middle[2] + z) for x, z in corners]
    square, _ = project(np.array(corners))
    square = np.array([_at(corner) for corner in square], np.int32)
    cv2.fillConvexPoly(image, square, GROUND, cv2.LINE_AA, SHIFT)
    for offset in np.arange(-cells, cells + 1) * GRID_MM:
        for line in (
            [(-ends, offset), (ends, offset)],
            [(offset, -ends), (offset, ends)],
        ):
            line = [(middle[0] + x, ground, middle[2] + z) for x, z in line]
            (start, end), _ = project(np.array(line))
            _line(image, start, end, GRID, 1)


def shown_pairs(points, mask, shown):
    """The pairs whose relations `draw_labels` draws: far apart, easy to see.

    Args:
        points: `(17, 2)` in any unit; NaN: not known.
        mask: `(17, 17)` bool, the pairs to choose from.
        shown: int, at most that many.

    Returns:
        list of pairs of ints, the first below the second; the longest first,
        each joint once.
    """
    known = np.isfinite(points).all(-1)
    mask = np.asarray(mask, bool) & known & known[:, None]
    i, j = np.nonzero(np.triu(mask | mask.T, 1))
    length = np.linalg.norm(points[i] - points[j], axis=-1)
    pairs = []
    for n in np.argsort(-length, kind="stable"):
        if not {i[n], j[n]} & {joint for pair in pairs for joint in pair}:
            pairs.append((int(i[n]), int(j[n])))
    return pairs[:shown]


def _draw_relation(image, ends, relation, width):
    first, second = ends
    _line(image, first, second, RIM, 0.6 * width + 2)
    _line(image, first, second, NEARER, 0.6 * width)
    for point, sign in ((first, relation), (second, -relation)):
        _disc(image, point, 2.0 * width, RIM)
        _disc(image, point, 1.6 * width, NEARER)
        if sign < 0:
            _disc(image, point, 0.9 * width, RIM)


def write(image, texts, corner, size=15):
    """A copy with `(text, colour)` pairs in a line from the top-left corner."""
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size)
    x, y = corner
    for text, colour in texts:
        draw.text((x, y), text, colour, font, stroke_width=2, stroke_fill=RIM)
        x += draw.textlength(text, font) + size
    return np.asarray(picture).copy()
