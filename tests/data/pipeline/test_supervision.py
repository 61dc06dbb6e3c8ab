"""What of the labels is seen: masks, derived relations, questions."""

import dataclasses

import numpy as np
import pytest

from ordinal_tf.data.pipeline import batching, mixing, sources, supervision
from tests import prepared_files

# Four joints with labels; the other thirteen have none.
DEPTHS = np.zeros(17, "float32")
DEPTHS[:4] = [0, 99, 100, 350]
RELATIONS = {(0, 1): 0, (0, 2): 1, (0, 3): 1, (1, 2): 0, (1, 3): 1, (2, 3): 1}


def people(own):
    """Labels of three people; those in `own` have relations, all 0 and -1."""
    mask = np.zeros((3, 17), bool)
    mask[:, :4] = True
    relation = np.zeros((3, 17, 17), np.int8)
    known = np.zeros((3, 17, 17), bool)
    for i in own:
        known[i, 0, 3] = known[i, 3, 0] = True
        relation[i, 0, 3], relation[i, 3, 0] = -1, 1
    return {
        "keypoints": np.ones((3, 17, 2), "float32"),
        "keypoint_mask": mask,
        "depth": np.tile(DEPTHS, (3, 1)),
        "depth_mask": mask,
        "relation": relation,
        "relation_mask": known,
    }


def applied(*texts, which=(0, 0, 0), own=(), drawn=None, flipped=0.0, **more):
    options = {"tolerance_mm": 100.0, **more}
    found = supervision.apply(
        people(own),
        np.array(which),
        np.zeros((3, 2, 17, 17), "float32") if drawn is None else drawn,
        chosen=tuple(supervision.parse(text) for text in texts),
        flipped=flipped,
        **options,
    )
    return {key: np.asarray(value) for key, value in found.items()}


def pairs(found, i=0):
    """Dict of the upper pairs of a person that are known."""
    upper = np.triu(found["relation_mask"][i], 1)
    rows = np.argwhere(upper).tolist()
    return {(a, b): int(found["relation"][i, a, b]) for a, b in rows}


def test_relations_from_depth_with_the_papers_tolerance():
    found = applied("ordinal")
    assert pairs(found) == RELATIONS
    assert not found["depth_mask"].any()
    np.testing.assert_array_equal(
        found["relation"], -found["relation"].swapaxes(1, 2)
    )
    mask = found["relation_mask"]
    np.testing.assert_array_equal(mask, mask.swapaxes(1, 2))
    assert pairs(applied("ordinal", tolerance_mm=99.0))[0, 1] == 1


def test_own_relations_come_first():
    found = applied("ordinal", own=[1])
    assert pairs(found, 1) == {(0, 3): -1}
    assert pairs(found, 0) == pairs(found, 2) == RELATIONS


def test_each_set_its_own():
    found = applied("2d", "full", "all", which=(0, 1, 2), own=[0, 1])
    assert pairs(found, 0) == pairs(found, 1) == {}
    assert pairs(found, 2) == RELATIONS
    assert found["depth_mask"].any(1).tolist() == [False, True, True]
    assert found["keypoint_mask"].sum(1).tolist() == [4, 4, 4]
    np.testing.assert_array_equal(found["depth"][1], DEPTHS)


def test_a_share_of_the_pairs():
    drawn = np.ones((3, 2, 17, 17), "float32")
    for (i, j), value in zip(
        RELATIONS, [0.1, 0.3, 0.5, 0.7, 0.8, 0.9], strict=True
    ):
        drawn[:, 0, i, j] = drawn[:, 0, j, i] = value
    found = applied("ordinal:0.5", drawn=drawn)
    assert pairs(found) == {(0, 1): 0, (0, 2): 1}
    assert len(pairs(applied("ordinal:0.6", drawn=drawn))) == 3


def test_flipped_relations():
    drawn = np.full((3, 2, 17, 17), 0.9, "float32")
    drawn[:, 1, 0, 3] = drawn[:, 1, 3, 0] = 0.1
    drawn[:, 1, 0, 1] = drawn[:, 1, 1, 0] = 0.1
    found = applied("ordinal", drawn=drawn, flipped=0.2)
    # What is equal stays so.
    assert pairs(found) == {**RELATIONS, (0, 3): -1}
    assert found["relation"][0, 3, 0] == 1


def test_questions_find_the_order():
    """Joints of five depths, in any order: the answers imply the rest."""
    rng = np.random.default_rng(0)
    counts = []
    for _ in range(200):
        level = rng.integers(0, 5, 14)
        relation = np.sign(level[None] - level[:, None])
        known = ~np.eye(14, dtype=bool)
        asked = supervision.asked(relation, known, rng.permutation(14))
        np.testing.assert_array_equal(asked, asked.T)
        assert not asked.diagonal().any()
        counts.append(asked.sum() // 2)
        # nearer[i, j]: a chain of answers leads from i to j; -1 breaks ties.
        nearer = asked & (relation > 0)
        equal = (asked & (relation == 0)) | np.eye(14, dtype=bool)
        reach = nearer | equal
        for k in range(14):
            reach |= reach[:, k : k + 1] & reach[k : k + 1]
        np.testing.assert_array_equal(reach, relation >= 0)
    # The paper: about 17 of 91.
    assert 15 < np.mean(counts) < 30 and max(counts) < 45


def test_what_nobody_can_tell_is_not_asked_again():
    relation = np.zeros((3, 3), int)
    known = np.zeros((3, 3), bool)
    known[0, 1] = known[1, 0] = True
    relation[0, 1], relation[1, 0] = 1, -1
    asked = supervision.asked(relation, known, [0, 1, 2])
    assert np.argwhere(asked).tolist() == [[0, 1], [1, 0]]
    # Joint 2 has none at all; joint 0 is asked of 1 alone.
    known[1, 2] = known[2, 1] = True
    asked = supervision.asked(relation, known, [0, 2, 1])
    assert not asked[0, 2]


@pytest.mark.parametrize(
    "text", ["3d", "2d:0.5", "full:questions", "ordinal:0", "ordinal:2", ""]
)
def test_other_names(text):
    with pytest.raises(ValueError, match="What is seen of a data set is one"):
        supervision.parse(text)


def test_what_a_set_must_know():
    for text, knows, message in (
        ("full", {"relation"}, "knows no depths"),
        ("full", set(), "knows no depths"),
        ("ordinal", set(), "neither relations nor depths"),
        ("ordinal:0.5", set(), "neither relations nor depths"),
    ):
        with pytest.raises(ValueError, match=f"people.*{message}"):
            supervision.check_knows(
                "people", supervision.parse(text), frozenset(knows)
            )
    for text, knows in (("2d", ()), ("all", ()), ("ordinal", ("depth",))):
        supervision.check_knows("people", supervision.parse(text), {*knows})


@pytest.fixture(scope="module")
def drawn_people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("supervision") / "drawn"
    prepared_files.write_prepared(folder, count=6)
    return sources.prepared_source(folder)


def batches(source, text, *, seed=0, steps=2, **options):
    seen = dataclasses.replace(source, seen=supervision.parse(text))
    dataset = batching.training_dataset(
        mixing.mix_sources([seen], [1.0]),
        input_size=16,
        batch_size=6,
        seed=seed,
        last_step=steps,
        mirror=False,
        **options,
    )
    return [{k: v.numpy() for k, v in batch.items()} for batch in dataset]


def test_through_the_pipeline(drawn_people):
    assert drawn_people.knows == {"depth", "relation"}
    first, second = batches(drawn_people, "ordinal:0.25")
    # Each step shows all six people, in an order of its own.
    masks = [
        {one.tobytes() for one in batch["relation_mask"]}
        for batch in (first, second)
    ]
    assert len(masks[0]) == 6 and masks[0] == masks[1]
    share = first["relation_mask"].sum() / (6 * 136)
    assert share == pytest.approx(0.25, abs=0.06)  # Four deviations.
    assert not first["relation_mask"][:, *np.tril_indices(17)].any()
    assert not first["depth_mask"].any()
    other = batches(drawn_people, "ordinal:0.25", seed=1, steps=1)[0]
    assert masks[0] != {one.tobytes() for one in other["relation_mask"]}

    asked = batches(drawn_people, "ordinal:questions", steps=1)[0]
    counts = asked["relation_mask"].sum((1, 2))
    assert (counts > 16).all() and (counts < 60).all()

    plain = batches(drawn_people, "all", steps=1)[0]
    assert plain["depth_mask"].all() and plain["relation_mask"].sum() == 816
    full = batches(drawn_people, "full", steps=1)[0]
    assert full["depth_mask"].all() and not full["relation_mask"].any()
    wrong = batches(drawn_people, "all", steps=1, flipped=0.3)[0]
    known = plain["relation"] != 0
    changed = (wrong["relation"] != plain["relation"])[known].mean()
    assert changed == pytest.approx(0.3, abs=0.08)


def test_sets_without_relations_get_them(drawn_people):
    """Human3.6M and its like: depths alone."""

    def read(row):
        data, packed = drawn_people.read(row)
        # The two last fields: 289 bytes of relations, 289 of their mask.
        zeros = b"\0" * 578
        kept = supervision.tf.strings.substr(packed, 0, 8 + 12 + 136 + 17 + 85)
        return data, kept + zeros

    alone = dataclasses.replace(
        drawn_people, read=read, knows=frozenset(["depth"])
    )
    found, known = batches(alone, "all"), batches(drawn_people, "all")
    for one, two in zip(found, known, strict=True):
        np.testing.assert_array_equal(one["relation"], two["relation"])
        np.testing.assert_array_equal(
            one["relation_mask"], two["relation_mask"]
        )
