r"""The paper's network and recipe, on photographs with ordinal labels.

python -m tools.train --config=configs/paper.py \
    --config.data.lsp=DATA/lspet_ordinal --workdir=runs/paper

26.9 million parameters, batches of 4, RMSprop: wants a GPU, for days. The
paper's other depths are --config.model.z_resolutions="(1, 2, 4, 64)".
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
    config.augmentation.rotation_deg = 30.0
    config.augmentation.scale = (0.75, 1.25)
    config.augmentation.mirror = True
    config.augmentation.colour = 0.2
    config.augmentation.brightness = 0.0
    config.model = ConfigDict()
    config.model.name = "volume"
    config.model.input_size = 256
    config.model.z_resolutions = (1, 64)
    config.model.stem_features = 64
    config.model.front_features = 128
    config.model.features = 256
    config.model.out_features = 512
    config.model.order = 4
    config.model.modules = 3
    config.model.encoder = ""
    config.loss = ConfigDict()
    config.loss.heatmap = "l2"
    config.loss.heatmap_weight = 100.0
    config.loss.sigma = 3.25  # Heatmap cells; what image.gaussian(13) has.
    config.loss.rank_weight = 1.0
    config.loss.equal_weight = 1.0
    config.loss.depth_range = 10.0
    config.loss.depth_weight = 1.0
    config.loss.volume_weight = 0.0
    config.train = ConfigDict()
    config.train.precision = "float32"
    config.train.jit = False
    config.train.optimizer = "rmsprop"
    config.train.learning_rate = 2.5e-4
    config.train.warmup = 0
    config.train.decay = False
    config.train.clip_norm = None
    config.train.rank_ramp = (5_000, 20_000)  # Ours: 2D first, then the order.
    config.train.batch_size = 4
    config.train.steps = 300_000
    config.train.stages = ()
    config.train.log_every = 100
    config.train.save_every = 5_000
    config.train.eval_every = 10_000
    return config
