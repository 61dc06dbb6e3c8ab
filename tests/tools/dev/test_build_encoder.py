"""The converter: torch's old format by hand, layouts, and what it refuses."""

import collections
import hashlib
import pickle
import struct
import zipfile

import numpy as np
import pytest

from ordinal_tf.models import encoder


@pytest.fixture
def build_encoder(import_tool):
    return import_tool("dev.build_encoder")


def torch_file(arrays, culprit=None):
    """Bytes of a state dict as torch 1.0 wrote it."""
    parts = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    data = b"".join(pickle.dumps(part, protocol=2) for part in parts)
    # Opcodes by hand: no torch is here to pickle a tensor.
    out = [b"\x80\x02ccollections\nOrderedDict\n)R("]

    def text(word):
        word = word.encode()
        return b"X" + struct.pack("<I", len(word)) + word

    def number(value):
        return b"J" + struct.pack("<i", value)

    def numbers(values):
        return b"(" + b"".join(map(number, values)) + b"t"

    for i, (name, array) in enumerate(arrays.items()):
        kind = b"FloatStorage" if array.dtype.kind == "f" else b"LongStorage"
        out.append(text(name))
        out.append(b"ctorch._utils\n_rebuild_tensor_v2\n(")
        out.append(b"(" + text("storage") + b"ctorch\n" + kind + b"\n")
        out.append(text(str(i)) + text("cpu") + number(array.size) + b"NtQ")
        steps = [step // array.itemsize for step in array.strides]
        out.append(number(0) + numbers(array.shape) + numbers(steps))
        out.append(b"\x89ccollections\nOrderedDict\n)RtR")
    if culprit:
        out.append(text("x") + b"c" + culprit + b"\n)R")
    out.append(b"u.")
    data += b"".join(out)
    data += pickle.dumps([str(i) for i in range(len(arrays))], protocol=2)
    for array in arrays.values():
        data += struct.pack("<q", array.size)
        data += np.ravel(array, order="K").tobytes()
    return data


def test_reads_what_torch_wrote(build_encoder):
    arrays = {
        "a": np.arange(6, dtype="<f4").reshape(2, 3),
        "turned": np.arange(6, dtype="<f4").reshape(2, 3).T,
        "count": np.array([7], "<i8"),
    }
    found = build_encoder.read_torch(torch_file(arrays))
    assert list(found) == list(arrays)
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)


def test_runs_nothing_that_a_file_names(build_encoder, tmp_path):
    data = torch_file({}, culprit=b"os\ngetcwd")
    with pytest.raises(ValueError, match="os.getcwd"):
        build_encoder.read_torch(data)


def test_other_formats_are_refused(build_encoder):
    with pytest.raises(ValueError, match="torch's old format"):
        build_encoder.read_torch(pickle.dumps(3, protocol=2))


def test_layouts(build_encoder):
    """A pointwise kernel multiplies as torch's did; a depthwise one filters."""
    rng = np.random.default_rng(0)
    theirs = collections.defaultdict(lambda: rng.normal(size=1))
    theirs["_blocks.1._expand_conv.weight"] = rng.normal(size=(96, 16, 1, 1))
    theirs["_blocks.1._depthwise_conv.weight"] = rng.normal(size=(96, 1, 3, 3))
    theirs["_conv_stem.weight"] = rng.normal(size=(32, 3, 3, 3))
    theirs["_fc.weight"] = rng.normal(size=(1000, 1280))
    for i in range(16):
        for part in ("expand", "depthwise", "project"):
            key = f"_blocks.{i}._{part}_conv.weight"
            theirs.setdefault(key, np.zeros((1, 1, 1, 1)))
    theirs["_conv_head.weight"] = np.zeros((1, 1, 1, 1))
    ours = build_encoder.to_keras(theirs, "lite0")
    x = rng.normal(size=16)
    np.testing.assert_allclose(
        x @ ours["2_1_expand/kernel"][0, 0],
        theirs["_blocks.1._expand_conv.weight"][:, :, 0, 0] @ x,
    )
    depthwise = theirs["_blocks.1._depthwise_conv.weight"]
    kernel = ours["2_1_depthwise/kernel"]
    assert kernel.shape == (3, 3, 96, 1)
    assert kernel[0, 2, 5, 0] == depthwise[5, 0, 0, 2]  # y, x, channel.
    stem = ours["stem/kernel"]
    assert stem[0, 2, 1, 9] == theirs["_conv_stem.weight"][9, 1, 0, 2]
    # The last block of Lite0 is the only one of stage 7.
    blocks = sum(count for count, *_ in encoder.stages("lite0"))
    assert blocks == 16 and "7_1_project/kernel" in ours


def test_unknown_wheels_are_refused(build_encoder, tmp_path):
    wheel = tmp_path / "efficientnet_lite0.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("model.pth", b"")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=found):
        build_encoder.read_wheel(wheel)
