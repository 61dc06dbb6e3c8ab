"""What several people said of a folder of pictures, and what to ask next.

Everything is a line of the journal, of one of three kinds:

    {"who": "anna", "image": "a.jpg", "joints": [[x, y, v], ...], "at": ...}
    {"who": "anna", "image": "a.jpg", "a": "left_knee", "b": "neck",
     "relation": "closer", "at": ...}
    {"who": "anna", "undo": true, "at": ...}

Joints belong to the picture, in the order of `sorting.JOINTS`, with v as in
COCO: 2 visible, 1 hidden, 0 not placed. Relations are of the one who gives
them, and the last two kinds are about them alone.
"""

import collections
import itertools
import math
import time

from ordinal_tf.annotation import agreement, sorting
from ordinal_tf.data.readers.relations_jsonl import RELATIONS

WORDS = {sign: word for word, sign in RELATIONS.items()}
_LONGEST_NAME = 40


class Conflict(Exception):
    """Somebody else changed the same thing in the meantime; says who."""


class Project:
    """See the module; `annotators` and `joints` are for reading only.

    Attributes:
        names: list of str, the pictures.
        joints: dict of picture to 14 lists x, y, v; of those placed already,
            in the order in which they first were.
        annotators: dict of person to dict of picture to dict of pairs (a, b)
            to +1, -1 or 0, the last answer last.
    """

    def __init__(self, names, journal, *, given=None, group=50):
        """Replays a journal.

        Args:
            names: pictures, in the order in which they are shown.
            journal: `journal.Journal`.
            given: dict of picture to joints that are known from elsewhere.
            group: int, so many pictures are asked about the same pair.

        Raises:
            ValueError: an entry says nothing of these pictures; names it.
        """
        self.names = list(names)
        self.joints = dict(given or {})
        self.annotators = {}
        self._group = group
        self._journal = journal
        self._places = {name: [] for name in self.names}
        self._history = collections.defaultdict(list)
        self._tasks = {}  # Found already, until something changes them.
        for number, entry in enumerate(journal.entries, start=1):
            try:
                self._check(entry)
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"line {number} of {journal.path}: {error}"
                ) from error
            self._apply(entry)

    def place(self, who, image, joints, revision):
        """Sets the joints of a picture.

        Args:
            who: str, the annotator.
            image: str, one of `names`.
            joints: 14 lists x, y, v.
            revision: int, `revision(image)` as it was when `who` began.

        Raises:
            ValueError: not such joints, or fewer than two placed.
            Conflict: another one has moved them since.
        """
        entry = {"who": who, "image": image, "joints": joints}
        self._check(entry)
        if self.joints.get(image) == joints and who in self._places[image][-1:]:
            return  # A page that heard no reply says the same again.
        if revision != self.revision(image):
            raise Conflict(
                f"{self._places[image][-1]} moved joints of {image} in the "
                "meantime; yours were not kept, look at these first."
            )
        self._add(entry)

    def answer(self, who, image, a, b, relation):
        """Says that joint a is "closer" than b, "farther" or "equal".

        Raises `ValueError` where there is no such picture, pair or relation.
        """
        entry = {"who": who, "image": image, "a": a, "b": b}
        entry["relation"] = relation
        self._check(entry)
        pair = sorting.JOINTS.index(a), sorting.JOINTS.index(b)
        if self.answers(who, image).get(pair) == RELATIONS[relation]:
            return  # A page that heard no reply says the same again.
        self._add(entry)

    def undo(self, who):
        """Takes a person's last answer back; returns its picture or None."""
        if not self._history[_name(who)]:
            return None
        image = self._history[who][-1][0]
        self._add({"who": who, "undo": True})
        return image

    def revision(self, image):
        """How often the joints of a picture were set."""
        return len(self._places[image])

    def task(self, who, image=None):
        """What a person is to do next, in a picture or anywhere.

        Pictures come in groups: first their joints, then pair after pair, one
        pair in all pictures that need it, which goes faster than to look for
        another pair each time (section 4.1 of the paper).

        Returns:
            dict with `kind` "joints" or "pair" and `image`, and for a pair
            its joints `a` and `b`; None where there is nothing left.
        """
        _name(who)
        if image is not None:
            return self._task_of(who, self._known(image))
        for first in range(0, len(self.names), self._group):
            group = self.names[first : first + self._group]
            tasks = [t for t in (self._task_of(who, n) for n in group) if t]
            if not tasks:
                continue
            joints = [task for task in tasks if task["kind"] == "joints"]
            if joints:
                return joints[0]
            pairs = [(task["a"], task["b"]) for task in tasks]
            last = self._history[who][-1][1:3] if self._history[who] else None
            if last not in pairs:
                last = collections.Counter(pairs).most_common(1)[0][0]
            return tasks[pairs.index(last)]
        return None

    def progress(self, who, image):
        """`sorting.Progress` of a person in a picture."""
        placed = [
            j for j, (_, _, v) in enumerate(self.joints.get(image, [])) if v
        ]
        return sorting.progress(self.answers(who, image), placed)

    def answers(self, who, image):
        """Answers of a person in a picture, the last one last."""
        return self.annotators.get(who, {}).get(image, {})

    def relations(self, image):
        """Dict of annotator to `sorting.Relations` of a picture."""
        return {
            who: sorting.relations(
                self.progress(who, image).levels, pictures[image]
            )
            for who, pictures in self.annotators.items()
            if pictures.get(image)
        }

    def report(self):
        """How far everybody is, how far they agree, and where they do not.

        Returns:
            dict that JSON can hold: `annotators` (name, answers, pictures
            finished), `agreement` (a row per two people, see
            `agreement.compare`), `contradictions` (picture, a, b, who says
            that a is closer, who says that b is).
        """
        people = sorted(self.annotators)
        found = {name: self.relations(name) for name in self.names}
        rows = []
        for first, second in itertools.combinations(people, 2):
            both = [f for f in found.values() if first in f and second in f]
            compared = agreement.compare(
                [f[first] for f in both], [f[second] for f in both]
            )
            rows.append({"first": first, "second": second, **compared})
        return {
            "pictures": len(self.names),
            "annotators": [
                {
                    "name": who,
                    "answers": sum(map(len, self.annotators[who].values())),
                    "finished": sum(
                        self._task_of(who, n) is None for n in self.names
                    ),
                }
                for who in people
            ],
            "agreement": rows,
            "contradictions": [
                {"image": n, "a": _joint(a), "b": _joint(b), "a_closer": ours}
                | {"b_closer": theirs}
                for n, given in found.items()
                for a, b, ours, theirs in agreement.contradictions(given)
            ],
        }

    def _task_of(self, who, image):
        if (who, image) not in self._tasks:
            self._tasks[who, image] = self._find_task(who, image)
        return self._tasks[who, image]

    def _find_task(self, who, image):
        if image not in self.joints:
            return {"kind": "joints", "image": image}
        question = self.progress(who, image).question
        if question is None:
            return None
        a, b = map(_joint, question)
        return {"kind": "pair", "image": image, "a": a, "b": b}

    def _add(self, entry):
        self._check(entry)
        # First on the disk: what is shown as done has been kept.
        self._journal.append({**entry, "at": round(time.time(), 3)})
        self._apply(entry)

    def _check(self, entry):
        _name(entry["who"])
        if entry.get("undo"):
            return
        self._known(entry["image"])
        if "joints" in entry:
            _check_joints(entry["joints"])
            return
        pair = entry["a"], entry["b"]
        for joint in pair:
            sorting.JOINTS.index(joint)
        if pair[0] == pair[1]:
            raise ValueError(f"a and b are both {pair[0]}.")
        if entry["relation"] not in list(RELATIONS):
            raise ValueError(
                "`relation` must be closer, farther or equal. Received: "
                f"{str(entry['relation'])[:40]!r}."
            )

    def _apply(self, entry):
        who = entry["who"]
        if entry.get("undo"):
            image, a, b, before = self._history[who].pop()
            self._tasks.pop((who, image), None)
            answers = self.annotators[who][image]
            _forget(answers, a, b)
            answers.update(before)
            return
        image = entry["image"]
        if "joints" in entry:
            self.joints[image] = entry["joints"]
            self._places[image].append(who)
            # Of those too who have looked, and answered nothing yet.
            for known in [key for key in self._tasks if key[1] == image]:
                del self._tasks[known]
            return
        a, b = entry["a"], entry["b"]
        self._tasks.pop((who, image), None)
        pictures = self.annotators.setdefault(who, {})
        answers = pictures.setdefault(image, {})
        before = _forget(answers, a, b)
        self._history[who].append((image, a, b, before))
        pair = sorting.JOINTS.index(a), sorting.JOINTS.index(b)
        answers[pair] = RELATIONS[entry["relation"]]

    def _known(self, image):
        if image not in self._places:
            raise ValueError(f"There is no picture {str(image)[:80]!r}.")
        return image


def _joint(index):
    return sorting.JOINTS.joints[index]


def _forget(answers, a, b):
    """Removes what is said of a pair, either way round, and returns it."""
    a, b = sorting.JOINTS.index(a), sorting.JOINTS.index(b)
    pairs = ((a, b), (b, a))
    return {pair: answers.pop(pair) for pair in pairs if pair in answers}


def _name(who):
    if (
        not isinstance(who, str)
        or not 0 < len(who) <= _LONGEST_NAME
        or not who.isprintable()
        or who != who.strip()
    ):
        raise ValueError(
            f"A name has 1 to {_LONGEST_NAME} letters. Received: "
            f"{str(who)[:80]!r}."
        )
    return who


def _check_joints(joints):
    count = len(sorting.JOINTS)
    if not isinstance(joints, list) or len(joints) != count:
        raise ValueError(f"`joints` must be {count} lists x, y, v.")
    for joint in joints:
        if (
            not isinstance(joint, list)
            or len(joint) != 3
            or any(type(value) not in (int, float) for value in joint)
            or not all(math.isfinite(v) and abs(v) < 1e5 for v in joint)
            or joint[2] not in (0, 1, 2)
        ):
            raise ValueError(
                "each of `joints` must be pixels x, y and v, which is 0, 1 or "
                f"2. Received: {str(joint)[:80]}."
            )
    if sum(joint[2] > 0 for joint in joints) < 2:
        raise ValueError("A person needs two joints that are placed.")
