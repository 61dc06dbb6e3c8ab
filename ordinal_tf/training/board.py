"""TensorBoard, where it is installed."""

import importlib.util


def writer(folder, report):
    """A function that writes a dict's floats and pictures, if installed."""
    if importlib.util.find_spec("tensorboard") is None:
        report(
            "TensorBoard is not installed (pip install ordinal-tf[train]): "
            "the figures go to metrics.jsonl alone."
        )
        return lambda line: None
    import numpy as np
    import tensorflow as tf

    # The writer makes its folder when it is made.
    writer = None

    def write(line):
        nonlocal writer
        writer = writer or tf.summary.create_file_writer(str(folder))
        with writer.as_default(step=line["step"]):
            for key, value in line.items():
                if isinstance(value, float):
                    tf.summary.scalar(key, value)
                elif isinstance(value, np.ndarray):
                    tf.summary.image(key, value[None])
        writer.flush()

    return write
