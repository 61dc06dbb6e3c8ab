"""Reads pictures of any kind as upright 8-bit RGB, and finds them on disk."""

import importlib.util
import io
import math
import os
import pathlib
import warnings

import cv2
import numpy as np
from PIL import Image, JpegImagePlugin

# Of a picture that is decoded whole: 240 MB. Below Pillow's own warning at 89
# million.
MAX_PIXELS = 80_000_000
# Of a JPEG that decodes row by row, at an eighth of the resolution where no
# more is needed: above the 200 million of today's cameras.
MAX_JPEG_PIXELS = 250_000_000
_LARGEST_FILE = 2**30  # Bytes.

# The pixel formats worth reading. Named, because Pillow would also hand a
# file that calls itself PostScript to an interpreter.
_FORMATS = "JPEG PNG WEBP TIFF BMP GIF PPM JPEG2000 AVIF HEIF".split()
SUFFIXES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".tif", ".tiff"),
    *(".bmp", ".gif", ".ppm", ".pgm", ".jp2", ".avif"),
)
HEIC_SUFFIXES = (".heic", ".heif")
_HEIC_KINDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")

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
_ON_THEIR_SIDE = (5, 6, 7, 8)
_EXIF_IFD = 0x8769


def read_photo(photo, *, max_pixels=MAX_PIXELS):
    """Reads a picture as people see it: upright, opaque, 8-bit RGB.

    Grey, palette and CMYK become RGB (without colour profiles), 16 bits keep
    the high byte, what is transparent becomes white, the EXIF orientation is
    applied, and of an animation the first frame is taken.

    Args:
        photo: path of the file, its bytes, or a binary file object.
        max_pixels: int; a larger picture is refused before it is decoded, so
            that a small file cannot fill the memory.

    Returns:
        uint8 `(H, W, 3)`.

    Raises:
        ValueError: not a picture, truncated, or too large; names the file.
        OSError: the file cannot be opened.
    """
    data, name = _bytes_of(photo)
    with _decoded(data, name, max_pixels) as image:
        return np.asarray(_plain(image, name))


def read_reduced(photo, pixels):
    """As `read_photo`, at a part of the resolution where that is enough.

    Args:
        photo: see `read_photo`. JPEGs may have `MAX_JPEG_PIXELS`.
        pixels: int; the picture is halved until it has no more.

    Returns:
        uint8 `(H, W, 3)`, and by how much it was shrunk: 1, 2, 4, ...
    """
    data, name = _bytes_of(photo)
    image = _opened(data, name)
    _check_size(image, name, _most_pixels(image))
    width, height = image.size
    # Whole numbers: halves of halves, each rounded up.
    ratio = 1
    while math.ceil(height / ratio) * math.ceil(width / ratio) > pixels:
        ratio *= 2
    with image:
        if image.format == "JPEG":
            # What JPEG decodes for less; Pillow takes the next larger one.
            image.draft(None, (width // ratio, height // ratio))
        done = round(width / image.size[0])
        image = _plain(_load(image, name), name)
        # Means over blocks, as far as they are whole.
        return np.asarray(image.reduce(ratio // done)), ratio


def for_graph(photo):
    """A photograph as the exported graph takes it, decoded only if need be.

    Args:
        photo: path, bytes, or a binary file object of a picture; a PIL image;
            or uint8 RGB `(H, W, 3)`.

    Returns:
        the bytes of a JPEG, whatever its EXIF orientation, or the uint8 pixels
        of anything else; and `(height, width)` as people see it.

    Raises:
        As `read_photo`; `ValueError` for an array of another kind.
    """
    if isinstance(photo, np.ndarray):
        check_pixels(photo)
        return photo, photo.shape[:2]
    if isinstance(photo, Image.Image):
        _check_size(photo, "image", MAX_PIXELS)
        pixels = np.asarray(_plain(_load(photo, "image"), "image"))
        return pixels, pixels.shape[:2]
    data, name = _bytes_of(photo)
    if _is_jpeg(data):
        with _opened(data, name) as image:
            if image.mode in ("RGB", "L"):
                _check_size(image, name, _most_pixels(image))
                return data, _upright_size(image)
    with _decoded(data, name, MAX_PIXELS) as image:
        pixels = np.asarray(_plain(image, name))
    return pixels, pixels.shape[:2]


def name_of(photo):
    """What messages call a photograph, see `for_graph`."""
    if isinstance(photo, str | os.PathLike):
        return str(photo)
    return str(getattr(photo, "name", f"the {type(photo).__name__} given"))


def check_pixels(pixels):
    """Raises `ValueError` unless an array is uint8 RGB `(H, W, 3)`."""
    if (
        pixels.dtype != np.uint8
        or pixels.ndim != 3
        or pixels.shape[2] != 3
        or not pixels.size
    ):
        raise ValueError(
            "`photo` as an array must be uint8 RGB (H, W, 3), not empty. "
            f"Received: {pixels.dtype} {pixels.shape}."
        )
    if pixels.size > 3 * MAX_PIXELS:
        raise ValueError(
            f"`photo` is {pixels.shape[1]} x {pixels.shape[0]} pixels, more "
            f"than the limit of {MAX_PIXELS}; shrink it."
        )


def encode_for_graph(path):
    """JPEG or PNG bytes from which TensorFlow decodes what `read_photo` reads.

    TensorFlow's decoders ignore EXIF orientation, drop transparency and do
    not know CMYK. Where none of this matters these are the file's own bytes,
    otherwise those of a PNG made from `read_photo`. To the last bit only with
    `tf.io.decode_jpeg(..., dct_method="INTEGER_ACCURATE", channels=3)`, which
    takes both kinds; its faster default is off by up to 4 of 255.

    Args:
        path: see `read_photo`.

    Returns:
        bytes.

    Raises:
        As `read_photo`.
    """
    data, name = _bytes_of(path)
    with _decoded(data, name, MAX_PIXELS) as image:
        if _reads_alike(image, data):
            return data
        png = io.BytesIO()
        # Level 1: three times faster, and nobody keeps these bytes.
        _plain(image, name).save(png, "PNG", compress_level=1)
        return png.getvalue()


def encode_jpeg(image, quality):
    """Encodes a picture, its colours at half the resolution (4:2:0).

    Args:
        image: uint8 `(H, W, 3)` RGB.
        quality: int, 1 to 100.

    Returns:
        bytes of a JPEG.

    Raises:
        ValueError: a side is too long for a JPEG, above 65,500 pixels.
    """
    bgr = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    fine, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not fine:
        raise ValueError(f"A picture of shape {image.shape} has no JPEG.")
    return data.tobytes()


def look_at(path):
    """What is known of a picture before it is decoded.

    Args:
        path: see `read_photo`.

    Returns:
        `(height, width)` as people see it; and bool, whether
        `encode_for_graph` gives the file's own bytes.

    Raises:
        ValueError: not a picture; names the file.
        OSError: the file cannot be opened.
    """
    data, name = _bytes_of(path)
    with _opened(data, name) as image:
        return _upright_size(image), _reads_alike(image, data)


def read_exif(path):
    """The camera's own remarks on a picture.

    Args:
        path: see `read_photo`.

    Returns:
        dict of EXIF tag to value, empty where there is none or it is damaged;
        and `(height, width)` of the picture as people see it.

    Raises:
        ValueError: not a picture; names the file.
        OSError: the file cannot be opened.
    """
    data, name = _bytes_of(path)
    with _opened(data, name) as image:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tags = dict(image.getexif().get_ifd(_EXIF_IFD))
        except Exception:  # Metadata must not cost us a good picture.
            tags = {}
        return tags, _upright_size(image)


def is_picture(path):
    """Whether a file's first bytes are those of a picture that is read."""
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    try:
        _opened(head, str(path)).close()
    except ValueError:
        return head[4:8] == b"ftyp" and head[8:12] in _HEIC_KINDS
    return True


def find_photos(paths):
    """list of the picture files among files and folders, see `find_files`."""
    return find_files(paths, SUFFIXES, "picture")[0]


def find_files(paths, suffixes, kind):
    """Expands files and folders, and says what was left out of these.

    Args:
        paths: files, taken as they are, and folders, not those inside them.
        suffixes: which of a folder's files are taken, not hidden ones.
        kind: str, what they are, for messages.

    Returns:
        list of `pathlib.Path` in the order given, a folder's by name, a file
        named twice once; and list of the folders' other files, without those
        that macOS puts beside each (`._*`).

    Raises:
        ValueError: a path does not exist, a folder has no such file, or there
            are no paths.
    """
    found, left = {}, []
    for path in map(pathlib.Path, paths):
        if path.is_dir():
            files = [
                file
                for file in sorted(path.iterdir())
                if file.is_file() and not file.name.startswith(".")
            ]
            inside = [f for f in files if f.suffix.lower() in suffixes]
            left += [file for file in files if file not in inside]
            if not inside:
                raise ValueError(
                    f"No {kind} in the folder {path}; looked for files that "
                    f"end in {' '.join(suffixes)}."
                )
        elif path.exists():
            inside = [path]
        else:
            raise ValueError(f"No such {kind} or folder: {path}")
        for file in inside:
            found.setdefault(file.resolve(), file)
    if not found:
        raise ValueError(f"No {kind}s: at least one file or folder is needed.")
    return list(found.values()), left


def _bytes_of(photo):
    """The bytes of a picture, and what messages call it."""
    if isinstance(photo, str | os.PathLike):
        path = pathlib.Path(photo)
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"Not a picture, it is far too large: {path}")
        return path.read_bytes(), name_of(photo)
    data = photo.read() if hasattr(photo, "read") else photo
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ValueError(
            "`photo` must be a path, bytes, a binary file, a PIL image or a "
            f"uint8 RGB array (H, W, 3). Received: {type(photo).__name__}."
        )
    return bytes(data), name_of(photo)


def _is_jpeg(data):
    return data.startswith(b"\xff\xd8\xff")


def _opened(data, name):
    """Opens a picture without decoding it."""
    if not data:
        raise ValueError(f"The picture is an empty file: {name}")
    _know_heic(data, name)
    Image.init()  # Some builds of Pillow lack some of its formats.
    formats = [kind for kind in _FORMATS if kind in Image.OPEN]
    try:
        with warnings.catch_warnings():
            # The size is checked by us; other remarks are on odd metadata.
            warnings.simplefilter("ignore")
            if _is_jpeg(data):
                # Not by `Image.open`, which has a limit of its own.
                return JpegImagePlugin.JpegImageFile(io.BytesIO(data))
            return Image.open(io.BytesIO(data), formats=formats)
    except Image.UnidentifiedImageError:
        raise ValueError(
            f"Not a picture, or of a kind that is not read: {name}"
        ) from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"The picture is too large: {name}: {error}") from None
    except Exception as error:  # Broken headers raise whatever they hit.
        raise ValueError(_damaged(name, error)) from error


def _know_heic(data, name):
    """Teaches Pillow HEIC, where the bytes are that and it can learn."""
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIC_KINDS:
        return
    if not can_read_heic():
        raise ValueError(
            f"HEIC is read where the package pillow-heif is installed (pip "
            f"install pillow-heif); or save it as JPEG: {name}"
        )
    import pillow_heif

    pillow_heif.register_heif_opener()


def can_read_heic():
    """Whether the package that reads HEIC is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def _most_pixels(image):
    """How many pixels a picture may have that is read at reduced size."""
    # A progressive one is held in memory whole.
    by_rows = image.format == "JPEG" and not image.info.get("progressive")
    return MAX_JPEG_PIXELS if by_rows else MAX_PIXELS


def _check_size(image, name, most):
    width, height = image.size
    if width * height > most:
        raise ValueError(
            f"The picture is {width} x {height} pixels, more than the limit "
            f"of {most}: {name}. Shrink it."
        )


def _decoded(data, name, max_pixels):
    """Opens a picture, checks its size, then decodes it."""
    image = _opened(data, name)
    _check_size(image, name, max_pixels)
    return _load(image, name)


def _load(image, name):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
    except Exception as error:  # Decoders raise whatever they hit, too.
        image.close()
        raise ValueError(_damaged(name, error)) from error
    return image


def _upright_size(image):
    """`(height, width)` as people see it."""
    turned = _orientation(image) in _ON_THEIR_SIDE
    return image.size if turned else image.size[::-1]


def _damaged(name, error):
    return f"The picture is truncated or damaged: {name}: {error}"


def _orientation(image):
    """EXIF orientation, 1 (upright) where there is none or it is damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # Metadata must not cost us a good picture.
        return 1


def _plain(image, name):
    """Decoded picture as an upright, opaque, 8-bit RGB one."""
    turn = _UPRIGHT.get(_orientation(image))
    if image.mode == "F":
        raise ValueError(
            f"The picture has floating-point pixels, whose range nobody "
            f"knows: {name}. Save it with 8 bits a channel."
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
                f"The picture's colours cannot become RGB: {name}: {error}"
            ) from error
    return image if turn is None else image.transpose(turn)


def _reads_alike(image, data):
    """Whether TensorFlow decodes the file's own bytes to the same picture."""
    if _orientation(image) in _UPRIGHT or image.has_transparency_data:
        return False
    if image.format in ("JPEG", "MPO"):
        return image.mode in ("RGB", "L")
    if image.format == "PNG" and image.mode in ("RGB", "L"):
        # The bit depth, after the signature, the first chunk's length and
        # name, width and height: mode RGB also stands for 16 bits.
        return data[24] == 8
    return False


def size_of(data):
    """`(height, width)` of encoded bytes, without decoding them."""
    with Image.open(io.BytesIO(data)) as image:
        return image.size[1], image.size[0]
