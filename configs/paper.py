r"""The paper's network and recipe, on photographs with ordinal labels.

python -m tools.train --config=configs/paper.py \
    --config.data.lsp=DATA/lspet_ordinal --workdir=runs/paper

26.9 million parameters, batches of 4, RMSprop: wants a GPU, for days. The
paper's other depths are --config.model.z_resolutions="(1, 2, 4, 64)". The
paper's experiments are configs/h36m.py, h36m_lsp_mpii.py, humaneva_lsp_mpii.py,
head.py and reconstruction_paper.py.
"""

from ordinal_tf.training import defaults


def get_config():
    config = defaults.image()
    config.train.rank_ramp = (5_000, 20_000)  # Ours: 2D first, then the order.
    return config
