"""Who runs when: a bounded queue, batches, and threads that run them.

All methods belong to one event loop; only the runs themselves happen in
threads, so nothing here needs a lock.
"""

import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses
import logging

from ordinal_tf.serving import errors, merging

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Policy:
    """How requests are queued and put together.

    Attributes:
        executors: int, runs at the same time.
        queue: int, requests in the house, waiting or running; more are
            refused.
        batch: int, crops in one run that several requests share; 1 for a run
            for each.
        wait_s: float, how long the first request of a batch waits for others
            while another run is under way. An idle server starts at once.
    """

    executors: int = 2
    queue: int = 128
    batch: int = 8
    wait_s: float = 0.005


@dataclasses.dataclass(eq=False)
class _Item:
    holder: object
    work: merging.Work
    future: asyncio.Future
    arrived: float


class Scheduler:
    """Runs requests in turn; see `Policy`.

    Args:
        policy: `Policy`.
        metrics: `metrics.Metrics`.
    """

    def __init__(self, policy, metrics):
        self._policy = policy
        self._metrics = metrics
        self._queues = collections.OrderedDict()
        self._running = 0
        self._pending = 0
        self._timer = None
        self._tasks = set()
        self._pool = concurrent.futures.ThreadPoolExecutor(
            policy.executors, thread_name_prefix="run"
        )

    @property
    def pending(self):
        """Requests in the house."""
        return self._pending

    @contextlib.contextmanager
    def admit(self):
        """Counts a request as in the house for the time of the context.

        Raises:
            errors.ServingError: RESOURCE_EXHAUSTED, the house is full.
        """
        if self._pending >= self._policy.queue:
            raise errors.ServingError(
                errors.CODES.RESOURCE_EXHAUSTED,
                f"The queue of {self._policy.queue} requests is full; try "
                "again later.",
            )
        self._pending += 1
        try:
            yield
        finally:
            self._pending -= 1

    async def run(self, holder, work):
        """Outputs of a work, when its turn has come.

        A caller that is cancelled gives up its place; a run that has begun
        ends in its thread all the same.

        Args:
            holder: `versions.Version`; kept loaded until the run has ended.
            work: `merging.Work`.

        Returns:
            dict of arrays.

        Raises:
            errors.ServingError: the model refused it.
        """
        loop = asyncio.get_running_loop()
        item = _Item(holder, work, loop.create_future(), loop.time())
        if work.group is None or self._policy.batch == 1:
            key = item
        else:
            key = (holder, *work.group)
        self._queues.setdefault(key, collections.deque()).append(item)
        holder.hold()
        self._pump()
        return await item.future

    async def close(self):
        """Ends the threads, after what has begun."""
        if self._timer:
            self._timer.cancel()
        await asyncio.gather(*self._tasks)
        self._pool.shutdown()

    def _pump(self):
        """Starts whatever may start now."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._drop_abandoned()
        loop = asyncio.get_running_loop()
        while self._queues and self._running < self._policy.executors:
            key, start = min(
                (
                    (key, self._start(queue))
                    for key, queue in self._queues.items()
                ),
                key=lambda pair: pair[1],
            )
            if start > loop.time() and self._running:
                self._timer = loop.call_at(start, self._pump)
                return
            self._running += 1
            task = loop.create_task(self._run(self._take(key)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _start(self, queue):
        """When a queue's next batch is due; full ones are since they began."""
        full = sum(item.work.cost for item in queue) >= self._policy.batch
        alone = queue[0].work.group is None
        wait = 0.0 if full or alone else self._policy.wait_s
        return queue[0].arrived + wait

    def _take(self, key):
        queue, batch, cost = self._queues[key], [], 0
        while queue and (
            not batch or cost + queue[0].work.cost <= self._policy.batch
        ):
            batch.append(queue.popleft())
            cost += batch[-1].work.cost
        if not queue:
            del self._queues[key]
        return batch

    def _drop_abandoned(self):
        """Forgets requests whose callers have gone."""
        for key, queue in list(self._queues.items()):
            for item in [item for item in queue if item.future.done()]:
                queue.remove(item)
                item.holder.release()
            if not queue:
                del self._queues[key]

    async def _run(self, batch):
        loop = asyncio.get_running_loop()
        for item in batch:
            self._metrics.waited.observe(loop.time() - item.arrived)
        try:
            await self._run_together(batch)
        finally:
            self._running -= 1
            for item in batch:
                item.holder.release()
            self._pump()

    async def _run_together(self, batch):
        works = [item.work for item in batch]
        self._metrics.batch.observe(sum(work.cost for work in works))
        try:
            results = await asyncio.get_running_loop().run_in_executor(
                self._pool, _call, batch[0].holder.model, works
            )
        except errors.ServingError as error:
            if len(batch) > 1:
                # One bad picture must not fail its neighbours.
                for item in batch:
                    await self._run_together([item])
                return
            results = [error]
        except Exception as error:
            _LOG.exception("A run failed.")
            results = [error] * len(batch)
        for item, result in zip(batch, results, strict=True):
            if item.future.done():
                continue
            if isinstance(result, Exception):
                item.future.set_exception(result)
            else:
                item.future.set_result(result)


def _call(model, works):
    outputs = model.run(works[0].signature, merging.merge(works))
    return merging.split(outputs, works)
