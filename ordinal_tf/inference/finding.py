"""Where the people of a photograph are, by the pose networks themselves.

Today that is one person, always. The whole picture is looked at first. What
its joints suggest is looked at twice, as it is and closer, and the surer of
the two says where the box is: a small person in a large picture is found in
steps.
"""

import tensorflow as tf

from ordinal_tf import geometry

# Joints that must be seen well enough before they say where the person is.
_SEEN = 0.1
_FEWEST = 4
# The second look: much wider than the joints that were seen, because those
# that were not lie outside; and a part of that.
_WIDE = 1.4
_CLOSER = 0.7
# The box: about as wide as those that people label.
_MARGIN = 1.3


def find_people(predict, width, height):
    """The boxes of the people whom a picture shows.

    Args:
        predict: function of boxes `(B, 3)` in photo pixels to a dict with
            `keypoints` `(B, 17, 2)` in photo pixels and `score` `(B, 17)`.
        width, height: float, of the picture, pixels.

    Returns:
        `(P, 3)` float32 centre x, centre y and side, one row a person, the
        centre in the picture. P is 1 today, and the box the whole picture
        where fewer than four joints were seen well.
    """
    width, height = tf.cast(width, tf.float32), tf.cast(height, tf.float32)
    centre = [(width - 1) / 2, (height - 1) / 2]
    whole = tf.stack([*centre, tf.maximum(width, height)])[None]
    first = predict(whole)
    wide = _around(first["keypoints"], first["score"], whole, _WIDE)
    boxes = tf.concat([wide, wide * [1, 1, _CLOSER]], axis=0)
    second = predict(boxes)
    score = tf.convert_to_tensor(second["score"])
    surer = tf.argmax(tf.reduce_mean(score, axis=-1))[None]
    found = _around(
        tf.gather(second["keypoints"], surer),
        tf.gather(score, surer),
        tf.gather(boxes, surer),
        _MARGIN,
    )
    # Joints may be seen where a crop goes on beyond the picture.
    edge = tf.stack([width, height]) - 1
    middle = tf.clip_by_value(found[:, :2], 0.0, edge)
    return tf.concat([middle, found[:, 2:]], axis=1)


def _around(keypoints, score, box, margin):
    """Box `(1, 3)` around what was seen well in `box`; else `box`."""
    seen = score >= _SEEN
    enough = tf.reduce_sum(tf.cast(seen, tf.int32)) >= _FEWEST
    # All joints where they are too few, lest a box of nothing be made.
    seen = tf.logical_or(seen, ~enough)
    around = geometry.box_around(keypoints, seen, margin=margin)
    return tf.where(enough, around, box)
