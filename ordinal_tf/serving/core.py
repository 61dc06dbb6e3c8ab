"""What both protocols do with a request, once it is apart from its wire."""

import asyncio
import concurrent.futures
import contextlib
import functools
import logging
import time

import prometheus_client
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
)

from ordinal_tf.serving import errors, limits

_LOG = logging.getLogger(__name__)
_DEFAULT = "serving_default"
SIGNATURES = "signature_def"  # The one field of the metadata that there is.
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Core:
    """The model, the queue and the figures of one server.

    The queue is two bounds, as in Ray Serve: how many requests are in the
    house, and how many of those run. All methods belong to one event loop;
    only the runs happen in threads, so nothing here needs a lock.

    Args:
        model: `model.Model`.
        options: `server.Options`.

    Attributes:
        spec: `ModelSpec` of what is served.
        pending: int, requests in the house.
        registry: `prometheus_client.CollectorRegistry` of this server.
    """

    def __init__(self, model, options):
        self.model, self.options = model, options
        self.spec = model_pb2.ModelSpec(name=model.name)
        self.spec.version.value = model.version
        self.pending = 0
        self._free = asyncio.Semaphore(options.runs)  # Its waiters queue.
        self._pool = concurrent.futures.ThreadPoolExecutor(options.runs)
        self.registry = prometheus_client.CollectorRegistry()
        own = {"namespace": "ordinal_tf_serve", "registry": self.registry}
        histogram = functools.partial(
            prometheus_client.Histogram, buckets=_SECONDS, **own
        )
        labels = ["protocol", "method"]
        self._requests = prometheus_client.Counter(
            "requests", "Answers, by canonical code.", [*labels, "code"], **own
        )
        self._seconds = histogram(
            "request_seconds", "From first byte to answer.", labels
        )
        self._waited = histogram("queue_seconds", "From request to run.")
        prometheus_client.Gauge(
            "pending_requests", "In the house, waiting or running.", **own
        ).set_function(lambda: self.pending)

    def check_asked(self, spec):
        """Raises NOT_FOUND for a `ModelSpec` of something else than is here.

        In TF-Serving's words, which its clients look for.
        """
        name, which = errors.short(spec.name), "Latest({})"
        if spec.HasField("version"):
            which = f"Specific({{}}, {spec.version.value})"
        if spec.version_label and spec.name == self.model.name:
            label = errors.short(spec.version_label)
            raise errors.not_found(
                f"Unrecognized servable version label: {label}"
            )
        if not self._is_here(spec):
            which = which.format(name)
            raise errors.not_found(f"Servable not found for request: {which}")

    def signature(self, name):
        """`model.Signature` of a name, the default one for "".

        Raises FAILED_PRECONDITION for an unknown one.
        """
        signatures, name = self.model.signatures, name or _DEFAULT
        if name not in signatures:
            raise errors.ServingError(
                errors.CODES.FAILED_PRECONDITION,
                f'Serving signature "{errors.short(name)}" not found; there '
                f"are: {', '.join(sorted(signatures))}.",
            )
        return signatures[name]

    @contextlib.contextmanager
    def admit(self):
        """Counts a request as in the house for the time of the context.

        Raises RESOURCE_EXHAUSTED where the house is full.
        """
        if self.pending >= self.options.queue:
            raise errors.ServingError(
                errors.CODES.RESOURCE_EXHAUSTED,
                f"The queue of {self.options.queue} requests is full; try "
                "again later.",
            )
        self.pending += 1
        try:
            yield
        finally:
            self.pending -= 1

    async def predict(self, read):
        """dict of arrays, for a request that has been admitted.

        A caller that is cancelled gives up its place; a run that has begun
        ends in its thread all the same, and no other takes its turn before.

        Args:
            read: function that returns the signature and the dict of its
                inputs. It is called in a thread, because parsing a large
                body must not hold up the event loop, and then forgotten with
                the body.

        Raises:
            errors.ServingError: a bad request.
        """
        signature, inputs = await asyncio.to_thread(read)
        del read
        most = {"pixels": self.options.pixels, "rows": self.options.rows}
        await asyncio.to_thread(limits.check, inputs, **most)
        loop = asyncio.get_running_loop()
        arrived = loop.time()
        await self._free.acquire()
        self._waited.observe(loop.time() - arrived)
        run = loop.run_in_executor(
            self._pool, self.model.run, signature, inputs
        )
        run.add_done_callback(lambda _: self._free.release())
        return await asyncio.shield(run)

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
            raise errors.ServingError(
                code, "The request was not answered in time."
            ) from None
        except Exception as error:
            _LOG.exception("A request failed.")
            code = errors.CODES.INTERNAL
            raise errors.ServingError(
                code, "The server failed on this request; its log says why."
            ) from error
        finally:
            seconds = time.monotonic() - start
            self._requests.labels(protocol, method, code.name).inc()
            self._seconds.labels(protocol, method).observe(seconds)

    def status(self, request):
        """`GetModelStatusResponse` to such a request, or NOT_FOUND."""
        spec = request.model_spec
        if not self._is_here(spec):
            which = "any versions"
            if spec.HasField("version"):
                which = f"version {spec.version.value}"
            name = errors.short(spec.name)
            raise errors.not_found(f"Could not find {which} of model {name}")
        reply = get_model_status_pb2.GetModelStatusResponse()
        state = get_model_status_pb2.ModelVersionStatus.AVAILABLE
        reply.model_version_status.add(
            version=self.model.version, state=state, status={}
        )
        return reply

    def metadata(self, request):
        """`GetModelMetadataResponse` to such a request, or an error."""
        fields = list(request.metadata_field)
        if set(fields) != {SIGNATURES}:
            raise errors.invalid(
                f'`metadata_field` must be "{SIGNATURES}". Received: '
                f"{errors.short(fields)}."
            )
        self.check_asked(request.model_spec)
        reply = get_model_metadata_pb2.GetModelMetadataResponse(
            model_spec=self.spec
        )
        signatures = get_model_metadata_pb2.SignatureDefMap(
            signature_def=self.model.protos
        )
        reply.metadata[SIGNATURES].Pack(signatures)
        return reply

    async def close(self):
        """Frees everything, after what has begun."""
        await asyncio.to_thread(self._pool.shutdown)
        self.model.session.close()

    def _is_here(self, spec):
        version = spec.version.value if spec.HasField("version") else None
        known = version in (None, self.model.version)
        return known and spec.name == self.model.name
