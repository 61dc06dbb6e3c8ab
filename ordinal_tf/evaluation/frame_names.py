"""What the names of frames say: subject, action, clip.

Data sets name their frames in many ways, and protocols average by what these
names say.
"""

import re

# By number, as `act_02`, after Human3.6M's metadata.xml.
_H36M_ACTIONS = (
    "Directions Discussion Eating Greeting Phoning Posing Purchases Sitting "
    "SittingDown Smoking Photo Waiting Walking WalkDog WalkTogether"
).split()
_H36M_OTHER_NAMES = {
    "takingphoto": "Photo",
    "walkingdog": "WalkDog",
    "walkingtogether": "WalkTogether",
}


def h36m_action(name):
    """One of Human3.6M's 15 actions, by the name of a frame, or "other".

    Names are those of the release ("S9/Videos/Sitting 1.54138969.mp4@12"), of
    the authors and MMPose ("S9_SittingDown_1.55011271_000001.jpg") and of
    frames by number ("s_09_act_10_subact_01_ca_01_000001.jpg").
    """
    number = re.search(r"act_(\d\d)_", name)
    if number and 2 <= int(number[1]) <= 16:
        return _H36M_ACTIONS[int(number[1]) - 2]
    for word in re.findall(r"[A-Za-z]+", re.split(r"[\\/]", name)[-1]):
        known = {action.lower(): action for action in _H36M_ACTIONS}
        known |= _H36M_OTHER_NAMES
        if word.lower() in known:
            return known[word.lower()]
    return "other"


def h36m_subject(name):
    """ "S9" of the name of a frame, or "" where it says none."""
    found = re.search(r"(?:^|[\\/_])[sS]_?0*(\d{1,2})(?=[\\/_])", name)
    return f"S{found[1]}" if found else ""


def clip(name):
    """The clip of a frame: its name without what numbers the frame."""
    film, at, _ = name.rpartition("@")
    return film if at else re.sub(r"_?\d+\.\w+$", "", name)


def humaneva_action(name):
    """Subject and action of HumanEva-I, such as "S1 Walking"."""
    found = re.search(r"(S\d)[\\/].*?([A-Z][A-Za-z]+)_\d", name)
    return f"{found[1]} {found[2]}" if found else "other"


def sequence(name):
    """ "TS1" to "TS6" of MPI-INF-3DHP's test set."""
    found = re.search(r"(TS\d)(?:[\\/]|$)", name)
    return found[1] if found else "other"


def block(name):
    """A hundred consecutive frames: six sequences are too few to resample."""
    frame = re.search(r"(\d+)\.\w+$", name)
    return f"{sequence(name)} {int(frame[1]) // 100 if frame else name}"
