"""Status and metadata of a model, as the published messages."""

from google.protobuf import json_format
from tensorflow.core.protobuf import error_codes_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
)

from ordinal_tf.serving import errors

_SIGNATURES = "signature_def"


def status(versions, number=None):
    """`GetModelStatusResponse` of a model.

    Args:
        versions: `versions.Versions`.
        number: int, only this version; None for all.

    Raises:
        errors.ServingError: NOT_FOUND.
    """
    reply = get_model_status_pb2.GetModelStatusResponse()
    for version in versions.all:
        if number not in (None, version.number):
            continue
        reply.model_version_status.add(
            version=version.number,
            state=version.state.value,
            status={
                "error_code": error_codes_pb2.UNKNOWN
                if version.error
                else error_codes_pb2.OK,
                "error_message": version.error,
            },
        )
    if not reply.model_version_status:
        which = "any versions" if number is None else f"version {number}"
        raise errors.not_found(
            f"Could not find {which} of model {versions.served.name}"
        )
    return reply


def metadata(name, version):
    """`GetModelMetadataResponse` of a loaded `versions.Version`."""
    reply = get_model_metadata_pb2.GetModelMetadataResponse()
    reply.model_spec.name = name
    reply.model_spec.version.value = version.number
    reply.metadata[_SIGNATURES].Pack(_signatures(version))
    return reply


def status_json(reply):
    """JSON-able dict of a status, as TF-Serving's REST API spells it."""
    return _json(reply)


def metadata_json(name, version):
    """JSON-able dict of the metadata, with the signatures unpacked."""
    spec = metadata(name, version).model_spec
    return {
        "model_spec": _json(spec),
        "metadata": {_SIGNATURES: _json(_signatures(version))},
    }


def _signatures(version):
    message = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in version.model.signature_defs.items():
        message.signature_def[name].CopyFrom(signature)
    return message


def _json(message):
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
