"""What one person does in one video: the rows of a table put in order.

A photograph is a video of one frame.
"""

import dataclasses

import numpy as np

from ordinal_tf.data.files import video

# Seconds of a frame where there is but one.
_STILL = 1 / 30
# A frame this near to its place, in frames, is taken to be there.
_JITTER = 0.25


@dataclasses.dataclass(frozen=True)
class Track:
    """One person from the first frame to the last in which it was found.

    Attributes:
        source: str, name of the photograph or video.
        person: int, as in the table; without that column the row's number
            among those of its picture.
        times: `(T,)` seconds from the video's start.
        poses: `(T, 17, 3)` float64 mm, x right, y down, z away; NaN in frames
            in which the person was not found.
        absolute: bool, poses are from the camera, else from the pelvis.
        frame_s: float, seconds from a frame to the next one, as a rule.
    """

    source: str
    person: int
    times: np.ndarray
    poses: np.ndarray
    absolute: bool
    frame_s: float

    @property
    def seen(self):
        """`(T,)` bool, the frames in which the person was found."""
        return np.isfinite(self.poses).all((1, 2))


def split(table):
    """list of the `Track`s of a table, see `formats`, by their first rows.

    A person's poses are absolute where those of all of its rows are known.
    """
    split_names = [video.split_path(name) for name in table["image"].tolist()]
    rows, clocks = {}, {}
    for row, (source, frame) in enumerate(split_names):
        person = _person(table, row, rows, source, frame)
        rows.setdefault((source, person), []).append((frame or 0, row))
        time = 0.0 if frame is None else float(table["time"][row])
        clocks.setdefault(source, {})[frame or 0] = time
    return [
        _track(table, source, person, its, clocks[source])
        for (source, person), its in rows.items()
    ]


def _person(table, row, rows, source, frame):
    if "person" in table:
        return int(table["person"][row])
    # The first person that this picture has no row of yet.
    person = 0
    while (frame or 0) in [f for f, _ in rows.get((source, person), [])[-1:]]:
        person += 1
    return person


def _track(table, source, person, rows, clock):
    """Rows are `(frame, row)`, the clock the time of every known frame."""
    frames, indices = np.array(sorted(rows)).T
    all_frames = np.array(sorted(clock))
    all_times = np.array([clock[frame] for frame in sorted(clock)])
    steps = np.diff(all_frames)
    step = int(np.gcd.reduce(steps)) if len(steps) else 1
    rate = np.diff(all_times) / steps if len(steps) else np.array([_STILL])
    grid = np.arange(frames[0], frames[-1] + 1, step)
    camera = table.get("pose_camera")
    absolute = camera is not None and bool(np.isfinite(camera[indices]).all())
    poses = np.full((len(grid), *table["pose"].shape[1:]), np.nan)
    chosen = camera if absolute else table["pose"]
    poses[(frames - frames[0]) // step] = chosen[indices]
    return Track(
        source=source,
        person=person,
        times=np.interp(grid, all_frames, all_times),
        poses=poses,
        absolute=absolute,
        frame_s=max(step * float(np.median(rate)), 1e-3),
    )


def steady(track):
    """`(N, 17, 3)` float64 poses, `track.frame_s` apart, without gaps.

    Between frames they are interpolated: where the person was not found, and
    where a video's rate varies.
    """
    seen = track.seen
    places = (track.times - track.times[0]) / track.frame_s
    whole = np.round(places)
    places = np.where(np.abs(places - whole) < _JITTER, whole, places)[seen]
    count = int(np.round(places[-1])) + 1
    flat = track.poses[seen].reshape(len(places), -1)
    grid = np.arange(count)
    filled = [np.interp(grid, places, column) for column in flat.T]
    return np.stack(filled, axis=-1).reshape(count, *track.poses.shape[1:])


def up_and_towards(points):
    """Camera axes `(..., 3)` turned so that y is up, z towards the camera."""
    return points * np.array([1.0, -1.0, -1.0])
