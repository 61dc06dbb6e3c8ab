"""The annotator's server: a `project.Project` behind a page."""

import asyncio
import hashlib

import numpy as np
from starlette import concurrency, responses, routing

from ordinal_tf import geometry, ordinal, skeleton
from ordinal_tf.annotation import layouts, project, sorting
from ordinal_tf.data.files import photos
from ordinal_tf.web import pages

_TO_JOINTS = skeleton.mapping(skeleton.H36M17, sorting.JOINTS)

# Seen from the front, in half heights of the picture and heights of it.
_STANDING = {
    "right_ankle": (-0.15, 0.9),
    "right_knee": (-0.15, 0.7),
    "right_hip": (-0.12, 0.5),
    "left_hip": (0.12, 0.5),
    "left_knee": (0.15, 0.7),
    "left_ankle": (0.15, 0.9),
    "right_wrist": (-0.4, 0.5),
    "right_elbow": (-0.35, 0.35),
    "right_shoulder": (-0.2, 0.22),
    "left_shoulder": (0.2, 0.22),
    "left_elbow": (0.35, 0.35),
    "left_wrist": (0.4, 0.5),
    "neck": (0.0, 0.2),
    "head_top": (0.0, 0.06),
}


def make_app(told, folder, *, predictor=None, everything=False, host):
    """The application.

    Args:
        told: `project.Project`.
        folder: `pathlib.Path` with `images/`, into which results are written.
        predictor: `inference.predictor.Predictor` whose proposals a person
            confirms or not; None for no proposals.
        everything: bool, see `layouts.write`.
        host: str, see `pages.make_app`.
    """
    propose = _Proposals(folder / "images", predictor)

    async def body(request):
        joints = sorting.JOINTS
        # Pages keep what is not confirmed yet, for this folder alone.
        place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        about = {"joints": joints.joints, "bones": joints.bones}
        return about | {"project": place}

    async def photo(request):
        image = request.query_params.get("image")
        if image not in told.names:
            raise ValueError(f"There is no picture {str(image)[:80]!r}.")
        return responses.FileResponse(folder / "images" / image)

    async def task(request):
        asked = request.query_params
        who, image = asked.get("who"), asked.get("image")
        found = told.task(who, image)
        if image is not None and asked.get("kind") == "joints":
            found = {"kind": "joints", "image": image}
        elif image is not None and "a" in asked:
            found = {"kind": "pair", "image": image}
            found |= {"a": asked["a"], "b": asked.get("b")}
        return await described(who, found)

    async def answer(request):
        keys = "who", "image", "a", "b", "relation"
        who, *rest = await pages.read_json(request, *keys)
        told.answer(who, *rest)
        return await described(who, told.task(who))

    async def place(request):
        keys = "who", "image", "joints", "revision"
        who, *rest = await pages.read_json(request, *keys)
        told.place(who, *rest)
        return await described(who, told.task(who))

    async def undo(request):
        (who,) = await pages.read_json(request, "who")
        image = told.undo(who)
        return await described(who, told.task(who, image))

    async def report(request):
        return told.report()

    async def write(request):
        await pages.read_json(request)
        counts = layouts.write(folder, told, everything=everything)
        return {**counts, "folder": str(folder)}

    async def described(who, found):
        """A task with all that the page shows beside it."""
        done = sum(told.task(who, name) is None for name in told.names)
        shown = {"pictures": len(told.names), "finished": done}
        if found is None:
            return {"kind": "done", **shown}
        image = found["image"]
        revision, joints = told.revision(image), told.joints.get(image)
        shown |= {
            "revision": revision,
            "placed": joints is not None,
            "answers": len(told.answers(who, image)),
            "unsorted": told.progress(who, image).unsorted,
        }
        pair = found["kind"] == "pair" and tuple(
            sorting.JOINTS.index(found[side]) for side in "ab"
        )
        if joints is None or pair:
            points, depth = await propose(image, joints, revision)
            if joints is None:
                shown["joints"] = points
            elif depth is not None:
                signs, _ = ordinal.relations_from_depths(depth)
                sign = int(np.asarray(signs)[pair])
                shown["proposal"] = project.WORDS[sign]
        return {"joints": joints, **found, **shown}

    def route(path, function, method="GET"):
        async def reply(request):
            result = await function(request)
            if isinstance(result, responses.Response):
                return result
            return responses.JSONResponse(result)

        return routing.Route(path, reply, methods=[method])

    return pages.make_app(
        "annotate.html",
        [
            route("/api/body", body),
            route("/api/task", task),
            route("/api/report", report),
            route("/api/answer", answer, "POST"),
            route("/api/place", place, "POST"),
            route("/api/undo", undo, "POST"),
            route("/api/write", write, "POST"),
            route("/photo", photo),
        ],
        host=host,
    )


class _Proposals:
    """What the model would say of a picture; asked once for each person."""

    def __init__(self, images, predictor):
        self._images = images
        self._predictor = predictor
        self._known = {}
        self._one = asyncio.Lock()  # The model keeps all cores busy.

    async def __call__(self, image, joints, revision):
        """14 lists x, y, v, and `(14,)` depths in mm or None.

        The model looks where `joints` are placed, or finds somebody where they
        are None; `revision` is theirs.
        """
        if self._predictor is None:
            return _in_the_middle(self._images / image), None
        key = image, revision
        async with self._one:
            if key not in self._known:
                self._known[key] = await concurrency.run_in_threadpool(
                    self._predict, self._images / image, joints
                )
        return self._known[key]

    def _predict(self, path, joints):
        box = None
        if joints is not None:
            placed = np.array(joints, float)
            box = geometry.box_around(placed[:, :2], placed[:, 2] > 0)
            box = np.asarray(box)[None]
        found = self._predictor.predict(path, box)
        if not len(found["box"]):
            return _in_the_middle(path), None
        points, _ = _TO_JOINTS.points(found["keypoints"][0])
        depth, _ = _TO_JOINTS.points(found["pose"][0][:, 2:])
        return [[*point, 2] for point in points.round(1).tolist()], depth[:, 0]


def _in_the_middle(path):
    """A standing figure over the picture, to be dragged into place."""
    height, width = photos.size_of(path.read_bytes())
    return [
        [round(width / 2 + x * height / 2, 1), round(height * y, 1), 2]
        for x, y in map(_STANDING.get, sorting.JOINTS.joints)
    ]
