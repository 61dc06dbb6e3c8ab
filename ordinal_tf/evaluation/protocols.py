"""The field's protocols: what each scores, of whom, and how it is averaged.

docs/evaluation.md says where each comes from and what papers do differently.
COCO's, whose figure is no mean over people, is `coco_ap`.
"""

import collections
import dataclasses
import functools
import re
from collections.abc import Callable

from ordinal_tf import skeleton
from ordinal_tf.evaluation import frame_names, measures

# Key: name in tables, unit, factor from a ratio, and whether less is better.
FIGURES = {
    "pck": ("PCK@0.2", "%", 100.0, False),
    "pckh": ("PCKh@0.5", "%", 100.0, False),
    "ordinal_accuracy": ("ordinal accuracy", "%", 100.0, False),
    "equal_close": ("equal pairs close", "%", 100.0, False),
    "mpjpe_mm": ("MPJPE", "mm", 1.0, True),
    "pa_mpjpe_mm": ("PA-MPJPE", "mm", 1.0, True),
    "n_mpjpe_mm": ("N-MPJPE", "mm", 1.0, True),
    "pck3d": ("3DPCK@150", "%", 100.0, False),
    "auc": ("AUC", "%", 100.0, False),
    "ap": ("AP", "%", 100.0, False),
    "ap50": ("AP@0.50", "%", 100.0, False),
    "ap75": ("AP@0.75", "%", 100.0, False),
    "ar": ("AR", "%", 100.0, False),
}
_POSE = ("mpjpe_mm", "pa_mpjpe_mm", "n_mpjpe_mm", "pck3d", "auc")
_H36M = ("h36m17", "h36m17_left_first", "h36m32")
_H36M_TEST = ("S9", "S11")
# Where its neck is our thorax and its head our nose. All but the last three of
# its 17 joints count: pelvis, spine and head do not.
_MPI_INF_3DHP_COUNTED = tuple(
    joint
    for joint in skeleton.H36M17.joints
    if joint not in ("pelvis", "spine", "nose")
)
_MPII_COUNTED = tuple(
    joint
    for joint in skeleton.MPII16.joints
    if joint not in ("pelvis", "thorax")
)
_LSP_AS_OURS = tuple(
    "thorax" if joint == "neck" else joint for joint in skeleton.LSP14.joints
)


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How people are scored.

    Attributes:
        name: str, of the flag.
        title: str, one line for reports.
        needs: what of "keypoints", "relation", "depth", "pose" and "head" the
            people's labels must have; a tuple inside asks for one of its own.
        uses: fields of the answers that must be there.
        figures: keys of `FIGURES`, the one that ranks people first.
        columns: function of `truth` and `found`, see `measures`.
        labelled: names of the skeletons that the data set may have; None: any.
        group: function of a picture's name, or None: no groups.
        groups: str, what the groups are called, in the plural.
        unit: function of a picture's name: people of one unit resemble each
            other, see `tally`.
        only: function of a picture's name: whether it is scored.
        joints: names in `skeleton.H36M17` that the answers must have.
    """

    name: str
    title: str
    needs: tuple
    uses: tuple
    figures: tuple
    columns: Callable
    labelled: tuple | None = None
    group: Callable | None = None
    groups: str = ""
    unit: Callable = str
    only: Callable | None = None
    joints: tuple = skeleton.H36M17.joints


_pose_columns = functools.partial(measures.pose_columns, joints=skeleton.H36M17)
_ordinal_columns = functools.partial(
    measures.ordinal_columns, joints=skeleton.H36M17
)
_pck_columns = functools.partial(
    measures.keypoint_columns,
    figure="pck",
    joints=skeleton.LSP14,
    threshold=0.2,
    reference=measures.torso,
)


def _synthetic_columns(truth, found):
    return {
        **_pose_columns(truth, found),
        **_pck_columns(truth, found),
        **_ordinal_columns(truth, found),
    }


_H36M_P1 = Protocol(
    name="h36m-p1",
    title="Human3.6M, S9 and S11, all cameras: MPJPE, root on root",
    needs=("pose",),
    uses=("pose",),
    figures=_POSE,
    columns=_pose_columns,
    labelled=_H36M,
    group=frame_names.h36m_action,
    groups="actions",
    unit=frame_names.clip,
    only=lambda name: frame_names.h36m_subject(name) in _H36M_TEST,
)
_PROTOCOLS = (
    _H36M_P1,
    dataclasses.replace(
        _H36M_P1,
        name="h36m-p2",
        title="Human3.6M, S9 and S11, all cameras: MPJPE after the best "
        "rotation, scale and translation of each pose",
        figures=("pa_mpjpe_mm", "mpjpe_mm", *_POSE[2:]),
    ),
    Protocol(
        name="humaneva",
        title="HumanEva-I: 15 joints, after the best rotation, scale and "
        "translation of each pose",
        needs=("pose",),
        uses=("pose",),
        figures=("pa_mpjpe_mm", "mpjpe_mm", "n_mpjpe_mm"),
        columns=functools.partial(
            measures.pose_columns, joints=skeleton.HUMANEVA15
        ),
        labelled=(skeleton.HUMANEVA15.name,),
        group=frame_names.humaneva_action,
        groups="subjects and actions",
        unit=frame_names.clip,
        joints=skeleton.HUMANEVA15.joints,
    ),
    Protocol(
        name="mpi-inf-3dhp",
        title="MPI-INF-3DHP, test set: 3DPCK within 150 mm and AUC over 14 "
        "joints, MPJPE over 17, as its own script",
        needs=("pose",),
        uses=("pose",),
        figures=("pck3d", "auc", "mpjpe_mm", "pa_mpjpe_mm", "n_mpjpe_mm"),
        columns=functools.partial(
            _pose_columns, strict_joints=_MPI_INF_3DHP_COUNTED
        ),
        labelled=(skeleton.MPI_INF_3DHP17.name,),
        group=frame_names.sequence,
        groups="sequences",
        unit=frame_names.block,
    ),
    Protocol(
        name="lsp",
        title="LSP: 14 joints within a fifth of the torso, left and right as "
        "the person's own",
        needs=("keypoints",),
        uses=("keypoints",),
        figures=("pck",),
        columns=_pck_columns,
        joints=_LSP_AS_OURS,
    ),
    Protocol(
        name="mpii",
        title="MPII: 14 joints within half of the head's size, which is 0.6 "
        "of the diagonal of its box",
        needs=("keypoints", "head"),
        uses=("keypoints",),
        figures=("pckh",),
        columns=functools.partial(
            measures.keypoint_columns,
            figure="pckh",
            joints=skeleton.MPII16,
            threshold=0.5,
            reference=measures.head,
            counted_joints=_MPII_COUNTED,
        ),
        labelled=(skeleton.MPII16.name,),
        joints=(*_LSP_AS_OURS, "nose"),
    ),
    Protocol(
        name="ordinal",
        title="Depth order: labelled pairs of joints whose order is right",
        needs=(("relation", "depth"),),
        uses=("ordinal_depth",),
        figures=("ordinal_accuracy", "equal_close"),
        columns=_ordinal_columns,
        joints=(),
    ),
    Protocol(
        name="synthetic",
        title="Rendered people, whose every label is exact: 2D, depth order "
        "and poses",
        needs=("keypoints", "pose"),
        uses=("keypoints", "ordinal_depth", "pose"),
        figures=(*_POSE, "pck", "ordinal_accuracy", "equal_close"),
        columns=_synthetic_columns,
    ),
)
COCO = "coco"
NAMES = tuple(sorted((*(one.name for one in _PROTOCOLS), COCO)))


def find(name, people):
    """`Protocol` of a name, as it is for these people.

    Args:
        name: str, one of `NAMES`.
        people: `people.People`.
    """
    protocol = {one.name: one for one in _PROTOCOLS}[name]
    if name == "ordinal":
        columns = functools.partial(
            _ordinal_columns, joints=_labelled_joints(people)
        )
        return dataclasses.replace(protocol, columns=columns)
    if name == "synthetic":
        unit = functools.partial(_posed_person, views=people.views)
        return dataclasses.replace(protocol, unit=unit)
    return protocol


def _labelled_joints(people):
    known = {one.name: one for one in skeleton.SKELETONS}
    joints = known.get(people.labelled, skeleton.H36M17)
    return skeleton.H36M17 if joints.name in _H36M else joints


def _posed_person(name, *, views):
    """Whom a picture shows: each is drawn `views` times in a row."""
    number = re.search(r"(\d+)\.\w+$", name)
    return str(int(number[1]) // views) if number else name


def check(protocol, people, answers=()):
    """Raises `ValueError` where data or answers cannot serve a protocol.

    Args:
        protocol: `Protocol`.
        people: `people.People`.
        answers: sequence of `answers.Answers`.
    """
    if protocol.labelled and people.labelled not in protocol.labelled:
        raise ValueError(
            f"{protocol.name} scores people labelled as "
            f"{protocol.labelled[0]}, and {people.name} is labelled as "
            f"{people.labelled}; --protocol=synthetic and --protocol=ordinal "
            "take any."
        )
    for need in protocol.needs:
        some = need if isinstance(need, tuple) else (need,)
        if not set(some) & people.knows:
            words = " or ".join(_WORDS[one] for one in some)
            raise ValueError(
                f"{protocol.name} needs {words}, and {people.name} has none"
                f"{_HINTS.get(need, '')}."
            )
    for one in answers:
        lacking = [key for key in protocol.uses if key not in one.gives]
        if lacking:
            raise ValueError(
                f"{protocol.name} scores {' and '.join(lacking)}, which "
                f"{one.name} does not give{_ANSWER_HINTS.get(lacking[0], '')}."
            )
        absent = [joint for joint in protocol.joints if joint in one.lacks]
        if absent:
            raise ValueError(
                f"{protocol.name} scores the joints {', '.join(absent)}, "
                f"which {one.name} does not have."
            )


_WORDS = {
    "keypoints": "2D joints",
    "relation": "depth relations",
    "depth": "depths",
    "pose": "3D poses",
    "head": "head boxes",
}
_HINTS = {
    "head": ": prepared people keep none, so name MPII's own release with "
    "--source"
}
_ANSWER_HINTS = {
    "pose": " (a run of tools.train has joints and their order only: export "
    "it with a reconstruction)"
}


def rows(protocol, people, *, part, wanted=None):
    """Which people a protocol scores.

    Args:
        protocol: `Protocol`.
        people: `people.People`.
        part: int, how many to read at a time.
        wanted: set of pictures' names, whole or bare, or None: all.

    Returns:
        list of int, and sentences on who is left out.

    Raises:
        ValueError: nobody is left.
    """
    if protocol.only is None and wanted is None:
        return list(range(people.count)), []
    kept, left_out, seen = [], 0, collections.Counter()
    for first in range(0, people.count, part):
        some = list(range(first, min(people.count, first + part)))
        for row, name in zip(some, people.read(some)["name"], strict=True):
            bare = re.split(r"[\\/]", name)[-1]
            fits = protocol.only is None or protocol.only(name)
            if wanted is not None:
                fits = fits and (name in wanted or bare in wanted)
            if fits:
                kept.append(row)
            else:
                left_out += 1
                seen[frame_names.h36m_subject(name) or bare] += 1
    if not kept:
        some = ", ".join(name for name, _ in seen.most_common(3))
        raise ValueError(
            f"{protocol.name} scores nobody of {people.name}: it has {some}, "
            + (
                f"and scored are {' and '.join(_H36M_TEST)}."
                if protocol.only
                else "and none of the pictures that --names lists."
            )
        )
    notes = []
    if left_out:
        why = " and by --names" if wanted is not None else ""
        notes.append(
            f"{left_out} of {people.count} people are left out by the "
            f"protocol{why}."
        )
    return kept, notes
