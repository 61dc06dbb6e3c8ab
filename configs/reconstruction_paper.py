r"""The reconstruction network as the paper trained it, on motion capture.

python -m tools.train_reconstruction --config=configs/reconstruction_paper.py \
    --config.data.mocap=DATA/mocap --workdir=runs/reconstruction_paper

1024 wide, batches of 64, RMSprop with 2.5e-4, 200,000 steps; --dry_run says
how long they take on your machine, which needs no GPU for it. The paper gives
no noise level, so ours is used. docs/reconstruction.md says what the smaller
configs/reconstruction.py reaches.
"""

from ordinal_tf.training import defaults


def get_config():
    return defaults.reconstruction()
