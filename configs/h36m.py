r"""Human3.6M with its depths: the paper's strong experiment.

python -m tools.prepare h36m --source=DATA/h36m --out=prepared/h36m
python -m tools.train --config=configs/h36m.py \
    --config.data.train="(('prepared/h36m', 1.0, 'full'),)" \
    --config.data.held_out_set=prepared/h36m_test --workdir=runs/h36m

Batches of 4, 300,000 steps, for one GPU; --dry_run says how long they take on
it and what they need. The weak experiment sees only the order of the depths,
derived with the paper's 100 mm: 'ordinal' in place of 'full', and
--config.loss.rank_weight=1. Table 1 of the paper has 69.77 mm for this one
and 79.03 mm for that one, of its own reconstruction.

Depth is learnt by cross-entropy of the depth marginal, which goes with the
losses of the weak experiment; the squared error of the whole volume, as the
coarse-to-fine networks before the paper had it, is
--config.loss.volume_weight=1 --config.loss.depth_weight=0.
"""

from ordinal_tf.training import defaults


def get_config():
    config = defaults.image()
    config.loss.rank_weight = 0.0
    return config
