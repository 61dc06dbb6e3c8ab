"""Sources of people to batches of training examples, through tf.data.

Example i of a run is a pure function of (sources, weights, options, seed, i),
so the number of the next step is all the state that there is, and a resumed
run sees the examples that it would have seen. One example is a dict, batched
along a new first axis:

    image          uint8   (S, S, 3)  RGB crop
    keypoints      float32 (17, 2)    pixels of the crop
    keypoint_mask  bool    (17,)
    depth          float32 (17,)      mm, root-relative
    depth_mask     bool    (17,)
    relation       int8    (17, 17)   +1: i is nearer than j
    relation_mask  bool    (17, 17)   annotated pairs, upper triangle
"""

import inspect
import math

import tensorflow as tf

from ordinal_tf import ordinal, skeleton
from ordinal_tf.data.pipeline import (
    crops,
    mixing,
    pictures,
    remote,
    sources,
    supervision,
    transforms,
)
from ordinal_tf.data.pipeline.core import geometry
from ordinal_tf.data.prepared import records

_K = len(skeleton.H36M17)


def training_dataset(
    mix,
    *,
    input_size,
    batch_size,
    seed,
    first_step=0,
    last_step,
    rotation_deg=30.0,
    scale=(0.75, 1.25),
    mirror=True,
    colour=0.2,
    brightness=0.1,
    cut_off=0.0,
    tolerance_mm=ordinal.TOLERANCE_MM,
    flipped=0.0,
    on_device=False,
    worker=(0, 1),
    data_service="",
):
    """Augmented batches for steps `first_step` to `last_step` - 1.

    Each pass over a source has an order of its own.

    Args:
        mix: `mixing.Mix`, the sources and their weights.
        input_size: int, S.
        batch_size: int, of all workers together.
        seed: int.
        first_step, last_step: which steps of the run to yield.
        rotation_deg, scale, mirror: see `transforms.random_crop`.
        colour, brightness: see `transforms.random_colour`.
        cut_off: `share` of `transforms.random_cut`.
        tolerance_mm, flipped: see `supervision.apply`.
        on_device: bool; the batches hold, instead of `image`, the `window`
            (as rows of `3 W` bytes), `matrix` and `scales` that `finish` makes
            it from.
        worker: `(number, count)` where several workers train together; this
            one gets its part of every batch.
        data_service: address, such as "grpc://HOST:PORT", of the dispatcher
            of a tf.data service whose workers do this; asks for `on_device`.

    Returns:
        Iterable of `last_step - first_step` batches: a `tf.data.Dataset`, or
        a generator with `data_service`.

    Raises:
        ValueError: options that do not fit together.
    """
    number, workers = worker
    if not 0 <= number < workers or batch_size % workers:
        raise ValueError(
            "`worker` must be (number, count), the number below the count, "
            f"and the count a divisor of the batch size {batch_size}. "
            f"Received: {worker}."
        )
    if data_service and not on_device:
        raise ValueError(
            "`data_service` asks for `on_device`: OpenCV, which makes the "
            "crops otherwise, cannot be sent to its workers."
        )
    share = batch_size // workers
    seen = tuple(source.seen for source in mix.sources)
    supervised = supervision.needed(mix.sources, flipped=flipped)

    def rows(step):
        first = step * batch_size + number * share
        i = first + tf.range(share, dtype=tf.int64)
        return i, *mixing.rows_of(mix, seed, i)

    def read(i, which, row):
        reads = [source.read for source in mix.sources]
        drawn = supervision.chance(seed, which, row) if supervised else ()
        return i, (which, drawn), *_switch(which, reads, row)

    def augment(position, person, data, packed):
        labels = records.unpack(packed, sources.READ)
        if supervised:
            which, drawn = person
            labels = supervision.apply(
                labels,
                which,
                drawn,
                chosen=seen,
                tolerance_mm=tolerance_mm,
                flipped=flipped,
            )
        shape = labels.pop("size")
        draws = transforms.random_draws(position[0], share, seed)
        box, shown = transforms.random_cut(
            labels.pop("box"),
            labels["keypoints"],
            labels["keypoint_mask"],
            draws,
            share=cut_off,
        )
        box, rotation, mirrored = transforms.random_crop(
            box, draws, rotation_deg=rotation_deg, scale=scale, mirror=mirror
        )
        matrix = geometry.crop_matrix(
            box, input_size, rotation=rotation, mirror=mirrored
        )
        return {
            "position": position,
            "data": data,
            "window": crops.plan_windows(
                pictures.is_jpeg(data), shape, matrix, input_size, shown
            ),
            "scales": transforms.random_colour(
                draws, channel=colour, brightness=brightness
            ),
            "labels": transforms.move_labels(labels, matrix, mirrored),
        }

    def picture(one):
        window = crops.decode_window(one["data"], one["window"])
        # Flat rows: padding three axes costs as much as a tenth of the
        # decoding, two axes nearly nothing.
        rows = tf.reshape(window, [tf.shape(window)[0], -1])
        raw = {
            "window": rows,
            "matrix": one["window"]["matrix"],
            "scales": one["scales"],
        }
        return one["position"], {**raw, **one["labels"]}

    def drawn(position, batch):
        return position, _rendered(batch, crops.render_on_cpu, input_size)

    # Boxes come with the records, and what follows from them is cheapest for
    # a whole batch at once: hence two batches, the first of encoded bytes.
    dataset = tf.data.Dataset.range(first_step, last_step)
    dataset = dataset.map(rows).unbatch()
    dataset = dataset.map(read, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.batch(share, drop_remainder=True).map(augment).unbatch()
    dataset = dataset.map(picture, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.padded_batch(share, drop_remainder=True)
    if not on_device:
        dataset = dataset.map(drawn, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.map(lambda i, batch: (i[0] // batch_size, batch))
    if data_service:
        return remote.distributed(
            dataset, data_service, first_step=first_step, last_step=last_step
        )
    return dataset.map(lambda step, batch: batch).prefetch(4)


def finish(batch, input_size):
    """Makes the crops of a batch where `training_dataset` left that to the GPU.

    Args:
        batch: dict, as `training_dataset` yields it.
        input_size: int, S.

    Returns:
        dict, a batch of training examples, `image` `(B, S, S, 3)`.
    """
    if "image" in batch:
        return batch
    return _rendered(batch, crops.render, input_size)


def _rendered(batch, render, input_size):
    """Batch with crops in the place of what they are made from."""
    raw = ("window", "matrix", "scales")
    rows, matrix, scales = (batch[key] for key in raw)
    shape = tf.concat([tf.shape(rows)[:2], [-1, 3]], axis=0)
    image = render(tf.reshape(rows, shape), matrix, scales, input_size)
    kept = {key: value for key, value in batch.items() if key not in raw}
    return {"image": image, **kept}


def example(mix, i, *, input_size, seed, **augmentation):
    """Example i of a run and where it comes from, for looking into things.

    Args:
        mix: `mixing.Mix`.
        i: int; step s of batches of B holds s B to (s + 1) B - 1.
        input_size, seed, augmentation: as for `training_dataset`.

    Returns:
        dict: `source` (its name), `row`, `picture` (its name),
        `rotation_deg`, `scale`, `mirrored`, `colour` (four floats, see
        `transforms.random_colour`) and `example`, a dict of NumPy arrays.
    """
    options = {**inspect.signature(training_dataset).parameters}
    drawn = {
        key: augmentation.get(key, options[key].default)
        for key in ("rotation_deg", "scale", "mirror", "colour", "brightness")
    }
    which, row = mixing.rows_of(mix, seed, tf.constant([i], tf.int64))
    source, row = mix.sources[int(which[0])], int(row[0])
    draws = transforms.random_draws(i, 1, seed)
    scales = transforms.random_colour(
        draws, channel=drawn.pop("colour"), brightness=drawn.pop("brightness")
    )
    unit = tf.ones([1, 3])
    box, rotation, mirrored = transforms.random_crop(unit, draws, **drawn)
    (batch,) = training_dataset(
        mix,
        input_size=input_size,
        batch_size=1,
        seed=seed,
        first_step=i,
        last_step=i + 1,
        **augmentation,
    )
    return {
        "source": source.name,
        "row": row,
        "picture": source.name_of(row),
        "rotation_deg": math.degrees(rotation[0]),
        "scale": 1.0 / float(box[0, 2]),
        "mirrored": bool(mirrored[0]),
        "colour": scales[0].numpy().tolist(),
        "example": {key: value[0].numpy() for key, value in batch.items()},
    }


def _switch(which, functions, argument):
    """`functions[which](argument)`, in a graph."""
    if len(functions) == 1:
        return functions[0](argument)
    return tf.switch_case(
        tf.cast(which, tf.int32),
        [lambda f=function: f(argument) for function in functions],
    )


def evaluation_dataset(people, *, input_size, batch_size):
    """Every person once, in order, cropped to the box.

    Decoded and cropped as the exported models do it, to the last bit.
    Relations are derived where a set knows depths alone.

    Args:
        people: `labels.LabelledPhotos`, or a `sources.Source` that ends.
        input_size: int, S.
        batch_size: int; the last batch may be smaller.

    Returns:
        `tf.data.Dataset` of batches, see above.

    Raises:
        ValueError: a picture of `LabelledPhotos` is none.
        OSError: one cannot be opened.
    """
    source = sources.as_source(people)

    def crop(data, packed):
        labels = records.unpack(packed[None], sources.READ)
        box = labels["box"]
        picture = pictures.open_encoded(data)
        (image,) = tf.unstack(crops.crop_boxes(picture, box, input_size), 1)
        matrix = geometry.crop_matrix(box, input_size)
        labels = supervision.apply(
            {key: labels[key] for key in sources.LABELS},
            tf.zeros([1], tf.int64),
            tf.zeros([1, 2, _K, _K]),
            chosen=(supervision.ALL,),
            tolerance_mm=ordinal.TOLERANCE_MM,
            flipped=0.0,
        )
        moved = transforms.move_labels(labels, matrix, [False])
        moved = {key: value[0] for key, value in moved.items()}
        return {"image": image, **moved}

    dataset = tf.data.Dataset.range(source.count).map(source.read)
    dataset = dataset.map(crop, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(batch_size).prefetch(4)
