r"""The reconstruction network for `configs/lite.py`, for a 2-core CPU.

python -m tools.train_reconstruction --config=configs/reconstruction.py \
    --config.data.mocap=DATA/mocap --workdir=runs/reconstruction

docs/reconstruction.md holds what it reaches; the paper's recipe is
configs/reconstruction_paper.py.
"""

from ordinal_tf.training import defaults


def get_config():
    config = defaults.reconstruction()
    config.data.synthetic = 12_000
    config.body.average = True
    config.body.scale = 0.07
    config.body.limbs = 0.07
    config.body.girdles = 0.1
    config.camera.roll = 0.15
    config.camera.anyhow = 0.3
    config.camera.distance_mm = (2000.0, 8000.0)
    # Of configs/lite.py at step 4,500, by tools.dev.measure_errors.
    config.errors.own_unit = True
    config.errors.swapped = (0.05, 0.06)
    config.errors.merged = (0.72, 0.70)
    config.errors.missed = (0.025, 0.052, 0.052)
    config.errors.jitter = (0.027, 0.027, 0.023)
    config.errors.hardness = 0.34
    config.errors.gain = (0.44, 0.17, 0.083)
    config.errors.depth_mm = (36.0, 54.0, 47.0)
    config.noise.depth_sigma_mm = 0.0
    config.noise.sigma_spread = 0.0
    config.model.residual = True
    config.model.width = 256
    config.model.dropout = 0.0
    config.train.optimizer = "adam"
    config.train.learning_rate = 2e-3
    config.train.schedule = "cosine"
    config.train.batch_size = 256
    config.train.steps = 8_000
    return config
