r"""The reconstruction network on motion capture, for a 2-core CPU.

python -m tools.train_reconstruction --config=configs/reconstruction.py \
    --config.data.mocap=DATA/mocap --workdir=runs/reconstruction

docs/reconstruction.md holds what it reaches; the paper's recipe is
configs/reconstruction_paper.py.
"""

from ordinal_tf.training import defaults


def get_config():
    config = defaults.reconstruction()
    config.model.width = 256
    config.model.dropout = 0.0
    config.train.optimizer = "adam"
    config.train.learning_rate = 2e-3
    config.train.schedule = "cosine"
    config.train.batch_size = 256
    config.train.steps = 8_000
    return config
