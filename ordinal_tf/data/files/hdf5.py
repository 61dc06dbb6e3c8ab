"""Reads arrays of HDF5 files (MATLAB 7.3 files, too), guarded.

A damaged file may state any size, and HDF5 may point into other files; both
are refused here.
"""

import h5py
import numpy as np

from ordinal_tf.data.files import existing

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Human3.6M's largest array, 312,188 frames of 17 points, has 128 MB.
_MAX_BYTES = 2**31


def read_arrays(path, names, *, optional=()):
    """Reads some of a file's datasets of numbers.

    Args:
        path: file; of a MATLAB 7.3 file the axes are in reverse order.
        names: datasets that must be there.
        optional: datasets that may be, and are left out where they are not.

    Returns:
        dict of name to NumPy array, in the file's own shapes and types.

    Raises:
        ValueError: one sentence that names the file, when it is missing, is
            damaged or of another kind, or lacks a dataset of numbers.
    """
    path = existing.file(path)
    with open(path, "rb") as file:
        start = file.read(520)
    # MATLAB puts 512 bytes of its own in front.
    if _SIGNATURE not in (start[:8], start[512:520]):
        raise ValueError(
            f"{path} is no HDF5 file; it is damaged or another file, fetch it "
            "again."
        )
    try:
        # Without locks, which some network file systems do not have.
        with h5py.File(path, "r", locking=False) as file:
            held = sorted(file)
            wanted = [n for n in (*names, *optional) if n in held]
            arrays = {name: _array(file, name) for name in wanted}
    except Exception as error:  # HDF5 raises whatever it hits.
        raise ValueError(
            f"{path} cannot be read ({error or type(error).__name__}); it is "
            "cut off or damaged, fetch it again."
        ) from error
    for name in names:
        if name not in arrays:
            raise ValueError(
                f"{path} has no dataset {name!r}; it holds "
                f"{', '.join(held) or 'nothing'}."
            )
    return arrays


def _array(file, name):
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name!r} lies in another place")
    dataset = file[name]
    if (
        not isinstance(dataset, h5py.Dataset)
        or dataset.dtype.kind not in "biuf"
    ):
        raise ValueError(f"{name!r} holds no numbers")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{name!r} lies in another file")
    if dataset.nbytes > _MAX_BYTES:
        raise ValueError(f"{name!r} states a size of {dataset.shape}")
    return np.asarray(dataset[()])
