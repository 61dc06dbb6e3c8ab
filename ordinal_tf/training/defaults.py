"""Every field of a config, with what it means and what it is if not said.

The files of `configs/` start from here and change what makes them different;
a field that is not here is unknown.
"""

from ml_collections import ConfigDict

from ordinal_tf.training import runs


def image():
    """The config of `tools.train`: the paper's network and optimiser."""
    config = ConfigDict()
    config.seed = 0
    config.init_from = ""  # See --init_from; what it was is kept here.
    config.init_sha256 = ""  # Filled in: of those weights.
    config.data = _image_data()
    config.augmentation = ConfigDict()
    config.augmentation.rotation_deg = 30.0
    config.augmentation.scale = (0.75, 1.25)
    config.augmentation.mirror = True
    config.augmentation.colour = 0.2
    config.augmentation.brightness = 0.0
    config.augmentation.cut_off = 0.0  # Share cut off at knees, hips, waist.
    config.model = ConfigDict()
    config.model.name = "volume"  # Or depth, coordinates: the heads.
    config.model.input_size = 256
    config.model.z_resolutions = (1, 64)  # Depth bins, one per hourglass.
    config.model.stem_features = 64
    config.model.front_features = 128
    config.model.features = 256
    config.model.out_features = 512
    config.model.order = 4
    config.model.modules = 3
    config.model.encoder = ""  # Pre-trained way down, such as "lite0".
    config.loss = ConfigDict()
    config.loss.heatmap = "l2"  # Or cross_entropy.
    config.loss.heatmap_weight = 100.0
    config.loss.sigma = 3.25  # Heatmap cells; what image.gaussian(13) has.
    config.loss.rank_weight = 1.0
    config.loss.equal_weight = 1.0
    config.loss.depth_range = 10.0
    config.loss.depth_weight = 1.0
    config.loss.volume_weight = 0.0
    config.train = _train()
    config.train.rank_ramp = (0, 0)  # Steps between which ranking comes in.
    config.train.rematerialise = False  # Less memory, more time.
    config.train.batch_size = 4
    config.train.steps = 300_000
    # (share of the steps done, crop size) until the model's own size.
    config.train.stages = ()
    config.train.log_every = 100
    config.train.save_every = 5_000
    config.train.eval_every = 10_000
    return config


def _image_data():
    data = ConfigDict()
    # Prepared folders (tools.prepare), their weights, and maybe what is seen
    # of their labels, see `supervision.parse`:
    # (("DIR", 1.0), ("DIR", 0.5, "2d"), ("DIR", 0.5, "ordinal:0.2")).
    data.train = ()
    data.tolerance_mm = 100.0  # Nearer depths are equal, where they are known.
    data.flipped = 0.0  # Share of the relations given wrong, to try that.
    data.held_out_set = ""  # Prepared folder; else of `lsp`, below.
    data.lsp = ""  # Folder in the published ordinal layout.
    data.lsp_weight = 1.0
    data.lsp_supervision = "all"
    data.train_range = (1, 5400)  # Images, both ends included.
    data.held_out = (5401, 6000)
    data.skip_limit = 20  # Bad records that may be skipped.
    data.synthetic = ConfigDict()  # People rendered on the fly.
    data.synthetic.weight = 0.0
    data.synthetic.supervision = "all"
    data.synthetic.seed = 0
    data.synthetic.preset = "photographs"
    data.synthetic.joints = "h36m17"  # Or lsp14: as in photographs.
    data.synthetic.size = 256
    data.synthetic.processes = 2
    # Crops turned and coloured by the accelerator, which it should be where
    # there is one; and the tf.data service that makes the batches, if any.
    data.on_device = False
    data.service = ""
    return data


def reconstruction():
    """The config of `tools.train_reconstruction`: the paper's network."""
    config = ConfigDict()
    config.seed = 0
    config.init_from = ""
    config.init_sha256 = ""
    config.use_depth = True  # False zeroes the depth input: 2D only.
    config.data = ConfigDict()
    config.data.mocap = ""  # Folder of .bvh and .amc files.
    config.data.match = "*"  # Clips to train on, by path in that folder.
    config.data.held_out = 0.15  # Share of the clips kept for testing.
    config.data.fps = 10.0
    config.data.synthetic = 0  # Poses of synthetic people to add.
    config.data.skip_limit = 10  # Bad clips that may be skipped.
    config.body = ConfigDict()
    config.body.average = False  # True: about average lengths, not recorded.
    config.body.scale = 0.05
    config.body.limbs = 0.1
    config.body.girdles = 0.25
    config.camera = ConfigDict()
    config.camera.elevation = (-0.2, 0.5)  # Radians.
    config.camera.roll = 0.1
    config.camera.anyhow = 0.0  # Share that looks from anywhere, at any roll.
    config.camera.distance_mm = (2500.0, 8000.0)
    config.camera.off_axis = 0.2
    config.camera.focal_px = (800.0, 1600.0)
    config.errors = ConfigDict()  # See data/mocap/image_errors.py.
    config.errors.own_unit = False  # True: of the very network to follow.
    config.errors.swapped = (0.0, 0.0)
    config.errors.merged = (0.0, 0.0)
    config.errors.missed = (0.0, 0.0, 0.0)
    config.errors.jitter = (0.0, 0.0, 0.0)
    config.errors.hardness = 0.0
    config.errors.gain = (1.0, 1.0, 1.0)
    config.errors.depth_mm = (0.0, 0.0, 0.0)
    config.noise = ConfigDict()  # On the depth, on top.
    config.noise.depth_sigma_mm = 40.0
    config.noise.sigma_spread = 1.0  # Log range of sigma between poses.
    config.noise.depth_scale = 0.2  # Log range: 0.2 is -18 to +22 %.
    config.model = ConfigDict()
    config.model.width = 1024
    config.model.blocks = 2
    config.model.dropout = 0.5
    config.model.residual = False  # True: the output corrects the input.
    config.train = _train()
    config.train.batch_size = 64
    config.train.steps = 200_000
    config.train.log_every = 100
    config.train.save_every = 1_000
    config.train.eval_every = 1_000
    return config


def _train():
    """What both networks' loops read."""
    train = ConfigDict()
    train.devices = "one"  # Or all of this machine, or workers: several.
    train.precision = "float32"  # Or mixed_bfloat16, mixed_float16.
    train.jit = False  # On CPUs XLA convolves ten times slower than oneDNN.
    train.optimizer = "rmsprop"  # Or adam.
    train.learning_rate = 2.5e-4
    train.encoder_rate = 1.0  # Times the learning rate, for the encoder.
    train.warmup = 0  # Steps.
    train.schedule = "constant"  # Or cosine to zero, or steps: `drops`.
    train.drops = ()  # (share of the steps done, factor).
    train.clip_norm = None
    train.frozen = ()  # Beginnings of the names of layers that stay.
    train.frozen_norms = ()  # The same, of batch norms alone.
    train.accumulate = 1  # Pieces that a batch is computed in.
    train.ema = 0.0  # Share that a step keeps of averaged weights; 0: none.
    return train


def check_fields(config, known):
    """Raises `ValueError` where a config lacks a field or has one too many.

    Args:
        config: `ConfigDict`.
        known: `ConfigDict` with every field.
    """
    has, should = (set(runs.flat(c.to_dict())) for c in (config, known))
    for wrong, text in (
        (has - should, "has fields that nothing reads"),
        (should - has, "lacks fields"),
    ):
        if wrong:
            raise ValueError(
                f"The config {text}: {', '.join(sorted(wrong))}. Start from "
                "`ordinal_tf.training.defaults`, as the files of configs/ do."
            )
