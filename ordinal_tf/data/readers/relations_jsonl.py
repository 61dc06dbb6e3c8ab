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

RELATIONS = {"closer": 1, "farther": -1, "equal": 0}


def read_relations(path, body, people, bad):
    """Reads a file of relations.

    Args:
        path: file.
        body: `skeleton.Skeleton` of the annotations; its joints may be named,
            and those of `skeleton.H36M17`.
        people: list of (image name, annotation id), a row each.
        bad: `labels.BadRecords`, told of each line that says nothing.

    Returns:
        dict of (row of `people`, joint a, joint b) to +1, -1 or 0, each pair
        both ways.

    Raises:
        ValueError: no text, or too many bad lines.
    """
    by_image, by_number = {}, {}
    for row, (image, number) in enumerate(people):
        by_image.setdefault(image, []).append(row)
        by_number[number] = row
    try:
        # JSON text may hold line separators that `splitlines` would cut at.
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}") from error
    names = (*body.joints, *skeleton.H36M17.joints)
    given = {}
    for count, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row, a, b, sign = _relation(
                line, names, people, by_image, by_number
            )
            if given.get((row, a, b), sign) != sign:
                raise ValueError(f"an earlier line says otherwise of {a}, {b}.")
        except (ValueError, TypeError, RecursionError) as error:
            bad.skip(f"line {count} of {path}: {error}")
            continue
        given[row, a, b], given[row, b, a] = sign, -sign
    return given


def _relation(line, names, people, by_image, by_number):
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
    sign = RELATIONS[content["relation"]]
    a, b = content["a"], content["b"]
    for joint in (a, b):
        if joint not in names:
            near = difflib.get_close_matches(str(joint), names, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(f"there is no joint {str(joint)[:40]!r}.{hint}")
    if a == b:
        raise ValueError(f"a and b are both {a}.")
    return _which_person(content, people, by_image, by_number), a, b, sign


def _which_person(content, people, by_image, by_number):
    rows = by_image.get(content["image"])
    if rows is None:
        raise ValueError(
            f"nobody is annotated in a picture {content['image']!r}."
        )
    if "person" in content:
        row = by_number.get(content["person"])
        if row is None or people[row][0] != content["image"]:
            raise ValueError(
                f"no annotation of {content['image']} has the id "
                f"{content['person']}."
            )
        return row
    if len(rows) > 1:
        raise ValueError(
            f"{content['image']} shows {len(rows)} people; say which, with "
            f'"person": {people[rows[0]][1]} for the first.'
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
