"""Small data sets with COCO keypoints for tests."""

import json

import numpy as np

from ordinal_tf import skeleton
from tests import lsp_files

COCO = skeleton.COCO17
_SIZE = (64, 80)


def standing(count=1):
    """`(count, 17, 2)` people in COCO's order, each a pixel further right."""
    face = {"eye": (0.02, 0.04), "ear": (0.04, 0.05)}
    places = []
    for joint in COCO.joints:
        side, _, rest = joint.partition("_")
        if joint == "nose":
            places.append((0.5, 0.06))
        elif rest in face:
            x, y = face[rest]
            places.append((0.5 + (x if side == "left" else -x), y))
        else:
            places.append(tuple(lsp_files.standing([joint])[0]))
    points = np.array(places) * 0.8 * min(_SIZE) + 4
    return points + np.arange(count)[:, None, None] * [1, 0]


def annotation(number, image, points, *, visible=2, **more):
    """One entry of `annotations`; `visible` is v, for all or one a joint."""
    v = np.broadcast_to(visible, len(points))
    triples = np.column_stack([points, v]) * (v[:, None] > 0)
    low, size = points.min(0), np.ptp(points, axis=0)
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "num_keypoints": int((v > 0).sum()),
        "keypoints": [float(x) for x in triples.ravel()],
        "bbox": [float(x) for x in (*low, *size)],
        "area": float(size.prod()),
    } | more


def content(count=2, *, joints=COCO.joints):
    """What `annotations.json` of `count` pictures with a person each holds."""
    rows = [
        {
            "id": 100 + k,
            "file_name": f"photo{k}.jpg",
            "width": _SIZE[1],
            "height": _SIZE[0],
        }
        for k in range(count)
    ]
    category = {
        "id": 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(joints),
        "skeleton": [],
    }
    people = [
        annotation(k + 1, 100 + k, points)
        for k, points in enumerate(standing(count))
    ]
    return {"images": rows, "annotations": people, "categories": [category]}


def write(folder, data, *, relations=None):
    """Writes pictures, `annotations.json` and `relations.jsonl`.

    Args:
        folder: path, made here.
        data: what `content` returns.
        relations: list of dicts, or of lines of text.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    points = standing(len(data["images"]))
    for row, place in zip(data["images"], points, strict=True):
        picture = lsp_files.draw(place, _SIZE, seed=row["id"])
        lsp_files.write_picture(images / row["file_name"], picture)
    save(folder, data, relations=relations)
    return folder


def save(folder, data, *, relations=None):
    folder.joinpath("annotations.json").write_text(json.dumps(data))
    if relations is not None:
        lines = [
            line if isinstance(line, str) else json.dumps(line)
            for line in relations
        ]
        folder.joinpath("relations.jsonl").write_text("\n".join(lines) + "\n")
