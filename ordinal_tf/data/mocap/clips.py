"""Motion-capture clips as the 17 joints of `skeleton.H36M17`, in mm.

Skeletons (BVH, ASF/AMC) go through `skeleton_body`, markers (C3D) through
`marker_body`, arrays (.npz, Human3.6M's .cdf) through `arrays`. Names tell
which joint is which; the unit and the way up follow from the body, and what is
no person is refused: see `person`. Hips lie 6.5 cm (Bandai), 9 cm (CMU) or 12
to 13 cm (Human3.6M) from the middle: systems place them differently, and no
rule by name mends that.
"""

import contextlib
import dataclasses
import pathlib

import numpy as np

from ordinal_tf.data.mocap import (
    arrays,
    asf_amc,
    bvh,
    c3d,
    joint_names,
    marker_body,
    motion,
    person,
    skeleton_body,
)
from ordinal_tf.data.readers import labels, plausible


@dataclasses.dataclass(frozen=True)
class Clip:
    """One recording of one person.

    Attributes:
        name: path below the folder that was read, without the suffix; it
            decides on which side of a split the clip falls.
        fps: float, frames per second.
        poses: `(T, 17, 3)` float32, mm, world axes with y up.
        understood: how the file was read; None where it was no file.
    """

    name: str
    fps: float
    poses: np.ndarray
    understood: person.Understood | None = None


def read_clips(path, *, name=None, fps=None):
    """Reads a `.bvh`, `.c3d`, `.cdf`, `.npz`, or `.amc` with its `.asf` beside.

    Args:
        path: file.
        name: str, the clip's name; the file's, without suffix, where None.
            Clips of a file with several get "/" and their own name behind it.
        fps: float, frames per second to keep; all frames where None.

    Returns:
        List of `Clip`.

    Raises:
        ValueError: one sentence with file, place and fix, when the file is
            damaged, of another kind, lacks joints, or shows no person of 1
            to 2.5 m.
    """
    path = pathlib.Path(path)
    name, suffix = name or path.stem, path.suffix.lower()
    if suffix not in _READERS:
        raise ValueError(
            f"{path}: motion capture must be .bvh, or .amc with its .asf, "
            f".c3d, .cdf or .npz. Received: {suffix or 'no suffix'}."
        )
    clips = []
    for clip in _READERS[suffix](path, fps):
        own = f"{name}/{clip.name}" if clip.name else name
        clips.append(dataclasses.replace(clip, name=own))
    return clips


@contextlib.contextmanager
def _of(path):
    """Puts the file before what is wrong with the person in it."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}.") from error


def _read_bvh(path, fps):
    moved = bvh.read_bvh(path, fps=fps)
    with _of(path):
        people = joint_names.find_people(moved.joints, moved.parents)
        names = [""] if len(people) == 1 else map(str, range(1, 1000))
        return [
            _solved(name, moved, found)
            for name, found in zip(names, people, strict=False)
        ]


def _read_amc(path, fps):
    moved = asf_amc.read_amc(path, fps=fps)
    with _of(path):
        return [_solved("", moved, joint_names.find_acclaim(moved.joints))]


def _solved(name, moved, found):
    """The clip of one person of a `motion.Motion`; y is up in such files."""
    poses, toes, unit, notes, names = skeleton_body.solve(moved, found)
    notes = [*moved.notes, *notes]
    return _settled(
        name, poses, moved.fps, unit, "+Y", toes=toes, notes=notes, names=names
    )


def _read_markers(path, fps):
    read = c3d.read_c3d(path)
    with _of(path):
        people = marker_body.find_people(read.labels, read.seen)
        return [_solved_markers(read, one, len(people), fps) for one in people]


def _solved_markers(read, choice, people, fps):
    """The clip of one person of a `c3d.Markers`."""
    points, seen = marker_body.fill_gaps(read.points, read.seen, read.fps)
    solve = marker_body.joints_from_markers
    poses, toes, complete = solve(choice, points, seen)
    if not len(poses):
        raise ValueError("a marker is missing in every frame")
    notes, unit = [], read.unit
    tall = float(np.median(plausible.stature(poses)))
    if not person.LOWEST_MM <= tall <= person.HIGHEST_MM:
        tall = person.height_of_shins(poses) / c3d.MM[unit]
        unit, mm, note = person.choose_unit(tall, unit)
        points = points * mm / c3d.MM[read.unit]
        poses, toes, complete = solve(choice, points, seen)
        notes = [note]
    if not complete.all():
        notes.append(
            f"{(~complete).sum()} of {len(complete)} frames are left out, "
            f"because a marker is missing for more than "
            f"{marker_body.LONGEST_GAP_S} s"
        )
    return _settled(
        choice["prefix"] if people > 1 else "",
        poses,
        # Frames are left out, so the rate is of those that are kept.
        read.fps * complete.mean(),
        unit,
        read.up,
        toes=toes,
        notes=notes,
        names=marker_body.joint_markers(choice, read.labels),
        wanted_fps=fps,
    )


def _read_arrays(path, fps):
    clips = []
    for one in arrays.read_recordings(path):
        with _of(path):
            tall = float(np.median(plausible.stature(one.poses)))
            unit, mm, note = person.choose_unit(tall, one.unit)
            clip = _settled(
                one.name,
                one.poses * mm,
                one.fps,
                unit,
                one.up,
                toes=None if one.toes is None else one.toes * mm,
                notes=[note],
                names=one.names,
                # Without a rate these are poses, of which all are kept.
                wanted_fps=fps if one.fps else None,
            )
        clips.append(clip)
    return clips


_SKELETONS = {".bvh": _read_bvh, ".amc": _read_amc}
_READERS = {
    **_SKELETONS,
    ".c3d": _read_markers,
    ".cdf": _read_arrays,
    ".npz": _read_arrays,
}


def _settled(
    name, poses, fps, unit, up, *, toes, notes, names, wanted_fps=None
):
    """A clip of what is a person, upright.

    Args:
        poses, toes: `(T, 17, 3)` and maybe `(T, 2, 3)` mm, the file's axes.
        unit: of the file.
        up: the axis that the file or its kind says is up, or None.
        names: dict from our joints to the file's names.
        notes: list of sentences, and of None.
        wanted_fps: frames per second to keep; all where None.

    Raises:
        ValueError: these are no people of 1 to 2.5 m, or left is right.
    """
    sound = person.sound_frames(poses)
    person.check_sides(poses[sound], None if toes is None else toes[sound])
    up, note = person.choose_up(poses[sound], up)
    notes = [said for said in (*notes, note) if said]
    if not sound.all():
        notes.append(
            f"{(~sound).sum()} of {len(sound)} frames are left out, because "
            "a joint is where no person has one"
        )
    tall = float(np.median(plausible.stature(poses[sound])))
    poses = person.turn_up(poses[sound], up).astype(np.float32)
    kept, rate = motion.resample(len(poses), fps * sound.mean(), wanted_fps)
    understood = person.Understood(unit, up, tall, names, tuple(notes))
    return Clip(name, rate, poses[kept], understood)


def read_folder(folder, *, fps=10.0, skip_limit=10, report=print):
    """Reads all motion capture below a folder.

    Of a clip that is there as markers (.c3d) and as a skeleton (.amc, .bvh),
    as in the CMU database, the markers are left out.

    Args:
        folder: path.
        fps: float, frames per second to keep; a clip of a lower rate keeps
            all of its frames.
        skip_limit, report: see `labels.BadRecords`; progress is told, too.

    Returns:
        list of `Clip`, in the order of the files' names.

    Raises:
        ValueError: no clip is there, or more bad ones than the limit.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ValueError(
            f"{folder} is no folder; name the one that holds .bvh or .amc "
            "files, or others of motion capture."
        )
    paths = sorted(
        path
        for path in folder.rglob("*")
        # macOS puts a ._ file of its own beside each on foreign disks.
        if path.suffix.lower() in _READERS and not path.name.startswith("._")
    )
    solved = {
        p.with_suffix("") for p in paths if p.suffix.lower() in _SKELETONS
    }
    paths = [
        p
        for p in paths
        if p.suffix.lower() != ".c3d" or p.with_suffix("") not in solved
    ]
    if not paths:
        raise ValueError(
            f"{folder} holds no motion capture; .bvh files, .amc files with "
            "their .asf, .c3d, .cdf or .npz files were expected."
        )
    clips, bad = [], labels.BadRecords(str(folder), skip_limit, report)
    for count, path in enumerate(paths, start=1):
        name = path.relative_to(folder).with_suffix("").as_posix()
        try:
            clips += read_clips(path, name=name, fps=fps)
        except (ValueError, OSError) as error:
            bad.skip(str(error))
        if count % 50 == 0 or count == len(paths):
            frames = sum(len(clip.poses) for clip in clips)
            report(f"read {count} of {len(paths)} files, {frames} poses")
    for line in describe(clips):
        report(line)
    return clips


def describe(clips):
    """Lines that say how `Clip`s were understood, like ones together."""
    kinds, notes = {}, {}
    for clip in clips:
        found = clip.understood
        if found is None:
            continue
        joints = [
            found.names.get(f"left_{joint}", "?")
            for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
        ]
        kind = found.unit, found.up, ", ".join(joints)
        kinds.setdefault(kind, []).append(found.height_mm / 1000)
        for note in found.notes:
            notes.setdefault(note, []).append(clip.name)
    for (unit, up, joints), tall in kinds.items():
        size = f"{min(tall):.2f}"
        if max(tall) - min(tall) >= 0.01:
            size += f" to {max(tall):.2f}"
        yield (
            f"{len(tall)} clip{'s' if len(tall) > 1 else ''}: unit {unit}, up "
            f"{up}, people of {size} m; left hip to ankle and shoulder to "
            f"wrist are {joints}"
        )
    for note, names in notes.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"{names[0]}{more}: {note}"
