r"""How many questions annotators need, and how right their relations are.

Example:
    python -m tools.dev.simulate_annotators --data=prepared/people_test

Simulated annotators see the true depths of prepared people, and give one of
the two wrong answers as often as the table says.
"""

import json

import numpy as np
from absl import flags

from ordinal_tf import ordinal, skeleton
from ordinal_tf.annotation import agreement, simulated, sorting
from ordinal_tf.data.prepared import reading

from . import _common

_DATA = flags.DEFINE_string(
    "data", None, "Prepared folder with depths.", required=True
)
_COUNT = flags.DEFINE_integer("count", 500, "People, at most.", 1)
_SEED = flags.DEFINE_integer("seed", 0, "Of the annotators' errors.")
_ERRORS = flags.DEFINE_list(
    "errors", ["0", "5", "10", "15", "20"], "Wrong answers, in %."
)
_ANNOTATORS = flags.DEFINE_list(
    "annotators", ["1", "3", "5"], "People a picture; the majority counts."
)

PAPER = 17.0  # Questions a picture; section 4.1.
_PAIRS = np.triu_indices(len(sorting.JOINTS), 1)


def main():
    depths = _read_depths(_DATA.value, _COUNT.value)
    rows = [
        simulate(depths, error / 100, people, _SEED.value)
        for people in _common.numbers(_ANNOTATORS, int)
        for error in _common.numbers(_ERRORS, float)
    ]
    print(
        f"{len(depths)} people. Questions: mean (5 to 95 %), the paper's are "
        f"about {PAPER:.0f} of {len(_PAIRS[0])}. Right, of the relations that "
        "are written, and how many those are; then of all that the order says."
    )
    print(
        "annotators  wrong    questions         right  opposite  pairs   "
        "all: right  opposite"
    )
    for row in rows:
        low, high = row["questions_5_95"]
        print(
            f"{row['annotators']:10}  {row['error']:5.0%}   "
            f"{row['questions']:5.1f} ({low:2.0f} to {high:2.0f})  "
            f"{row['right']:9.1%} {row['opposite']:9.1%} {row['pairs']:6.1f}   "
            f"{row['all_right']:10.1%} {row['all_opposite']:9.1%}"
        )
    print(json.dumps({"people": len(depths), "paper": PAPER, "rows": rows}))


def simulate(depths, error, annotators, seed):
    """One row of the table.

    Args:
        depths: `(N, 14)` mm of `sorting.JOINTS`.
        error: float, share of wrong answers.
        annotators: int, of each person.
        seed: int.

    Returns:
        dict of figures, `questions` per annotator and picture, `right` and
        `opposite` shares of the relations, `pairs` how many a picture.
    """
    rng = np.random.default_rng(seed)
    questions, kept, everything = [], [], []
    for person in depths:
        truth, _ = ordinal.relations_from_depths(person)
        truth = np.asarray(truth)[_PAIRS]
        given = [
            simulated.annotate(person, error=error, rng=rng)
            for _ in range(annotators)
        ]
        questions += [len(answers) for answers, _ in given]
        said = [
            sorting.relations(progress.levels, answers)
            for answers, progress in given
        ]
        for rows, all_pairs in ((kept, False), (everything, True)):
            relation, mask = agreement.consensus(said, everything=all_pairs)
            relation, mask = relation[_PAIRS], mask[_PAIRS]
            right, wrong = relation == truth, relation * truth < 0
            rows.append(
                ((right & mask).sum(), (wrong & mask).sum(), mask.sum())
            )
    right, opposite, pairs = np.sum(kept, axis=0)
    all_right, all_opposite, all_pairs = np.sum(everything, axis=0)
    return {
        "annotators": annotators,
        "error": error,
        "questions": float(np.mean(questions)),
        "questions_5_95": np.percentile(questions, [5, 95]).tolist(),
        "right": float(right / pairs),
        "opposite": float(opposite / pairs),
        "pairs": float(pairs / len(depths)),
        "all_right": float(all_right / all_pairs),
        "all_opposite": float(all_opposite / all_pairs),
    }


def _read_depths(folder, count):
    """`(N, 14)` mm, the thorax standing in for the neck."""
    opened = reading.open_prepared(folder)
    to_joints = skeleton.mapping(skeleton.H36M17, sorting.JOINTS)
    found = []
    for row in range(min(count, len(opened))):
        record = opened.read(row)
        depth, known = to_joints.points(
            record["depth"][:, None], record["depth_mask"]
        )
        if known.all():
            found.append(depth[:, 0])
    if not found:
        raise ValueError(
            f"{folder} has nobody whose depths are all known; synthetic people "
            "and motion capture have them."
        )
    return np.array(found)


if __name__ == "__main__":
    _common.run(main)
