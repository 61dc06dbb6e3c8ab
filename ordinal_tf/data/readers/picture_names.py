"""Finds the pictures that an annotation file names.

Programs write what they know: a bare name, a path below `images/` or below the
folder of the annotations, one with backslashes, a path or an address on the
machine where the labelling was done.
"""

import collections
import pathlib


def plain(name):
    """A picture's name with slashes, and without what only a server needs."""
    # Label Studio's local files: /data/local-files/?d=images/000003.jpg
    _, local, path = name.partition("/local-files/?d=")
    return (path if local else name).replace("\\", "/").strip()


class Pictures:
    """Where the pictures of one file lie.

    Args:
        names: list of str, `file_name` of every picture of the file.
        folders: list of `pathlib.Path`, in which to look, the best first.
    """

    def __init__(self, names, folders):
        self._folders = list(folders)
        self._bare = collections.Counter(bare(name) for name in set(names))

    def find(self, name):
        """`pathlib.Path` of a picture; None where it is nowhere.

        The bare name is enough where no other picture of the file has it.
        """
        ways = [plain(name)]
        if self._bare[bare(name)] == 1:
            ways.append(bare(name))
        for way in ways:
            for folder in self._folders:
                if way and (folder / way).is_file():
                    return folder / way
        return None


def bare(name):
    """The last part of a picture's name."""
    return pathlib.PurePosixPath(plain(name).partition("?")[0]).name
