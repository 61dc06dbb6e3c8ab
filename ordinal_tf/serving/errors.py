"""What a request that fails is told: a canonical code and one sentence."""

import grpc

CODES = grpc.StatusCode

# As TF-Serving's REST server maps them; clients rely on it.
HTTP_STATUS = {
    CODES.CANCELLED: 499,
    CODES.UNKNOWN: 500,
    CODES.INVALID_ARGUMENT: 400,
    CODES.DEADLINE_EXCEEDED: 504,
    CODES.NOT_FOUND: 404,
    CODES.ALREADY_EXISTS: 409,
    CODES.PERMISSION_DENIED: 403,
    CODES.RESOURCE_EXHAUSTED: 429,
    CODES.FAILED_PRECONDITION: 400,
    CODES.ABORTED: 409,
    CODES.OUT_OF_RANGE: 400,
    CODES.UNIMPLEMENTED: 501,
    CODES.INTERNAL: 500,
    CODES.UNAVAILABLE: 503,
    CODES.DATA_LOSS: 500,
    CODES.UNAUTHENTICATED: 401,
}
_BY_NUMBER = {code.value[0]: code for code in CODES}
_LONGEST = 300


class ServingError(Exception):
    """A request that is answered with a code instead of a result.

    Attributes:
        code: `grpc.StatusCode`.
        message: str, one sentence.
        http_status: int.
    """

    def __init__(self, code, message, *, http_status=None):
        # What a client sent may be quoted: on one line, and in any case text.
        message = " ".join(message.split())
        message = message.encode("utf-8", "backslashreplace").decode()
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = http_status or HTTP_STATUS[code]


def invalid(message):
    """`ServingError` of a request that can never succeed."""
    return ServingError(CODES.INVALID_ARGUMENT, message)


def not_found(message):
    """`ServingError` of a model or version that is not served."""
    return ServingError(CODES.NOT_FOUND, message)


def from_tensorflow(error):
    """`ServingError` of a `tf.errors.OpError` that a session raised."""
    code = _BY_NUMBER.get(error.error_code, CODES.UNKNOWN)
    return ServingError(code, sentence(error.message))


def sentence(message):
    """The part of a TensorFlow message that a client can use.

    That is the line that says what happened, without the graph's nodes and
    the traceback, at most 300 characters of it.
    """
    text = "The model failed on this request."
    for line in map(str.strip, message.splitlines()):
        if line and line != "Graph execution error:":
            text = line
            break
    text = text.partition("[[{{node")[0].strip()
    head, failed, said = text.partition("assertion failed: ")
    if failed and not head and said.startswith("["):
        # The first item of what an Assert prints is its sentence.
        text = said[1:].replace("]", "", 1)
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
    return text if text.endswith(".") else text + "."
