"""What a picture may be, and how it becomes the pixels a model sees; Triton runs this same file."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

MAX_BYTES = 10 * 2**20
MAX_PIXELS = 50_000_000
MAX_SIDE = 12_000
FORMATS = ("JPEG", "PNG", "WEBP")

SIDE = 224
"""Pixels a side that the model sees."""

CROP = 0.875
"""The part of the shorter side that the model sees, as EfficientNet-Lite was trained."""

ENOUGH_SIDE = 2 * SIDE
"""A shorter side of this many pixels loses nothing that the model could see."""

THUMBNAIL_SIDE = 12
"""Pixels a side by which two files are told to be one picture."""

BOX_SIDE = 2048
"""A box is cut from the picture at no more than this many pixels on its shorter side."""

PASS_SIDE = 1024
PASS_BYTES = 512 * 2**10
"""A picture within both goes to Triton as it came; a bigger one is shrunk first."""

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of the upright picture."""


class ImageError(Exception):
    """A picture that is refused; `reason` names the published ErrorReason."""

    reason = "UNREADABLE_IMAGE"
    field = "image"


class MissingImage(ImageError):  # noqa: N818
    """There are no bytes."""

    reason = "REQUIRED"


class UnreadableImage(ImageError):  # noqa: N818
    """Truncated, of another format, or not a picture."""


class TooLargeImage(ImageError):  # noqa: N818
    """More bytes, pixels or frames than allowed."""

    reason = "TOO_LARGE"


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture says of itself; width and height in pixels, before any rotation."""

    format: str
    width: int
    height: int


def inspect(data: bytes) -> Header:
    """Reads the header alone. Raises an ImageError for what is not allowed."""
    with _opened(data) as image:
        return Header(image.format or "", image.width, image.height)


def prepare(data: bytes, box: Box | None = None) -> bytes:
    """The picture, or a box of it, as it goes to Triton: as it came, or a small JPEG of a part or a big one.

    Raises an ImageError; a small picture that is truncated is found out only where it is decoded.
    """
    if box is not None:
        return _cut(data, box)
    with _opened(data) as image:
        if min(image.size) <= PASS_SIDE and max(image.size) <= 4 * PASS_SIDE and len(data) <= PASS_BYTES:
            return data
        scale = min(1.0, ENOUGH_SIDE / min(image.size))
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image.draft("RGB", size)
        buffer = io.BytesIO()
        _rgb(image, size, None).save(buffer, "JPEG", quality=92)
        return buffer.getvalue()


def _cut(data: bytes, box: Box) -> bytes:
    """The square around the box whose middle is the box, as far as the picture has one."""
    left, top, right, bottom = box
    with _opened(data) as image:
        scale = min(1.0, BOX_SIDE / min(image.size))
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image.draft("RGB", size)
        whole = _rgb(image, size, None)
    width, height = whole.size
    side = min(width, height, max((right - left) * width, (bottom - top) * height) / CROP)
    x = min(max((left + right) / 2 * width - side / 2, 0), width - side)
    y = min(max((top + bottom) / 2 * height - side / 2, 0), height - side)
    pixels = max(1, min(ENOUGH_SIDE, round(side)))
    part = whole.resize((pixels, pixels), Image.Resampling.BICUBIC, box=(x, y, x + side, y + side))
    buffer = io.BytesIO()
    part.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def pixels(data: bytes) -> npt.NDArray[np.uint8]:
    """The picture as the model sees it: upright RGB, its middle, (SIDE, SIDE, 3). Raises an ImageError."""
    with _opened(data) as image:
        image.draft("RGB", (ENOUGH_SIDE, ENOUGH_SIDE))
        side = CROP * min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        return np.asarray(_rgb(image, (SIDE, SIDE), (left, top, left + side, top + side)))


def thumbnail(data: bytes) -> npt.NDArray[np.uint8]:
    """The whole picture, upright, squeezed to (THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3). Raises an ImageError."""
    with _opened(data) as image:
        image.draft("RGB", (8 * THUMBNAIL_SIDE, 8 * THUMBNAIL_SIDE))
        small = _rgb(image, (4 * THUMBNAIL_SIDE, 4 * THUMBNAIL_SIDE), None)
        return np.asarray(small.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX))


def upright(data: bytes) -> tuple[Image.Image, npt.NDArray[np.uint8]]:
    """The whole picture at ENOUGH_SIDE on its shorter side, upright; and as `pixels` gives it."""
    with _opened(data) as image:
        scale = ENOUGH_SIDE / min(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image.draft("RGB", size)
        return _rgb(image, size, None), pixels(data)


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """The picture, not yet decoded, within the limits; whatever its decoder raises is UnreadableImage."""
    if not data:
        raise MissingImage("the picture is empty")
    if len(data) > MAX_BYTES:
        raise TooLargeImage(f"the picture has {len(data)} bytes; at most {MAX_BYTES} are allowed")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check(image)
            yield image
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLargeImage(f"the picture has more than {MAX_PIXELS} pixels") from error
    except Exception as error:
        # Decoders raise anything on hostile bytes: OSError, SyntaxError, struct.error, ValueError and more.
        raise UnreadableImage("the picture cannot be read as JPEG, PNG or WebP") from error


def _check(image: Image.Image) -> None:
    width, height = image.size
    if max(width, height) > MAX_SIDE:
        raise TooLargeImage(f"the picture is {width} x {height}; at most {MAX_SIDE} a side are allowed")
    if width * height > MAX_PIXELS:
        raise TooLargeImage(f"the picture is {width} x {height}; at most {MAX_PIXELS} pixels are allowed")
    # A phone's JPEG may carry a depth map or a preview as a second picture (MPO); the first one counts.
    if image.format != "MPO" and getattr(image, "n_frames", 1) != 1:
        raise TooLargeImage("the picture is animated; one frame is allowed")


def _rgb(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None
) -> Image.Image:
    """The picture's box (all of it, when None) at a size, upright, on white where it is transparent."""
    # Before EXIF is read: that may load too, and a second load of a damaged picture raises nothing.
    image.load()
    orientation = _orientation(image)
    if box is None:
        box = (0, 0, image.width, image.height)
    if image.mode.startswith("I"):  # 16 bits a pixel, grey: convert() would clip all but the darkest
        flat = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    elif image.has_transparency_data:
        flat = image.convert("RGBA")
    else:
        flat = image.convert("RGB")
    small = flat.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
    if small.mode == "RGBA":
        white = Image.new("RGBA", small.size, "white")
        small = Image.alpha_composite(white, small)
    small = small.convert("RGB")
    return small.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else small


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:
        return 1  # broken EXIF says nothing; the picture itself may still be whole
