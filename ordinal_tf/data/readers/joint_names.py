"""Which joints the names in somebody's file stand for.

Most names mean the same everywhere, however they are written: `left_hip`,
`Left Hip`, `LHip` and `hip-left` are one joint. A few have the meaning of
their data set, such as `head`: the crown in CrowdPose and Halpe, the lower end
of the head in MPI-INF-3DHP. They are read where all names together are those of
a known set, and are left out elsewhere, with a sentence that says so.

Source: the annotation files or READMEs of CrowdPose (arXiv:1812.00324), Halpe
Full-Body, PoseTrack 2018.
"""

import dataclasses
import difflib
import re

from ordinal_tf import skeleton

# Nobody knows which point these are but within the sets below.
_OWN_MEANING = {
    "head": "the crown in some sets and the lower end of the head in others",
    "hip": "the pelvis in some sets and one of the hips in others",
    "headbottom": "the chin in some sets and the upper neck in others",
}
_SIDES = "shoulder elbow wrist hip knee ankle"
_FACE = "left_eye right_eye left_ear right_ear"
# All names of a set, limbs without their sides, and what its own ones mean.
_SETS = {
    "CrowdPose": (f"{_SIDES} neck head", {"head": "head_top"}),
    "Halpe": (
        f"nose {_FACE} {_SIDES} neck head hip. big_toe small_toe heel",
        {"head": "head_top", "hip": "pelvis"},
    ),
    "PoseTrack": (
        f"nose headbottom head_top left_ear right_ear {_SIDES}",
        {"headbottom": "upper_neck"},
    ),
}
_EVERYWHERE = {"midhip": "pelvis", "hipcenter": "pelvis", "hipcentre": "pelvis"}
_TYPING_MISTAKE = 0.85  # Likeness, of 1, from which a name must be one.


@dataclasses.dataclass(frozen=True)
class NamedJoints:
    """The joints of a file.

    Attributes:
        body: `skeleton.Skeleton` of those that are read.
        columns: their places among the names of the file.
        left_out: names that are not read.
        notes: sentences on what is left out, and why.
        meaning: dict of simplified name to joint, see `find`.
    """

    body: skeleton.Skeleton
    columns: tuple[int, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    meaning: dict

    def find(self, name):
        """The joint that a name of this file, or ours, stands for, or None."""
        return self.meaning.get(_simple(name), _KNOWN.get(_simple(name)))


def read_names(names, *, ignore=()):
    """Understands the names of a file's joints.

    Args:
        names: list of str, in the order of the file's columns.
        ignore: names of joints to leave out.

    Returns:
        `NamedJoints`.

    Raises:
        ValueError: a joint is there twice, one looks like a typing mistake,
            none is known, or one to be ignored is not there.
    """
    simple = [_simple(name) for name in names]
    unwanted = {_simple(name) for name in ignore}
    for name in ignore:
        if _simple(name) not in simple:
            raise ValueError(
                f"there is no joint {name!r} to ignore; there are: "
                f"{', '.join(names)}."
            )
    meaning = {key: _KNOWN[key] for key in simple if key in _KNOWN}
    known_set, own = _own_meanings(simple, meaning)
    meaning |= own
    kept, left_out, unknown, notes = {}, [], [], []
    if known_set and not unwanted >= set(own):
        said = ", ".join(f"{key} is {joint}" for key, joint in own.items())
        notes.append(f"The joints are those of {known_set}, whose {said}.")
    for column, (name, key) in enumerate(zip(names, simple, strict=True)):
        joint = None if key in unwanted else meaning.get(key)
        if joint in kept:
            raise ValueError(
                f"a category names a joint twice: {names[kept[joint]]!r} and "
                f"{name!r} are both {joint}."
            )
        if joint is not None:
            kept[joint] = column
            continue
        left_out.append(name)
        if key in unwanted:
            continue
        if key in _OWN_MEANING:
            notes.append(
                f"The joint {name!r} is left out, for it is "
                f"{_OWN_MEANING[key]}; rename it to what it is here."
            )
        else:
            unknown.append(name)
    for name in unknown:
        _check_spelling(name, kept)
    if unknown:
        notes.append(f"Joints that are left out: {', '.join(unknown)}.")
    if not kept:
        raise ValueError(
            f"none of the joints has a known name: {', '.join(names)}."
        )
    return NamedJoints(
        _body(tuple(kept)),
        tuple(kept.values()),
        tuple(left_out),
        tuple(notes),
        {key: joint for key, joint in meaning.items() if joint in kept},
    )


def _simple(name):
    """Letters and digits alone, in lower case."""
    return re.sub(r"[\W_]+", "", str(name)).casefold()


def _spellings(joint):
    """Ways to write a joint, simplified."""
    side, _, rest = joint.partition("_")
    if side not in ("left", "right"):
        return [_simple(joint)]
    rest = _simple(rest)
    return [
        spelling
        for word in (side, side[0])
        for spelling in (word + rest, rest + word)
    ]


_KNOWN = {
    spelling: joint
    for body in skeleton.SKELETONS
    for joint in body.joints
    if _simple(joint) not in _OWN_MEANING
    for spelling in _spellings(joint)
} | _EVERYWHERE


def _words(text):
    """Simplified names of a set; what ends in a dot has no sides."""
    sided = (*_SIDES.split(), "big_toe", "small_toe", "heel")
    for word in text.split():
        if word in sided:
            for side in ("left", "right"):
                yield f"{side}{_simple(word)}"
        else:
            yield _simple(word)


def _own_meanings(simple, meaning):
    """The data set, if any, and what its own names stand for here."""
    plain = {
        # However the sides are written.
        _simple(meaning[key]) if key in meaning else _side_first(key)
        for key in simple
    }
    for name, (words, own) in _SETS.items():
        if plain == set(_words(words)):
            return name, own
    if plain == {_simple(joint) for joint in skeleton.MPI_INF_3DHP17.joints}:
        return None, {"head": "head"}
    return None, {}


def _side_first(key):
    """`lbigtoe` and `bigtoeleft` as `leftbigtoe`."""
    for rest in ("bigtoe", "smalltoe", "heel"):
        for side in ("left", "right"):
            if key in _spellings(f"{side}_{rest}"):
                return side + rest
    return key


def _check_spelling(name, kept):
    """`ValueError` where a name is nearly that of a joint that is not there."""
    missing = sorted(set(_KNOWN.values()) - set(kept))
    written = re.sub(r"[\W_]+", "_", name).strip("_").casefold()
    near = difflib.get_close_matches(written, missing, 1, _TYPING_MISTAKE)
    if near:
        raise ValueError(
            f"no joint is known as {name!r}. Did you mean {near[0]}? Rename "
            "it, or name it in `ignore_joints`."
        )


def _body(joints):
    """One of our skeletons where it has these joints in this order."""
    for body in skeleton.SKELETONS:
        if joints == body.joints:
            return body
    name = "named joints"
    if set(joints) == set(skeleton.H36M17.joints):
        # In another order, but its nose and head top are Human3.6M's.
        name = skeleton.H36M17.name
    # Nobody walks this tree: mapping goes by names.
    parents = (-1, *[0] * (len(joints) - 1))
    return skeleton.Skeleton(name, joints, parents, 0)
