import numpy as np

from ordinal_tf.synthetic.scene import occluders

SIZE = 96


def person():
    mask = np.zeros((SIZE, SIZE), bool)
    mask[20:80, 35:60] = True
    return mask


def occluded(seed, **options):
    rng = np.random.default_rng(seed)
    image = np.full((SIZE, SIZE, 3), -1.0, np.float32)
    return occluders.draw_occluders(rng, image, person(), **options)


def test_occluders_change_what_they_say():
    some = 0
    for seed in range(40):
        image, hidden = occluded(seed, chance=1.0, cover=0.3)
        np.testing.assert_array_equal((image >= 0).all(-1), hidden)
        np.testing.assert_array_equal((image == -1).all(-1), ~hidden)
        assert np.mean(hidden[person()]) <= 0.3
        some += hidden.any()
    assert some > 20


def test_no_occluders():
    image, hidden = occluded(0, chance=0.0)
    assert not hidden.any() and (image == -1).all()
    empty = np.zeros((SIZE, SIZE), bool)
    _, hidden = occluders.draw_occluders(
        np.random.default_rng(0), image, empty, chance=1.0
    )
    assert not hidden.any()
