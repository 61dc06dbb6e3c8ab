"""3D human pose from one photograph, learnt from ordinal depth.

`load("lite").predict("photo.jpg")` is the short way in; the modules below
are the long one. Importing the package imports neither TensorFlow nor Keras.
"""

from ordinal_tf import skeleton
from ordinal_tf._version import __version__

__all__ = ["__version__", "joints", "load"]

# Names of the 17 joints, in the order of every `keypoints` and `pose`.
joints = skeleton.H36M17.joints


def load(name_or_path):
    """Loads an exported model for prediction.

    Args:
        name_or_path: str, a shipped model's name such as "lite", or the
            folder of a model that `tools.export` wrote.

    Returns:
        `ordinal_tf.inference.predictor.Predictor`; its `predict(photo)` takes a
        path, bytes, a file, a PIL image or a uint8 `(H, W, 3)` RGB array, or a
        list of these, and returns a dict with `keypoints`, `ordinal_depth`,
        `pose`, `score` and `box`, one row a person, joints in the order of
        `joints`.

    Raises:
        ValueError: no such model; lists the shipped ones.
    """
    from ordinal_tf import paths

    folder = paths.find_model(name_or_path)

    # Late, because it takes TensorFlow seconds to import.
    from ordinal_tf.inference import predictor

    return predictor.load(folder)
