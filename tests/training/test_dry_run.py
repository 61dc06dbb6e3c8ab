"""A dry run says what it measured and leaves nothing."""

import json

from ordinal_tf.training import dry_run
from tests.training import tasks


def test_what_it_says(monkeypatch):
    seconds = iter(range(1000))
    monkeypatch.setattr(dry_run.time, "monotonic", lambda: next(seconds))
    config = tasks.make_config(steps=3600, frozen=("encoder_1",))
    asked = []

    def make_task(config):
        def batches(first, last):
            asked.append((first, last))
            return (tasks.batch(0, step) for step in range(first, last))

        return tasks.make_task(
            config, batches=batches, ends=(0, 1200), examples=1000
        )

    found = dry_run.dry_run(config, make_task)
    assert asked == [(0, 5), (1200, 1205)]
    assert found["parameters"] == 3 * 5 + 5 + 4 * 5 + 6
    assert found["trainable"] == 6
    assert found["flops"] == 2 * (3 * 5 + 5)
    assert found["examples"] == 1000 and found["epochs"] == 3600 * 4 / 1000
    # The clock goes on by one each time it is looked at.
    assert found["step_seconds"] == 1 and found["hours"] == 1
    assert found["peak_megabytes"] > 100 > found["state_megabytes"] > 0
    assert json.loads(json.dumps(found)) == found
    text = dry_run.text(found)
    assert "1.000 s a step, 1.0 hours" in text and "14.4 epochs" in text
    assert "endless" in dry_run.text({**found, "examples": None})
    assert found["rematerialise"] is False and "twice" not in text
    assert "computed twice" in dry_run.text({**found, "rematerialise": True})
