r"""Chooses the recorded poses that are packaged with the synthetic people.

From motion capture that may be redistributed, the poses that differ most
from each other, whichever way the person faces.

    python -m tools.dev.build_poses --poses=DATA/mocap/cmu_asfamc \
        --out=ordinal_tf/synthetic/pose/poses.npz
"""

import pathlib

import numpy as np
from absl import flags

from ordinal_tf import files
from ordinal_tf.data.mocap import motion
from ordinal_tf.synthetic.pose import poses

from . import _common

_POSES = flags.DEFINE_string(
    "poses", None, "Folder of clips, or an .npz of poses.", required=True
)
_OUT = flags.DEFINE_string("out", None, "File to write.", required=True)
_COUNT = flags.DEFINE_integer("count", 400, "Poses.", lower_bound=1)


def choose(candidates, count):
    """The `count` poses that lie farthest apart.

    Args:
        candidates: `(M, 17, 3)` mm, y up, pelvis at 0.
        count: int, at most M are returned.

    Returns:
        `(count, 17, 3)`, facing +z, in the order in which they were chosen:
        each is the farthest from those before it.
    """
    faced = facing_forward(candidates)
    flat = faced.reshape(len(faced), -1)
    chosen = [0]
    nearest = np.full(len(flat), np.inf)
    while len(chosen) < min(count, len(flat)):
        gap = np.linalg.norm(flat - flat[chosen[-1]], axis=1)
        nearest = np.minimum(nearest, gap)
        chosen.append(int(np.argmax(nearest)))
    return faced[chosen]


def facing_forward(candidates):
    """Poses turned about the vertical, until the hips face +z."""
    names = poses.skeleton.H36M17
    across = (
        candidates[:, names.index("left_hip")]
        - candidates[:, names.index("right_hip")]
    )
    # Left is +x for somebody who faces +z.
    angle = np.arctan2(across[:, 2], across[:, 0])
    return candidates @ motion.rotation("Y", angle).mT


def main():
    candidates = poses.read_poses(_POSES.value, every=2)
    chosen = choose(candidates.astype(np.float64), _COUNT.value)
    out = pathlib.Path(_OUT.value)
    arrays = {"poses": np.round(chosen).astype(np.int16)}
    files.write_npz(out, arrays, compressed=True)
    print(f"{out}: {len(chosen)} poses, {out.stat().st_size / 1e3:.0f} kB.")


if __name__ == "__main__":
    _common.run(main)
