"""Reference images are untrusted files; finished pictures are written without loss."""

import io
import struct
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from illustration_worker.errors import ReferenceImageError
from illustration_worker.images import MAX_FILE_BYTES, decode_reference_image, encode_png


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8))


def png_claiming(width: int, height: int) -> bytes:
    """A whole, small PNG whose header asks for width x height grey pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 1) * 64))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_of_each_format_becomes_an_rgb_square(kind: str) -> None:
    image = decode_reference_image(file_of(Image.new("RGB", (60, 40), "red"), kind))
    assert (image.mode, image.size) == ("RGB", (40, 40))
    assert np.abs(np.asarray(image, dtype=int) - (255, 0, 0)).max() <= 3


def test_the_centre_is_kept() -> None:
    image = Image.new("RGB", (90, 30), "black")
    image.paste("white", (30, 0, 60, 30))
    assert (np.asarray(decode_reference_image(file_of(image))) == 255).all()


def test_of_a_tall_picture_more_is_kept_of_the_top() -> None:
    image = Image.new("RGB", (30, 90), "black")
    image.paste("white", (0, 15, 30, 45))
    assert (np.asarray(decode_reference_image(file_of(image))) == 255).all()


@pytest.mark.parametrize("size", [(90, 30), (30, 90)])
def test_padding_keeps_all_of_a_picture_and_adds_a_white_border(size: tuple[int, int]) -> None:
    square = np.asarray(decode_reference_image(file_of(Image.new("RGB", size, "black")), "pad"))
    assert square.shape == (90, 90, 3)
    upright = square if size[1] > size[0] else square.transpose(1, 0, 2)
    assert (upright[:, 30:60] == 0).all()
    assert (upright[:, :30] == 255).all()
    assert (upright[:, 60:] == 255).all()


def test_padding_a_very_long_picture_takes_little_memory() -> None:
    image = decode_reference_image(file_of(Image.new("RGB", (40_000, 20), "black")), "pad")
    assert image.size == (1024, 1024)


def test_padding_turns_a_picture_upright_and_its_transparency_white() -> None:
    image = Image.new("RGBA", (90, 30), (0, 0, 0, 255))
    image.paste((255, 0, 0, 0), (0, 0, 45, 30))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise: what is left comes to the top
    square = np.asarray(decode_reference_image(file_of(image, exif=exif), "pad"))
    assert (square[:45] == 255).all()
    assert (square[45:, 30:60] == 0).all()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"Dear diary, this is not a picture.", "not a PNG, JPEG or WebP", id="text"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG, JPEG or WebP", id="svg"),
        pytest.param(file_of(Image.new("RGB", (8, 8)), "BMP"), "not a PNG, JPEG or WebP", id="bmp"),
        pytest.param(file_of(Image.new("RGB", (8, 8)), "GIF"), "not a PNG, JPEG or WebP", id="gif"),
        pytest.param(bytes(MAX_FILE_BYTES + 1), "larger than 10 MB", id="too many bytes"),
        pytest.param(png_claiming(5000, 5000), "more than 16 megapixels", id="too many pixels"),
        pytest.param(png_claiming(12_000, 12_000), "more than 16 megapixels", id="bomb: Pillow warns"),
        pytest.param(png_claiming(60_000, 60_000), "more than 16 megapixels", id="bomb: Pillow refuses"),
        pytest.param(file_of(NOISE, "JPEG")[:1500], "damaged", id="JPEG cut off"),
        pytest.param(file_of(NOISE, "PNG")[:1500], "damaged", id="PNG cut off"),
        pytest.param(file_of(NOISE, "PNG")[:20], "not a PNG, JPEG or WebP", id="cut in the header"),
    ],
)
def test_a_file_that_is_no_usable_picture_is_refused_with_the_reason(data: bytes, words: str) -> None:
    with pytest.raises(ReferenceImageError, match=words):
        decode_reference_image(data)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    data = file_of(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(ReferenceImageError, match="animated"):
        decode_reference_image(data)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    bomb = png_claiming(9000, 9000)  # 81 MB decoded; under Pillow's own limits
    tracemalloc.start()
    try:
        with pytest.raises(ReferenceImageError):
            decode_reference_image(bomb)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * 1024**2


def test_a_telephones_jpeg_with_a_second_picture_counts_as_a_photograph() -> None:
    data = file_of(Image.new("RGB", (32, 32), "red"), "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    assert decode_reference_image(data).size == (32, 32)


def test_a_photograph_held_sideways_is_turned_upright() -> None:
    image = Image.new("RGB", (64, 64), "blue")
    image.paste("red", (0, 0, 32, 64))  # red is on the left as stored
    orientation = Image.Exif()
    orientation[0x0112] = 6  # "turn by 90 degrees clockwise to show"
    shown = np.asarray(decode_reference_image(file_of(image, exif=orientation.tobytes())))
    assert tuple(shown[4, 32]) == (255, 0, 0)
    assert tuple(shown[60, 32]) == (0, 0, 255)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), id="RGBA"),
        pytest.param(Image.new("LA", (8, 8), (0, 0)), id="grey with alpha"),
    ],
)
def test_transparency_becomes_white(image: Image.Image) -> None:
    assert (np.asarray(decode_reference_image(file_of(image))) == 255).all()


def test_a_transparent_palette_colour_becomes_white() -> None:
    data = file_of(Image.new("P", (8, 8), 0), transparency=0)
    assert (np.asarray(decode_reference_image(data)) == 255).all()


def test_sixteen_bit_grey_keeps_its_shades() -> None:
    deep = np.full((8, 8), 0x8000, dtype=np.uint16)
    assert (np.asarray(decode_reference_image(file_of(Image.fromarray(deep)))) == 0x80).all()


@pytest.mark.parametrize("shape", [(64, 64, 3), (33, 70, 3), (1, 1, 3)])
def test_a_png_holds_exactly_the_pixels_and_nothing_else(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    png = encode_png(pixels)
    decoded = Image.open(io.BytesIO(png))
    assert decoded.mode == "RGB"
    assert np.array_equal(np.asarray(decoded), pixels)
    assert decoded.info == {}


def test_a_smooth_picture_is_compressed() -> None:
    shades = np.linspace(0, 255, 256, dtype=np.uint8)
    pixels = np.stack(np.broadcast_arrays(shades, shades[:, None], np.uint8(128)), axis=-1)
    assert len(encode_png(pixels)) < pixels.nbytes / 4
