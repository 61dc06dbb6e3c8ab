"""Joints of `skeleton.H36M17` from markers on a body.

Markers are those of Vicon's Plug-in Gait (LASI, LKNE, ...), of the CMU
database and HDM05, which have LFWT and LBWT for LASI and LPSI, of Qualisys'
and OptiTrack's sets for animation (WaistLFront, LKneeOut, ...), or of the
anatomical set of Qualisys and the Istituto Ortopedico Rizzoli (L_IAS, L_FLE,
...). Where a file also holds Plug-in Gait's own joint centres (LFEP, LFEO,
LTIO, LCLO, LHUO, LRAO), they are taken. Without those, joints follow from
markers on the skin, so that they are some centimetres off:

    hips        regression on the width and depth of the pelvis (Harrington
                et al. 2007, J. Biomech. 40:595, Table 3)
    knees, ankles, elbows   middle of outer and inner marker, or the outer
    wrists      middle of the two wrist markers
    shoulders   50 mm below the marker, along the trunk
    thorax      middle of C7 and CLAV, the base of the neck; of C7 and the
                shoulders' markers where there is no CLAV
    head top    middle of the head's markers, about 10 cm below the crown, as
                in Human3.6M; 10 cm below the only one on the crown
    spine, nose middles of pelvis and thorax, of thorax and head top

Source: Plug-in Gait Reference Guide (Vicon), markerset guide of the CMU
database (mocap.cs.cmu.edu), marker sets of Qualisys Track Manager and of
Motive (OptiTrack).
"""

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import joint_names, person

_SHOULDER_DROP_MM = 50.0
_CROWN_MM = 100.0
# A marker that is seen in fewer frames than this is taken for missing.
_SEEN = 0.1
# Seconds of a gap that is filled, by a straight line.
LONGEST_GAP_S = 0.1

# Markers and what sets call them, a Plug-in Gait name first; `?` stands for
# the side, l or r. Two names with + between stand for the middle of both.
_MIDDLE = {"c7": "c7 cv7 spinetop backtop", "clav": "clav sjn"}
_HEAD = ("?fhd", "?bhd", "head?", "?head", "headfront headside fhead")
_CROWN = "headtop thead ariel"
_SIDES = {
    "asi": "?asi ?fwt waist?front ?asis ?ias",
    "psi": "?psi ?bwt waist?back ?psis ?ips sacr waistback",
    "sho": "?sho ?shouldertop ?sae ?acr",
    "elb": "?elb ?elbowout ?hle ?lee",
    "elb_in": "?elbm m?elb ?melb ?elm ?elbowin ?hme ?mee ?iel",
    "wra": "?wra ?wri ?wristout ?rsp ?lw ?owr",
    "wrb": "?wrb ?wristin ?usp ?mw ?iwr",
    "kne": "?kne ?kneeout ?fle ?lek",
    "kne_in": "?knem m?kne ?mkne ?knm ?kneein ?fme ?mek ?kni",
    "ank": "?ank ?ankleout ?fal ?lm",
    "ank_in": "?ankm m?ank ?mank ?anm ?med ?anklein ?tam ?mm ?ani",
    "toe": "?toe ?toetip ?mt2 ?fm2 ?forefootin ?toein ?mt1",
}
# Plug-in Gait's joint centres, which stand for all markers of a joint.
_CENTRES = {
    "hip": "?fep",
    "knee": "?feo",
    "ankle": "?tio",
    "shoulder": "?clo",
    "elbow": "?huo",
    "wrist": "?rao",
}
# Joints and their outer and inner marker; inner ones may be missing.
_JOINTS = {
    "knee": ("kne", "kne_in"),
    "ankle": ("ank", "ank_in"),
    "shoulder": ("sho", None),
    "elbow": ("elb", "elb_in"),
    "wrist": ("wra", "wrb"),
}


def find_people(labels, seen):
    """The people whose markers a file holds.

    Names are compared without regard to case and separators, and may all
    have the same words before them: `Ann:LKNE` and `Q_LKneeOut`.

    Args:
        labels: M names.
        seen: `(T, M)` bool.

    Returns:
        List of dicts, one a person: `prefix`, the words before the names, and
        from our names of markers to an index.

    Raises:
        ValueError: markers have other names; says which are missing.
    """
    names = [joint_names.normal(label) for label in labels]
    share = seen.mean(axis=0) if len(seen) else np.zeros(len(labels))
    index = {
        name: m
        for m, name in reversed([*enumerate(names)])
        if name and share[m] >= _SEEN
    }
    knees = f"{_SIDES['kne']} {_CENTRES['knee']}".split()
    knees = [knee.replace("?", side) for knee in knees for side in "lr"]
    # Without any knee the names of a set without words before them are asked.
    people, best = [], None
    for prefix in joint_names.prefixes(index, knees) or [""]:
        own = {
            name.removeprefix(prefix): m
            for name, m in index.items()
            if name.startswith(prefix)
        }
        choice, missing = _choose(own)
        if not missing:
            people.append({"prefix": prefix, **choice})
        elif best is None or len(missing) < len(best):
            best = missing
    if not people:
        raise ValueError(
            f"no marker is named {', '.join(dict.fromkeys(best))}, as in "
            "Plug-in Gait or the sets of CMU, Qualisys or OptiTrack; it has "
            + ", ".join(label or "(no name)" for label in labels[:60])
        )
    return people


def _choose(index):
    """Which of the markers to take, and which are missing."""
    choice, missing = {}, []

    def take(name, alternatives, side="", needed=True):
        wanted = [one.replace("?", side) for one in alternatives.split()]
        for label in wanted:
            if label in index:
                choice[side + name] = index[label]
                return True
        if needed:
            missing.append(" or ".join(label.upper() for label in wanted[:2]))
        return False

    take("c7", _MIDDLE["c7"])
    take("clav", _MIDDLE["clav"], needed=False)
    heads = [
        take(f"head{k}", one, side, needed=False)
        for k, one in enumerate(_HEAD)
        for side in ("lr" if "?" in one else ("",))
    ]
    if not any(heads):
        take("crown", _CROWN, needed=False)
        if "crown" not in choice:
            missing.append("LFHD, RFHD, LBHD or RBHD")
    hips = [take("hip", _CENTRES["hip"], s, needed=False) for s in "lr"]
    for side in "lr":
        if not all(hips):
            choice.pop(f"{side}hip", None)
            take("asi", _SIDES["asi"], side)
            take("psi", _SIDES["psi"], side)
        for joint, (outer, inner) in _JOINTS.items():
            if take(joint, _CENTRES[joint], side, needed=False):
                continue
            take(outer, _SIDES[outer], side)
            if inner:
                take(inner, _SIDES[inner], side, needed=False)
    if "clav" not in choice:
        for side in "lr":
            take("sho", _SIDES["sho"], side)
    for side in "lr":
        take("toe", _SIDES["toe"], side, needed=False)
    return choice, missing


def fill_gaps(points, seen, fps):
    """Fills short gaps of markers, on lines between the ends of each.

    Args:
        points: `(T, M, 3)`.
        seen: `(T, M)` bool.
        fps: float.

    Returns:
        New `points` and `seen`, with gaps of up to `LONGEST_GAP_S` filled.
    """
    points, seen = points.copy(), seen.copy()
    longest = int(LONGEST_GAP_S * fps)
    frames = np.arange(len(points))
    for m in np.flatnonzero(~seen.all(axis=0) & seen.any(axis=0)):
        known = np.flatnonzero(seen[:, m])
        before = known[np.maximum(np.searchsorted(known, frames) - 1, 0)]
        after = known[
            np.minimum(np.searchsorted(known, frames), len(known) - 1)
        ]
        short = ~seen[:, m] & (before < frames) & (frames < after)
        short &= after - before - 1 <= longest
        for axis in range(3):
            points[short, m, axis] = np.interp(
                frames[short], known, points[known, m, axis]
            )
        seen[short, m] = True
    return points, seen


def joints_from_markers(choice, points, seen):
    """Joints where all markers that they need were seen.

    Args:
        choice: of `find_people`.
        points: `(T, M, 3)` mm.
        seen: `(T, M)` bool.

    Returns:
        `(T', 17, 3)` float64 mm, the axes of `points`, of the frames that
        are complete; `(T', 2, 3)` places of the left and right toe's marker,
        or None; and `(T)` bool, which frames these are.
    """
    of = _markers_of(choice)
    used = {name: choice[name] for names in of.values() for name in names}
    complete = seen[:, sorted(set(used.values()))].all(-1)
    markers = {name: points[complete, m] for name, m in used.items()}
    joints = {
        joint: np.mean([markers[name] for name in names], axis=0)
        for joint, names in of.items()
    }
    if "clav" not in choice:
        shoulders = (markers["lsho"] + markers["rsho"]) / 2
        joints["thorax"] = (markers["c7"] + shoulders) / 2
    if "crown" in choice:
        up = person.unit(markers["crown"] - joints["thorax"])
        joints["head_top"] = markers["crown"] - _CROWN_MM * up
    if "lhip" not in choice:
        joints["left_hip"], joints["right_hip"] = _hips(markers)
    joints["pelvis"] = (joints["left_hip"] + joints["right_hip"]) / 2
    down = person.unit(joints["pelvis"] - joints["thorax"])
    for side in ("left", "right"):
        if f"{side[0]}shoulder" not in choice:
            joints[f"{side}_shoulder"] += _SHOULDER_DROP_MM * down
    joints["spine"] = (joints["pelvis"] + joints["thorax"]) / 2
    joints["nose"] = (joints["thorax"] + joints["head_top"]) / 2
    order = [joints[joint] for joint in skeleton.H36M17.joints]
    toes = None
    if "ltoe" in choice and "rtoe" in choice:
        both = [choice["ltoe"], choice["rtoe"]]
        toes, shown = points[complete][:, both], seen[complete][:, both]
        # A toe that was not seen says nothing: it lies on the ankle.
        ankles = [joints[f"{side}_ankle"] for side in ("left", "right")]
        toes = np.where(shown[..., None], toes, np.stack(ankles, axis=1))
    return np.stack(order, axis=1), toes, complete


def joint_markers(choice, labels):
    """From which markers the joints follow.

    Args:
        choice: of `find_people`.
        labels: M names of the file's markers.

    Returns:
        dict of our joints to the file's names, " + " between several.
    """
    return {
        joint: " + ".join(dict.fromkeys(labels[choice[one]] for one in names))
        for joint, names in _markers_of(choice).items()
    }


def _markers_of(choice):
    """dict from our joints to the chosen markers that they follow from."""
    heads = sorted(name for name in choice if "head" in name)
    found = {
        "thorax": ["c7", "clav"]
        if "clav" in choice
        else ["c7", "lsho", "rsho"],
        "head_top": heads or ["crown"],
    }
    for side in ("left", "right"):
        parts = {"hip": ("asi", "psi"), **_JOINTS}
        for joint, names in parts.items():
            names = (joint,) if side[0] + joint in choice else names
            names = [f"{side[0]}{name}" for name in names]
            found[f"{side}_{joint}"] = [
                name for name in names if name in choice
            ]
    return found


def _hips(markers):
    """Left and right, by regression, see above."""
    front = (markers["lasi"] + markers["rasi"]) / 2
    back = (markers["lpsi"] + markers["rpsi"]) / 2
    width = _length(markers["lasi"] - markers["rasi"])
    depth = _length(front - back)
    left = person.unit(markers["lasi"] - markers["rasi"])
    ahead = front - back
    ahead = person.unit(ahead - np.sum(ahead * left, -1, keepdims=True) * left)
    up = np.cross(ahead, left)
    middle = front - (0.24 * depth + 9.9) * ahead - (0.30 * width + 10.9) * up
    aside = (0.33 * width + 7.3) * left
    return middle + aside, middle - aside


def _length(vector):
    return np.linalg.norm(vector, axis=-1, keepdims=True)
