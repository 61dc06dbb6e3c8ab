"""Small pictures of things: opaque somewhere, premultiplied, kept."""

import numpy as np
import pytest

from ordinal_tf.synthetic.scene import sprites


@pytest.mark.parametrize("kind", sprites.KINDS)
def test_every_kind(kind):
    pictures = [sprites.sprite(kind, number) for number in range(3)]
    for levels in pictures:
        for large, small in zip(levels[:-1], levels[1:], strict=True):
            assert small.shape[0] == large.shape[0] // 2
            assert small.shape[1] == max(1, large.shape[1] // 2)
        first = levels[0]
        assert first.dtype == np.uint8 and first.shape[2] == 4
        opacity = first[..., 3]
        assert 0.05 < np.mean(opacity == 255)
        # Colours are times opacity, so none can be more.
        assert np.all(first[..., :3] <= opacity[..., None])
        # Every thing reaches the floor and its full height.
        assert opacity[-4:].any() and opacity[:8].any()
        # A smaller size is the same picture.
        assert abs(levels[2][..., 3].mean() - opacity.mean()) < 12
    # They differ, in shape or in paint.
    one, two = (np.resize(levels[0], (96, 40, 4)) for levels in pictures[:2])
    assert np.any(one != two)


def test_sprites_are_kept_and_cannot_be_changed():
    levels = sprites.sprite("tree", 1)
    assert sprites.sprite("tree", 1) is levels
    with pytest.raises(ValueError, match="read-only"):
        levels[0][0, 0] = 0


def test_a_shadow_is_black_and_soft():
    shadow = sprites.shadow()[0]
    assert not shadow[..., :3].any()
    opacity = shadow[..., 3].astype(int)
    assert opacity[0].max() < 10 and opacity[:, 0].max() < 10
    assert 80 < opacity.max() < 160
    assert np.abs(np.diff(opacity, axis=1)).max() < 20
