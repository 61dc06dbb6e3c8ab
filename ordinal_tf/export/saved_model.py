"""One SavedModel of both networks, for TF-Serving.

Its signatures, around networks that are rewritten for inference and frozen;
see `inference.signatures`.
"""

import json
import os
import pathlib
import shutil

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from ordinal_tf import paths
from ordinal_tf.export import fold, halving, parity, warmup
from ordinal_tf.inference import signatures
from ordinal_tf.models import finder, hourglass, lifting
from ordinal_tf.training import loop


class PoseModule(signatures.Signatures):
    """The signatures on two networks, rewritten for inference and frozen.

    Args:
        network, reconstruction, kind, depth_bins, depth_scale, mirror: see
            `signatures.chain`.
        input_size: int, S, side of the crops.
        precision: of the image network, see `fold.for_inference`.
        find: `keras.Model` that finds people; the shipped one by default.
    """

    def __init__(
        self,
        network,
        reconstruction,
        *,
        input_size,
        precision="float32",
        find=None,
        **options,
    ):
        # Whatever the caller computes in.
        with loop.policy("float32"):
            find = find or finder.shipped()
        lean = signatures.chain(
            fold.for_inference(
                network, input_size=input_size, precision=precision
            ),
            fold.for_inference(reconstruction),
            **options,
        )
        crops = tf.TensorSpec((None, input_size, input_size, 3), tf.uint8)
        # Of two sizes, see `inference.finding`.
        picture = tf.TensorSpec((1, None, None, 3), tf.uint8)
        found = _answer(fold.for_inference(find))
        super().__init__(
            freeze(lean, crops, bits=16),
            input_size,
            # Where to look need not be exact.
            freeze(found, picture, bits=8),
        )
        self.precision = precision
        # A function, because what a module holds is exported with it.
        self.live = lambda: signatures.Signatures(
            tf.function(
                signatures.chain(network, reconstruction, **options),
                input_signature=[crops],
                autograph=False,
            ),
            input_size,
            # Traced once, whatever asks it.
            tf.function(
                _answer(find), input_signature=[picture], autograph=False
            ),
        )
        self.live_lift = lambda keypoints, depth: lifting.lift(
            reconstruction, keypoints, depth * options["depth_scale"]
        )


def _answer(find):
    """The finder as a function of uint8 pictures."""
    return lambda image: find(hourglass.scale_pixels(image), training=False)


def freeze(function, spec, *, bits=32):
    """The function of one tensor with its variables as constants.

    It is traced once, whoever calls the result how often: a graph holds the
    networks once, and nothing needs restoring in a session.

    Args:
        function: of a tensor, returns a dict of tensors, or one.
        spec: `tf.TensorSpec` of its argument.
        bits: int, of the large constants as they are stored: 32, 16 or 8, see
            `halving.narrow_constants`.
    """
    traced = tf.function(function, autograph=False)
    concrete = traced.get_concrete_function(spec)
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        concrete, lower_control_flow=False
    )
    if bits < 32:
        frozen = halving.narrow_constants(frozen, bits)
    if not isinstance(concrete.structured_outputs, dict):
        return lambda image: frozen(image)[0]
    # Freezing flattens a dict in the order of its keys.
    names = sorted(concrete.structured_outputs)
    return lambda image: dict(zip(names, frozen(image), strict=True))


def export(module, folder, card, networks=None, *, version=None, warm_up=False):
    """Writes a version of a model below `folder`.

    The export is loaded in a fresh process and compared with the live
    networks before it gets its name, so a version folder is always whole and
    right; see `parity`.

    Args:
        module: `PoseModule`.
        folder: path.
        card: JSON-able dict, stored as `assets.extra/card.json`; its
            `joints` also as `assets.extra/labels.txt`, one a line.
        networks: dict from a file name in the version folder to the Keras
            model whose weights to store there, for warm starts.
        version: int; by default the one after the highest in the folder.
        warm_up: bool, write the requests that TF-Serving runs before it
            announces the version; needs `tensorflow-serving-api`.

    Returns:
        `pathlib.Path` of the version folder.

    Raises:
        ValueError: the version exists, or the written model differs from
            the live one; nothing is left behind then.
    """
    folder = pathlib.Path(folder)
    version = version or max([0, *paths.versions(folder)]) + 1
    final, new = folder / str(version), folder / f"new_{version}"
    if final.exists():
        raise ValueError(
            f"{final} exists, and a version never changes; name another, or "
            "none for the next."
        )
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(new, ignore_errors=True)
    try:
        tf.saved_model.save(module, str(new), signatures=module.by_name())
        parity.check(module, new)
        extra = new / paths.CARD
        extra.parent.mkdir(exist_ok=True)
        extra.write_text(json.dumps(card, indent=2) + "\n")
        joints = "".join(f"{joint}\n" for joint in card.get("joints", []))
        (new / paths.LABELS).write_text(joints)
        if warm_up:
            warmup.write(
                new,
                parity.example_requests(module.input_size),
                name=folder.resolve().name,
            )
        for name, network in (networks or {}).items():
            network.save_weights(new / name)
            halving.halve_weights(new / name)
        os.rename(new, final)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return final
