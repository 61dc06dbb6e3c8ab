r"""Writes LiteRT (TensorFlow Lite) files of an exported model.

Example:
    python -m tools.convert_tflite --model=saved_models/lite \
        --lsp=DATA/lspet_ordinal --out=out/lite

Eight files: float32, float16, dynamic (8-bit convolutions) and int8 (the
whole image network in 8 bits), each with the 3D pose and, as *_2d.tflite,
without. Each is compared with the networks it was made from, on photographs:
OUT/parity.json, and a table. The last line of standard output is JSON with the
name of the recommended file.
"""

import functools
import json
import pathlib

import numpy as np
import tensorflow as tf
from absl import flags

from ordinal_tf import files, paths
from ordinal_tf.data.files import photos
from ordinal_tf.data.pipeline import batching, crops, pictures, sources
from ordinal_tf.data.readers import lsp
from ordinal_tf.export import assemble, fold
from ordinal_tf.inference import predictor, signatures
from ordinal_tf.litert import lite_file, lite_report, tflite

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_OUT = flags.DEFINE_string("out", None, "Folder for the files.", required=True)
_CALIBRATION = flags.DEFINE_string(
    "calibration",
    None,
    "Folder of photographs, or one that tools.prepare wrote: what the ranges "
    "of int8 are taken from. By default the photographs of --lsp before "
    "--first.",
)
_LSP = flags.DEFINE_string(
    "lsp",
    None,
    "Folder in the published ordinal layout: what the files are scored on. "
    "Without it they are compared on every second picture of --calibration.",
)
_FIRST = flags.DEFINE_integer("first", 5401, "First image to score, from 1.")
_LAST = flags.DEFINE_integer("last", 5600, "Last image to score, included.")
_SKIP_LIMIT = flags.DEFINE_integer(
    "skip_limit", 20, "Bad records that may be skipped."
)
_CROPS = flags.DEFINE_integer(
    "crops", 100, "Most crops to calibrate on.", lower_bound=1
)
_MIRROR = flags.DEFINE_bool(
    "mirror", False, "Average with the mirrored crop: takes twice as long."
)
_RUNS = flags.DEFINE_integer("runs", 20, "Timed calls of each.", lower_bound=1)


def main():
    if not (_LSP.value or _CALIBRATION.value):
        raise ValueError(
            "Real photographs are needed to calibrate and compare on: name "
            "them with --calibration or --lsp."
        )
    tflite.check_installed()
    folder = paths.find_model(_MODEL.value)
    card, network, lifter, options = assemble.load_networks(folder)
    calibration, sample, truth = _crops(folder, card["input_size"])
    chain = signatures.chain(network, lifter, mirror=_MIRROR.value, **options)
    reference = _answers(chain, sample)
    rows = [_reference_row(reference, truth)]
    out = pathlib.Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    for data, info in _files(card, network, lifter, options, calibration):
        path = out / info["file"]
        files.write_bytes(path, lite_file.with_info(data, info))
        rows.append(_row(path, reference, sample, truth))
        print(f"wrote {path}", flush=True)
    pck = rows[0].get("pck")
    best = lite_report.recommended(rows[1:], reference_pck=pck)
    report = {
        "made_with": card["made_with"],
        "mirror": _MIRROR.value,
        "crops": len(sample),
        "calibration_crops": len(calibration),
        "files": rows,
        "rule": lite_report.RULE,
        "recommended": best,
    }
    files.write_json(out / "parity.json", report)
    print(*lite_report.table(rows), sep="\n")
    print(f"Recommended: {best or 'none, each changes too much'}.")
    print(json.dumps({"recommended": best, "files": len(rows) - 1}))


def _crops(folder, size):
    """Crops to calibrate on, crops to score on, and their truth or None."""
    truth = None
    if _LSP.value:
        people = _read_lsp(_FIRST.value, _LAST.value)
        sample, keypoints = _labelled_crops(people, size)
        truth = keypoints, people
    if _CALIBRATION.value:
        calibration = _calibration_crops(folder, size)
    else:
        first = max(1, _FIRST.value - _CROPS.value)
        if first == _FIRST.value:
            raise ValueError(
                "--lsp has no photographs before --first to calibrate on; "
                "name others with --calibration."
            )
        others = _read_lsp(first, _FIRST.value - 1)
        calibration, _ = _labelled_crops(others, size)
    if truth is None:
        calibration, sample = calibration[::2], calibration[1::2]
    if not (len(calibration) and len(sample)):
        raise ValueError(
            f"{_CALIBRATION.value} has too few photographs: one to calibrate "
            "on and one to compare on are the least."
        )
    return calibration, sample, truth


def _read_lsp(first, last):
    return lsp.read_lsp(
        _LSP.value, first=first, last=last, skip_limit=_SKIP_LIMIT.value
    )


def _labelled_crops(people, size):
    batches = list(
        batching.evaluation_dataset(people, input_size=size, batch_size=16)
    )
    return (
        _uint8(np.concatenate([batch["image"] for batch in batches])),
        np.concatenate([batch["keypoints"] for batch in batches]),
    )


def _calibration_crops(folder, size):
    given = pathlib.Path(_CALIBRATION.value)
    if (given / "dataset.json").is_file():
        dataset = batching.evaluation_dataset(
            sources.prepared_source(given), input_size=size, batch_size=1
        ).take(_CROPS.value)
        return _uint8(np.concatenate([one["image"] for one in dataset]))
    # Without labels: where the model finds people.
    paths = photos.find_photos([given])
    model = predictor.load(folder)
    found = []
    for path in paths[: _CROPS.value]:
        pixels = photos.read_photo(path)
        picture = pictures.open_pixels(tf.constant(pixels))
        box = tf.constant(model.predict(pixels)["box"])
        found.append(crops.crop_boxes(picture, box, size).numpy())
    shown = np.concatenate(found)[: _CROPS.value] if found else found
    if not len(shown):
        raise ValueError(f"The model finds nobody in the pictures of {given}.")
    return shown


def _uint8(pixels):
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


def _answers(chain, images):
    """The networks' own answers, as they were trained."""
    spec = tf.TensorSpec((None, *images.shape[1:]), tf.uint8)
    run = tf.function(chain, input_signature=[spec], autograph=False)
    batches = [run(images[i : i + 16]) for i in range(0, len(images), 16)]
    return {
        name: np.concatenate([batch[name] for batch in batches])
        for name in batches[0]
    }


def _files(card, network, lifter, options, calibration):
    """Yields the bytes and the info of every file."""
    size = card["input_size"]
    lean = fold.for_inference(network, input_size=size)
    both = signatures.chain(
        lean, fold.for_inference(lifter), mirror=_MIRROR.value, **options
    )

    def without_pose(image):
        return {k: v for k, v in both(image).items() if k != "pose"}

    for function, ending in ((both, ""), (without_pose, "_2d")):
        exact = tflite.convert(function, size)
        for variant in tflite.VARIANTS:
            data = tflite.quantize(
                exact,
                variant,
                network=lean.name,
                last=lean.output_names[-1],
                calibration=calibration,
            )
            kept = (
                *("made_with", "revision", "joints", "parents", "units"),
                *("input", "input_size"),
            )
            yield (
                data,
                {
                    "file": f"{variant}{ending}.tflite",
                    "variant": variant,
                    "mirror": _MIRROR.value,
                    **{key: card[key] for key in kept if key in card},
                },
            )


def _reference_row(reference, truth):
    row = {"file": "reference (float32, TensorFlow)", "bytes": None}
    row |= lite_report.changes(reference, reference)
    return row | (lite_report.scores(reference, truth) if truth else {})


def _row(path, reference, sample, truth):
    run = lite_file.open_model(path)
    found = lite_report.outputs_of(run, sample)
    row = {"file": path.name, "bytes": path.stat().st_size}
    for threads, key in ((1, "ms_1_thread"), (2, "ms_2_threads")):
        run = lite_file.open_model(path, threads=threads)
        call = functools.partial(run, sample[0])
        row[key] = lite_report.milliseconds(call, runs=_RUNS.value)
    row |= lite_report.changes(reference, found)
    return row | (lite_report.scores(found, truth) if truth else {})


if __name__ == "__main__":
    _common.run(main)
