"""Pictures that show how motion capture was understood."""

import textwrap

import numpy as np

from ordinal_tf import drawing, skeleton

_VIEW = (400, 620)  # Width and height of a view.
_TABLE = 520  # Width of the names.
_MOST = 12  # Clips on a sheet.
_SIZE, _LINE = 15, 22


def one_of_each(clips):
    """The first of `clips.Clip`s of each unit, way up and set of names."""
    kinds = {}
    for clip in clips:
        found = clip.understood
        kind = found.unit, found.up, tuple(found.names.values())
        kinds.setdefault(kind, clip)
    return list(kinds.values())


def sheet(clips):
    """uint8 RGB: the middle frame of up to 12 `clips.Clip`s of files, from two
    sides, and the names matched.
    """
    drawn = [_draw(clip) for clip in clips[:_MOST]]
    return drawing.contact_sheet(drawn, 1 + (len(drawn) > 3), _VIEW[1])


def _draw(clip):
    person = {
        "pose": facing_us(clip.poses[len(clip.poses) // 2]),
        "score": np.ones(len(skeleton.H36M17)),
    }
    sides = {"from the front": 0.0, "from the person's left": np.pi / 2}
    views = [
        drawing.draw_view(person, name, yaw, _VIEW)
        for name, yaw in sides.items()
    ]
    return np.hstack([*views, _names(clip)])


def facing_us(pose):
    """A pose of `(17, 3)` mm, y up, in the axes of a camera before it: x
    right, y down, z away."""
    index = skeleton.H36M17.index
    left = pose[index("left_hip")] - pose[index("right_hip")]
    up = pose[index("thorax")] - pose[index("pelvis")]
    ahead = np.cross(left, up)
    angle = np.arctan2(ahead[0], ahead[2])
    cos, sin = np.cos(angle), np.sin(angle)
    # The camera's right is the world's x for somebody who faces +z.
    return pose @ np.array([[cos, 0, -sin], [0, -1, 0], [-sin, 0, -cos]]).T


def _names(clip):
    """The table: what was read, and which joint is which."""
    found = clip.understood
    size = f"a person of {found.height_mm / 1000:.2f} m"
    lines = [
        (clip.name, drawing.TEXT),
        (f"unit {found.unit}, up {found.up}, {size}", drawing.TEXT),
        (f"poses: {len(clip.poses)}", drawing.QUIET),
        ("", drawing.TEXT),
    ]
    for joint in skeleton.H36M17.joints:
        if joint in found.names:
            text = f"{joint}: {found.names[joint]}"
            lines.append((text, drawing.side_colour(joint)))
    lines += [(note, drawing.NEARER) for note in found.notes]
    image = np.full((_VIEW[1], _TABLE, 3), drawing.BACKGROUND, np.uint8)
    top = 10
    for text, colour in lines:
        for part in textwrap.wrap(text, 62) or [""]:
            image = drawing.write(image, [(part, colour)], (12, top), _SIZE)
            top += _LINE
    return image
