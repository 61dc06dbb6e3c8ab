r"""A small volume network for photographs with 2D and ordinal labels.

python -m tools.train --config=configs/lite.py \
    --config.data.lsp=DATA/lspet_ordinal --workdir=runs/lite

For two CPU cores, and real-time prediction there. Most steps see small
crops, which cost less: the network is convolutional, so the resolution can
grow during training. Where the processor computes in bfloat16,
--config.train.precision=mixed_bfloat16 takes a third less time.
docs/results.md holds what it reaches, and how the shipped `lite` was trained
with it.
"""

from ordinal_tf.training import defaults


def get_config():
    config = defaults.image()
    config.augmentation.rotation_deg = 45.0  # People here turn somersaults.
    config.augmentation.brightness = 0.1
    config.augmentation.cut_off = 0.3  # And sit at tables.
    config.model.input_size = 160
    config.model.z_resolutions = (1, 16)
    config.model.stem_features = 24
    config.model.front_features = 48
    config.model.features = 96
    config.model.out_features = 96
    config.model.order = 3
    config.model.modules = 1
    config.model.encoder = "lite0"  # Way down of the first hourglass.
    # Cross-entropy keeps its gradient where the squared error of a softmax
    # loses it.
    config.loss.heatmap = "cross_entropy"
    config.loss.heatmap_weight = 1.0
    config.loss.sigma = 1.0
    config.loss.depth_weight = 2.0
    config.loss.rank_weight = 0.02
    config.loss.equal_weight = 0.1  # "Equal" is the least certain label.
    config.train.optimizer = "adam"
    config.train.learning_rate = 1e-3
    config.train.warmup = 200
    config.train.schedule = "cosine"
    config.train.clip_norm = 5.0
    config.train.rank_ramp = (100, 600)  # 2D first, then the order.
    config.train.batch_size = 16
    config.train.steps = 8_000
    config.train.stages = ((0.35, 96), (0.75, 128))
    config.train.log_every = 50
    config.train.save_every = 500
    config.train.eval_every = 1_000
    return config
