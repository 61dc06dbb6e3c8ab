"""The queue and its batches, on a model of plain functions."""

import asyncio
import threading

import grpc
import numpy as np
import pytest

from ordinal_tf.serving import errors, merging, metrics, scheduler


class Model:
    """Adds one; keeps the rows of every run; waits for `gate`."""

    def __init__(self):
        self.runs = []
        self.gate = threading.Event()
        self.gate.set()

    def run(self, _, inputs):
        assert self.gate.wait(30)
        image = inputs["image"]
        self.runs.append(len(image))
        if (image < 0).any():
            raise errors.invalid("Negative.")
        if (image > 99).any():
            raise ZeroDivisionError("A bug.")
        return {"y": image + 1}


class Holder:
    def __init__(self):
        self.model = Model()
        self.users = 0

    def hold(self):
        self.users += 1

    def release(self):
        self.users -= 1


def work(*values, alone=False):
    image = np.array(values)
    if alone:
        return merging.Work("serving_default", {"image": image})
    return merging.plan(
        {"serving_default": None}, "serving_default", {"image": image}
    )


def run(check, **policy):
    """Runs a test of a scheduler, its holder and the holder's model."""

    async def main():
        holder = Holder()
        made = scheduler.Scheduler(
            scheduler.Policy(**{"executors": 1, "wait_s": 0.0, **policy}),
            metrics.Metrics(),
        )
        await check(made, holder, holder.model)
        holder.model.gate.set()
        await made.close()
        assert holder.users == 0

    asyncio.run(main())


async def busy(made, holder):
    """A run under way, to wait behind; returns its task."""
    holder.model.gate.clear()
    first = asyncio.create_task(made.run(holder, work(0, alone=True)))
    await asyncio.sleep(0)
    return first


def test_those_that_wait_share_a_run():
    async def check(made, holder, model):
        first = await busy(made, holder)
        others = [
            asyncio.create_task(made.run(holder, work(*values)))
            for values in ([1], [2, 3], [4], [5, 6])
        ]
        await asyncio.sleep(0)
        model.gate.set()
        found = [(await task)["y"].tolist() for task in [first, *others]]
        # Each its own rows, in no more than four a run.
        assert found == [[1], [2], [3, 4], [5], [6, 7]]
        assert model.runs == [1, 4, 2]

    run(check, batch=4)


def test_without_batching_each_runs_alone():
    async def check(made, holder, model):
        first = await busy(made, holder)
        others = [made.run(holder, work(i)) for i in range(3)]
        tasks = [asyncio.create_task(other) for other in others]
        await asyncio.sleep(0)
        model.gate.set()
        await asyncio.gather(first, *tasks)
        assert model.runs == [1, 1, 1, 1]

    run(check, batch=1)


def test_a_large_request_runs_whatever_the_batch():
    async def check(made, holder, model):
        found = await made.run(holder, work(*range(9)))
        assert len(found["y"]) == 9 and model.runs == [9]

    run(check, batch=4)


def test_a_bad_request_does_not_fail_its_neighbours():
    async def check(made, holder, model):
        first = await busy(made, holder)
        tasks = [
            asyncio.create_task(made.run(holder, work(value)))
            for value in (1, -1, 3)
        ]
        await asyncio.sleep(0)
        model.gate.set()
        await first
        good, bad, also_good = await asyncio.gather(
            *tasks, return_exceptions=True
        )
        assert (good["y"], also_good["y"]) == ([2], [4])
        assert isinstance(bad, errors.ServingError)
        assert model.runs == [1, 3, 1, 1, 1]

    run(check, batch=4)


def test_a_bug_fails_its_run_alone(caplog):
    async def check(made, holder, model):
        with pytest.raises(ZeroDivisionError):
            await made.run(holder, work(100))
        assert (await made.run(holder, work(1)))["y"] == [2]

    run(check)
    assert "A run failed" in caplog.text


def test_those_who_left_are_not_run():
    async def check(made, holder, model):
        first = await busy(made, holder)
        tasks = [
            asyncio.create_task(made.run(holder, work(value)))
            for value in (1, 2)
        ]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.sleep(0)
        model.gate.set()
        await first
        assert (await tasks[1])["y"] == [3]
        assert model.runs == [1, 1]

    run(check)


def test_one_who_leaves_during_the_run_keeps_the_model_loaded():
    async def check(made, holder, model):
        first = await busy(made, holder)
        first.cancel()
        await asyncio.sleep(0.01)
        assert holder.users == 1
        model.gate.set()
        while holder.users:
            await asyncio.sleep(0.001)

    run(check)


def test_a_full_house_is_refused():
    async def check(made, holder, model):
        with made.admit(), made.admit():
            assert made.pending == 2
            with pytest.raises(errors.ServingError) as caught, made.admit():
                pass
            assert caught.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        with made.admit():
            assert made.pending == 1

    run(check, queue=2)


def test_the_wait_is_bounded_and_an_idle_server_does_not_wait():
    async def check(made, holder, model):
        # Idle: at once, though the wait is a minute.
        await asyncio.wait_for(made.run(holder, work(1)), 30)
        first = await busy(made, holder)
        second = asyncio.create_task(made.run(holder, work(1)))
        third = [
            asyncio.create_task(made.run(holder, work(1))) for _ in range(3)
        ]
        await asyncio.sleep(0)
        # A free executor waits for company, but a full batch has it.
        assert model.runs == [1]
        model.gate.set()
        await asyncio.wait_for(asyncio.gather(first, second, *third), 30)
        assert sorted(model.runs) == [1, 1, 4]

    run(check, batch=4, executors=2, wait_s=60.0)


def test_time_limit_ends_the_wait():
    async def check(made, holder, model):
        first = await busy(made, holder)
        second = asyncio.create_task(made.run(holder, work(1)))
        # The other executor takes it, alone, when its time is up.
        await asyncio.sleep(0.05)
        model.gate.set()
        await asyncio.gather(first, second)
        assert model.runs == [1, 1]

    run(check, batch=4, executors=2, wait_s=0.01)
