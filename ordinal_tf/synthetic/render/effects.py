"""What a camera and a file do to a rendered picture."""

import functools

import cv2
import numpy as np

from ordinal_tf.data.files import photos


def finish(
    rng,
    image,
    *,
    exposure=(0.7, 1.3),
    contrast=(0.8, 1.25),
    white_balance=0.08,
    saturation=(0.6, 1.3),
    grey=0.06,
    vignette=(0.0, 0.25),
    defocus=(0.35, 1.4),
    motion=(0.1, 6.0),
    shrink=(0.25, 0.5),
    sharpen=(0.25, 0.8),
    noise=(0.0, 8.0),
    quality=(35, 95),
):
    """Develops a picture and encodes it as JPEG.

    Args:
        rng: `np.random.Generator`.
        image: `(S, S, 3)` float32 RGB, 0 to 255.
        exposure: (least, most) factor of the brightness.
        contrast: (least, most) factor about the middle grey.
        white_balance: red and blue change by up to this share.
        saturation: (least, most) factor of the colours.
        grey: probability of a picture without colours.
        vignette: (least, most) share of light that the corners lose.
        defocus: (probability, most) standard deviation in pixels of 256.
        motion: (probability, most) length in pixels of 256.
        shrink: (probability, least) factor of a smaller picture that this
            one is an enlargement of.
        sharpen: (probability, most) strength.
        noise: (least, most) standard deviation at middle grey.
        quality: (least, most) of the JPEG.

    Returns:
        `bytes`, the JPEG, and uint8 `(S, S, 3)` RGB, what it decodes to.
    """
    unit = len(image) / 256
    # Every draw is made, so that options do not shift those that follow.
    draw = {
        name: rng.random(3)
        for name in ("light", "colour", "blur", "shrink", "sharp", "file")
    }
    image = _blur(image, draw["blur"], defocus, motion, rng, unit)
    image = _develop(image, draw, exposure, contrast, white_balance)
    image = _colours(image, draw["colour"], saturation, grey)
    image = _shrunk(image, draw["shrink"], shrink)
    if draw["sharp"][0] < sharpen[0]:
        soft = cv2.GaussianBlur(image, (0, 0), 1.2 * unit)
        image = image + draw["sharp"][1] * sharpen[1] * (image - soft)
    image = image * _corners(len(image), _between(vignette, draw["light"][2]))
    image = _grain(rng, image, _between(noise, draw["file"][0]))
    level = round(_between(quality, draw["file"][1]))
    return _encode(image, level)


def _between(limits, share):
    return limits[0] + (limits[1] - limits[0]) * share


def _blur(image, draw, defocus, motion, rng, unit):
    angle = rng.uniform(0, np.pi)
    if draw[0] < motion[0]:
        length = max(1.0, motion[1] * draw[2] * unit)
        side = 2 * int(np.ceil(length / 2)) + 1
        kernel = np.zeros((side, side), np.float32)
        reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        ends = [np.round(side // 2 + s * reach).astype(int) for s in (-1, 1)]
        cv2.line(kernel, ends[0].tolist(), ends[1].tolist(), 1.0, 1)
        return cv2.filter2D(image, -1, kernel / kernel.sum())
    if draw[1] < defocus[0]:
        sigma = defocus[1] * draw[2] * unit
        if sigma > 0.25:
            return cv2.GaussianBlur(image, (0, 0), sigma)
    return image


def _develop(image, draw, exposure, contrast, white_balance):
    warm = white_balance * (2 * draw["light"][1] - 1)
    gain = _between(exposure, draw["light"][0])
    gains = gain * np.array([1 + warm, 1, 1 - warm], np.float32)
    slope = _between(contrast, draw["colour"][2])
    # 118: middle grey in the sRGB curve.
    return image * (gains * slope) + np.float32(118 * (1 - slope))


def _colours(image, draw, saturation, grey):
    factor = 0.0 if draw[0] < grey else _between(saturation, draw[1])
    luma = image @ np.array([0.299, 0.587, 0.114], np.float32)
    return luma[..., None] * (1 - factor) + image * factor


def _shrunk(image, draw, shrink):
    if draw[0] >= shrink[0]:
        return image
    size = len(image)
    small = max(16, round(size * _between((shrink[1], 1.0), draw[1])))
    image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    how = cv2.INTER_CUBIC if draw[2] < 0.5 else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=how)


def _corners(size, loss):
    """`(size, size, 1)` factor that falls towards the corners."""
    along = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    return (1 - loss * (along[:, None] + along[None, :]) / 2)[..., None]


def _grain(rng, image, sigma):
    """Shot noise: grows with the root of the brightness."""
    image = np.clip(image, 0, 255)
    spread = np.sqrt(0.25 + 1.5 * image / 255) * np.float32(sigma)
    rows, columns = image.shape[:2]
    table = _grain_table(max(rows, columns))
    top, left = rng.integers(0, len(table) - np.array([rows, columns]) + 1)
    return image + spread * table[top : top + rows, left : left + columns]


@functools.lru_cache(maxsize=2)
def _grain_table(side):
    """`(2 * side, 2 * side, 3)` float32 normal noise: drawing it anew for
    each picture would take longer than everything else here."""
    return np.random.default_rng(side).standard_normal(
        (2 * side, 2 * side, 3), np.float32
    )


def _encode(image, quality):
    pixels = np.clip(np.round(image), 0, 255).astype(np.uint8)
    data = photos.encode_jpeg(pixels, quality)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    return data, decoded
