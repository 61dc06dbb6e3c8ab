"""Small motion-capture files for tests."""

import numpy as np

from ordinal_tf.data.mocap import clips


def bandai_places():
    """Made-up offsets in cm, by the names of Bandai's joints."""
    names = {joint for p in clips.BANDAI.values() for joint in p.joints}
    rng = np.random.default_rng(0)
    return {name: rng.integers(-9, 9, 3) for name in sorted(names)}


def write_bandai(path, *, places=None, turns=None, frames=2):
    """Writes a BVH file in which every joint hangs from one root.

    Args:
        path: file.
        places: offsets by joint name; `bandai_places()` where None.
        turns: `(frames, 3)` degrees about z, x and y by which the whole body
            is turned; not at all where None.
        frames: int.

    Returns:
        The path.
    """
    places = bandai_places() if places is None else places
    turns = np.zeros((frames, 3)) if turns is None else turns
    lines = ["HIERARCHY", "ROOT joint_Root", "{", "OFFSET 0 0 0"]
    lines += ["CHANNELS 3 Zrotation Xrotation Yrotation"]
    for name, place in places.items():
        where = " ".join(str(number) for number in place)
        lines += [f"JOINT {name}", "{", f"OFFSET {where}"]
        lines += ["CHANNELS 3 Zrotation Xrotation Yrotation", "}"]
    lines += ["}", "MOTION", f"Frames: {frames}", "Frame Time: 0.1"]
    # The head looks along z and its x axis is up, as in real files.
    turned = ["90 90 0" if name == "Head" else "0 0 0" for name in places]
    for turn in turns:
        root = " ".join(str(angle) for angle in turn)
        lines.append(" ".join([root, *turned]))
    path.write_text("\n".join(lines) + "\n")
    return path
