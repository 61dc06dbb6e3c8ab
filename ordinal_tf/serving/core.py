"""What both protocols do with a request, once it is apart from its wire."""

import asyncio
import concurrent.futures
import contextlib
import logging
import time

import prometheus_client
from tensorflow_serving.apis import get_model_metadata_pb2 as metadata_pb2
from tensorflow_serving.apis import get_model_status_pb2 as status_pb2
from tensorflow_serving.apis import model_pb2

from ordinal_tf.serving import errors, limits

SIGNATURES = "signature_def"  # The one field of the metadata that there is.
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Core:
    """A `model.Model` under `server.Options`, its queue and its figures.

    The queue is two bounds, as in Ray Serve: how many requests are in the
    house (`pending`), and how many of those run, which are the threads of a
    pool. All other methods belong to one event loop and need no lock.
    """

    def __init__(self, model, options):
        self.model, self.options, self.pending = model, options, 0
        self.spec = model_pb2.ModelSpec(name=model.name)
        self.spec.version.value = model.version
        self._pool = concurrent.futures.ThreadPoolExecutor(options.runs)
        self.registry = prometheus_client.CollectorRegistry()
        own = {"namespace": "ordinal_tf_serve", "registry": self.registry}
        labels, buckets = ["protocol", "method"], {"buckets": _SECONDS, **own}
        self._requests = prometheus_client.Counter(
            "requests", "Answers, by canonical code.", [*labels, "code"], **own
        )
        self._seconds = prometheus_client.Histogram(
            "request_seconds", "From first byte to answer.", labels, **buckets
        )
        self._waited = prometheus_client.Histogram(
            "queue_seconds", "From request to run.", **buckets
        )
        prometheus_client.Gauge(
            "pending_requests", "Waiting or running.", **own
        ).set_function(lambda: self.pending)

    def check_asked(self, spec):
        """Raises NOT_FOUND for a `ModelSpec` of what is not here."""
        text = "Servable not found for request: "
        latest, specific = "Latest({name})", "Specific({name}, {number})"
        self._check_here(spec, text + latest, text + specific)

    def signature(self, name):
        """`model.Signature` of a name, the default one for "", or an error."""
        signatures, name = self.model.signatures, name or "serving_default"
        if name not in signatures:
            said = f'Serving signature "{errors.short(name)}" not found; there '
            said += f"are: {', '.join(sorted(signatures))}."
            raise errors.ServingError(errors.CODES.FAILED_PRECONDITION, said)
        return signatures[name]

    @contextlib.contextmanager
    def admit(self):
        """Counts a request as in the house, which refuses it when full."""
        most = self.options.queue
        if self.pending >= most:
            said = f"The queue of {most} requests is full; try again later."
            raise errors.too_much(said)
        self.pending += 1
        try:
            yield
        finally:
            self.pending -= 1

    async def predict(self, read):
        """dict of arrays for a request that has been admitted, and the rest.

        A caller that is cancelled gives up its place; a run that has begun
        ends in its thread all the same, and no other takes its turn before.

        Args:
            read: function that returns the signature, the dict of its inputs
                and a rest, or raises `errors.ServingError`. It is called in a
                thread, because parsing a large body must not hold up the
                event loop, and then forgotten with the body.
        """
        signature, inputs, rest = await asyncio.to_thread(read)
        del read
        await asyncio.to_thread(limits.check, inputs, self.options)
        asked = time.monotonic(), signature, inputs
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._run, *asked), rest

    @contextlib.contextmanager
    def answer(self, protocol, method):
        """Counts a request; whatever goes wrong is an `errors.ServingError`.

        `method` never is a name that a client made up: each would add a
        series to the metrics.
        """
        start, code = time.monotonic(), errors.CODES.CANCELLED
        try:
            yield
            code = errors.CODES.OK
        except errors.ServingError as error:
            code = error.code
            raise
        except TimeoutError:
            code = errors.CODES.DEADLINE_EXCEEDED
            said = "The request was not answered in time."
            raise errors.ServingError(code, said) from None
        except Exception as error:
            logging.getLogger(__name__).exception("A request failed.")
            code = errors.CODES.INTERNAL
            said = "The server failed on this request; its log says why."
            raise errors.ServingError(code, said) from error
        finally:
            seconds = time.monotonic() - start
            self._requests.labels(protocol, method, code.name).inc()
            self._seconds.labels(protocol, method).observe(seconds)

    def status(self, request):
        """`GetModelStatusResponse` to such a request, or NOT_FOUND."""
        latest = "Could not find any versions of model {name}"
        specific = "Could not find version {number} of model {name}"
        self._check_here(request.model_spec, latest, specific)
        version, state = self.model.version, "AVAILABLE"
        reply = status_pb2.GetModelStatusResponse()
        reply.model_version_status.add(version=version, state=state, status={})
        return reply

    def metadata(self, request):
        """`GetModelMetadataResponse` to such a request, or an error."""
        fields = list(request.metadata_field)
        if set(fields) != {SIGNATURES}:
            said = f'`metadata_field` must be "{SIGNATURES}". Received: '
            raise errors.invalid(f"{said}{errors.short(fields)}.")
        self.check_asked(request.model_spec)
        reply = metadata_pb2.GetModelMetadataResponse(model_spec=self.spec)
        protos = metadata_pb2.SignatureDefMap(signature_def=self.model.protos)
        reply.metadata[SIGNATURES].Pack(protos)
        return reply

    async def close(self):
        """Frees everything, after what has begun."""
        await asyncio.to_thread(self._pool.shutdown)
        self.model.session.close()

    def _run(self, arrived, signature, inputs):
        self._waited.observe(time.monotonic() - arrived)
        return self.model.run(signature, inputs)

    def _check_here(self, spec, latest, specific):
        """Raises NOT_FOUND in TF-Serving's words; its clients look for them."""
        number, any_version = spec.version.value, not spec.HasField("version")
        here, text = spec.name == self.model.name, ""
        if here and spec.version_label:
            label = errors.short(spec.version_label)
            text = f"Unrecognized servable version label: {label}"
        elif not (here and (any_version or number == self.model.version)):
            text = latest if any_version else specific
            text = text.format(name=errors.short(spec.name), number=number)
        if text:
            raise errors.ServingError(errors.CODES.NOT_FOUND, text)
