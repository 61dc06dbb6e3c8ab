"""Rendered people: as records, and as a stream."""

import numpy as np
import pytest

from ordinal_tf.data.pipeline import batching, mixing, sources, streams
from ordinal_tf.data.prepared import records
from tests import prepared_files


def test_a_sample_becomes_a_record():
    people = prepared_files.DrawnPeople()
    record, number = streams.rendered_record(people, 41)
    records.check(record)
    sample = people[41]
    assert (
        record["image"] == sample["jpeg"] and record["name"] == "00000041.jpg"
    )
    assert number == records.picture_number(sample["jpeg"])
    assert record["size"].tolist() == [96, 96]
    for key in ("keypoints", "depth", "relation", "pose", "visible", "camera"):
        np.testing.assert_array_equal(record[key], sample[key])
    upper = np.triu(record["relation_mask"], k=1)
    np.testing.assert_array_equal(upper, sample["relation_mask"])
    assert record["visible_mask"].all() and record["pose_mask"].all()


def test_parts_are_numbered_on():
    whole = prepared_files.drawn(10, first=5)
    part = whole.part(4, 7)
    assert len(whole) == 10 and len(part) == 3
    assert part.record(1)[0]["name"] == "00000010.jpg"
    assert part.fingerprint() != whole.part(4, 8).fingerprint()
    assert part.fingerprint() == prepared_files.drawn(3, first=9).fingerprint()


@pytest.mark.slow  # A process imports TensorFlow.
def test_the_stream_gives_sample_n_for_row_n():
    stream = streams.stream_source(prepared_files.DrawnPeople(), processes=1)
    assert stream.count is None and stream.pictures() is None
    mix = mixing.mix_sources([stream], [1.0])
    batches = batching.training_dataset(
        mix,
        input_size=96,
        batch_size=3,
        seed=0,
        first_step=2,
        last_step=4,
        rotation_deg=0.0,
        scale=(1.0, 1.0),
        mirror=False,
    )
    i = 6
    for batch in batches.as_numpy_iterator():
        for k in range(3):
            record = prepared_files.record(i)
            assert stream.name_of(i) == record["name"]
            np.testing.assert_array_equal(batch["depth"][k], record["depth"])
            centre = (batch["keypoints"][k] - 47.5) * record["box"][2] / 96
            np.testing.assert_allclose(
                centre + record["box"][:2], record["keypoints"], atol=1e-3
            )
            i += 1
    assert i == 12


def test_what_a_stream_sends_is_what_records_hold(monkeypatch):
    people = prepared_files.DrawnPeople()
    monkeypatch.setattr(streams, "_people", people)
    image, packed = streams._strings_of(3)
    record = prepared_files.record(3)
    assert image == record["image"]
    assert packed == records.pack(record, sources.READ)
