"""Pictures at the border: untrusted reference images in, finished PNGs out. No torch."""

import io
import warnings
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, PngImagePlugin

from illustration_worker.errors import ReferenceImageError
from illustration_worker.job import ReferenceFit

Pixels = npt.NDArray[np.uint8]
"""RGB picture, shape (height, width, 3), values 0 to 255."""

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 16_000_000

_PADDED_SIDE = 1024
"""Pixels, far more than an image encoder looks at (224). A border as wide as a picture of 16 megapixels is long could
take gigabytes."""

_STRIP_ROWS = 256

_FORMATS = ("PNG", "JPEG", "WEBP")
# A telephone's JPEG with a preview or depth map behind the picture is "MPO" to Pillow; its first frame is the photo.
_MAY_HOLD_MORE_FRAMES = "MPO"
_ORIENTATION_TAG = 0x0112

_MAX_JPEG_SCANS = 100
"""Photographs have 1 to about 10. Each scan is a pass over the whole picture, and one of nothing new takes 10 bytes: 10
MB of them would keep a processor busy for hours."""
_JPEG_SCAN = b"\xff\xda"

# Texts in a PNG are unpacked before its pixels, and dropped with them: Pillow itself allows 64 MB of them.
PngImagePlugin.MAX_TEXT_MEMORY = 4 * 1024 * 1024

# Once for the process: warnings.catch_warnings is not safe where several threads decode.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def decode_reference_image(data: bytes, fit: ReferenceFit = "crop") -> Image.Image:
    """The picture in ``data``, an untrusted PNG, JPEG or WebP file: RGB, upright, made square as ``fit`` says.

    The square is made here because CLIP's preprocessing would cut out the centre, silently. Transparency becomes white.

    Raises:
        ReferenceImageError: too large, not such a file, animated, or damaged. Format, size and frames are checked from
            the header, before any pixel is decoded: a file of 18 kB can ask for 700 MB.
    """
    if not data:
        raise ReferenceImageError("The reference image is empty.")
    if len(data) > MAX_FILE_BYTES:
        raise ReferenceImageError(f"The reference image is larger than {MAX_FILE_BYTES // 1024**2} MB.")
    with _opened(data) as image:
        _check_header(image)
        _check_scans(image, data)
        try:
            image.load()
            upright = _upright(image)
            return _cut_square(upright) if fit == "crop" else _bordered_square(upright)
        except Exception as error:  # Pillow's decoders raise whatever a damaged file makes them raise
            raise ReferenceImageError("The reference image is damaged: it could not be decoded.") from error


def encode_png(pixels: Pixels) -> bytes:
    """``pixels`` as a PNG file without metadata, lossless.

    OpenCV with run-length deflate takes a third of Pillow's time at the same size on photo-like pictures.
    """
    # the alternatives at this speed (compression 0) make files three times as large
    options = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE, cv2.IMWRITE_PNG_COMPRESSION, 1]
    encoded, buffer = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not encoded:
        raise ValueError(f"OpenCV could not encode an array of shape {pixels.shape}")
    return buffer.tobytes()


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)  # reads the header only
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except Exception as error:  # as above: a damaged header raises more than UnidentifiedImageError
        raise ReferenceImageError("The reference image is not a PNG, JPEG or WebP file.") from error


def _check_header(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()
    if image.format != _MAY_HOLD_MORE_FRAMES and getattr(image, "n_frames", 1) > 1:
        raise ReferenceImageError("The reference image is animated; a still picture is needed.")


def _check_scans(image: Image.Image, data: bytes) -> None:
    # within a scan the byte 0xff is always followed by 0: what is counted are markers (or a few bytes of metadata)
    if image.format in ("JPEG", _MAY_HOLD_MORE_FRAMES) and data.count(_JPEG_SCAN) > _MAX_JPEG_SCANS:
        raise ReferenceImageError("The reference image is damaged: it has too many scans.")


def _too_many_pixels() -> ReferenceImageError:
    return ReferenceImageError(f"The reference image has more than {MAX_PIXELS // 10**6} megapixels.")


def _upright(image: Image.Image) -> Image.Image:
    if image.getexif().get(_ORIENTATION_TAG, 1) == 1:
        return image
    return ImageOps.exif_transpose(image)


def _cut_square(image: Image.Image) -> Image.Image:
    """The middle of a wide picture; of a tall one a quarter of what is too much goes above, the rest below.

    Who photographs a person upright puts the face above the middle: cut evenly, a photo of 2:3 loses a sixth at the
    top, and with it forehead and hair.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 4
    is_square = image.width == image.height
    return _on_white(image if is_square else image.crop((left, top, left + side, top + side)))


def _bordered_square(image: Image.Image) -> Image.Image:
    picture = _on_white(image)
    picture.thumbnail((_PADDED_SIDE, _PADDED_SIDE))
    side = max(picture.size)
    square = Image.new("RGB", (side, side), "white")
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # 16-bit grey: convert("RGB") would clip everything above 255 to white
        deep: npt.NDArray[Any] = np.asarray(image)
        image = Image.fromarray((deep >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    # convert("RGB") alone would show what the transparency hides; in strips, because all at once takes five copies
    picture = Image.new("RGB", image.size)
    for top in range(0, image.height, _STRIP_ROWS):
        strip = image.crop((0, top, image.width, min(top + _STRIP_ROWS, image.height))).convert("RGBA")
        white = Image.new("RGBA", strip.size, "white")
        white.alpha_composite(strip)
        picture.paste(white.convert("RGB"), (0, top))
    return picture
