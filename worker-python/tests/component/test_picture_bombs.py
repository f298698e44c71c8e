"""Files that ask for much more than they are: the worker's memory does not grow by it, nor is it busy for long.

Measured on a process of its own for each.
"""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from illustration_worker.errors import ReferenceImageError
from illustration_worker.images import decode_reference_image

MEBIBYTE = 1024**2


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *chunks: bytes, bits: int = 8, colour: int = 0) -> bytes:
    """A PNG whose header asks for width x height pixels, with ``chunks`` before some pixels that are all 0."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    row_bytes = 1 + width * bits // 8 * {0: 1, 6: 4}[colour]
    pixels = zlib.compress(bytes(min(row_bytes * height, 64 * MEBIBYTE)), 9)
    body = b"".join([png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b"")])
    return b"\x89PNG\r\n\x1a\n" + body


def png_full_of_text() -> bytes:
    """Compressed comments, 60 MB of them when they are unpacked."""
    comment = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1000 * 1024), 9))
    return png(8, 8, *[comment] * 60)


def png_with_a_large_profile() -> bytes:
    return png(8, 8, png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(300 * MEBIBYTE), 9)))


def png_with_a_large_comment() -> bytes:
    return png(8, 8, png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(300 * MEBIBYTE), 9)))


def png_of_many_frames() -> bytes:
    control = png_chunk(b"acTL", struct.pack(">II", 100_000, 0))
    return png(64, 64, control)


def webp_canvas(width: int, height: int) -> bytes:
    """A WebP with a picture of 16 x 16 on a canvas of width x height."""
    small = io.BytesIO()
    Image.new("RGB", (16, 16)).save(small, "WEBP", lossless=True)
    picture = small.getvalue()[12:]
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    frame_header = struct.pack("<I", 0)[:3] * 2 + struct.pack("<I", 15)[:3] * 2 + struct.pack("<I", 100)[:3] + b"\0"
    frame = frame_header + picture
    chunks = [
        (b"VP8X", struct.pack("<I", 0b10) + size),
        (b"ANIM", struct.pack("<IH", 0, 0)),
        (b"ANMF", frame),
    ]
    body = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_claiming(width: int, height: int) -> bytes:
    """The header of a lossless WebP of that size, and noise for its pixels."""
    bits = (width - 1) | (height - 1) << 14
    data = b"\x2f" + struct.pack("<I", bits) + bytes(64)
    return b"RIFF" + struct.pack("<I", len(data) + 13) + b"WEBPVP8L" + struct.pack("<I", len(data)) + data + b"\0"


def jpeg_claiming(width: int, height: int) -> bytes:
    small = io.BytesIO()
    Image.new("RGB", (16, 16)).save(small, "JPEG")
    data = bytearray(small.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def jpeg_of_many_scans(scans: int = 5000) -> bytes:
    """A progressive photograph whose last scan comes again and again: each a pass over all of its pixels."""
    small = io.BytesIO()
    Image.effect_noise((3000, 3000), 40).convert("L").save(small, "JPEG", progressive=True, quality=30)
    data = small.getvalue()
    return data[:-2] + _empty_scan() * scans + data[-2:]


def _empty_scan() -> bytes:
    """A refinement of the lowest bit of one coefficient in which no block has anything new."""
    return b"\xff\xda\x00\x08\x01\x01\x00\x3f\x3f\x10" + bytes(4)


BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of 81 megapixels": lambda: png(9000, 9000),
    "PNG of 144 megapixels": lambda: png(12_000, 12_000),
    "PNG of 3,600 megapixels": lambda: png(60_000, 60_000),
    "PNG of 2^31 columns": lambda: png(2**31 - 1, 1),
    "PNG of 64 megapixels, 16 bits": lambda: png(8000, 8000, bits=16, colour=6),
    "PNG full of text": png_full_of_text,
    "PNG with a large profile": png_with_a_large_profile,
    "PNG with a large comment": png_with_a_large_comment,
    "PNG of 100,000 frames": png_of_many_frames,
    "WebP on a canvas of 268 megapixels": lambda: webp_canvas(16_383, 16_383),
    "WebP of 268 megapixels": lambda: webp_claiming(16_383, 16_383),
    "JPEG of 4,290 megapixels": lambda: jpeg_claiming(65_500, 65_500),
    "JPEG of 5,000 scans": jpeg_of_many_scans,
    "10 MB of noise": lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40_000,
}

MAX_GROWTH_MIB = 64
MAX_SECONDS = 2.0

_DECODE = r"""
import pathlib, re, sys, time
from illustration_worker.errors import ReferenceImageError
from illustration_worker.images import decode_reference_image

def most_held():  # not ru_maxrss, in which a child begins with its parent's
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024

good, bomb = (pathlib.Path(name).read_bytes() for name in sys.argv[1:])
decode_reference_image(good)
before, started = most_held(), time.perf_counter()
try:
    decode_reference_image(bomb)
    outcome = "decoded"
except ReferenceImageError as error:
    outcome = str(error)
print(f"{most_held() - before:.1f}|{time.perf_counter() - started:.3f}|{outcome}")
"""


def tried(bomb: bytes, folder: Path) -> tuple[float, float, str]:
    """MiB by which the most memory that the process ever held grew; seconds; what became of it."""
    good, bad = folder / "good", folder / "bad"
    good.write_bytes(_a_photograph())
    bad.write_bytes(bomb)
    done = subprocess.run([sys.executable, "-c", _DECODE, good, bad], capture_output=True, text=True, check=True)
    growth, seconds, outcome = done.stdout.strip().split("|")
    return float(growth), float(seconds), outcome


def _a_photograph() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(file, "JPEG")
    return file.getvalue()


pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux' /proc")


def test_what_a_picture_costs_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    growth_mib, seconds, outcome = tried(png(4000, 4000, colour=6), tmp_path)
    with capsys.disabled():
        print(f"\n  the largest picture taken: memory +{growth_mib:.1f} MiB, {seconds * 1000:.0f} ms")
    assert outcome == "decoded"
    assert growth_mib > MAX_GROWTH_MIB


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_costs_nothing(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bomb = BOMBS[name]()
    growth_mib, seconds, outcome = tried(bomb, tmp_path)
    with capsys.disabled():
        print(f"\n  {name}, {len(bomb) // 1024} kB: +{growth_mib:.1f} MiB, {seconds * 1000:.0f} ms: {outcome}")
    assert outcome.startswith("The reference image")
    assert growth_mib < MAX_GROWTH_MIB
    assert seconds < MAX_SECONDS


def test_a_photograph_with_as_many_scans_as_an_encoder_makes_is_taken() -> None:
    file = io.BytesIO()
    Image.effect_noise((256, 256), 60).convert("RGB").save(file, "JPEG", progressive=True)
    assert decode_reference_image(file.getvalue()).size == (256, 256)


def test_the_scans_of_a_small_jpeg_are_counted_too() -> None:
    with pytest.raises(ReferenceImageError, match="too many scans"):
        decode_reference_image(BOMBS["JPEG of 5,000 scans"]())
