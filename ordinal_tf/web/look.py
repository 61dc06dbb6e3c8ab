"""The server of a page to look with: a photograph in, people out.

Nothing that is sent is kept.
"""

import asyncio
import io
import json

from starlette import concurrency, responses, routing

from ordinal_tf import skeleton
from ordinal_tf.data.files import photos
from ordinal_tf.web import pages


def make_app(models, *, host, body_bytes=16 * 2**20, pixels=40_000_000):
    """The application.

    Args:
        models: dict of name to `inference.predictor.Predictor`, the first one
            is shown first.
        host: str, see `pages.make_app`.
        body_bytes, pixels: ints, the most that a picture may take, and have
            once decoded.
    """
    one = asyncio.Lock()  # A model keeps all cores busy.

    async def about(request):
        return responses.JSONResponse(
            {
                "models": list(models),
                "joints": skeleton.H36M17.joints,
                "bones": skeleton.H36M17.bones,
            }
        )

    async def predict(request):
        name = request.query_params.get("model")
        if name not in models:
            raise ValueError(f"There is no model {str(name)[:80]!r}.")
        boxes = _boxes(request.query_params.get("boxes"))
        kind = "application/octet-stream"
        data = await pages.read_body(request, body_bytes, kind)
        async with one:
            found = await concurrency.run_in_threadpool(
                _predict, models[name], data, boxes, pixels
            )
        return responses.JSONResponse(found)

    return pages.make_app(
        "look.html",
        [
            routing.Route("/api/about", about),
            routing.Route("/api/predict", predict, methods=["POST"]),
        ],
        host=host,
    )


def _boxes(text):
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"`boxes` is not JSON: {error}.") from error


def _predict(predictor, data, boxes, pixels):
    file = io.BytesIO(data)
    file.name = "your picture"  # As messages call it.
    image = photos.read_photo(file, max_pixels=pixels)
    found = predictor.predict(image, boxes)
    rows = {name: value.tolist() for name, value in found.items()}
    return {
        "width": image.shape[1],
        "height": image.shape[0],
        "people": [
            {name: values[row] for name, values in rows.items()}
            for row in range(len(rows["box"]))
        ],
    }
