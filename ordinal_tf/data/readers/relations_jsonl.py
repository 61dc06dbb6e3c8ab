"""Depth relations that people write down, one JSON object a line.

    {"image": "NAME.jpg", "a": "left_wrist", "b": "right_knee",
     "relation": "closer"}

(on one line). `relation` is "closer", "farther" or "equal": what joint a is,
seen from the camera, compared with joint b; "equal" is within about 10 cm.
Where a picture shows several people, `"person"` is the `id` of one's
annotation. Empty lines are skipped.
"""

import difflib
import json

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.files import text
from ordinal_tf.data.readers import ids, picture_names

RELATIONS = {"closer": 1, "farther": -1, "equal": 0}


def read_relations(path, joints, people, bad):
    """Reads a file of relations.

    Args:
        path: file.
        joints: `joint_names.NamedJoints` of the annotations; these may be
            named, and those of `skeleton.H36M17`.
        people: list of (image name, annotation id or None), one a row.
        bad: `labels.BadRecords`, told of each line that says nothing, and of
            those on joints that are left out.

    Returns:
        dict of (row, joint a, joint b) to +1, -1 or 0, each pair both ways.

    Raises:
        ValueError: it is no text, or has too many bad lines.
    """
    shown = _People(people)
    given = {}
    # JSON text may hold line separators that `splitlines` would cut at.
    for count, line in enumerate(text.read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            content = _content(line)
            a, b = (_joint(content[key], joints) for key in "ab")
            if a is None or b is None:
                bad.leave_out("relations of joints that are left out")
                continue
            if a == b:
                raise ValueError(f"a and b are both {a}.")
            row = shown.find(content["image"], content.get("person"))
            sign = RELATIONS[content["relation"]]
            if given.get((row, a, b), sign) != sign:
                raise ValueError(f"an earlier line says otherwise of {a}, {b}.")
        except (ValueError, TypeError, RecursionError) as error:
            bad.skip(
                f"line {count} of {path}: {error}",
                kind="bad lines of relations, each named",
            )
            continue
        given[row, a, b], given[row, b, a] = sign, -sign
    return given


def _content(line):
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("each line must be a JSON object.")
    missing = {"image", "a", "b", "relation"} - set(content)
    unknown = set(content) - {"image", "a", "b", "relation", "person"}
    if missing or unknown:
        raise ValueError(
            "it needs image, a, b and relation, and may have person."
            + (f" Missing: {', '.join(sorted(missing))}." if missing else "")
            + (f" Unknown: {', '.join(sorted(unknown))}." if unknown else "")
        )
    if content["relation"] not in list(RELATIONS):
        raise ValueError(
            "`relation` must be closer, farther or equal. Found: "
            f"{str(content['relation'])[:40]!r}."
        )
    return content


def _joint(name, joints):
    """The joint that a name stands for; None where it is left out."""
    joint = joints.find(name) if isinstance(name, str) else None
    names = (*joints.body.joints, *skeleton.H36M17.joints)
    if joint in names:
        return joint
    if name in joints.left_out:
        return None
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(f"there is no joint {str(name)[:40]!r}.{hint}")


class _People:
    """Who is meant by a picture's name and, maybe, an id."""

    def __init__(self, people):
        self._people = people
        self._rows, self._bare, self._by_number = {}, {}, {}
        for row, (image, number) in enumerate(people):
            path = picture_names.plain(image)
            self._rows.setdefault(path, []).append(row)
            self._bare.setdefault(picture_names.bare(image), set()).add(path)
            self._by_number[number] = row

    def find(self, image, person):
        """Row of a person; `ValueError` where nobody, or who, is not clear."""
        path = picture_names.plain(image) if isinstance(image, str) else None
        if path not in self._rows:
            # The bare name is enough where one picture has it.
            same = self._bare.get(picture_names.bare(path or ""), set())
            path = next(iter(same)) if len(same) == 1 else None
        if path is None:
            raise ValueError(f"nobody is annotated in a picture {image!r}.")
        rows = self._rows[path]
        if person is not None:
            row = self._by_number.get(ids.by_value(person))
            if row not in rows:
                raise ValueError(
                    f"no annotation of {image} has the id {person}."
                )
            return row
        if len(rows) > 1:
            raise ValueError(
                f"{image} shows {len(rows)} people; say which, with "
                f'"person": {self._people[rows[0]][1]} for the first.'
            )
        return rows[0]


def map_relations(given, body, count):
    """Relations of `skeleton.H36M17` from named ones, derived ones included.

    Args:
        given: what `read_relations` returns.
        body: `skeleton.Skeleton` of the annotations.
        count: int, N people.

    Returns:
        `(N, K, K)` int8, antisymmetric, and their symmetric bool mask.
    """
    to_ours = skeleton.mapping(body, skeleton.H36M17)
    theirs = np.zeros((count, len(body), len(body)), np.int8)
    theirs_mask = np.zeros(theirs.shape, bool)
    for (row, a, b), sign in given.items():
        if a in body.joints and b in body.joints:
            place = row, body.index(a), body.index(b)
            theirs[place], theirs_mask[place] = sign, True
    relation, mask = to_ours.relations(theirs, theirs_mask)
    ours = skeleton.H36M17
    for (row, a, b), sign in given.items():
        # What is said of one of our joints goes before what follows of it.
        if a in ours.joints and b in ours.joints:
            place = row, ours.index(a), ours.index(b)
            relation[place], mask[place] = sign, True
    return relation, mask
