r"""Trains the head that finds people, on made-up pictures of several.

Example:
    python -m tools.dev.build_finder --lsp=DATA/lspet_ordinal \
        --people=prepared/people \
        --out=ordinal_tf/models/finder_weights/lite0.npz

The encoder stays as ImageNet taught it, so each picture goes through it once
and the head learns from its features. Photographs 5401 to 6000 are left out:
they are what finding is measured on. Of each of the others one person is
labelled; where the finder that ships sees somebody else, nothing is asked. In
further rounds those of whom the head is sure by then are people too.
"""

import functools
import pathlib
import tempfile

import cv2
import keras
import numpy as np
import tensorflow as tf
from absl import flags

from ordinal_tf import files
from ordinal_tf.data.files import photos
from ordinal_tf.data.pipeline import pictures
from ordinal_tf.data.prepared import cutouts, reading
from ordinal_tf.data.readers import lsp
from ordinal_tf.export import fold
from ordinal_tf.inference import finding
from ordinal_tf.models import encoder, finder, hourglass
from ordinal_tf.synthetic import people

from . import _canvases, _common, _finder_loss

_LSP = flags.DEFINE_string(
    "lsp", None, "Folder in the published ordinal layout.", required=True
)
_OUT = flags.DEFINE_string("out", None, "The .npz to write.", required=True)
_PEOPLE = flags.DEFINE_string(
    "people", None, "Folder of synthetic people that tools.prepare wrote."
)
_COUNT = flags.DEFINE_integer("count", 14000, "Pictures to make.", 100)
_EPOCHS = flags.DEFINE_integer("epochs", 8, "How often each is seen.", 1)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 1, "Rounds of half as many, with whom the head finds besides.", 0
)
_SEED = flags.DEFINE_integer("seed", 11, "Of all chance.", 0)

_SIZE = 256
_BATCH = 32
_EMPTY = 200  # Pictures of places where nobody is.
_RATE, _LATER_RATE = 1.6e-3, 1e-3  # Of the first round, and of others.
# Of the people, how many are synthetic; of the features, how many are left out.
_SYNTHETIC, _DROPPED = 0.12, 0.15


def main():
    keras.utils.set_random_seed(_SEED.value)
    photo = _photos()
    with tempfile.TemporaryDirectory() as folder:
        features, tables = _features(photo, pathlib.Path(folder))
        shapes = [part.shape[1:] for part in features]
        inputs = [keras.Input(shape) for shape in shapes]
        head = keras.Model(inputs, finder.build_head(inputs))
        _train(head, features, tables, _EPOCHS.value, _RATE)
        for _ in range(_ROUNDS.value):
            more = _with_found(head, features, tables)
            _train(head, features, more, _EPOCHS.value // 2, _LATER_RATE)
    arrays = {
        key: variable.numpy().astype(np.float16)
        for key, variable in finder.head_variables(head).items()
    }
    files.write_npz(_OUT.value, arrays)
    print(f"Wrote {_OUT.value}.")


def _photos():
    """The function of `_canvases.draw`."""
    parts = [
        lsp.read_lsp(_LSP.value, first=first, last=last, skip_limit=20)
        for first, last in ((1, 5400), (6001, None))
    ]
    paths = np.concatenate([part.paths for part in parts])
    keypoints = np.concatenate([part.keypoints for part in parts])
    masks = np.concatenate([part.keypoint_mask for part in parts])
    others = _others(paths, keypoints, masks)
    nobody = np.zeros((0, 5))
    empty = [
        people.draw_empty(i, seed=_SEED.value, size=_SIZE)
        for i in range(_EMPTY)
    ]

    drawn = reading.open_prepared(_PEOPLE.value) if _PEOPLE.value else None

    def photo(rng, kind):
        if kind == "empty":
            return empty[rng.integers(len(empty))], None, None, nobody
        if drawn is not None and rng.random() < _SYNTHETIC:
            one = drawn.read(int(rng.integers(len(drawn))))
            image = np.asarray(cutouts.decode(one["image"]))
            joints = one["keypoints"].astype(float)
            return image, joints, one["keypoint_mask"], nobody
        row = rng.integers(len(paths))
        image = cv2.imread(str(paths[row]), cv2.IMREAD_COLOR)[..., ::-1]
        return image, keypoints[row].astype(float), masks[row], others[row]

    return photo


def _others(paths, keypoints, masks):
    """Who else may be in each photograph, see `_canvases.draw`."""
    network = finder.shipped()

    @functools.partial(
        tf.function,
        autograph=False,
        input_signature=[tf.TensorSpec((None, None, 3), tf.uint8)],
    )
    def look(pixels):
        return finding.look(
            lambda shown: network(tf.cast(shown, tf.float32) / 255),
            pictures.open_pixels(pixels),
        )

    found = []
    update = _common.progress_line(len(paths), "others")
    for path, points, mask in zip(paths, keypoints, masks, strict=True):
        rectangles, chance = (
            part.numpy() for part in look(photos.read_photo(path))
        )
        mine = np.concatenate([points[mask].min(0), points[mask].max(0)])
        table = np.zeros((_canvases.MOST, 5))
        table[0] = [*mine, _canvases.PERSON]
        _canvases.add_found(table, rectangles, chance, sure=np.inf)
        found.append(table[table[:, 4] == _canvases.PERHAPS])
        update(len(found))
    return found


def _features(photo, folder):
    """What the encoder makes of all pictures, on disk; and who is in them."""
    pixels = keras.Input((_SIZE, _SIZE, 3))
    levels = encoder.encoder(pixels, finder.VARIANT)
    network = keras.Model(pixels, [levels[level] for level in finder.LEVELS])
    encoder.load_imagenet(network, finder.VARIANT)
    network = fold.for_inference(network)
    run = tf.function(
        lambda image: network(hourglass.scale_pixels(image), training=False)
    )
    features = [
        np.lib.format.open_memmap(
            folder / f"{number}.npy",
            "w+",
            np.float16,
            (_COUNT.value, *output.shape[1:]),
        )
        for number, output in enumerate(network.outputs)
    ]
    tables = np.zeros((_COUNT.value, _canvases.MOST, 5), np.float32)
    update = _common.progress_line(_COUNT.value, "encode")
    for start in range(0, _COUNT.value, _BATCH):
        rows = range(start, min(start + _BATCH, _COUNT.value))
        made = [
            _canvases.draw(
                np.random.default_rng((_SEED.value, i)), _SIZE, photo
            )
            for i in rows
        ]
        for part, output in zip(
            features, run(np.stack([image for image, _ in made])), strict=True
        ):
            part[rows.start : rows.stop] = output
        tables[rows.start : rows.stop] = np.stack([table for _, table in made])
        update(rows.stop)
    return features, tables


def _with_found(head, features, tables):
    """The tables, with the others whom the head finds."""
    find = tf.function(
        lambda answer: finding.candidates(answer, finder.STRIDE),
        autograph=False,
    )
    found = tables.copy()
    for start in range(0, len(tables), _BATCH):
        rows = slice(start, start + _BATCH)
        answers = head([part[rows].astype(np.float32) for part in features])
        for table, answer in zip(found[rows], answers, strict=True):
            rectangles, chance = (part.numpy() for part in find(answer))
            rectangles = np.clip(rectangles, 0, _SIZE - 1)
            _canvases.add_found(table, rectangles, chance)
    return found


def _train(head, features, tables, epochs, rate):
    cells = _SIZE // finder.STRIDE
    targets = np.stack(
        [_finder_loss.targets(table, cells) for table in tables]
    ).astype(np.float16)
    steps = epochs * (len(tables) // _BATCH)
    warm = min(200, steps // 4)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(
            rate / 20,
            steps - warm,
            warmup_target=rate,
            warmup_steps=warm,
            alpha=0.01,
        ),
        weight_decay=5e-3,
        clipnorm=5.0,
    )

    @tf.function
    def step(inputs, target):
        with tf.GradientTape() as tape:
            kept = [_with_dropped(part) for part in inputs]
            loss = _finder_loss.loss(target, head(kept, training=True))
        variables = head.trainable_variables
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    rng = np.random.default_rng(_SEED.value)
    update = _common.progress_line(steps, "train")
    for epoch in range(epochs):
        order, losses = rng.permutation(len(tables)), []
        for start in range(0, len(order) - _BATCH + 1, _BATCH):
            rows = np.sort(order[start : start + _BATCH])
            inputs = [part[rows].astype(np.float32) for part in features]
            losses.append(step(inputs, targets[rows].astype(np.float32)))
            update(epoch * (len(order) // _BATCH) + len(losses))
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}", flush=True)


def _with_dropped(part):
    """Features with some channels of each picture at 0, the rest larger."""
    shape = (tf.shape(part)[0], 1, 1, part.shape[-1])
    kept = tf.random.uniform(shape) >= _DROPPED
    return part * tf.cast(kept, tf.float32) / (1 - _DROPPED)


if __name__ == "__main__":
    _common.run(main)
