"""People from frame to frame of a video: who is who, and smoother motion."""

import math

import numpy as np
from scipy import optimize

from ordinal_tf import boxes

# Of a box's side, how far a joint may move to count as the same half: about
# what OKS allows of a hip.
_REACH = 0.1
# Two people are the same from this likeness on.
_SAME = 0.3
# For so long a person is looked for where they were last seen, seconds.
_PATIENCE = 0.5
# And stays where the joints' mean score is that.
_LEAST = 0.3
# Around the joints of the last frame, as boxes are.
_MARGIN = 1.25
# One-Euro: cut-off of a joint at rest, Hz; how it grows with speed, per body
# side a second; and of the speed itself.
_REST_HZ, _GROWTH, _SPEED_HZ = 1.5, 4.0, 1.0


def likeness(first, second, sides):
    """How alike two sets of people's joints are, as OKS has it.

    Args:
        first: `(P, K, 2)` pixels.
        second: `(Q, K, 2)`.
        sides: `(P,)` of the boxes of the first.

    Returns:
        `(P, Q)` in [0, 1]: the mean over joints of `exp(-d² / 2r²)`, r a
        tenth of the side.
    """
    apart = np.linalg.norm(first[:, None] - second[None], axis=-1)
    reach = np.maximum(_REACH * np.asarray(sides), 1e-6)[:, None, None]
    return np.exp(-0.5 * np.square(apart / reach)).mean(-1)


class Follower:
    """Gives the people of a video's frames numbers that stay theirs.

    Args:
        predict: function of a frame and boxes `(P, 3)`, or None for finding
            people, to a dict as `Predictor.predict` returns it, with
            `person_score`.
        smooth: bool, filter keypoints, depths and poses (One-Euro).
    """

    def __init__(self, predict, *, smooth=False):
        self._predict, self._smooth = predict, smooth
        self._tracks, self._next = {}, 0

    def __call__(self, frame, seconds, boxes=None):
        """The people of the next frame.

        Args:
            frame: as `predict` takes it.
            seconds: float, later than the last frame's.
            boxes: `(P, 3)` of the people, instead of finding them; nobody
                is looked for beside these.

        Returns:
            dict as `predict` returns it, with `person` `(P,)` int32. Of
            those who were looked for again, `person_score` is the mean of
            their joints'.
        """
        found = self._predict(frame, boxes)
        live = {
            name: track
            for name, track in self._tracks.items()
            if seconds - track["seconds"] <= _PATIENCE + 1e-6
        }
        numbers = _matched(live, found)
        lost = [name for name in live if name not in numbers]
        if lost and boxes is None:
            found, numbers = self._look_again(frame, live, lost, found, numbers)
        for row, number in enumerate(numbers):
            if number < 0:
                numbers[row], self._next = self._next, self._next + 1
        if self._smooth:
            found = self._smoothed(found, numbers, live, seconds)
        self._tracks = dict(live)
        for row, number in enumerate(numbers):
            track = {key: value[row] for key, value in found.items()}
            old = live.get(number, {})
            self._tracks[number] = {
                "filters": old.get("filters", {}),
                **track,
                "seconds": seconds,
            }
        return {**found, "person": np.array(numbers, np.int32)}

    def _look_again(self, frame, live, lost, found, numbers):
        """Adds those whom the finder missed, where they were last seen."""
        places = np.array([_around(live[name]) for name in lost], np.float32)
        again = self._predict(frame, places)
        sure = again["score"].mean(-1) >= _LEAST
        # Not who has been found already, under another number.
        like = likeness(
            again["keypoints"], found["keypoints"], again["box"][:, 2]
        )
        sure &= ~(like > _SAME).any(1)
        rows = []
        for row in np.flatnonzero(sure):
            mine = again["keypoints"][row : row + 1]
            others = again["keypoints"][rows]
            side = again["box"][row : row + 1, 2]
            if not (likeness(mine, others, side) > _SAME).any():
                rows.append(row)
        again = {**again, "person_score": again["score"].mean(-1)}
        found = {
            key: np.concatenate([value, again[key][rows]])
            for key, value in found.items()
        }
        return found, [*numbers, *(lost[row] for row in rows)]

    def _smoothed(self, found, numbers, live, seconds):
        found = {key: value.copy() for key, value in found.items()}
        for row, number in enumerate(numbers):
            filters = live.setdefault(number, {"seconds": seconds}).setdefault(
                "filters", {}
            )
            units = {"keypoints": found["box"][row, 2], "pose": 2000.0}
            for key, unit in {**units, "ordinal_depth": 1.0}.items():
                filters[key], found[key][row] = one_euro(
                    filters.get(key), found[key][row], seconds, unit=unit
                )
        return found


def one_euro(state, value, seconds, *, unit=1.0):
    """One step of the One-Euro filter: calm at rest, close when fast.

    Args:
        state: what the last step returned; None at the start.
        value: `(..., C)` array; the speed is that of the last axis.
        seconds: float, of this value.
        unit: float, a body's size in the unit of `value`.

    Returns:
        The next state, and the filtered value.

    Source: Casiez, Roussel and Vogel 2012, "1€ Filter".
    """
    if state is None:
        return (seconds, value, np.zeros_like(value)), value
    before, last, speed = state
    step = max(seconds - before, 1e-6)
    speed = speed + _share(_SPEED_HZ, step) * ((value - last) / step - speed)
    fast = np.linalg.norm(speed, axis=-1, keepdims=True) / unit
    if value.ndim == 1:
        fast = np.abs(speed) / unit
    value = last + _share(_REST_HZ + _GROWTH * fast, step) * (value - last)
    value = value.astype(last.dtype)
    return (seconds, value, speed), value


def _share(hertz, step):
    """Weight of the new value in a low-pass of that cut-off."""
    turn = 2 * math.pi * hertz * step
    return turn / (turn + 1)


def _around(track):
    """The box of a person's joints, as large as their last one was."""
    points = track["keypoints"]
    low, high = points.min(0), points.max(0)
    side = _MARGIN * (high - low).max()
    # Joints that are not seen may lie anywhere: no sudden growth.
    side = np.clip(side, 0.8 * track["box"][2], 1.25 * track["box"][2])
    return [*(low + high) / 2, side]


def _matched(live, found):
    """The number of each person found, -1 of who is new."""
    numbers = [-1] * len(found["box"])
    if not live or not numbers:
        return numbers
    names = list(live)
    like = likeness(
        np.stack([live[name]["keypoints"] for name in names]),
        found["keypoints"],
        [live[name]["box"][2] for name in names],
    )
    like += boxes.overlaps(
        boxes.rectangles([live[name]["box"] for name in names]),
        boxes.rectangles(found["box"]),
    )
    for i, j in zip(*optimize.linear_sum_assignment(-like), strict=True):
        if like[i, j] > _SAME:
            numbers[j] = names[i]
    return numbers
