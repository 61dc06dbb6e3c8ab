"""The contract of one record: written and read back, or refused."""

import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.data.prepared import records
from tests import prepared_files


def test_what_is_written_is_read():
    given = prepared_files.record()
    data = records.serialize(given)
    assert data == records.serialize(dict(reversed(given.items())))
    found = records.parse(data, "here")
    assert set(found) == set(records.FIELDS)
    for key, value in given.items():
        np.testing.assert_array_equal(found[key], value)
        if isinstance(value, np.ndarray):
            assert found[key].dtype == value.dtype


def test_the_graph_reads_the_same():
    arrays = [k for k, (kind, _) in records.FIELDS.items() if kind is not bytes]
    arrays.remove("name")
    given = [prepared_files.record(i) for i in range(3)]
    data = [records.serialize(one) for one in given]
    dataset = tf.data.Dataset.from_tensor_slices(data)
    dataset = dataset.map(lambda one: records.parse_packed(one, arrays))
    ((images, packed),) = dataset.batch(3).as_numpy_iterator()
    found = records.unpack(tf.constant(packed), arrays)
    assert set(found) == set(arrays)
    for i, one in enumerate(given):
        assert images[i] == one["image"]
        assert packed[i] == records.pack(one, arrays)
        for key in arrays:
            np.testing.assert_array_equal(found[key][i], one[key])
    for key in arrays:
        kind, shape = records.FIELDS[key]
        assert found[key].dtype == kind and found[key].shape == (3, *shape)


def _relation(sign, pair=(1, 2)):
    relation = np.zeros((17, 17), np.int8)
    relation[pair] = sign
    return relation


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": b""}, "`image` must be bytes, not empty"),
        ({"image": "text"}, "`image` must be bytes"),
        ({"box": np.zeros(3)}, "`box` must be float32"),
        ({"box": np.zeros(2, np.float32)}, r"`box` must be float32 \(3,\)"),
        ({"box": np.zeros(3, np.float32)}, "side of `box` must be positive"),
        ({"depth": np.full(17, np.nan, np.float32)}, "`depth` is not finite"),
        ({"depth_mask": np.zeros(17, bool)}, "`depth` must be 0 where"),
        ({"relation": _relation(1)}, "antisymmetric"),
        ({"relation": _relation(2) - _relation(2).T}, "-1, 0 or"),
        ({"relation_mask": np.eye(17, dtype=bool)}, "`relation` must be 0"),
        ({"colour": 1}, "unknown: colour"),
    ],
)
def test_bad_records_are_refused(changes, message):
    given = {**prepared_files.record(), **changes}
    with pytest.raises(ValueError, match=message) as error:
        records.serialize(given)
    assert "00000000.jpg" in str(error.value)


def test_relations_are_masked_alike_on_both_sides():
    given = prepared_files.record()
    mask = given["relation_mask"].copy()
    mask[1, 2] = False
    relation = np.where(mask & mask.T, given["relation"], 0).astype(np.int8)
    with pytest.raises(ValueError, match="`relation_mask` must be symmetric"):
        records.check({**given, "relation": relation, "relation_mask": mask})


def test_no_joint_is_nearer_than_itself():
    given = prepared_files.record()
    mask = given["relation_mask"].copy()
    mask[4, 4] = True  # Its relation is 0, as it must be.
    with pytest.raises(ValueError, match="False on its diagonal"):
        records.check({**given, "relation_mask": mask})


def _example(record, **changes):
    example = tf.train.Example.FromString(records.serialize(record))
    for key, value in changes.items():
        del example.features.feature[key]
        if value is not None:
            feature = tf.train.Feature(
                bytes_list=tf.train.BytesList(value=value)
            )
            example.features.feature[key].CopyFrom(feature)
    return example.SerializeToString()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"box": None}, "has no field `box`"),
        ({"box": [b"a", b"b"]}, "has no field `box`"),
        ({"box": [b"abc"]}, "`box` is damaged"),
        ({"box": [b"a" * 16]}, "`box` is damaged"),
        ({"name": [b"\xff"]}, "`name` is damaged"),
        ({"visible": [b"\x02" * 17]}, "neither 0 nor 1"),
        ({"relation": [b"\x01" * 289]}, "0 where it is masked"),
    ],
)
def test_damaged_records_are_refused(changes, message):
    data = _example(prepared_files.record(), **changes)
    with pytest.raises(ValueError, match=message) as error:
        records.parse(data, "Record 7")
    assert str(error.value).startswith("Record 7")


def test_what_is_no_example_is_refused():
    with pytest.raises(ValueError, match="Record 7 is no tf.train.Example"):
        records.parse(b"\xff\xff\xff", "Record 7")


def test_mutated_records_are_refused_or_still_keep_the_contract():
    """A few thousand mutations: our exceptions alone, never a bad label."""
    rng = np.random.default_rng(0)
    data = np.frombuffer(records.serialize(prepared_files.record()), np.uint8)
    refused = 0
    for _ in range(3000):
        mutant = data.copy()
        places = rng.integers(0, len(data), rng.integers(1, 9))
        mutant[places] = rng.integers(0, 256, len(places))
        mutant = mutant.tobytes()
        if rng.random() < 0.2:
            mutant = mutant[: rng.integers(len(mutant))]
        try:
            found = records.parse(mutant, "here")
        except ValueError:
            refused += 1
        else:
            records.check(found)
    assert 0.1 < refused / 3000 < 1


def test_picture_numbers_are_of_the_content():
    # The first eight bytes of the published SHA-256 of "abc".
    assert records.picture_number(b"abc") == 0xBA7816BF8F01CFEA
    assert records.picture_number(b"abc").dtype == np.uint64
