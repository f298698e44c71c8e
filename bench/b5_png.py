"""B5: PNG of a 1024 x 1024 picture, CPU seconds: the worker's encoder / Pillow's default. Same pixels."""

import asyncio
import io
import time
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from bench.rounds import Arm, Goal, compare
from illustration_worker.images import Pixels, encode_png

GOAL = 1 / 2
SIDE = 1024
REPEATS = 5


def photo_like() -> Pixels:
    """Smooth shapes with some grain: noise alone, or flat areas alone, compress like no picture does."""
    dice = np.random.default_rng(0)
    coarse = dice.uniform(0, 255, (32, 32, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    grain = dice.normal(0, 2, smooth.shape)
    return (smooth + grain).clip(0, 255).astype(np.uint8)


def pillow_png(pixels: Pixels) -> bytes:
    """As ``image.save(file, "PNG")`` makes it."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


async def main() -> None:
    """Print the table."""
    pixels = photo_like()
    for name, encode in (("Pillow", pillow_png), ("ours", encode_png)):
        png = encode(pixels)
        if not np.array_equal(np.asarray(Image.open(io.BytesIO(png))), pixels):
            raise SystemExit(f"{name} changed the pixels")
        print(f"{name}: {len(png) / 1e6:.2f} MB, identical pixels")

    async def measure(encode: Callable[[Pixels], bytes]) -> float:
        began = time.process_time()
        for _ in range(REPEATS):
            encode(pixels)
        return (time.process_time() - began) / REPEATS

    await compare(
        "B5: PNG, 1024 x 1024, photo-like",
        "CPU seconds a picture",
        Arm("worker", lambda: measure(encode_png)),
        [Goal(Arm("Pillow, defaults", lambda: measure(pillow_png)), GOAL)],
    )


if __name__ == "__main__":
    asyncio.run(main())
