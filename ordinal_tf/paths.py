"""Where the files that ship with the package lie."""

import pathlib

# In a version folder: what it was made of, and its joints, one a line.
CARD = "assets.extra/card.json"
LABELS = "assets.extra/labels.txt"
# Beside the graph whose weights are frozen.
IMAGE_WEIGHTS = "assets.extra/image.weights.h5"
RECONSTRUCTION_WEIGHTS = "assets.extra/reconstruction.weights.h5"

_PACKAGE = pathlib.Path(__file__).resolve().parent


def shipped_folder(name):
    """`pathlib.Path` of a shipped folder such as "saved_models".

    In a checkout it lies beside the package, once installed inside it.
    """
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def shipped_models():
    """Sorted names of the models that ship with the package."""
    folder = shipped_folder("saved_models")
    return sorted(path.name for path in folder.glob("*") if path.is_dir())


def shipped_model(name):
    """`pathlib.Path` of a shipped model's folder.

    Args:
        name: str, such as "lite".

    Raises:
        ValueError: no such model; lists what is shipped.
    """
    if name not in shipped_models():
        raise ValueError(
            f"No shipped model is called {name!r}. Shipped are: "
            f"{', '.join(shipped_models()) or 'none'}."
        )
    return shipped_folder("saved_models") / name


def find_model(name_or_path):
    """`pathlib.Path` of a model given as a folder or as a shipped one's name.

    An existing folder wins over a shipped model of the same name.

    Raises:
        ValueError: neither; lists what is shipped.
    """
    path = pathlib.Path(name_or_path)
    if path.is_dir():
        return path
    if path.exists():
        raise ValueError(f"A model is a folder, this is a file: {path}")
    if len(path.parts) == 1:
        return shipped_model(path.name)
    raise ValueError(
        f"No model folder at {path}. Shipped models go by name alone: "
        f"{', '.join(shipped_models()) or 'none'}."
    )


def versions(folder):
    """Version numbers below a model folder, ascending; [] without any."""
    names = (path.name for path in pathlib.Path(folder).glob("*/"))
    return sorted(int(name) for name in names if name.isdigit())


def latest_version(folder):
    """The highest version folder, or the folder itself without any."""
    found = versions(folder)
    return (
        pathlib.Path(folder, str(found[-1]))
        if found
        else (pathlib.Path(folder))
    )


def weights_file(name, kind=IMAGE_WEIGHTS):
    """Where training can start from: `pathlib.Path` of a `.weights.h5`.

    Args:
        name: such a file, the folder of a training run (its last weights),
            the folder of an exported model, or the name of a shipped one.
        kind: str, which of an exported model's two.

    Raises:
        ValueError: none of these, or one without weights.
    """
    if pathlib.Path(name).is_file():
        return pathlib.Path(name)
    folder = find_model(name)
    for path in (folder / "model.weights.h5", latest_version(folder) / kind):
        if path.is_file():
            return path
    raise ValueError(
        f"{folder} holds no weights; it must be the folder of a training run "
        "or a model of tools.export."
    )
