"""Batches made by other machines, through tf.data service, in their order."""

import socket
import urllib.parse

import tensorflow as tf

# Batches that may come early while one is late.
_WAITING = 1000


def distributed(dataset, address, *, first_step, last_step):
    """Yields batches from the workers of a tf.data service, step by step.

    The dispatcher hands out the steps one by one, so a worker that is slow or
    joins late changes nothing but the speed: what comes early waits here.

    Args:
        dataset: `tf.data.Dataset` of `(step, batch)` whose source is a range
            of the steps, without Python functions.
        address: "grpc://HOST:PORT" of the dispatcher.
        first_step, last_step: the range.

    Raises:
        ValueError: no service at the address, or a step that never came.
    """
    check_address(address)
    kinds = tf.data.experimental.service
    dataset = dataset.apply(
        kinds.distribute(kinds.ShardingPolicy.DYNAMIC, address)
    )
    try:
        yield from in_order(dataset, first_step, last_step)
    except tf.errors.OpError as error:
        raise ValueError(
            f"The tf.data service at {address} failed: "
            f"{error.message.splitlines()[0]}"
        ) from error


def check_address(address):
    """Raises `ValueError` where nobody answers: tf.data itself would wait."""
    try:
        parts = urllib.parse.urlsplit(address)
        place = (parts.hostname or "", parts.port or 0)
        socket.create_connection(place, timeout=10.0).close()
    except (OSError, ValueError) as error:
        raise ValueError(
            "The address of a tf.data service must be that of its running "
            f"dispatcher, such as grpc://localhost:5000. {address!r} does not "
            f"answer: {error}."
        ) from error


def in_order(batches, first_step, last_step):
    """The batches of `(step, batch)` pairs that come in any order."""
    waiting, step = {}, first_step
    for number, batch in batches:
        waiting[int(number)] = batch
        while step in waiting:
            yield waiting.pop(step)
            step += 1
        if len(waiting) > _WAITING:
            break
    if step != last_step:
        raise ValueError(
            f"The tf.data service lost the batch of step {step}: a worker "
            "was stopped. Run the same command again, which continues from "
            "the last checkpoint."
        )
