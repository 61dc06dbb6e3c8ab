"""Reads pictures of any kind as upright 8-bit RGB, and finds them on disk."""

import io
import pathlib
import warnings

import numpy as np
from PIL import Image

# Below Pillow's own warning at 89 million, well above any camera we know.
MAX_PIXELS = 80_000_000

# The pixel formats worth reading. Named, because Pillow would also hand a
# file that calls itself PostScript to an interpreter.
_FORMATS = (
    *("JPEG", "PNG", "WEBP", "TIFF"),
    *("BMP", "GIF", "PPM", "JPEG2000", "AVIF"),
)
SUFFIXES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".tif", ".tiff"),
    *(".bmp", ".gif", ".ppm", ".pgm", ".jp2", ".avif"),
)

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_photo(path, *, max_pixels=MAX_PIXELS):
    """Reads a picture as people see it: upright, opaque, 8-bit RGB.

    Grey, palette and CMYK become RGB (without colour profiles), 16 bits keep
    the high byte, what is transparent becomes white, the EXIF orientation is
    applied, and of an animation the first frame is taken.

    Args:
        path: file to read.
        max_pixels: int; a larger picture is refused before it is decoded, so
            that a small file cannot fill the memory.

    Returns:
        uint8 `(H, W, 3)`.

    Raises:
        ValueError: not a picture, truncated, or too large; names the file.
        OSError: the file cannot be opened.
    """
    with _decoded(path, max_pixels) as image:
        return np.asarray(_plain(image, path))


def encode_for_graph(path, *, max_pixels=MAX_PIXELS):
    """Bytes from which TensorFlow decodes what `read_photo` reads.

    TensorFlow's decoders ignore EXIF orientation, drop transparency and do
    not know CMYK. Where none of this matters these are the file's own bytes,
    otherwise those of a PNG made from `read_photo`. To the last bit only
    with `tf.io.decode_jpeg(..., channels=3, dct_method="INTEGER_ACCURATE")`,
    which takes both kinds; its faster default is off by up to 4 of 255.

    Args, Raises: as `read_photo`.

    Returns:
        bytes, JPEG or PNG.
    """
    path = pathlib.Path(path)
    with _decoded(path, max_pixels) as image:
        if _reads_alike(image, path):
            return path.read_bytes()
        png = io.BytesIO()
        # Level 1: three times faster, and nobody keeps these bytes.
        _plain(image, path).save(png, "PNG", compress_level=1)
        return png.getvalue()


def find_photos(paths):
    """Expands files and folders to a list of picture files.

    Args:
        paths: files, taken as they are, and folders, of which the files with
            a picture's suffix are taken (not those of folders inside).

    Returns:
        list of `pathlib.Path` in the order given, a folder's by name; a file
        named twice comes once.

    Raises:
        ValueError: a path does not exist, a folder has no picture, or there
            are no paths.
    """
    found = {}
    for path in map(pathlib.Path, paths):
        if path.is_dir():
            inside = sorted(
                file
                for file in path.iterdir()
                if file.suffix.lower() in SUFFIXES and file.is_file()
            )
            if not inside:
                raise ValueError(
                    f"No picture in the folder {path}; looked for files that "
                    f"end in {' '.join(SUFFIXES)}."
                )
        elif path.exists():
            inside = [path]
        else:
            raise ValueError(f"No such picture or folder: {path}")
        for file in inside:
            found.setdefault(file.resolve(), file)
    if not found:
        raise ValueError("No pictures: at least one file or folder is needed.")
    return list(found.values())


def _decoded(path, max_pixels):
    """Opens a picture, checks its size, then decodes it."""
    # Opened first, so that a missing file is an OSError, not a bad picture.
    with open(path, "rb") as file:
        if not file.read(1):
            raise ValueError(f"The picture is an empty file: {path}")
    Image.init()  # Some builds of Pillow lack some of its formats.
    formats = [name for name in _FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            # The size is checked below; other remarks are on odd metadata.
            warnings.simplefilter("ignore")
            image = Image.open(path, formats=formats)
    except Image.UnidentifiedImageError:
        raise ValueError(
            f"Not a picture, or of a kind that is not read: {path}"
        ) from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"The picture is too large: {path}: {error}") from None
    except Exception as error:  # Broken headers raise whatever they hit.
        raise ValueError(_damaged(path, error)) from error
    width, height = image.size
    if width * height > max_pixels:
        image.close()
        raise ValueError(
            f"The picture is {width} x {height} pixels, more than the limit "
            f"of {max_pixels}: {path}. Shrink it, or raise `max_pixels`."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
    except Exception as error:  # Decoders raise whatever they hit, too.
        image.close()
        raise ValueError(_damaged(path, error)) from error
    return image


def _damaged(path, error):
    return f"The picture is truncated or damaged: {path}: {error}"


def _orientation(image):
    """EXIF orientation, 1 (upright) where there is none or it is damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # Metadata must not cost us a good picture.
        return 1


def _plain(image, path):
    """Decoded picture as an upright, opaque, 8-bit RGB one."""
    turn = _UPRIGHT.get(_orientation(image))
    if image.mode == "F":
        raise ValueError(
            f"The picture has floating-point pixels, whose range nobody "
            f"knows: {path}. Save it with 8 bits a channel."
        )
    if image.mode.startswith("I"):
        # The high byte, as libpng takes it for 16-bit colour.
        grey = np.clip(np.asarray(image, np.int64), 0, 65535) >> 8
        image = Image.fromarray(grey.astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    if image.mode != "RGB":
        try:
            image = image.convert("RGB")
        except ValueError as error:
            raise ValueError(
                f"The picture's colours cannot become RGB: {path}: {error}"
            ) from error
    return image if turn is None else image.transpose(turn)


def _reads_alike(image, path):
    """Whether TensorFlow decodes the file's own bytes to the same picture."""
    if _orientation(image) in _UPRIGHT or image.has_transparency_data:
        return False
    if image.format in ("JPEG", "MPO"):
        return image.mode in ("RGB", "L")
    if image.format == "PNG" and image.mode in ("RGB", "L"):
        with open(path, "rb") as file:
            # The bit depth, after the signature, the first chunk's length and
            # name, width and height: mode RGB also stands for 16 bits.
            return file.read(25)[24] == 8
    return False


def size_of(data):
    """`(height, width)` of encoded bytes, without decoding them."""
    with Image.open(io.BytesIO(data)) as image:
        return image.size[1], image.size[0]
