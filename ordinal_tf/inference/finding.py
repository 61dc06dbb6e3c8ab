"""Where the people of a picture are.

The finder (`models.finder`) looks at the whole picture and says where people
may be; then at a smaller copy, in which those who fill the picture are as
large as the people that it learnt from. The pose network looks at all of these
at once, then again at what the joints that it saw suggest. How sure both are is
the score of a person; of two that are the same person the surer one stays.
"""

import tensorflow as tf

from ordinal_tf import boxes as box_shapes
from ordinal_tf import geometry
from ordinal_tf.data.pipeline import crops
from ordinal_tf.models import finder

# Sides of the picture that the finder sees, and then sees again, pixels.
SIZE, COARSE_SIZE = 320, 128
# Of the second look who is longer than that, in sides of the picture, counts.
_LARGE = 0.5
# Least `person_score` of a person; measured by tools.dev.measure_finding.
LEAST_SCORE = 0.2
# Of the finder alone: what is below is not looked at. And how many are.
_CANDIDATE, _MOST = 0.1, 24
# Rectangles that share more than that are of one person.
_OVERLAP = 0.6
# Joints so alike are of one person; and what "alike" means, in box sides.
_ALIKE, _REACH = 0.5, 0.1
# Joints that say where the second look goes; how much wider than they are.
_SEEN, _FEWEST, _MARGIN = 0.1, 8, 1.25


def candidates(answer, stride):
    """Rectangles in which people may be, the surest first.

    Args:
        answer: `(H, W, 5)` of the finder.
        stride: int, pixels of its picture per cell.

    Returns:
        `(N, 4)` left, top, right, bottom in pixels of its picture, and `(N,)`
        probabilities.
    """
    chance = tf.sigmoid(answer[None, :, :, :1])
    # A cell that no neighbour surpasses.
    top = chance >= tf.nn.max_pool2d(chance, 3, 1, "SAME")
    chance = tf.reshape(tf.where(top, chance, 0.0), [-1])
    width = tf.shape(answer)[1]
    score, cell = tf.math.top_k(chance, tf.minimum(4 * _MOST, tf.size(chance)))
    place = tf.stack([cell % width, cell // width], axis=-1)
    place = (tf.cast(place, tf.float32) + 0.5) * float(stride) - 0.5
    extent = tf.gather(tf.reshape(answer[..., 1:], [-1, 4]), cell)
    # No person is wider than e⁵ cells.
    extent = tf.exp(tf.minimum(extent, 5.0)) * float(stride)
    found = tf.concat([place - extent[:, :2], place + extent[:, 2:]], axis=1)
    kept = tf.image.non_max_suppression(
        found, score, _MOST, iou_threshold=_OVERLAP, score_threshold=_CANDIDATE
    )
    return tf.gather(found, kept), tf.gather(score, kept)


def coarser(shown):
    """The picture of the second look: uint8 `(B, F, F, 3)`, F `COARSE_SIZE`.

    Args:
        shown: uint8 `(B, SIZE, SIZE, 3)`.
    """
    size = (COARSE_SIZE, COARSE_SIZE)
    small = tf.image.resize(shown, size, tf.image.ResizeMethod.AREA)
    return tf.cast(tf.round(small), tf.uint8)


def with_large(near, coarse):
    """What both looks of the finder find, the surest first.

    Args:
        near: rectangles and probabilities, see `candidates`, of the picture
            whose side is `SIZE`.
        coarse: of the picture whose side is `COARSE_SIZE`; only large people
            count.

    Returns:
        `(N, 4)` rectangles in pixels of the larger picture, and `(N,)`
        probabilities.
    """
    found, score = coarse
    found = (found + 0.5) * (SIZE / COARSE_SIZE) - 0.5
    side = tf.reduce_max(found[:, 2:] - found[:, :2], axis=1)
    large = side > _LARGE * SIZE
    found = tf.concat([near[0], tf.boolean_mask(found, large)], axis=0)
    score = tf.concat([near[1], tf.boolean_mask(score, large)], axis=0)
    kept = tf.image.non_max_suppression(
        found, score, _MOST, iou_threshold=_OVERLAP
    )
    return tf.gather(found, kept), tf.gather(score, kept)


def look(find, picture):
    """Where people of a photograph may be, the surest first.

    Args:
        find: function of a picture `(1, F, F, 3)` uint8, of any F divisible
            by 32, to the answer of the finder, see `finder.build_head`.
        picture: `pictures.Picture`.

    Returns:
        `(N, 4)` rectangles in pixels of the photograph, within it, and `(N,)`
        probabilities.
    """
    size = tf.cast(picture.size[::-1], tf.float32)
    whole = tf.concat([(size - 1) / 2, [tf.reduce_max(size)]], axis=0)
    shown = crops.crop_boxes(picture, whole[None], SIZE)
    stride = finder.STRIDE
    found, chance = with_large(
        candidates(find(shown)[0], stride),
        candidates(find(coarser(shown))[0], stride),
    )
    back = geometry.invert_affine(geometry.crop_matrix(whole, SIZE))
    corners = geometry.apply_affine(back, tf.reshape(found, [-1, 2, 2]))
    # What lies beyond the picture nobody can see.
    corners = tf.clip_by_value(corners, -0.5, size - 0.5)
    return tf.reshape(corners, [-1, 4]), chance


def boxes_of(rectangles, width, height):
    """Boxes `(N, 3)`, centre x, centre y and side, of rectangles.

    Args:
        rectangles: `(N, 4)` in pixels of a photograph, within it.
        width, height: float scalars, of the photograph.
    """
    corners = tf.reshape(rectangles, [-1, 2, 2])
    side = box_shapes.OF_RECTANGLE * tf.reduce_max(
        corners[:, 1] - corners[:, 0], axis=1
    )
    middle = tf.reduce_mean(corners, axis=1)
    middle = tf.clip_by_value(middle, 0.0, tf.stack([width, height]) - 1)
    # A box of nothing is refused.
    side = tf.maximum(side, 1.0)
    return tf.concat([middle, side[:, None]], axis=1)


def closer(found, width, height):
    """Where to look again: around the joints that were seen.

    Args:
        found: dict with `keypoints` `(P, 17, 2)`, `score` `(P, 17)` and `box`
            `(P, 3)`.
        width, height: float scalars, of the photograph.

    Returns:
        `(P, 3)` boxes, between those of the first look and the joints'.
    """
    box, seen = found["box"], found["score"] >= _SEEN
    enough = tf.reduce_sum(tf.cast(seen, tf.int32), axis=1) >= _FEWEST
    # All joints where they are too few, lest a box of nothing be made.
    around = geometry.box_around(
        found["keypoints"], seen | ~enough[:, None], margin=_MARGIN
    )
    mean = tf.concat(
        [(box[:, :2] + around[:, :2]) / 2, tf.sqrt(box[:, 2:] * around[:, 2:])],
        axis=1,
    )
    edge = tf.stack([width, height]) - 1
    middle = tf.clip_by_value(mean[:, :2], 0.0, edge)
    return tf.where(
        enough[:, None], tf.concat([middle, mean[:, 2:]], axis=1), box
    )


def person_score(chance, score):
    """How sure a person is: of the finder and the joints alike.

    Args:
        chance: `(P,)` of `candidates`.
        score: `(P, 17)` of the joints.

    Returns:
        `(P,)` in [0, 1].
    """
    return tf.sqrt(chance * tf.reduce_mean(score, axis=1))


def apart(found, least):
    """Which rows are people, each once, the surest first.

    Args:
        found: dict with `keypoints`, `box` and `person_score`.
        least: float scalar, least score of a person.

    Returns:
        `(R,)` int32 rows.
    """
    points, sides = found["keypoints"], found["box"][:, 2]
    off = tf.reduce_sum(
        tf.math.squared_difference(points[:, None], points[None]), axis=-1
    )
    # Symmetric, as the smaller of two people has it.
    reach = _REACH * tf.minimum(sides[:, None], sides[None])
    alike = tf.reduce_mean(
        tf.exp(-0.5 * off / tf.square(reach)[..., None]), axis=-1
    )
    return tf.image.non_max_suppression_overlaps(
        alike, found["person_score"], _MOST, _ALIKE, least
    )
