"""Joints of `skeleton.H36M17` from markers on a body.

Markers are those of Vicon's Plug-in Gait (LASI, LKNE, ...), or of the CMU
database, which has LFWT and LBWT for LASI and LPSI. Where a file also holds
Plug-in Gait's own joint centres (LFEP, LFEO, LTIO, LCLO, LHUO, LRAO), they
are taken. Without those, joints follow from markers on the skin, so that they
are some centimetres off:

    hips        regression on the width and depth of the pelvis (Harrington
                et al. 2007, J. Biomech. 40:595, Table 3)
    knees, ankles, elbows   middle of outer and inner marker, or the outer
    wrists      middle of the two wrist markers
    shoulders   50 mm below the marker, along the trunk
    thorax      middle of C7 and CLAV, the base of the neck
    head top    middle of the head's markers, about 10 cm below the crown, as
                in Human3.6M
    spine, nose middles of pelvis and thorax, of thorax and head top

Source: Plug-in Gait Reference Guide (Vicon), markerset guide of the CMU
database (mocap.cs.cmu.edu).
"""

import numpy as np

from ordinal_tf import skeleton

_SHOULDER_DROP_MM = 50.0
# Names of the same marker in different sets.
_ALIASES = {
    "ASI": ("ASI", "FWT"),
    "PSI": ("PSI", "BWT"),
    "KNE_IN": ("KNEM", "MKNE", "KNM"),
    "ANK_IN": ("ANKM", "MANK", "ANM", "MED"),
    "ELB_IN": ("ELBM", "MELB", "ELM"),
}
# The marker on the other side of a joint.
_PARTNERS = {
    "KNE": "KNE_IN",
    "ANK": "ANK_IN",
    "ELB": "ELB_IN",
    "WRA": "WRB",
    "SHO": "",
}
# Plug-in Gait's joint centres.
_CENTRES = {
    "hip": "FEP",
    "knee": "FEO",
    "ankle": "TIO",
    "shoulder": "CLO",
    "elbow": "HUO",
    "wrist": "RAO",
}


def joints_from_markers(labels, points, seen):
    """Joints where all markers that they need were seen.

    Args:
        labels: M names.
        points: `(T, M, 3)` mm.
        seen: `(T, M)` bool.

    Returns:
        `(T', 17, 3)` float64 mm, the axes of `points`, of the frames that
        are complete; and `(T)` bool, which ones these are.

    Raises:
        ValueError: markers have other names; says which are missing.
    """
    index = {label.upper(): m for m, label in reversed([*enumerate(labels)])}
    choice = _choose(index)
    complete = seen[:, sorted(set(choice.values()))].all(-1)
    markers = {name: points[complete, m] for name, m in choice.items()}
    joints = {}
    head = [v for name, v in markers.items() if name.endswith("HD")]
    joints["head_top"] = np.mean(head, axis=0)
    joints["thorax"] = (markers["C7"] + markers["CLAV"]) / 2
    _place_hips(markers, joints)
    joints["pelvis"] = (joints["left_hip"] + joints["right_hip"]) / 2
    down = _unit(joints["pelvis"] - joints["thorax"])
    for side, letter in (("left", "L"), ("right", "R")):
        drop = _SHOULDER_DROP_MM * down
        _place_limbs(markers, joints, side, letter, drop)
    joints["spine"] = (joints["pelvis"] + joints["thorax"]) / 2
    joints["nose"] = (joints["thorax"] + joints["head_top"]) / 2
    order = [joints[joint] for joint in skeleton.H36M17.joints]
    return np.stack(order, axis=1), complete


def _choose(index):
    """Which of the markers to take: our name to the file's index."""
    choice, missing = {}, []

    def take(name, *alternatives, needed=True):
        for label in alternatives or (name,):
            if label in index:
                choice[name] = index[label]
                return True
        if needed:
            missing.append(" or ".join(alternatives or (name,)))
        return False

    take("C7")
    take("CLAV")
    for name in ("LFHD", "RFHD", "LBHD", "RBHD"):
        take(name, needed=False)
    if not any(name.endswith("HD") for name in choice):
        missing.append("LFHD, RFHD, LBHD or RBHD")
    sides = "LR"
    hips = [side + _CENTRES["hip"] for side in sides]
    if not all([take(name, needed=False) for name in hips]):
        for name in ("ASI", "PSI"):
            for side in sides:
                take(side + name, *(side + a for a in _ALIASES[name]))
    for side in sides:
        for joint, marker in (
            ("knee", "KNE"),
            ("ankle", "ANK"),
            ("shoulder", "SHO"),
            ("elbow", "ELB"),
        ):
            if take(side + _CENTRES[joint], needed=False):
                continue
            take(side + marker)
            inner = _ALIASES.get(f"{marker}_IN", ())
            if inner:
                names = [side + a for a in inner]
                take(f"{side}{marker}_IN", *names, needed=False)
        if not take(side + _CENTRES["wrist"], needed=False):
            take(f"{side}WRA", f"{side}WRA", f"{side}WRI")
            take(f"{side}WRB", needed=False)
    if missing:
        raise ValueError(
            f"no marker is named {', '.join(missing)}; Plug-in Gait's or "
            "CMU's names are needed"
        )
    return choice


def _place_hips(markers, joints):
    if "LFEP" in markers and "RFEP" in markers:
        joints["left_hip"], joints["right_hip"] = (
            markers["LFEP"],
            markers["RFEP"],
        )
        return
    front = (markers["LASI"] + markers["RASI"]) / 2
    back = (markers["LPSI"] + markers["RPSI"]) / 2
    width = _length(markers["LASI"] - markers["RASI"])
    depth = _length(front - back)
    left = _unit(markers["LASI"] - markers["RASI"])
    ahead = front - back
    ahead = _unit(ahead - np.sum(ahead * left, -1, keepdims=True) * left)
    up = np.cross(ahead, left)
    middle = front - (0.24 * depth + 9.9) * ahead - (0.30 * width + 10.9) * up
    aside = (0.33 * width + 7.3) * left
    joints["left_hip"], joints["right_hip"] = middle + aside, middle - aside


def _place_limbs(markers, joints, side, letter, shoulder_drop):
    for joint, marker in (
        ("knee", "KNE"),
        ("ankle", "ANK"),
        ("shoulder", "SHO"),
        ("elbow", "ELB"),
        ("wrist", "WRA"),
    ):
        centre = letter + _CENTRES[joint]
        if centre in markers:
            joints[f"{side}_{joint}"] = markers[centre]
            continue
        place = markers[letter + marker]
        partner = letter + _PARTNERS[marker]
        if partner in markers:
            place = (place + markers[partner]) / 2
        if joint == "shoulder":
            place = place + shoulder_drop
        joints[f"{side}_{joint}"] = place


def _length(vector):
    return np.linalg.norm(vector, axis=-1, keepdims=True)


def _unit(vector):
    return vector / np.maximum(_length(vector), 1e-9)
