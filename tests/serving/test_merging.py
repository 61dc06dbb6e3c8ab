"""Requests put together and taken apart."""

import numpy as np
import pytest

from ordinal_tf.serving import merging

ALL = ("serving_default", "photo", "photos")


def photo(people, data=b"x"):
    return {
        "photo": np.array([data], object),
        "boxes": np.full((people, 3), people, np.float32),
    }


def test_crops_of_one_size_share():
    one = merging.plan(ALL, ALL[0], {"image": np.zeros((1, 4, 4, 3))})
    two = merging.plan(ALL, ALL[0], {"image": np.ones((2, 4, 4, 3))})
    other = merging.plan(ALL, ALL[0], {"image": np.ones((2, 5, 5, 3))})
    assert one.group == two.group != other.group
    assert (one.cost, two.cost) == (1, 2)
    merged = merging.merge([one, two])["image"]
    assert merged[:, 0, 0, 0].tolist() == [0, 1, 1]
    first, second = merging.split({"y": np.arange(3)}, [one, two])
    assert (first["y"].tolist(), second["y"].tolist()) == ([0], [1, 2])


def test_photo_becomes_a_row_of_photos():
    works = [
        merging.plan(ALL, "photo", photo(2, data)) for data in (b"a", b"b")
    ]
    assert {work.signature for work in works} == {"photos"}
    assert [work.cost for work in works] == [2, 2]
    merged = merging.merge(works)
    assert merged["photos"].tolist() == [b"a", b"b"]
    assert merged["boxes"].shape == (2, 2, 3)
    assert merged["counts"].tolist() == [2, 2]
    assert merged["counts"].dtype == np.int32
    parts = merging.split({"pose": np.arange(4).reshape(2, 2)}, works)
    # Without the axis of the pictures, as `photo` answers.
    assert [part["pose"].tolist() for part in parts] == [[0, 1], [2, 3]]
    alone = merging.split({"pose": np.array([[7, 8]])}, works[:1])
    assert alone[0]["pose"].tolist() == [7, 8]


@pytest.mark.parametrize(
    "signatures, name, inputs",
    [
        (ALL[:2], "photo", photo(2)),  # A model without `photos`.
        (ALL, "photo", photo(0)),  # The graph looks for the person.
        (ALL, "serving_default", {"image": np.zeros((0, 4, 4, 3))}),
        (ALL, "serving_default", {"words": np.zeros((2, 4))}),
        (ALL, "other", {"image": np.zeros((2, 4))}),
        (
            ALL,
            "photos",
            {
                "photos": np.zeros(0, object),
                "boxes": np.zeros((0, 1, 3)),
                "counts": np.zeros(0, np.int32),
            },
        ),
    ],
)
def test_what_runs_alone(signatures, name, inputs):
    work = merging.plan(signatures, name, inputs)
    assert (work.group, work.signature, work.inputs) == (None, name, inputs)
    assert merging.split({"y": 1}, [work]) == [{"y": 1}]


def test_different_numbers_of_people_are_padded():
    works = [merging.plan(ALL, "photo", photo(people)) for people in (1, 3)]
    assert [work.cost for work in works] == [1, 3]
    merged = merging.merge(works)
    assert merged["counts"].tolist() == [1, 3]
    assert merged["boxes"][:, :, 0].tolist() == [[1, 0, 0], [3, 3, 3]]
    parts = merging.split({"y": np.arange(6).reshape(2, 3)}, works)
    assert [part["y"].tolist() for part in parts] == [[0], [3, 4, 5]]


def test_only_people_who_count_cost():
    inputs = {
        "photos": np.array([b"a", b"b"], object),
        "boxes": np.ones((2, 4, 3), np.float32),
        "counts": np.array([1, 0], np.int32),
    }
    work = merging.plan(ALL, "photos", inputs)
    assert (work.rows, work.cost, work.people) == (2, 1, 4)
    # And all four rows come back, as the signature says.
    (part,) = merging.split({"y": np.zeros((2, 4))}, [work])
    assert part["y"].shape == (2, 4)
