"""Pictures of each kind are made here with Pillow and read back."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from ordinal_tf.data.files import photos

HEIGHT, WIDTH = 20, 30


def colours():
    """Smooth uint8 (20, 30, 3): red grows right, green down, blue both."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    red, green = x * 8, y * 12
    return np.stack([red, green, (red + green) // 2], -1).astype(np.uint8)


def grey_of(rgb):
    return np.asarray(Image.fromarray(rgb).convert("L"))


def save(array_or_image, path, **options):
    image = array_or_image
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(path, **options)
    return path


def test_png_is_exact(tmp_path):
    path = save(colours(), tmp_path / "a.png")
    photo = photos.read_photo(path)
    assert photo.dtype == np.uint8
    np.testing.assert_array_equal(photo, colours())


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".ppm", ".webp"])
def test_formats_without_loss(tmp_path, suffix):
    options = {"lossless": True} if suffix == ".webp" else {}
    path = save(colours(), tmp_path / f"a{suffix}", **options)
    np.testing.assert_array_equal(photos.read_photo(path), colours())


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(tmp_path, progressive):
    path = save(
        colours(), tmp_path / "a.jpg", quality=95, progressive=progressive
    )
    # OpenCV brings its own decoder; chroma rounding may differ by a little.
    other = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    photo = photos.read_photo(path)
    assert np.abs(photo.astype(int) - other).max() <= 2
    assert np.abs(photo.astype(int) - colours()).mean() < 4


def test_grey(tmp_path):
    grey = grey_of(colours())
    for name in ("a.png", "a.bmp"):
        photo = photos.read_photo(save(grey, tmp_path / name))
        np.testing.assert_array_equal(photo, np.stack([grey] * 3, -1))
    bits = save(Image.fromarray(grey > 90), tmp_path / "b.png")
    expected = np.where(grey > 90, 255, 0).astype(np.uint8)
    np.testing.assert_array_equal(photos.read_photo(bits)[..., 0], expected)


def test_cmyk_jpeg(tmp_path):
    image = Image.new("CMYK", (WIDTH, HEIGHT), (0, 255, 255, 0))
    photo = photos.read_photo(save(image, tmp_path / "a.jpg", quality=100))
    # No cyan, full magenta and yellow: red.
    assert np.abs(photo.astype(int) - [255, 0, 0]).max() <= 3


def test_palette(tmp_path):
    few = (colours() // 128) * 127
    image = Image.fromarray(few).quantize(16)
    for name in ("a.png", "a.gif"):
        photo = photos.read_photo(save(image, tmp_path / name))
        np.testing.assert_array_equal(photo, image.convert("RGB"))


def test_16_bits_keep_the_high_byte(tmp_path):
    low = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 256
    grey = grey_of(colours()).astype(np.uint16) * 256 + low.astype(np.uint16)
    for name in ("a.png", "a.tif"):
        photo = photos.read_photo(save(grey, tmp_path / name))
        np.testing.assert_array_equal(photo[..., 1], grey >> 8)
    deep = colours().astype(np.uint16) * 256 + low[..., None].astype(np.uint16)
    path = tmp_path / "b.png"
    assert cv2.imwrite(str(path), deep[..., ::-1])
    np.testing.assert_array_equal(photos.read_photo(path), colours())
    assert photos.encode_for_graph(path) != path.read_bytes()


def test_transparent_becomes_white(tmp_path):
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, 10:20], alpha[:, 20:] = 102, 255
    rgba = np.dstack([colours(), alpha])
    photo = photos.read_photo(save(rgba, tmp_path / "a.png"))
    assert (photo[:, :10] == 255).all()
    # 102 / 255 = 0.4 of the colour, 0.6 of white.
    mixed = 0.4 * colours()[:, 10:20] + 0.6 * 255
    assert np.abs(photo[:, 10:20] - mixed).max() <= 1
    np.testing.assert_array_equal(photo[:, 20:], colours()[:, 20:])


@pytest.mark.parametrize("mode", ["LA", "P", "L", "RGB"])
def test_other_kinds_of_transparency(tmp_path, mode):
    """Left half transparent, right half black."""
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, WIDTH // 2 :] = 255
    options = {}
    if mode == "LA":
        black = np.zeros_like(alpha)
        image = Image.merge("LA", [Image.fromarray(a) for a in (black, alpha)])
    elif mode == "P":
        image = Image.fromarray((alpha == 0).astype(np.uint8), "P")
        image.putpalette([0, 0, 0, 9, 9, 9])
        options["transparency"] = 1
    else:
        shade = np.where(alpha == 0, 9, 0).astype(np.uint8)
        image = Image.fromarray(shade).convert(mode)
        options["transparency"] = 9 if mode == "L" else (9, 9, 9)
    path = save(image, tmp_path / "a.png", **options)
    photo = photos.read_photo(path)
    np.testing.assert_array_equal(photo, np.dstack([255 - alpha] * 3))
    decoded = Image.open(io.BytesIO(photos.encode_for_graph(path)))
    assert decoded.mode == "RGB"
    np.testing.assert_array_equal(decoded, photo)


# What a viewer must do to show the stored pixels upright (EXIF 2.32, tag
# 0x0112): where row 0 and column 0 of the stored picture belong.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_exif_orientation(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(colours(), tmp_path / f"a{suffix}", exif=exif, quality=95)
    stored = np.asarray(Image.open(path))
    expected = UPRIGHT[orientation](stored)
    np.testing.assert_array_equal(photos.read_photo(path), expected)
    encoded = photos.encode_for_graph(path)
    assert (encoded == path.read_bytes()) == (orientation == 1)
    if orientation != 1:
        decoded = Image.open(io.BytesIO(encoded))
        np.testing.assert_array_equal(decoded, expected)
        assert decoded.getexif().get(0x0112, 1) == 1


def test_damaged_exif_does_not_cost_the_picture(tmp_path):
    path = save(colours(), tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff")
    assert photos.read_photo(path).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    ("mode", "suffix", "kept"),
    [
        ("RGB", ".jpg", True),
        ("L", ".jpg", True),
        ("CMYK", ".jpg", False),
        ("RGB", ".png", True),
        ("L", ".png", True),
        ("1", ".png", False),
        ("P", ".png", False),
        ("RGBA", ".png", False),
        ("RGB", ".bmp", False),
        ("RGB", ".webp", False),
        ("L", ".gif", False),
    ],
)
def test_tensorflow_decodes_the_same_picture(tmp_path, mode, suffix, kept):
    """The bytes for the graph against TensorFlow's decoder itself."""
    tf = pytest.importorskip("tensorflow")
    image = Image.fromarray(colours()).convert(mode)
    path = save(image, tmp_path / f"a{suffix}")
    encoded = photos.encode_for_graph(path)
    assert (encoded == path.read_bytes()) == kept
    # This one op takes PNG as well.
    decoded = tf.io.decode_jpeg(
        encoded, channels=3, dct_method="INTEGER_ACCURATE"
    )
    np.testing.assert_array_equal(decoded, photos.read_photo(path))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".gif"])
@pytest.mark.parametrize("read", [photos.read_photo, photos.encode_for_graph])
def test_truncated(tmp_path, suffix, read):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(noise, tmp_path / f"cut{suffix}")
    whole = path.read_bytes()
    for keep in (0.02, 0.5, 0.9):
        path.write_bytes(whole[: int(keep * len(whole))])
        with pytest.raises(ValueError, match=rf"cut\{suffix}"):
            read(path)


def test_empty_text_folder_missing(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"empty file: .*a\.jpg"):
        photos.read_photo(path)
    path.write_text("This is no picture.")
    with pytest.raises(ValueError, match=r"Not a picture.*a\.jpg"):
        photos.read_photo(path)
    for absent in (tmp_path, tmp_path / "none.jpg"):
        with pytest.raises(OSError, match=absent.name):
            photos.read_photo(absent)


def test_postscript_is_not_read(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(ValueError, match="Not a picture"):
        photos.read_photo(path)


def bomb(width, height):
    """A PNG that promises width x height pixels and holds none of them."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(9)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [10_000, 12_000, 60_000])
def test_size_is_checked_before_decoding(tmp_path, side):
    """Below, between and above Pillow's own limits: always our sentence.

    Decoding would fail on the missing pixels, so "too large" proves that it
    was not tried.
    """
    limit = Image.MAX_IMAGE_PIXELS
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(side, side))
    with pytest.raises(ValueError, match=r"(too large|limit).*bomb\.png"):
        photos.read_photo(path)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_max_pixels_is_inclusive(tmp_path, monkeypatch):
    path = save(colours(), tmp_path / "a.png")
    pixels = HEIGHT * WIDTH
    assert photos.read_photo(path, max_pixels=pixels).shape[0] == HEIGHT
    with pytest.raises(ValueError, match="30 x 20 pixels.*limit of 599"):
        photos.read_photo(path, max_pixels=pixels - 1)
    monkeypatch.setattr(photos, "MAX_PIXELS", pixels - 1)
    with pytest.raises(ValueError, match="limit of 599"):
        photos.encode_for_graph(path)


def test_float_pixels_are_refused(tmp_path):
    path = save(np.ones((4, 4), np.float32), tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"floating-point.*a\.tif"):
        photos.read_photo(path)


def test_find_photos_order(tmp_path):
    folder = tmp_path / "folder"
    (folder / "inner.jpg").mkdir(parents=True)
    for name in ("b.jpg", "A.JPG", "c.png", "notes.txt", "inner.jpg/d.jpg"):
        (folder / name).write_bytes(b"x")
    single = tmp_path / "odd.name"
    single.write_bytes(b"x")
    names = ["A.JPG", "b.jpg", "c.png"]
    found = photos.find_photos([single, str(folder), folder / "b.jpg"])
    assert found == [single] + [folder / name for name in names]
    found = photos.find_photos([folder / "c.png", folder])
    assert found == [folder / name for name in ("c.png", "A.JPG", "b.jpg")]


def test_find_photos_errors(tmp_path):
    with pytest.raises(ValueError, match="No such picture.*absent"):
        photos.find_photos([tmp_path / "absent"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"No picture in.*empty.*\.jpg"):
        photos.find_photos([tmp_path / "empty"])
    with pytest.raises(ValueError, match="at least one"):
        photos.find_photos([])


@pytest.mark.parametrize("orientation", [1, 6])
def test_heic(tmp_path, orientation):
    """As an iPhone writes it: turned in the file, or by EXIF."""
    heif = pytest.importorskip("pillow_heif")
    ramp = np.zeros((48, 64, 3), np.uint8)
    ramp[..., 0] = np.arange(64) * 4
    ramp[..., 1] = np.arange(48)[:, None] * 5
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.heic"
    heif.from_pillow(Image.fromarray(ramp)).save(
        path, quality=100, exif=exif.tobytes()
    )
    upright = ramp if orientation == 1 else np.rot90(ramp, -1)
    read = photos.read_photo(path)
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).mean() < 3
    pixels, size = photos.for_graph(path)
    assert size == upright.shape[:2]
    np.testing.assert_array_equal(pixels, read)
    assert photos.is_picture(path)
