"""What a request that fails is told: a canonical code and one sentence."""

import grpc

CODES = grpc.StatusCode
BY_NUMBER = {code.value[0]: code for code in CODES}
# As TF-Serving's REST server maps them; clients rely on it. Others are 500.
_HTTP_STATUS = {
    CODES.INVALID_ARGUMENT: 400,
    CODES.FAILED_PRECONDITION: 400,
    CODES.OUT_OF_RANGE: 400,
    CODES.NOT_FOUND: 404,
    CODES.RESOURCE_EXHAUSTED: 429,
    CODES.CANCELLED: 499,
    CODES.UNIMPLEMENTED: 501,
    CODES.UNAVAILABLE: 503,
    CODES.DEADLINE_EXCEEDED: 504,
}


class ServingError(Exception):
    """A request that is answered with a `grpc.StatusCode` and a sentence."""

    def __init__(self, code, message, http_status=None):
        # What a client sent may be quoted: on one line, and in any case text.
        message = " ".join(message.split())
        message = message.encode("utf-8", "backslashreplace").decode()
        super().__init__(message)
        self.code, self.message = code, message
        self.http_status = http_status or _HTTP_STATUS.get(code, 500)


def invalid(message):
    """`ServingError` of a request that can never succeed."""
    return ServingError(CODES.INVALID_ARGUMENT, message)


def too_much(message, *, http_status=None):
    """`ServingError` of a request that is too large, or one too many."""
    return ServingError(CODES.RESOURCE_EXHAUSTED, message, http_status)


def unimplemented(method):
    """`ServingError` of a method that TF-Serving has and this server not."""
    said = f"This server has no {method}; it predicts, and tells the status "
    said += "and the metadata of its model."
    return ServingError(CODES.UNIMPLEMENTED, said)


def sentence(message):
    """The line of a TensorFlow message that says what happened, shortened."""
    lines = [line.strip() for line in message.splitlines()]
    lines = [x for x in lines if x not in ("", "Graph execution error:")]
    text = lines[0] if lines else "The model failed on this request."
    text = text.partition("[[{{node")[0].strip()
    if text.startswith("assertion failed: ["):
        # The first item of what an Assert prints is its sentence.
        text = text.removeprefix("assertion failed: [").replace("]", "", 1)
    text = short(text, 300)
    return text if text.endswith(".") else text + "."


def short(text, longest=80):
    """Text for an error message, which must not repeat a whole request."""
    text = str(text)
    return text if len(text) <= longest else text[:longest] + "..."
