"""Things in the sky."""

import math

from illustration_worker.models.sketch.world.pen import Fill, Pen
from illustration_worker.models.sketch.world.thing import Place, Thing


def _sun(pen: Pen) -> None:
    pen.circle(0.5, 0.5, 0.26)
    for number in range(8):
        angle = math.radians(45 * number)
        dx, dy = math.cos(angle), math.sin(angle)
        pen.line((0.5 + 0.34 * dx, 0.5 + 0.34 * dy), (0.5 + 0.5 * dx, 0.5 + 0.5 * dy))


def _moon(pen: Pen) -> None:
    outer = [(0.5 + 0.46 * math.cos(a), 0.5 + 0.46 * math.sin(a)) for a in _angles(50, 310)]
    inner = [(0.66 + 0.38 * math.cos(a), 0.5 + 0.38 * math.sin(a)) for a in _angles(290, 70)]
    pen.polygon(*outer, *inner, fill=Fill.TONE)


def _angles(start: float, end: float) -> list[float]:
    return [math.radians(start + (end - start) * number / 14) for number in range(15)]


def _cloud(pen: Pen) -> None:
    pen.circle(0.4, 0.6, 0.36)
    pen.circle(1.25, 0.62, 0.34)
    pen.circle(0.82, 0.44, 0.42)
    pen.ellipse(0.82, 0.74, 0.62, 0.22)


def _rainbow(pen: Pen) -> None:
    for radius in (0.95, 0.78, 0.61, 0.44):
        pen.arc(1.0, 0.98, (radius, radius), (180, 360))


def _bird(pen: Pen) -> None:
    pen.ellipse(0.75, 0.62, 0.42, 0.22, Fill.TONE)
    pen.circle(1.15, 0.42, 0.17)
    pen.polygon((1.3, 0.38), (1.48, 0.46), (1.3, 0.5), fill=Fill.DARK)
    pen.polygon((0.7, 0.58), (0.3, 0.02), (0.98, 0.5), fill=Fill.DARK)
    pen.polygon((0.38, 0.62), (0.02, 0.5), (0.08, 0.82), fill=Fill.DARK)


def _kite(pen: Pen) -> None:
    pen.polygon((0.4, 0.0), (0.75, 0.3), (0.4, 0.68), (0.05, 0.3), fill=Fill.TONE)
    pen.line((0.4, 0.0), (0.4, 0.68))
    pen.line((0.05, 0.3), (0.75, 0.3))
    pen.line((0.4, 0.68), (0.55, 0.78), (0.35, 0.88), (0.5, 1.0))


def _balloon(pen: Pen) -> None:
    pen.ellipse(0.35, 0.34, 0.3, 0.34, Fill.DARK)
    pen.polygon((0.35, 0.67), (0.28, 0.75), (0.42, 0.75), fill=Fill.DARK)
    pen.line((0.35, 0.75), (0.4, 0.85), (0.32, 1.0))


def _star(pen: Pen) -> None:
    points = []
    for number in range(10):
        radius = 0.5 if number % 2 == 0 else 0.22
        angle = math.radians(36 * number - 90)
        points.append((0.5 + radius * math.cos(angle), 0.52 + radius * math.sin(angle)))
    pen.polygon(*points, fill=Fill.TONE)


def _plane(pen: Pen) -> None:
    pen.ellipse(0.85, 0.5, 0.75, 0.16)
    pen.polygon((0.75, 0.5), (0.45, 1.0), (0.65, 1.0), (1.1, 0.5), fill=Fill.TONE)
    pen.polygon((0.2, 0.45), (0.05, 0.05), (0.25, 0.05), (0.45, 0.4), fill=Fill.TONE)


SKY_THINGS: tuple[Thing, ...] = (
    Thing("sun", ("the sun", "a sun"), _sun, place=Place.SKY),
    Thing("moon", ("the moon", "a moon"), _moon, place=Place.SKY),
    Thing("cloud", ("a cloud",), _cloud, 1.64, Place.SKY, 0.75),
    Thing("rainbow", ("a rainbow",), _rainbow, 2.0, Place.SKY, 0.75),
    Thing("bird", ("a bird",), _bird, 1.5, Place.SKY, 0.75),
    Thing("kite", ("a kite",), _kite, 0.8, Place.SKY, 1.1),
    Thing("balloon", ("a balloon",), _balloon, 0.7, Place.SKY, 1.1),
    Thing("star", ("a star",), _star, 1.0, Place.SKY, 0.9),
    Thing("plane", ("a plane", "an airplane"), _plane, 1.6, Place.SKY, 0.75),
)
