"""One version of a SavedModel, loaded as TF-Serving loads it."""

import dataclasses

import tensorflow as tf

from ordinal_tf import paths
from ordinal_tf.export import session
from ordinal_tf.serving import errors


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature: dicts of `tf.TensorSpec`, named as in the graph."""

    name: str
    inputs: dict
    outputs: dict

    def check_names(self, given):
        """Raises `errors.ServingError` where inputs are missing or unknown."""
        missing = ", ".join(sorted(set(self.inputs) - set(given)))
        extra = ", ".join(sorted(set(given) - set(self.inputs)))
        if missing or extra:
            said = "The inputs do not match the signature, which takes "
            said += ", ".join(sorted(self.inputs))
            said += f"; missing: {missing}" if missing else ""
            said += f"; unknown: {errors.short(extra)}" if extra else ""
            raise errors.invalid(f"{said}.")

    def check_shape(self, name, shape):
        """Raises `errors.ServingError` where an input forbids a shape."""
        want = self.inputs[name].shape
        if min(shape, default=0) < 0 or not want.is_compatible_with(shape):
            want = [] if want.rank is None else want
            text = ", ".join("?" if n is None else str(n) for n in want)
            said = f"The input {name!r} must have the shape [{text}]. "
            raise errors.invalid(f"{said}Received: {list(shape)}.")


@dataclasses.dataclass(frozen=True)
class Model:
    """A loaded version; close its session when nothing runs any more."""

    name: str
    version: int
    session: tf.compat.v1.Session
    protos: dict  # Each `SignatureDef` by name.
    signatures: dict  # Each `Signature` by name.

    def run(self, signature, inputs):
        """dict of the arrays of a `Signature`, for a dict that fits it.

        Raises `errors.ServingError` where the graph refuses the inputs.
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
    """`Model` of the highest version below a folder, for clients' `name`.

    `threads` as `session.load` takes it. Raises `ValueError` where there is
    no version, or one that is no whole SavedModel.
    """
    if not paths.versions(folder):
        said = f"{folder} holds no version of {name!r}: it must have folders "
        raise ValueError(said + "such as 1, each a SavedModel.")
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
        if proto.inputs and proto.outputs  # Some only initialise.
    }
    if not signatures:
        made.close()
        raise ValueError(f"{folder} has no signature to serve.")
    return Model(name, int(folder.name), made, protos, signatures)


def _specs(infos):
    make = tf.TensorSpec
    return {k: make(i.tensor_shape, i.dtype, i.name) for k, i in infos.items()}
