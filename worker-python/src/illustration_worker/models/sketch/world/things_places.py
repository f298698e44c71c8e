"""Buildings and vehicles."""

from illustration_worker.models.sketch.world.pen import Fill, Pen
from illustration_worker.models.sketch.world.thing import Thing


def _house(pen: Pen) -> None:
    pen.rectangle(0.74, 0.1, 0.86, 0.4)
    pen.rectangle(0.1, 0.45, 1.0, 1.0)
    pen.polygon((0.0, 0.47), (0.55, 0.05), (1.1, 0.47), fill=Fill.TONE)
    pen.rectangle(0.22, 0.6, 0.42, 0.78, Fill.DARK)
    pen.rectangle(0.62, 0.6, 0.84, 1.0, Fill.DARK)


def _school(pen: Pen) -> None:
    pen.rectangle(0.0, 0.45, 1.5, 1.0)
    pen.polygon((0.5, 0.45), (0.75, 0.22), (1.0, 0.45), fill=Fill.TONE)
    pen.line((0.75, 0.22), (0.75, 0.0))
    pen.polygon((0.75, 0.0), (1.0, 0.06), (0.75, 0.13), fill=Fill.DARK)
    for x in (0.1, 0.34, 1.02, 1.26):
        pen.rectangle(x, 0.58, x + 0.14, 0.74, Fill.DARK)
    pen.rectangle(0.64, 0.66, 0.86, 1.0, Fill.DARK)


def _church(pen: Pen) -> None:
    pen.rectangle(0.35, 0.58, 0.95, 1.0)
    pen.polygon((0.3, 0.6), (0.42, 0.45), (0.9, 0.45), (1.0, 0.6), fill=Fill.TONE)
    pen.rectangle(0.05, 0.42, 0.4, 1.0)
    pen.polygon((0.0, 0.44), (0.225, 0.15), (0.45, 0.44), fill=Fill.TONE)
    pen.line((0.225, 0.15), (0.225, 0.0))
    pen.line((0.15, 0.06), (0.3, 0.06))
    pen.rectangle(0.15, 0.76, 0.3, 1.0, Fill.DARK)
    pen.circle(0.68, 0.78, 0.08, Fill.DARK)


def _tent(pen: Pen) -> None:
    pen.polygon((0.65, 0.08), (1.3, 1.0), (0.0, 1.0), fill=Fill.TONE)
    pen.polygon((0.65, 0.4), (0.88, 1.0), (0.42, 1.0), fill=Fill.DARK)
    pen.line((0.58, 0.0), (0.65, 0.08), (0.72, 0.0))


def _bridge(pen: Pen) -> None:
    pen.polygon((0.0, 0.45), (1.8, 0.45), (1.8, 1.0), (0.0, 1.0))
    pen.sector(0.48, 1.0, (0.32, 0.38), (180, 360), Fill.DARK)
    pen.sector(1.32, 1.0, (0.32, 0.38), (180, 360), Fill.DARK)
    pen.rectangle(0.0, 0.28, 1.8, 0.45, Fill.TONE)


def _lighthouse(pen: Pen) -> None:
    pen.polygon((0.14, 0.3), (0.36, 0.3), (0.46, 1.0), (0.04, 1.0))
    pen.polygon((0.11, 0.48), (0.39, 0.48), (0.41, 0.66), (0.09, 0.66), fill=Fill.DARK)
    pen.rectangle(0.14, 0.16, 0.36, 0.3)
    pen.polygon((0.08, 0.16), (0.25, 0.0), (0.42, 0.16), fill=Fill.DARK)


def _wheels(pen: Pen, y: float, radius: float, *xs: float) -> None:
    for x in xs:
        pen.circle(x, y, radius, Fill.DARK)


def _car(pen: Pen) -> None:
    pen.polygon((0.35, 0.45), (0.55, 0.1), (1.15, 0.1), (1.4, 0.45))
    pen.polygon((0.5, 0.42), (0.62, 0.2), (0.82, 0.2), (0.82, 0.42), fill=Fill.TONE)
    pen.polygon((0.92, 0.42), (0.92, 0.2), (1.1, 0.2), (1.25, 0.42), fill=Fill.TONE)
    pen.rectangle(0.02, 0.45, 1.78, 0.82)
    _wheels(pen, 0.82, 0.18, 0.4, 1.38)


def _bus(pen: Pen) -> None:
    pen.rectangle(0.02, 0.05, 1.68, 0.85)
    for x in (0.12, 0.5, 0.88, 1.26):
        pen.rectangle(x, 0.16, x + 0.28, 0.42, Fill.TONE)
    pen.line((0.02, 0.56), (1.68, 0.56))
    _wheels(pen, 0.85, 0.14, 0.4, 1.3)


def _train(pen: Pen) -> None:
    pen.rectangle(0.05, 0.4, 1.0, 0.8)
    pen.rectangle(0.95, 0.08, 1.5, 0.8)
    pen.rectangle(1.08, 0.2, 1.36, 0.46, Fill.DARK)
    pen.polygon((0.15, 0.05), (0.4, 0.05), (0.34, 0.4), (0.21, 0.4), fill=Fill.DARK)
    pen.polygon((0.05, 0.8), (-0.1, 0.98), (0.2, 0.98), fill=Fill.TONE)
    _wheels(pen, 0.86, 0.13, 0.42, 0.75, 1.22)


def _boat(pen: Pen) -> None:
    pen.line((0.6, 0.02), (0.6, 0.72))
    pen.polygon((0.64, 0.05), (1.1, 0.62), (0.64, 0.62))
    pen.polygon((0.54, 0.18), (0.54, 0.62), (0.2, 0.62), fill=Fill.TONE)
    pen.polygon((0.0, 0.72), (1.2, 0.72), (0.98, 1.0), (0.22, 1.0), fill=Fill.DARK)


def _bicycle(pen: Pen) -> None:
    pen.circle(0.32, 0.7, 0.28, Fill.NONE)
    pen.circle(1.22, 0.7, 0.28, Fill.NONE)
    pen.line((0.32, 0.7), (0.55, 0.3), (1.08, 0.3), (0.75, 0.7), (0.32, 0.7))
    pen.line((0.55, 0.3), (0.75, 0.7))
    pen.line((1.22, 0.7), (1.05, 0.12), (1.25, 0.1))
    pen.line((0.54, 0.3), (0.5, 0.18))
    pen.line((0.38, 0.16), (0.62, 0.16))


PLACE_THINGS: tuple[Thing, ...] = (
    Thing("house", ("a house", "a home", "our house", "a cottage"), _house, 1.1),
    Thing("school", ("a school", "the school"), _school, 1.5, height=0.8),
    Thing("church", ("a church", "the church"), _church, 1.0),
    Thing("tent", ("a tent",), _tent, 1.3, height=0.8),
    Thing("bridge", ("a bridge",), _bridge, 1.8, height=0.65),
    Thing("lighthouse", ("a lighthouse",), _lighthouse, 0.5, height=1.1),
    Thing("car", ("a car", "an automobile"), _car, 1.8, height=0.6),
    Thing("bus", ("a bus",), _bus, 1.7, height=0.65),
    Thing("train", ("a train", "a steam train"), _train, 1.5, height=0.75),
    Thing("boat", ("a boat", "a sailboat", "a sailing boat"), _boat, 1.2, height=0.9),
    Thing("bicycle", ("a bicycle", "a bike"), _bicycle, 1.54, height=0.75),
)
