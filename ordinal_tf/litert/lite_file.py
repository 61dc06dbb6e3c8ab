"""LiteRT files as such: what they say of themselves, and how to run them.

Needs no TensorFlow, as the devices have none.
"""

import io
import json
import pathlib
import zipfile

INFO, LABELS = "model.json", "labels.txt"
SIGNATURE = "serving_default"


def with_info(data, info):
    """The file with `model.json` and `labels.txt` inside.

    They are appended as a zip archive, which is how TensorFlow Lite's
    metadata carries associated files: interpreters do not look behind the
    model, and anything that opens zip archives reads them.

    Args:
        data: bytes of a model.
        info: JSON-able dict with `joints`.

    Returns:
        bytes.
    """
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a") as archive:
        for name, text in (
            (INFO, json.dumps(info, indent=2) + "\n"),
            (LABELS, "".join(f"{joint}\n" for joint in info["joints"])),
        ):
            # Of a fixed date, so that the same model is the same file.
            archive.writestr(zipfile.ZipInfo(name), text)
    return file.getvalue()


def read_info(path):
    """The dict that `with_info` put into a file.

    Raises:
        ValueError: the file has none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(INFO))
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise ValueError(
            f"{path} has no {INFO} inside; it must be a file that "
            "tools.convert_tflite wrote."
        ) from None


def open_model(model, *, threads=1):
    """A file as a function.

    Args:
        model: path, or bytes.
        threads: int.

    Returns:
        Function of a uint8 `(S, S, 3)` crop that returns the dict of outputs
        of one person, `(17, ...)`.
    """
    from ai_edge_litert import interpreter

    source = (
        {"model_content": model}
        if isinstance(model, bytes)
        else {"model_path": str(pathlib.Path(model))}
    )
    engine = interpreter.Interpreter(num_threads=threads, **source)
    runner = engine.get_signature_runner(SIGNATURE)

    def run(crop):
        return {name: v[0] for name, v in runner(image=crop[None]).items()}

    return run
