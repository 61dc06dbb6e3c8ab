r"""HumanEva-I with depths, LSP and MPII with 2D and ordinal labels.

python -m tools.train --config=configs/humaneva_lsp_mpii.py \
    --config.data.train="(('prepared/humaneva', 2.0, 'full'), \
        ('prepared/lsp', 1.0, 'ordinal'), ('prepared/mpii', 1.0, 'ordinal'))" \
    --config.data.held_out_set=prepared/humaneva_test --workdir=runs/humaneva

As configs/h36m_lsp_mpii.py, for the paper's 1.5 million steps of 4. The paper
reports 18.3 mm after alignment for it, chained with its reconstruction.
"""

from ordinal_tf.training import defaults


def get_config():
    config = defaults.image()
    config.train.steps = 1_500_000
    config.train.save_every = 10_000
    config.train.eval_every = 50_000
    config.train.rank_ramp = (5_000, 20_000)  # Ours: 2D first, then the order.
    return config
