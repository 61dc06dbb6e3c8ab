"""Reads .npz files without running anything that they say.

NumPy's `allow_pickle` runs whatever code a file names. VideoPose3D's files
hold a dictionary of arrays as a pickle, so `read_pickled` follows a pickle in
which NumPy's own names stand for the small classes below and every other name
is refused: only numbers, text, lists, dictionaries and arrays come out.
"""

import io
import math
import pickle
import zipfile

import numpy as np

from ordinal_tf.data.files import existing

# Human3.6M's largest such file has 120 MB.
_MAX_BYTES = 2**31


def read_arrays(path):
    """Reads every array of numbers or text; what is pickled is left out.

    Args:
        path: `.npz` file.

    Returns:
        dict of name to NumPy array, which may be written to.

    Raises:
        ValueError: the file is missing, damaged or no .npz; names it.
    """
    return _read(path, pickled=None)


def read_pickled(path, name):
    """Reads one array of objects, such as VideoPose3D's `positions_3d`.

    Args:
        path: `.npz` file.
        name: str, of the array.

    Returns:
        The object, made of dict, list, tuple, str, numbers and arrays; None
        where the file has no array of this name.

    Raises:
        ValueError: as `read_arrays`, or something else is pickled.
    """
    return _read(path, pickled=name).get(name)


def _read(path, pickled):
    path = existing.file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > _MAX_BYTES:
                raise ValueError("it states sizes of more than 2 GiB")
            found = {}
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                value = _array(archive.read(entry), wanted=name == pickled)
                if value is not None:
                    found[name] = value
            return found
    except Exception as error:  # Damaged files raise whatever they hit.
        raise ValueError(
            f"{path} is no readable .npz file "
            f"({str(error)[:120] or type(error).__name__}); fetch it again."
        ) from error


def _array(data, wanted):
    """An array from the bytes of a .npy file; None where it is pickled."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(file)
    else:
        header = np.lib.format.read_array_header_2_0(file)
    shape, fortran_order, dtype = header
    if dtype.hasobject:
        return _plain(_Unpickler(file).load()) if wanted else None
    if math.prod(shape) * dtype.itemsize > len(data):
        raise ValueError(f"an array states a size of {shape}")
    values = np.frombuffer(data[file.tell() :], dtype, math.prod(shape))
    if dtype.kind == "U" and values.size:
        _check_text(values)
    # A copy, because these bytes cannot be written to.
    return values.reshape(shape, order="F" if fortran_order else "C").copy()


def _check_text(values):
    """Raises `ValueError` for what is no text, which Python cannot hold."""
    codes = values.view(values.dtype.str[0] + "u4")
    if (codes > 0x10FFFF).any():
        raise ValueError("it holds text that is none")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        stand_ins = {
            "numpy ndarray": _Array,
            "numpy dtype": _Dtype,
            "numpy.core.multiarray _reconstruct": _reconstruct,
            "numpy._core.multiarray _reconstruct": _reconstruct,
            "_codecs encode": _encode,
        }
        if f"{module} {name}" not in stand_ins:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return stand_ins[f"{module} {name}"]


def _reconstruct(kind, shape, dtype):
    """What NumPy pickles an array as, before its state is set."""
    if kind is not _Array:
        raise pickle.UnpicklingError("it holds no array")
    return _Array()


def _encode(text, encoding):
    """How old pickles hold bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it names the encoding {encoding}")
    return text.encode("latin1")


class _Dtype:
    """Stands for `numpy.dtype` of numbers, text or objects."""

    def __init__(self, text, *_):
        kinds = "biufUO"
        if not isinstance(text, str) or text[:1] not in kinds or len(text) > 6:
            raise pickle.UnpicklingError(f"it names a type {text!r}")
        self.text, self.order = text, "="

    def __setstate__(self, state):
        self.order = state[1]

    def numpy(self):
        return np.dtype(self.text).newbyteorder(self.order.replace("|", "="))


class _Array:
    """Stands for `numpy.ndarray`."""

    value = None

    def __setstate__(self, state):
        _, shape, dtype, fortran_order, data = state
        if dtype.text.startswith("O"):
            if not isinstance(data, list) or shape != ():
                raise pickle.UnpicklingError("it holds an array of objects")
            self.value = data[0]
        else:
            values = np.frombuffer(data, dtype.numpy())
            order = "F" if fortran_order else "C"
            self.value = values.reshape(shape, order=order).copy()


def _plain(value):
    """The value with arrays for their stand-ins."""
    if isinstance(value, _Array):
        return _plain(value.value)
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    if isinstance(value, _Dtype):
        raise ValueError("it holds a type")
    return value
