r"""The reconstruction network on motion capture, for a 2-core CPU.

python -m tools.train_reconstruction --config=configs/reconstruction.py \
    --config.data.mocap=DATA/mocap --workdir=runs/reconstruction

docs/reconstruction.md holds what it reaches. The paper's recipe is
train.optimizer="rmsprop", train.learning_rate=2.5e-4, train.decay=False,
train.batch_size=64, train.steps=200_000.
"""

from ml_collections import ConfigDict


def get_config():
    config = ConfigDict()
    config.seed = 0
    config.use_depth = True  # False zeroes the depth input: 2D only.
    config.data = ConfigDict()
    config.data.mocap = ""  # Folder of .bvh and .amc files.
    config.data.match = "*"  # Clips to train on, by path in that folder.
    config.data.held_out = 0.15  # Share of the clips kept for testing.
    config.data.fps = 10.0
    config.data.skip_limit = 10  # Bad clips that may be skipped.
    config.body = ConfigDict()
    config.body.scale = 0.05
    config.body.limbs = 0.1
    config.body.girdles = 0.25
    config.camera = ConfigDict()
    config.camera.elevation = (-0.2, 0.5)  # Radians.
    config.camera.roll = 0.1
    config.camera.distance_mm = (2500.0, 8000.0)
    config.camera.off_axis = 0.2
    config.camera.focal_px = (800.0, 1600.0)
    config.noise = ConfigDict()
    config.noise.depth_sigma_mm = 40.0
    config.noise.sigma_spread = 1.0  # Log range of sigma between poses.
    config.noise.depth_scale = 0.2  # Log range: 0.2 is -18 to +22 %.
    config.model = ConfigDict()
    config.model.width = 256
    config.model.blocks = 2
    config.model.dropout = 0.0
    config.train = ConfigDict()
    config.train.optimizer = "adam"
    config.train.learning_rate = 2e-3
    config.train.decay = True  # Cosine, to zero at the last step.
    config.train.batch_size = 256
    config.train.steps = 8_000
    config.train.log_every = 100
    config.train.eval_every = 1_000  # Also writes the checkpoint.
    return config
