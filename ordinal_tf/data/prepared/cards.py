"""Cards of prepared datasets: what they say, and the contact sheet."""

import dataclasses

import numpy as np

from ordinal_tf import drawing, skeleton
from ordinal_tf.data.prepared import cutouts


@dataclasses.dataclass(frozen=True)
class About:
    """What a dataset's labels do not say about themselves.

    Attributes:
        title: str, the dataset's full name and year.
        licence: str, in a few words.
        source: `skeleton.Skeleton` that was labelled.
        left_out: dict of reason to number of what the dataset has and is not
            prepared.
        notes: sentences on what the reader had to decide.
    """

    title: str
    licence: str
    source: skeleton.Skeleton
    left_out: dict = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()


def describe(about):
    """The card's entries on title, licence, joints and what is left out."""
    to_body = skeleton.mapping(about.source, skeleton.H36M17)
    names = np.array(skeleton.H36M17.joints)
    return {
        "title": about.title,
        "licence": about.licence,
        "joints": {
            "skeleton": skeleton.H36M17.name,
            "names": names.tolist(),
            "from": about.source.name,
            "labelled": list(about.source.joints),
            "approximate": names[to_body.approximate].tolist(),
            "missing": names[~to_body.mask].tolist(),
        },
        "left_out": dict(about.left_out),
        "notes": list(about.notes),
    }


# Masks whose coverage the card lists, joint by joint.
_COUNTED = ("keypoint_mask", "depth_mask", "pose_mask", "visible_mask")
_SIGNS = ("nearer", "equal", "farther")
_SHOWN = 1.4  # Side of what the sheet shows, in sides of the box.
# Where chests face: along the camera's axes x, y and z, or against them.
VIEWS = ("to the right", "down", "away", "to the left", "up", "to the camera")


def add_to_note(note, record, *, length, picture):
    """Notes one more person of a shard, as JSON keeps it.

    Args:
        note: dict, empty before the first person; changed.
        record: `records.FIELDS` dict.
        length: int, bytes of the serialized record.
        picture: int, see `records.picture_number`.
    """
    listed = {
        "length": length,
        "picture": picture,
        "size": record["size"].tolist(),
        "side": round(float(record["box"][2]), 2),
    }
    for key, value in listed.items():
        note.setdefault(key, []).append(value)
    signs = record["relation"][np.triu(record["relation_mask"], k=1)]
    views = np.zeros(len(VIEWS), int)
    if record["pose_mask"].all():
        views[view(record["pose"])] = 1
    counted = {
        **{key: record[key] for key in _COUNTED},
        "camera": record["camera"].any(),
        "seen": record["visible"] & record["visible_mask"],
        "views": views,
        "relations": [
            len(signs) > 0,
            *((signs == s).sum() for s in (1, 0, -1)),
        ],
    }
    for key, value in counted.items():
        note[key] = np.add(note.get(key, 0), value, dtype=int).tolist()


def view(pose):
    """Where a chest faces, as an index of `VIEWS`; `(17, 3)` in camera axes."""
    left, right, thorax, pelvis = (
        pose[skeleton.H36M17.index(joint)]
        for joint in ("left_hip", "right_hip", "thorax", "pelvis")
    )
    chest = np.cross(left - right, thorax - pelvis)
    axis = int(np.abs(chest).argmax())
    return axis if chest[axis] > 0 else 3 + axis


def statistics(notes):
    """The card's counts, coverage and sizes.

    Args:
        notes: list of dicts of `add_to_note`, one a shard.

    Returns:
        dict, fit for JSON.
    """
    notes = [note for note in notes if "length" in note]
    joints = skeleton.H36M17.joints

    def pooled(key):
        return [value for note in notes for value in note[key]]

    def summed(key):
        return np.sum([note[key] for note in notes], axis=0)

    def by_joint(counts, of):
        return dict(zip(joints, np.round(counts / of, 4).tolist(), strict=True))

    total = len(pooled("length"))
    known = {key: summed(key) for key in _COUNTED}
    seen, views = summed("seen"), summed("views").tolist()
    people, *signs = summed("relations").tolist()
    height, width = np.array(pooled("size")).T
    return {
        "records": total,
        "pictures": len(set(pooled("picture"))),
        "coverage": {
            key.removesuffix("_mask"): by_joint(counts, total)
            for key, counts in known.items()
            if counts.any()
        },
        # Of those of whom it is known.
        "seen": by_joint(seen, np.maximum(known["visible_mask"], 1))
        if seen.any()
        else {},
        "views": dict(zip(VIEWS, views, strict=True)) if any(views) else {},
        "cameras": int(summed("camera")),
        "relations": {
            "people": people,
            **dict(zip(_SIGNS, signs, strict=True)),
            "pairs": sum(signs),
        },
        "width": _spread(width),
        "height": _spread(height),
        "box_side": _spread(pooled("side")),
        "record_bytes": _spread(pooled("length")),
    }


def _spread(values):
    low, middle, high = np.quantile(values, [0, 0.5, 1])
    return {"least": float(low), "median": float(middle), "most": float(high)}


def contact_sheet(prepared, *, count=24, seed=0):
    """Draws random people of a prepared set.

    Args:
        prepared: `reading.PreparedSet`.
        count: int, how many.
        seed: int, which ones.

    Returns:
        uint8 `(H, W, 3)` RGB.

    Raises:
        ValueError: a record is damaged.
    """
    rows = np.random.default_rng(seed).permutation(len(prepared))[:count]
    tiles = [draw_record(prepared.read(row)) for row in np.sort(rows)]
    return drawing.contact_sheet(tiles, columns=6, tile_height=240)


def draw_record(record):
    """uint8 RGB: the person of a record, with labels and relations."""
    image = cutouts.decode(record["image"])
    centre, half = record["box"][:2], _SHOWN * record["box"][2] / 2
    height, width = image.shape[:2]
    low = np.maximum(np.floor(centre - half), 0).astype(int)
    high = np.minimum(np.ceil(centre + half) + 1, (width, height)).astype(int)
    if np.any(high <= low):  # The box is not in the picture, which shows it.
        low, high = np.zeros(2, int), np.array((width, height))
    return drawing.draw_labels(
        image[low[1] : high[1], low[0] : high[0]],
        record["keypoints"] - low,
        record["keypoint_mask"],
        relations=record["relation"] if record["relation_mask"].any() else None,
        relation_mask=record["relation_mask"],
    )


def text(card):
    """A card for people to read, in some twenty lines."""
    joints = card["joints"]
    size = sum(shard["bytes"] for shard in card["shards"])
    lines = {
        "dataset": f"{card['name']}: {card['title']}",
        "licence": card["licence"],
        "people": f"{card['records']} in {card['pictures']} pictures, "
        f"{len(card['skipped'])} skipped",
        "left out": _counts(card.get("left_out", {})),
        "files": f"{len(card['shards'])} shards, {size / 1e6:.1f} MB",
        "pictures": f"{_shown(card['width'])} x {_shown(card['height'])} px",
        "box side": f"{_shown(card['box_side'])} px",
        "joints": f"labelled as {joints['from']}; approximate: "
        f"{', '.join(joints['approximate']) or 'none'}; missing: "
        f"{', '.join(joints['missing']) or 'none'}",
        "cameras": f"of {card['cameras']} people",
        "relations": _relations(card),
        "facing": _shares(card["views"]),
        "made by": f"ordinal_tf {card['code_version']}",
        "options": ", ".join(f"{k}={v}" for k, v in card["options"].items()),
    }
    shown = [f"{key:10} {value}" for key, value in lines.items()]
    shown += [f"{'note':10} {note}" for note in card.get("notes", ())]
    columns = dict(card["coverage"])
    if card["seen"]:
        columns["seen"] = card["seen"]
    shown += ["", f"{'% labelled':15}" + "".join(f"{n:>10}" for n in columns)]
    for joint in joints["names"]:
        shares = [100 * column[joint] for column in columns.values()]
        shown.append(f"{joint:15}" + "".join(f"{s:10.1f}" for s in shares))
    return "\n".join(shown)


def _relations(card):
    found = card["relations"]
    if not found["pairs"] and "depth" in card["coverage"]:
        return "none annotated; training derives them from the depths"
    shares = _shares({key: found[key] for key in _SIGNS})
    return f"{found['pairs']} pairs of {found['people']} people: {shares}"


def _counts(counts):
    return ", ".join(f"{n} {key}" for key, n in counts.items()) or "nothing"


def _shares(counts):
    total = max(sum(counts.values()), 1)
    shares = [f"{100 * n / total:.1f} % {key}" for key, n in counts.items()]
    return ", ".join(shares) or "unknown"


def _shown(spread):
    return " / ".join(f"{spread[k]:g}" for k in ("least", "median", "most"))
