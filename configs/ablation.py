r"""A small volume network for the many trainings of an ablation.

python -m tools.ablation --table=supervision --people=prepared/people \
    --people_test=prepared/test --workdir=runs/ablation

Crops of 64 pixels and a narrow way up behind the pre-trained encoder: a step
of 16 takes about a fifth of what it takes configs/lite.py at 128. The rows of
the tables (`tools/dev/_ablation.py`) change what makes them rows.
"""

from configs import lite


def get_config():
    config = lite.get_config()
    config.model.input_size = 64
    config.model.features = 48
    config.model.out_features = 48
    config.train.precision = "mixed_bfloat16"
    config.train.rank_ramp = (0, 100)
    config.train.warmup = 50
    config.train.stages = ()
    config.train.steps = 3_000
    config.train.save_every = 500
    config.train.eval_every = 3_000
    return config
