"""One version of a SavedModel, loaded as TF-Serving loads it."""

import dataclasses

import tensorflow as tf

from ordinal_tf import paths
from ordinal_tf.export import session
from ordinal_tf.serving import errors

_INIT_OP = "__saved_model_init_op"


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature: dicts of `tf.TensorSpec`, named as in the graph."""

    name: str
    inputs: dict
    outputs: dict


@dataclasses.dataclass(frozen=True)
class Model:
    """A loaded version; close its session when nothing runs any more."""

    name: str
    version: int
    session: tf.compat.v1.Session
    protos: dict  # Each `SignatureDef` by name, those that only initialise too.
    signatures: dict  # Each `Signature` by name.

    def run(self, signature, inputs):
        """dict of the arrays of a `Signature`, for a dict that fits its specs.

        May be called by several threads at once. Raises
        `errors.ServingError` where the graph refuses the inputs.
        """
        specs = signature.inputs
        feeds = {specs[key].name: value for key, value in inputs.items()}
        fetches = {k: spec.name for k, spec in signature.outputs.items()}
        try:
            return self.session.run(fetches, feeds)
        except tf.errors.OpError as error:
            code = errors.BY_NUMBER.get(error.error_code, errors.CODES.UNKNOWN)
            said = errors.sentence(error.message)
            raise errors.ServingError(code, said) from error
        except UnicodeDecodeError as error:
            # TensorFlow quotes the bytes that an op refused in its message.
            said = "The model refused the bytes of this request."
            raise errors.invalid(said) from error


def load(folder, name, *, threads=0):
    """`Model` of the highest version below a model folder.

    Args:
        folder: path that holds the version folders.
        name: str, what clients ask for.
        threads: int, as `session.load` takes it.

    Raises:
        ValueError: no version there, or one that is no whole SavedModel.
    """
    if not paths.versions(folder):
        raise ValueError(
            f"{folder} holds no version of {name!r}: it must have folders "
            "such as 1, each a SavedModel."
        )
    folder = paths.latest_version(folder)
    try:
        made, protos = session.load(folder, threads=threads)
    # Whatever a half-copied folder makes of the loader.
    except Exception as error:
        said = errors.sentence(str(error))
        raise ValueError(f"{folder} cannot be loaded: {said}") from error
    signatures = {
        key: Signature(key, _specs(proto.inputs), _specs(proto.outputs))
        for key, proto in protos.items()
        if key != _INIT_OP and proto.inputs and proto.outputs
    }
    if not signatures:
        made.close()
        raise ValueError(f"{folder} has no signature to serve.")
    return Model(name, int(folder.name), made, protos, signatures)


def _specs(infos):
    return {
        key: tf.TensorSpec(tf.TensorShape(i.tensor_shape), i.dtype, i.name)
        for key, i in infos.items()
    }
