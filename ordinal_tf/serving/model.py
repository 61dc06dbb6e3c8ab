"""One version of a SavedModel, loaded as TF-Serving loads it."""

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from ordinal_tf.serving import errors

_INIT_OP = "__saved_model_init_op"


@dataclasses.dataclass(frozen=True)
class Spec:
    """What a signature says of one tensor.

    Attributes:
        dtype: `tf.DType`.
        shape: tuple of int, None where any size goes; None for any rank.
        tensor: str, its name in the graph.
    """

    dtype: tf.DType
    shape: tuple | None
    tensor: str


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature: dicts of `Spec` by input and output name."""

    name: str
    inputs: dict
    outputs: dict


class Model:
    """A loaded version; see `load`.

    Attributes:
        signatures: dict of `Signature` by name.
        signature_defs: dict of the `SignatureDef` protos by name, those
            that cannot be called too.
    """

    def __init__(self, session, signature_defs):
        self._session = session
        self.signature_defs = signature_defs
        self.signatures = {
            name: _signature(name, proto)
            for name, proto in signature_defs.items()
            if name != _INIT_OP and proto.inputs and proto.outputs
        }

    def run(self, signature, inputs):
        """Runs a signature; may be called by several threads at once.

        Args:
            signature: str, its name, one of `signatures`.
            inputs: dict of arrays that fit the signature's specs.

        Returns:
            dict of arrays.

        Raises:
            errors.ServingError: the graph refused the inputs.
        """
        spec = self.signatures[signature]
        feeds = {spec.inputs[k].tensor: value for k, value in inputs.items()}
        fetches = {k: output.tensor for k, output in spec.outputs.items()}
        try:
            return self._session.run(fetches, feeds)
        except tf.errors.OpError as error:
            raise errors.from_tensorflow(error) from error
        except UnicodeDecodeError as error:
            # TensorFlow quotes the bytes that an op refused in its message.
            raise errors.invalid(
                "The model refused the bytes of this request."
            ) from error

    def close(self):
        """Frees what the version holds; no run may be under way."""
        self._session.close()


def load(folder, *, threads=0):
    """Loads a version folder into a graph session.

    A session rather than `tf.saved_model.load`: a call costs less, and
    closing it gives all of its memory back.

    Args:
        folder: of a SavedModel.
        threads: int, threads of the one pool that all sessions of the
            process share for the inside of an operation; 0 for one a core.
            The first session decides.

    Returns:
        `Model`.

    Raises:
        ValueError: not a SavedModel, not a whole one, or without signatures.
    """
    folder = pathlib.Path(folder)
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads)
    config.gpu_options.allow_growth = True
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    try:
        with session.graph.as_default():
            meta = tf.compat.v1.saved_model.load(
                session, ["serve"], str(folder)
            )
        model = Model(session, dict(meta.signature_def))
    # Whatever a half-copied folder makes of the loader.
    except Exception as error:
        session.close()
        said = errors.sentence(str(error))
        raise ValueError(f"{folder} cannot be loaded: {said}") from error
    if not model.signatures:
        model.close()
        raise ValueError(f"{folder} has no signature to serve.")
    return model


def _signature(name, proto):
    return Signature(
        name=name,
        inputs={key: _spec(info) for key, info in proto.inputs.items()},
        outputs={key: _spec(info) for key, info in proto.outputs.items()},
    )


def _spec(info):
    shape = tf.TensorShape(info.tensor_shape)
    known = None if shape.rank is None else tuple(shape.as_list())
    return Spec(tf.dtypes.as_dtype(info.dtype), known, info.name)


def example_input(spec):
    """An array of zeros that fits a `Spec`, with 1 where any size goes."""
    shape = [1 if size is None else size for size in spec.shape or ()]
    return np.zeros(shape, spec.dtype.as_numpy_dtype)
