"""The programs: `python -m tools.NAME`, or `ordinal-tf NAME` once installed.

One module a program; those that start with an underscore are shared parts.
`dev/` holds the programs for those who work on the package: `tools.dev.NAME`,
or `tools.NAME` too. `apart/` holds `tools.inspect`, because beside the others
its file would hide the standard library's `inspect` from them.
"""

import os
import sys
import tempfile


def _import_tensorflow_quietly():
    """Imports TensorFlow without its notes on absent GPUs and CPU features.

    They go to the file descriptor, whatever TF_CPP_MIN_LOG_LEVEL says, so it
    is redirected meanwhile; where the import fails, they are shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        except BaseException:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


__path__ += [os.path.join(__path__[0], name) for name in ("apart", "dev")]

# Here and not in `_common`, because a program's own imports come before its
# `from . import _common`, and this package's import before both.
_import_tensorflow_quietly()
