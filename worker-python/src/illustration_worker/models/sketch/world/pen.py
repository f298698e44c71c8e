"""A pen on a canvas: lines, shapes and shaded areas in a thing's own coordinates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from PIL import Image, ImageDraw

from illustration_worker.models.sketch.world.style import Style

PICTURE_SIDE = 128
"""Pixels of a side of a finished picture."""
OVERSAMPLING = 2
"""Pictures are drawn this many times as large and scaled down, for smooth lines."""
WHITE_PAPER = 255
_HATCH_GAP = 4.5

Point = tuple[float, float]


class Fill(Enum):
    """What an area is filled with."""

    NONE = "none"
    WHITE = "white"
    TONE = "tone"
    DARK = "dark"


@dataclass(slots=True)
class Canvas:
    """A grey picture of ``OVERSAMPLING`` times ``PICTURE_SIDE`` pixels, blank at first."""

    style: Style
    random: Random
    paper: int = WHITE_PAPER
    """Grey of what is blank."""
    image: Image.Image = field(init=False)
    draw: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        side = PICTURE_SIDE * OVERSAMPLING
        self.image = Image.new("L", (side, side), self.paper)
        self.draw = ImageDraw.Draw(self.image)

    def finished(self) -> Image.Image:
        """The picture, mode L, ``PICTURE_SIDE`` pixels a side."""
        return self.image.resize((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.BOX)


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws in coordinates whose unit is the thing's height: (0, 0) is its top left corner, y goes down."""

    canvas: Canvas
    left: float
    """Pixels of the finished picture, as the next two."""
    top: float
    height: float
    is_mirrored: bool = False
    """Left and right swapped within ``aspect``."""
    aspect: float = 1.0
    """Width of the thing in heights."""

    def line(self, *points: Point) -> None:
        """A line through ``points``."""
        self._stroke([self._pixel(point) for point in points])

    def polygon(self, *points: Point, fill: Fill = Fill.WHITE) -> None:
        """A closed outline around a filled area."""
        pixels = [self._pixel(point) for point in points]
        self._fill(pixels, fill)
        self._stroke([*pixels, pixels[0], pixels[1]])

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, fill: Fill = Fill.WHITE) -> None:
        """An upright rectangle."""
        self.polygon((x0, y0), (x1, y0), (x1, y1), (x0, y1), fill=fill)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Fill = Fill.WHITE) -> None:
        """An ellipse around (x, y)."""
        self.polygon(*_arc_points((x, y), (rx, ry), (0, 360)), fill=fill)

    def circle(self, x: float, y: float, radius: float, fill: Fill = Fill.WHITE) -> None:
        """A circle around (x, y)."""
        self.ellipse(x, y, radius, radius, fill)

    def arc(self, x: float, y: float, radii: Point, degrees: Point) -> None:
        """Part of an ellipse's outline; 0 degrees is to the right, 90 is down."""
        self.line(*_arc_points((x, y), radii, degrees))

    def sector(self, x: float, y: float, radii: Point, degrees: Point, fill: Fill = Fill.WHITE) -> None:
        """An arc closed by its chord, filled."""
        self.polygon(*_arc_points((x, y), radii, degrees), fill=fill)

    def _pixel(self, point: Point) -> Point:
        x = self.aspect - point[0] if self.is_mirrored else point[0]
        wobble = self.canvas.style.wobble
        dx, dy = (self.canvas.random.gauss(0, wobble) for _ in range(2)) if wobble else (0.0, 0.0)
        return (
            (self.left + x * self.height + dx) * OVERSAMPLING,
            (self.top + point[1] * self.height + dy) * OVERSAMPLING,
        )

    def _stroke(self, pixels: Sequence[Point]) -> None:
        style = self.canvas.style
        width = max(1, round(style.width * OVERSAMPLING))
        self.canvas.draw.line(list(pixels), fill=style.ink, width=width, joint="curve")

    def _fill(self, pixels: Sequence[Point], fill: Fill) -> None:
        style = self.canvas.style
        if fill is Fill.NONE:
            return
        grey = {Fill.WHITE: 255, Fill.TONE: style.tone, Fill.DARK: style.dark}[fill]
        self.canvas.draw.polygon(list(pixels), fill=grey)
        if fill is Fill.TONE and style.is_hatched:
            hatch(self.canvas, pixels)


def hatch(canvas: Canvas, pixels: Sequence[Point]) -> None:
    """Fill the area inside ``pixels`` (of the canvas) with parallel lines that rise to the right."""
    left, right = min(x for x, _ in pixels), max(x for x, _ in pixels)
    top, bottom = min(y for _, y in pixels), max(y for _, y in pixels)
    width, height = int(right - left) + 2, int(bottom - top) + 2
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in pixels], fill=255)
    lines = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(lines)
    gap = _HATCH_GAP * OVERSAMPLING
    # lines lie on a grid of the whole canvas, so that neighbouring areas go on in step
    offset = math.fmod(left + top, gap)
    for number in range(int((width + height) / gap) + 2):
        start = number * gap - offset
        pen.line([(start, 0), (start - height, height)], fill=255, width=OVERSAMPLING)
    ink = Image.new("L", (width, height), canvas.style.ink)
    lines.paste(0, mask=mask.point(lambda value: 255 - value))
    canvas.image.paste(ink, (int(left), int(top)), lines)


def _arc_points(centre: Point, radii: Point, degrees: Point) -> list[Point]:
    start, end = degrees
    count = max(6, round(abs(end - start) / 15))
    angles = [math.radians(start + (end - start) * number / count) for number in range(count + 1)]
    return [(centre[0] + radii[0] * math.cos(angle), centre[1] + radii[1] * math.sin(angle)) for angle in angles]
