r"""A small volume network for photographs with 2D and ordinal labels.

python -m tools.train --config=configs/lite.py \
    --config.data.lsp=DATA/lspet_ordinal --workdir=runs/lite

For two CPU cores, and real-time prediction there. Most steps see small
crops, which cost a third: the network is convolutional, so the resolution
can grow during training. docs/results.md holds what it reaches.
"""

from ml_collections import ConfigDict


def get_config():
    config = ConfigDict()
    config.seed = 0
    config.data = ConfigDict()
    # Prepared folders (tools.prepare) and their weights: (("DIR", 1.0),).
    config.data.train = ()
    config.data.held_out_set = ""  # Prepared folder; else of `lsp`, below.
    config.data.lsp = ""  # Folder in the published ordinal layout.
    config.data.lsp_weight = 1.0
    config.data.train_range = (1, 5400)  # Images, both ends included.
    config.data.held_out = (5401, 6000)
    config.data.skip_limit = 20  # Bad records that may be skipped.
    config.data.synthetic = ConfigDict()  # People rendered on the fly.
    config.data.synthetic.weight = 0.0
    config.data.synthetic.seed = 0
    config.data.synthetic.preset = "photographs"
    config.data.synthetic.joints = "h36m17"  # Or lsp14: as in photographs.
    config.data.synthetic.size = 256
    config.data.synthetic.processes = 2
    # Crops turned and coloured by the accelerator, which it should be where
    # there is one; and the tf.data service that makes the batches, if any.
    config.data.on_device = False
    config.data.service = ""
    config.augmentation = ConfigDict()
    config.augmentation.rotation_deg = 45.0  # People here turn somersaults.
    config.augmentation.scale = (0.75, 1.25)
    config.augmentation.mirror = True
    config.augmentation.colour = 0.2
    config.augmentation.brightness = 0.1
    config.model = ConfigDict()
    config.model.name = "volume"
    config.model.input_size = 192
    config.model.z_resolutions = (1, 16)
    config.model.stem_features = 24
    config.model.front_features = 48
    config.model.features = 96
    config.model.out_features = 96
    config.model.order = 3
    config.model.modules = 1
    config.model.encoder = "lite0"  # Way down of the first hourglass.
    config.loss = ConfigDict()
    # Cross-entropy keeps its gradient where the squared error of a softmax
    # loses it; the paper's is "l2" with weight 100.
    config.loss.heatmap = "cross_entropy"
    config.loss.heatmap_weight = 1.0
    config.loss.sigma = 1.0  # Heatmap cells.
    config.loss.rank_weight = 0.02
    config.loss.equal_weight = 0.1  # "Equal" is the least certain label.
    config.loss.depth_range = 10.0
    config.loss.depth_weight = 1.0
    config.loss.volume_weight = 0.0
    config.train = ConfigDict()
    config.train.precision = "float32"
    config.train.jit = False  # XLA convolves ten times slower than oneDNN.
    config.train.optimizer = "adam"
    config.train.learning_rate = 1e-3
    config.train.warmup = 200
    config.train.decay = True  # Cosine, to zero at the last step.
    config.train.clip_norm = 5.0
    config.train.rank_ramp = (100, 600)  # 2D first, then the order.
    config.train.batch_size = 16
    config.train.steps = 8_000
    # (share of the steps done, crop size) until the model's own size.
    config.train.stages = ((0.35, 96), (0.75, 128))
    config.train.log_every = 50
    config.train.save_every = 500
    config.train.eval_every = 1_000
    return config
