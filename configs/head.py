r"""The paper's networks with one hourglass, for the rows of its Table 1.

python -m tools.train --config=configs/head.py --config.model.name=depth \
    --config.data.train="(('prepared/h36m', 1.0, 'full'),)" \
    --config.data.held_out_set=prepared/h36m_test --workdir=runs/depth_full

`model.name` is depth (17 depths and no keypoints), coordinates (17 x, y and
depth) or volume (one hourglass with 64 depths); two hourglasses are
configs/h36m.py. Full supervision as above; weak: 'ordinal' in place of
'full', and --config.loss.rank_weight=1. 300,000 steps of 4 on one GPU;
--dry_run says how long they take on it. The paper's errors grow from full to
weak by 1.050, 1.024 and 1.048.
"""

from ordinal_tf.training import defaults


def get_config():
    config = defaults.image()
    config.model.name = "depth"
    config.model.z_resolutions = (64,)  # Of the volume alone.
    config.loss.rank_weight = 0.0
    return config
