"""Files from strangers, wrong in ways nobody thought of: pictures and LoRAs, changed, cut and repeated.

Oracle: a picture is decoded or refused with a sentence for the caller; a LoRA's header is read or refused; nothing else
is ever raised, and nothing takes long. `FUZZ_SECONDS` sets how long each part goes on, `FUZZ_SEED` repeats a run.
"""

import io
import json
import os
import random
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from illustration_worker.errors import ReferenceImageError, WeightsRefusedError
from illustration_worker.images import decode_reference_image
from illustration_worker.models.safetensors_header import metadata_in, shapes_in

SECONDS = float(os.environ.get("FUZZ_SECONDS", "2"))
SEED = int(os.environ.get("FUZZ_SEED", "20261125"))
MAX_SECONDS_EACH = 2.0
_ODD = [
    b"\0",
    b"\xff",
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0" * 8,
    b"\xff\xda",
    b"IHDR",
    b"IDAT",
    b"RIFF",
]


def _files_of_each_format() -> list[bytes]:
    look = Image.effect_noise((48, 40), 60)
    files = []
    forms: list[tuple[str, str, dict[str, Any]]] = [
        ("PNG", "RGB", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "P", {"transparency": 0}),
        ("PNG", "LA", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "L", {"exif": _exif()}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("WEBP", "RGB", {}),
    ]
    for kind, mode, options in forms:
        file = io.BytesIO()
        look.convert(mode).save(file, kind, **options)
        files.append(file.getvalue())
    return files


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def _safetensors() -> bytes:
    header = json.dumps(
        {
            "__metadata__": {"ss_base_model_version": "sdxl_base_v1-0"},
            "lora_unet.alpha": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
            "lora_unet.lora_down.weight": {"dtype": "F16", "shape": [4, 8], "data_offsets": [4, 68]},
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes(68)


def _mutants(seeds: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """For ``SECONDS``; each a file with one to eight changes."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 8)):
            _change(data, chance, seeds)
        yield bytes(data)


def _change(data: bytearray, chance: random.Random, seeds: list[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    length = chance.choice([1, 1, 2, 4, 16, 256])
    match chance.randrange(6):
        case 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        case 1:
            data[at : at + length] = chance.choice(_ODD)
        case 2:
            del data[at : at + length]
        case 3:
            data[at:at] = data[at : at + length] * chance.choice([1, 2, 50])
        case 4:
            other = chance.choice(seeds)
            data[at:] = other[chance.randrange(len(other)) :]
        case _:
            data[at : at + 4] = struct.pack(">I", chance.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, len(data)]))


def test_any_picture_is_decoded_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(SEED)
    tried = decoded = 0
    sentences: set[str] = set()
    slowest = 0.0
    for data in _mutants(_files_of_each_format(), chance):
        started = time.perf_counter()
        try:
            image = decode_reference_image(data, chance.choice(["crop", "pad"]))
            assert image.mode == "RGB"
            assert image.width == image.height
            decoded += 1
        except ReferenceImageError as error:
            sentences.add(str(error))
        tried += 1
        slowest = max(slowest, time.perf_counter() - started)
    with capsys.disabled():
        print(f"\n  {tried} pictures, {decoded} still decoded; slowest {slowest * 1000:.0f} ms (FUZZ_SEED={SEED})")
    assert slowest < MAX_SECONDS_EACH
    assert 0 < decoded < tried
    assert all(sentence.startswith("The reference image") for sentence in sentences)


def test_any_lora_is_read_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(SEED)
    tried = accepted = refused = 0
    slowest = 0.0
    for data in _mutants([_safetensors(), _safetensors()[:60], b"{}"], chance):
        started = time.perf_counter()
        file = io.BytesIO(data)
        try:
            shapes_in(file)
            metadata_in(file)
            accepted += 1
        except WeightsRefusedError:
            refused += 1
        tried += 1
        slowest = max(slowest, time.perf_counter() - started)
    with capsys.disabled():
        print(f"\n  {tried} LoRAs, {accepted} still read; slowest {slowest * 1000:.0f} ms (FUZZ_SEED={SEED})")
    assert slowest < MAX_SECONDS_EACH
    assert 0 < accepted < tried
    assert accepted + refused == tried
