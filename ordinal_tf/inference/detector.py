"""Boxes of people from a detector that somebody else trained.

An ONNX or LiteRT file that takes one picture and returns boxes. What its
outputs mean is told by their shapes:

    (1, N, 4), (1, N), (1, N), (1,)   LiteRT's SSD and EfficientDet files: top,
                                      left, bottom, right in shares; class,
                                      score, count
    (N, 4) and two of (N,)            torchvision: left, top, right, bottom;
                                      score (float), class (int)
    (1, N, 5) and (1, N)              RTMDet and YOLOX with suppression: left,
                                      top, right, bottom, score; class
    (1, N, 6)                         YOLO with suppression: left, top, right,
                                      bottom, score, class
    (1, 4 + C, N)                     YOLO since 8: middle, size, classes
    (1, N, 5 + C)                     YOLO before: middle, size, object, classes
"""

import importlib.util
import pathlib

import cv2
import numpy as np

from ordinal_tf import boxes

# How pixels are handed over, where a file does not take bytes as they are.
PIXELS = {
    "unit": lambda image: image / 255.0,
    "signed": lambda image: image / 127.5 - 1.0,
    "bytes": lambda image: image,
    "bytes_bgr": lambda image: image[..., ::-1],
}
SCORE = 0.5
_OVERLAP = 0.6
_SIDE = 640  # Of files that take any.
_GREY = 114
# What coordinates stay below where they are shares of the picture.
_SHARES = 2.0


def open_detector(path, *, pixels="unit", person=0, least_score=SCORE):
    """A detector file as a function of pictures.

    Args:
        path: file, `.onnx` or `.tflite`.
        pixels: str, a key of `PIXELS`: what a float input takes.
        person: int, the number of the class of people.
        least_score: float; less sure boxes are left out.

    Returns:
        Function of uint8 RGB `(H, W, 3)` to `(P, 3)` float32 boxes: centre
        x, centre y and side, pixels of the picture.

    Raises:
        ValueError: another kind of file, a package is missing, or the file
            does not take one picture. The function raises it where the
            outputs are not understood.
    """
    path = pathlib.Path(path)
    openers = {".onnx": _open_onnx, ".tflite": _open_litert}
    if path.suffix.lower() not in openers:
        raise ValueError(f"{path} must be a detector as .onnx or .tflite file.")
    if not path.is_file():
        raise ValueError(f"There is no detector {path}.")
    run, inputs = openers[path.suffix.lower()](path)
    shape, kind = inputs[0]
    first = len(shape) == 4 and shape[1] == 3
    if len(inputs) > 1 or len(shape) != 4 or not (first or shape[3] == 3):
        raise ValueError(
            f"{path} is no detector that this program can run: it must take "
            "one picture and nothing else, [1, H, W, 3] or [1, 3, H, W]. It "
            f"takes: {', '.join(str(shape) for shape, _ in inputs)}."
        )
    sides = shape[2:] if first else shape[1:3]
    height, width = (
        s if isinstance(s, int) and s > 0 else _SIDE for s in sides
    )
    convert = PIXELS["bytes" if kind == np.uint8 else pixels]

    def detect(image):
        scale = min(height / image.shape[0], width / image.shape[1])
        small = cv2.resize(
            image,
            (
                max(1, round(image.shape[1] * scale)),
                max(1, round(image.shape[0] * scale)),
            ),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        )
        padded = np.full((height, width, 3), _GREY, np.uint8)
        padded[: small.shape[0], : small.shape[1]] = small
        given = convert(padded).astype(kind)[None]
        given = np.moveaxis(given, 3, 1) if first else given
        outputs = run(np.ascontiguousarray(given))
        rectangles, scores, classes = _understood(path, outputs)
        keep = (scores >= least_score) & (classes == person)
        rectangles, scores = rectangles[keep], scores[keep]
        keep = np.isfinite(rectangles).all(-1)
        rectangles, scores = rectangles[keep], scores[keep]
        if len(rectangles) and np.abs(rectangles).max() <= _SHARES:
            rectangles = rectangles * [width, height, width, height]
        # To the picture's pixels, whose middles are whole numbers.
        rectangles = rectangles / scale - 0.5
        kept = _suppressed(rectangles, scores)
        found = [boxes.square(*rectangles[row]) for row in kept]
        return np.array(found, np.float32).reshape(-1, 3)

    return detect


def _open_onnx(path):
    if importlib.util.find_spec("onnxruntime") is None:
        raise ValueError(
            f"{path} needs the package onnxruntime; install it with `pip "
            "install 'ordinal-tf[onnx]'`."
        )
    import onnxruntime

    # Its exceptions have no base of their own.
    try:
        session = onnxruntime.InferenceSession(
            str(path), providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise ValueError(f"{path} is no ONNX file that runs: {error}") from None
    inputs = session.get_inputs()
    return (
        lambda picture: session.run(None, {inputs[0].name: picture}),
        [
            (list(one.shape), np.uint8 if "uint8" in one.type else np.float32)
            for one in inputs
        ],
    )


def _open_litert(path):
    if importlib.util.find_spec("ai_edge_litert") is None:
        raise ValueError(
            f"{path} needs the package ai-edge-litert; install it with `pip "
            "install 'ordinal-tf[litert]'`."
        )
    from ai_edge_litert import interpreter

    try:
        engine = interpreter.Interpreter(model_path=str(path))
        engine.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path} is no LiteRT file that runs: {error}"
        ) from None
    inputs = engine.get_input_details()
    given = engine.get_output_details()

    def run(picture):
        engine.set_tensor(inputs[0]["index"], picture)
        engine.invoke()
        return [engine.get_tensor(output["index"]) for output in given]

    return run, [(one["shape"].tolist(), one["dtype"]) for one in inputs]


def _understood(path, outputs):
    """Rectangles `(N, 4)` left, top, right, bottom, scores and classes."""
    outputs = [np.asarray(output) for output in outputs]
    shapes = [output.shape for output in outputs]
    for read in (_ssd, _torchvision, _with_labels, _one_table):
        found = read(outputs, shapes)
        if found is not None:
            return found
    listed = ", ".join(str(list(shape)) for shape in shapes)
    raise ValueError(
        f"{path} has outputs that are not understood as boxes: {listed}. See "
        "docs/finding.md for the layouts that are; --boxes takes the boxes "
        "of any program from a file."
    )


def _ssd(outputs, shapes):
    tables = [i for i, s in enumerate(shapes) if len(s) == 3 and s[2] == 4]
    if len(outputs) != 4 or len(tables) != 1:
        return None
    (at,) = tables
    count = shapes[at][1]
    flat = [i for i, shape in enumerate(shapes) if shape == (1, count)]
    if count == 1 or len(flat) != 2:
        return None
    # Files differ in their order; classes are whole numbers, scores are not.
    first, second = (outputs[i][0] for i in flat)
    whole = [bool((v == np.round(v)).all()) for v in (first, second)]
    if whole == [False, True]:
        first, second = second, first
    rectangles = outputs[at][0][:, [1, 0, 3, 2]]
    return rectangles, second, np.round(first)


def _torchvision(outputs, shapes):
    tables = [i for i, s in enumerate(shapes) if len(s) == 2 and s[1] == 4]
    if len(outputs) != 3 or len(tables) != 1:
        return None
    (at,) = tables
    rest = [output for i, output in enumerate(outputs) if i != at]
    kinds = [np.issubdtype(output.dtype, np.integer) for output in rest]
    if sorted(kinds) != [False, True] or any(o.ndim != 1 for o in rest):
        return None
    classes, scores = rest if kinds[0] else rest[::-1]
    return outputs[at], scores, classes


def _with_labels(outputs, shapes):
    tables = [i for i, s in enumerate(shapes) if len(s) == 3 and s[2] == 5]
    if len(outputs) != 2 or len(tables) != 1:
        return None
    table, labels = outputs[tables[0]][0], outputs[1 - tables[0]]
    if labels.shape[:2] != (1, len(table)):
        return None
    return table[:, :4], table[:, 4], labels.reshape(-1)


def _one_table(outputs, shapes):
    if len(outputs) != 1 or len(shapes[0]) != 3 or shapes[0][0] != 1:
        return None
    table = outputs[0][0]
    if table.shape[1] == 6:
        return table[:, :4], table[:, 4], table[:, 5]
    # There are more places than classes.
    if table.shape[0] < table.shape[1]:
        table, objects = table.T, 1.0
        classes = table[:, 4:]
    else:
        objects, classes = table[:, 4:5], table[:, 5:]
    if not classes.shape[1]:
        return None
    middle, half = table[:, :2], table[:, 2:4] / 2
    scores = objects * classes
    rectangles = np.concatenate([middle - half, middle + half], axis=1)
    return rectangles, scores.max(1), scores.argmax(1)


def _suppressed(rectangles, scores):
    """Rows from the surest on, without those that show the same person."""
    rows = []
    for row in np.argsort(-scores, kind="stable"):
        same = boxes.overlaps(rectangles[[row]], rectangles[rows])
        if not (same > _OVERLAP).any():
            rows.append(row)
    return rows
