"""A written model against the networks that it was made from."""

import numpy as np
import tensorflow as tf

from ordinal_tf import skeleton
from ordinal_tf.export import session
from ordinal_tf.inference import finding

_JOINTS = len(skeleton.H36M17)

# How far a joint may be off: pixels, ordinal depth, mm, probability; and the
# share of joints that may be off further, for the better of two nearly equal
# answers can change by rounding: of one cell, or of both legs of a person, who
# are six joints and one of fourteen people here.
_TOLERANCES = {
    # Computed in float32, with weights that are stored in float16; of a broad
    # hill, which made-up pictures have, the top moves most.
    "float32": ({"keypoints": 0.5, "pose": 4.0, "other": 1e-2}, 0.05),
    "bfloat16": ({"keypoints": 2.0, "pose": 50.0, "other": 0.1}, 0.2),
    "float16": ({"keypoints": 1.0, "pose": 20.0, "other": 0.02}, 0.1),
}

# How far a found box may be off, in sides.
_BOX_SHARE = 0.1
# And how much surer than they must be those are whom both must find.
_HARDLY = 0.05


def example_requests(input_size):
    """Requests of every signature on made-up pictures.

    Args:
        input_size: int, S.

    Returns:
        List of (signature's name, dict of input arrays), as
        `session.run_apart` takes them.
    """
    size = float(input_size)
    height, width = 3 * input_size // 2, 2 * input_size
    first = _photo(height, width, seed=1)
    second = _photo(2 * height, 2 * width, seed=2)
    # Inside, half outside, and one that shrinks the picture.
    boxes = np.array(
        [[size, size, size], [0, 0, size], [2 * size, size, 2.5 * size]],
        np.float32,
    )
    none = np.zeros((0, 3), np.float32)
    return [
        ("serving_default", {"image": _crops(1, input_size)}),
        ("photo", {"photo": first, "boxes": boxes[:1]}),
        ("photo", {"photo": second, "boxes": none}),
        # Small, because it is not packed in the requests that are stored.
        (
            "pixels",
            {
                "pixels": _pixels(height // 2, width // 2, 1),
                "boxes": boxes[:1] / 2,
            },
        ),
        (
            "photos",
            {
                "photos": np.concatenate([first, second]),
                # The last row of the first is padding.
                "boxes": np.stack([boxes[[0, 1, 1]], boxes]),
                "counts": np.array([2, 3], np.int32),
            },
        ),
    ]


def _edge_requests(input_size):
    """Other batch sizes, and nobody."""
    photo = _photo(input_size, input_size, seed=3)
    return [
        *(
            ("serving_default", {"image": _crops(count, input_size)})
            for count in (0, 3)
        ),
        (
            "photos",
            {
                "photos": photo,
                "boxes": np.zeros((1, 2, 3), np.float32),
                "counts": np.zeros(1, np.int32),
            },
        ),
    ]


def check(module, folder):
    """Compares a written model, in a fresh process, with the live networks.

    Every signature is asked, at several batch sizes and with nobody.

    Args:
        module: `saved_model.PoseModule`.
        folder: path of the SavedModel made from it.

    Raises:
        ValueError: it does not run, or answers differently.
    """
    requests = [
        *example_requests(module.input_size),
        *_edge_requests(module.input_size),
    ]
    found = session.run_apart(folder, requests)
    functions = module.live().by_name()
    live = []
    for (name, inputs), got in zip(requests, found, strict=True):
        answer = _ask(functions[name], inputs)
        if name == "photo" and not inputs["boxes"].size:
            check_found(answer, got)
            # A box that is a little off shows a network that is hardly
            # trained another picture: compare what both say of one.
            if len(got["box"]):
                answer = _ask(functions[name], {**inputs, "boxes": got["box"]})
            else:
                answer = {key: value[:0] for key, value in answer.items()}
        live.append({**answer, "pose": _lift(module, got)})
    compare(live, found, precision=module.precision)


def _lift(module, found):
    """Poses of the live reconstruction for what the image network found.

    One joint that jumps to another cell scales the reconstruction's whole
    input, so that a pose says nothing of the reconstruction unless both are
    given the same joints.
    """
    shape = found["keypoints"].shape[:-2]
    if 0 in shape:
        return np.zeros((*shape, _JOINTS, 3), np.float32)
    poses = module.live_lift(
        tf.constant(found["keypoints"].reshape(-1, _JOINTS, 2)),
        tf.constant(found["ordinal_depth"].reshape(-1, _JOINTS)),
    )
    poses = poses.numpy().reshape(*shape, _JOINTS, 3)
    # Rows that are padding are zero.
    people = found["keypoints"].any((-2, -1), keepdims=True)
    return np.where(people, poses, 0)


def _ask(function, inputs):
    tensors = {key: tf.constant(value) for key, value in inputs.items()}
    return {k: value.numpy() for k, value in function(**tensors).items()}


def check_found(live, found):
    """Raises `ValueError` unless both found people at the same places.

    Who is hardly sure enough may be missing in one of them.

    Args:
        live, found: dicts with `box` `(P, 3)` and `person_score` `(P,)`.
    """
    for one, other in ((live, found), (found, live)):
        sure = one["person_score"] >= finding.LEAST_SCORE + _HARDLY
        off = np.abs(one["box"][sure][:, None] - other["box"][None]).max(-1)
        # Not `>`: of what is not a number nothing is true.
        near = off <= _BOX_SHARE * one["box"][sure][:, None, 2]
        if not near.any(1).all():
            raise ValueError(
                "The exported model finds people elsewhere than the live one: "
                f"in {found['box'].tolist()}, not {live['box'].tolist()}."
            )


def compare(live, found, *, precision):
    """Raises `ValueError` unless the answers agree, or nearly all joints do.

    Args:
        live, found: lists of dicts of the signatures' outputs, in one order.
        precision: str, see `fold.PRECISIONS`.
    """
    tolerances, share = _TOLERANCES[precision]
    for name in live[0]:
        off, worst = [], 0.0
        tolerance = tolerances.get(name, tolerances["other"])
        for expected, got in zip(live, found, strict=True):
            if expected[name].shape != got[name].shape:
                raise ValueError(
                    f"The exported model's {name!r} has shape "
                    f"{got[name].shape}, the live one's "
                    f"{expected[name].shape}."
                )
            difference = np.abs(expected[name] - got[name])
            if name in ("keypoints", "pose"):
                difference = difference.max(-1)
            # Not `>`: of what is not a number nothing is true.
            off.append(~(difference.ravel() <= tolerance))
            worst = max(worst, difference.max(initial=0.0))
        off = np.concatenate(off)
        if off.mean() > share:
            raise ValueError(
                f"The exported model's {name!r} differs from the live one's "
                f"by more than {tolerance} at {off.sum()} of {off.size} "
                f"joints, by {worst:.4g} at worst; allowed are "
                f"{100 * share:.0f} %."
            )


def _crops(count, size):
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, size, size, 3), np.uint8)


def _photo(height, width, *, seed):
    """JPEG bytes `(1,)` of soft blobs."""
    data = tf.io.encode_jpeg(_pixels(height, width, seed)).numpy()
    return np.array([data], object)


def _pixels(height, width, seed):
    """uint8 `(height, width, 3)` of soft blobs."""
    coarse = np.random.default_rng(seed).integers(0, 256, (1, 9, 12, 3))
    image = tf.image.resize(coarse.astype(np.float32), (height, width))
    return tf.cast(image[0], tf.uint8).numpy()
