"""Pictures of all kinds: what is read, what is refused, and with which reason."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from services.vision.domain import image as limits
from services.vision.domain.image import ImageError, inspect, pixels, prepare
from tests.vision.pictures import BLUE, GREEN, RED, encoded, noise, picture


def png_of_size(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is that large: a decompression bomb's header."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def animated(form: str) -> bytes:
    return encoded(picture(RED), form, save_all=True, append_images=[picture(BLUE)])


JPEG, PNG = encoded(noise((300, 200))), encoded(noise((300, 200)), "PNG")

REFUSED = {
    "empty": (b"", "REQUIRED"),
    "text": (b"not a picture", "UNREADABLE_IMAGE"),
    "zeros": (bytes(1000), "UNREADABLE_IMAGE"),
    "gif": (encoded(picture(), "GIF"), "UNREADABLE_IMAGE"),
    "bmp": (encoded(picture(), "BMP"), "UNREADABLE_IMAGE"),
    "tiff": (encoded(picture(), "TIFF"), "UNREADABLE_IMAGE"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "UNREADABLE_IMAGE"),
    "truncated jpeg": (JPEG[: len(JPEG) // 2], "UNREADABLE_IMAGE"),
    "truncated png": (PNG[: len(PNG) // 2], "UNREADABLE_IMAGE"),
    "header alone": (JPEG[:20], "UNREADABLE_IMAGE"),
    "damaged png": (PNG[:41] + bytes(60) + PNG[101:], "UNREADABLE_IMAGE"),
    "bomb": (png_of_size(100_000, 100_000), "TOO_LARGE"),
    "51 megapixels": (png_of_size(7200, 7200), "TOO_LARGE"),
    "too wide": (png_of_size(12_001, 1), "TOO_LARGE"),
    "too many bytes": (JPEG + bytes(limits.MAX_BYTES), "TOO_LARGE"),
    "animated png": (animated("PNG"), "TOO_LARGE"),
    "animated webp": (animated("WEBP"), "TOO_LARGE"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_pictures_are_refused_with_their_reason(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(ImageError) as caught:
        pixels(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_formats_that_are_read(form: str) -> None:
    seen = pixels(encoded(picture(GREEN), form))
    assert seen.shape == (224, 224, 3)
    assert np.allclose(seen, GREEN, atol=8)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK", "I;16"])
def test_all_modes_come_out_as_rgb(mode: str) -> None:
    if mode == "I;16":
        data = encoded(Image.fromarray(np.full((50, 50), 200 * 256, np.uint16)), "PNG")
    else:
        grey = Image.new("RGB", (50, 50), (200, 200, 200)).convert(mode)
        data = encoded(grey, "JPEG" if mode == "CMYK" else "PNG")
    assert abs(float(pixels(data).mean()) - 200) < (60 if mode == "1" else 5)


def test_transparent_parts_are_white() -> None:
    assert pixels(encoded(Image.new("RGBA", (50, 50), (0, 0, 0, 0)), "PNG")).min() == 255


@pytest.mark.parametrize("size", [(400, 300), (3000, 2000)], ids=["small", "big"])
def test_a_photo_held_sideways_is_turned_upright(size: tuple[int, int]) -> None:
    turned = picture(RED, size)
    turned.paste(picture(BLUE, (size[0] // 2, size[1])), (0, 0))  # blue left, red right
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise: left goes up
    seen = pixels(prepare(encoded(turned, exif=exif))).astype(int)
    assert np.allclose(seen[20, 112], BLUE, atol=12)
    assert np.allclose(seen[-20, 112], RED, atol=12)


def test_broken_exif_does_not_make_a_picture_unreadable() -> None:
    assert pixels(encoded(picture(RED), exif=b"Exif\0\0garbage")).shape == (224, 224, 3)


def test_a_phone_photo_with_a_second_picture_inside_is_read() -> None:
    data = encoded(picture(RED), "MPO", save_all=True, append_images=[picture(BLUE)])
    assert inspect(data).format == "MPO"
    assert np.allclose(pixels(data), RED, atol=8)


def test_a_big_photo_is_shrunk_and_a_small_one_goes_as_it_came() -> None:
    big = encoded(noise((120, 90)).resize((4000, 3000)), quality=98)
    small = prepare(big)
    assert len(small) < limits.PASS_BYTES < len(big)
    assert min(Image.open(io.BytesIO(small)).size) == limits.ENOUGH_SIDE
    assert np.abs(pixels(small).astype(int) - pixels(big)).mean() < 6
    assert prepare(JPEG) is JPEG


def test_a_truncated_big_photo_is_unreadable() -> None:
    big = encoded(noise((1500, 1200)))
    with pytest.raises(ImageError) as caught:
        prepare(big[: len(big) // 2])
    assert caught.value.reason == "UNREADABLE_IMAGE"


def test_the_widest_picture_allowed() -> None:
    assert pixels(prepare(encoded(picture(RED, (12_000, 5))))).shape == (224, 224, 3)
