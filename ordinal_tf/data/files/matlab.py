"""Reads variables of MATLAB files up to version 7, through SciPy, guarded.

SciPy raises whatever a damaged file makes it hit, or takes the process down;
`matlab_check` and a broad `except` see to both. Files of version 7.3 are HDF5,
see `hdf5`.
"""

import io

import scipy.io

from ordinal_tf.data.files import existing, matlab_check

# The largest file that we know has 80 MB.
_MAX_BYTES = 2**30


def read_variables(path, names, *, structs=False):
    """Reads some of a file's variables.

    Args:
        path: file.
        names: list of str, variables that must be there.
        structs: bool, MATLAB structs become objects with attributes and axes
            of length 1 vanish; otherwise arrays are as in the file.

    Returns:
        dict of name to what SciPy makes of the variable.

    Raises:
        ValueError: one sentence that names the file, when it is missing, is
            damaged or of another kind, or lacks a variable.
    """
    path = existing.file(path)
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(
            f"{path} has {path.stat().st_size} bytes, more than any file of "
            "this layout; is it another file?"
        )
    data = path.read_bytes()
    if b"\x89HDF\r\n\x1a\n" in (data[:8], data[512:520]):
        raise ValueError(
            f"{path} is of MATLAB version 7.3; save it with -v7 instead."
        )
    try:
        matlab_check.check(data)
        # From memory, where reading more than there is allocates nothing.
        held = {n: shape for n, shape, _ in scipy.io.whosmat(io.BytesIO(data))}
        content = scipy.io.loadmat(
            io.BytesIO(data),
            variable_names=names,
            squeeze_me=structs,
            struct_as_record=not structs,
        )
    except Exception as error:  # Damaged files raise whatever they hit.
        raise ValueError(
            f"{path} is not a readable MATLAB file (version 7 or older): "
            f"{error or type(error).__name__}; fetch it again."
        ) from error
    for name in names:
        if name not in content:
            raise ValueError(
                f"{path} has no variable {name!r}; it holds "
                f"{', '.join(map(str, held)) or 'nothing'}."
            )
    return {name: content[name] for name in names}


def read_numbers(path, name):
    """Reads one array of numbers.

    Args:
        path: file.
        name: str, of the variable.

    Returns:
        NumPy array of the file's own shape and type.

    Raises:
        ValueError: as `read_variables`, or the variable is text or cells.
    """
    value = read_variables(path, [name])[name]
    kind = getattr(value, "dtype", None)
    if kind is None or kind.kind not in "biuf":
        raise ValueError(f"{path}: {name!r} must be numbers. Found: {kind}.")
    return value
