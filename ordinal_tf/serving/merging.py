"""Requests that share one run of the model: put together, taken apart.

Rows of `serving_default` and of `photos` do not know of each other, so those
of several requests can run at once. A request to `photo` becomes a row of
`photos` where the model has that signature.
"""

import dataclasses

import numpy as np

_CROPS, _PHOTO, _PHOTOS = "serving_default", "photo", "photos"


@dataclasses.dataclass(frozen=True)
class Work:
    """One request in the form in which it runs.

    Attributes:
        signature: str, the one to run.
        inputs: dict of arrays.
        group: hashable; works of one group, and one model, can share a run.
            None for a work that runs alone.
        rows: int, along the first axis of every input and output.
        cost: int, crops that go through the network.
        people: int, rows of `boxes` in each picture; None for crops.
        one: bool, the request asked for `photo`: its outputs lack the axis of
            the pictures.
    """

    signature: str
    inputs: dict
    group: tuple | None = None
    rows: int = 1
    cost: int = 1
    people: int | None = None
    one: bool = False


def plan(signatures, name, inputs):
    """How to run a request.

    Args:
        signatures: dict of `model.Signature` by name, what the model has.
        name: str, the one that the request asked for.
        inputs: dict of arrays that fit it.

    Returns:
        `Work`.
    """
    if name == _PHOTO and _PHOTOS in signatures and len(inputs["boxes"]):
        # Without boxes the graph looks for the person, which takes two
        # passes; the `photos` signature is not asked to.
        count = np.array([len(inputs["boxes"])], np.int32)
        row = {
            "photos": inputs["photo"],
            "boxes": inputs["boxes"][None],
            "counts": count,
        }
        return dataclasses.replace(plan(signatures, _PHOTOS, row), one=True)
    if name == _PHOTOS:
        rows, people = inputs["boxes"].shape[:2]
        if rows and people:
            cost = int(inputs["counts"].sum())
            return Work(name, inputs, (name,), rows, cost, people)
    if name == _CROPS and set(inputs) == {"image"} and len(inputs["image"]):
        rows, *shape = inputs["image"].shape
        return Work(name, inputs, (name, *shape), rows, rows)
    return Work(name, inputs)


def merge(works):
    """Inputs of one run for works of one group."""
    if len(works) == 1:
        return works[0].inputs
    most = max(work.people or 0 for work in works)
    parts = [_padded(work, most) for work in works]
    return {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
    }


def _padded(work, most):
    """Inputs with as many rows of `boxes` a picture as all others have."""
    if work.people in (None, most):
        return work.inputs
    # What `counts` leaves out is not read, so zeros cost nothing.
    missing = [(0, 0), (0, most - work.people), (0, 0)]
    return {**work.inputs, "boxes": np.pad(work.inputs["boxes"], missing)}


def split(outputs, works):
    """List of the outputs of each work, of those of their run."""
    if len(works) == 1:
        return [_finish(outputs, works[0])]
    ends = np.cumsum([work.rows for work in works])[:-1]
    parts = {name: np.split(value, ends) for name, value in outputs.items()}
    return [
        _finish({name: part[i] for name, part in parts.items()}, work)
        for i, work in enumerate(works)
    ]


def _finish(outputs, work):
    if work.people is not None:
        outputs = {k: value[:, : work.people] for k, value in outputs.items()}
    if work.one:
        outputs = {k: value[0] for k, value in outputs.items()}
    return outputs
