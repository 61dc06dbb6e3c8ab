r"""Human3.6M with depths, LSP and MPII with 2D and ordinal labels.

python -m tools.train --config=configs/h36m_lsp_mpii.py \
    --config.data.train="(('prepared/h36m', 2.0, 'full'), \
        ('prepared/lsp', 1.0, 'ordinal'), ('prepared/mpii', 1.0, 'ordinal'))" \
    --config.data.held_out_set=prepared/h36m_test --workdir=runs/mixed

The paper's best image network: 2.5 million steps of 4 on one GPU; --dry_run
says how long they take on it. Half of the examples are Human3.6M's here; the
paper does not give its proportion. Rows of its Table 2: '2d' for the two
photograph sets is "+ 2D keypoints", 'ordinal' "+ 2D + ordinal"; the rows with
the reconstruction chain such a run with configs/reconstruction_paper.py in
tools.export. To go on from configs/h36m.py: --init_from=runs/h36m.
"""

from ordinal_tf.training import defaults


def get_config():
    config = defaults.image()
    config.train.steps = 2_500_000
    config.train.save_every = 10_000
    config.train.eval_every = 50_000
    config.train.rank_ramp = (5_000, 20_000)  # Ours: 2D first, then the order.
    return config
