"""Trees, flowers, snowmen, and landscapes that fill a picture."""

from illustration_worker.models.sketch.world.pen import Fill, Pen
from illustration_worker.models.sketch.world.thing import Place, Thing


def _tree(pen: Pen) -> None:
    pen.rectangle(0.36, 0.55, 0.5, 1.0, Fill.DARK)
    pen.circle(0.24, 0.46, 0.22, Fill.TONE)
    pen.circle(0.62, 0.46, 0.22, Fill.TONE)
    pen.circle(0.43, 0.28, 0.28, Fill.TONE)


def _pine(pen: Pen) -> None:
    pen.rectangle(0.28, 0.85, 0.4, 1.0, Fill.DARK)
    pen.polygon((0.34, 0.4), (0.66, 0.86), (0.02, 0.86), fill=Fill.TONE)
    pen.polygon((0.34, 0.18), (0.6, 0.6), (0.08, 0.6), fill=Fill.TONE)
    pen.polygon((0.34, 0.0), (0.52, 0.34), (0.16, 0.34), fill=Fill.TONE)


def _palm(pen: Pen) -> None:
    pen.polygon((0.42, 0.3), (0.52, 0.3), (0.46, 1.0), (0.32, 1.0))
    for tip in ((0.02, 0.4), (0.1, 0.08), (0.45, 0.0), (0.82, 0.08), (0.92, 0.4)):
        mid = ((tip[0] + 0.47) / 2, (tip[1] + 0.28) / 2 - 0.1)
        pen.polygon((0.47, 0.3), mid, tip, fill=Fill.DARK)


def _flower(pen: Pen) -> None:
    pen.line((0.35, 0.4), (0.35, 1.0))
    pen.polygon((0.35, 0.85), (0.6, 0.62), (0.55, 0.8), fill=Fill.TONE)
    for x, y in ((0.35, 0.1), (0.53, 0.23), (0.46, 0.44), (0.24, 0.44), (0.17, 0.23)):
        pen.circle(x, y, 0.12)
    pen.circle(0.35, 0.29, 0.1, Fill.DARK)


def _snowman(pen: Pen) -> None:
    pen.circle(0.35, 0.74, 0.26)
    pen.circle(0.35, 0.38, 0.17)
    pen.rectangle(0.22, 0.02, 0.48, 0.2, Fill.DARK)
    pen.line((0.12, 0.21), (0.58, 0.21))
    pen.polygon((0.34, 0.38), (0.52, 0.42), (0.34, 0.44), fill=Fill.DARK)
    for y in (0.64, 0.76, 0.88):
        pen.circle(0.35, y, 0.025, Fill.DARK)
    pen.line((0.12, 0.66), (0.0, 0.45))
    pen.line((0.58, 0.66), (0.7, 0.45))


def _mountains(pen: Pen) -> None:
    pen.polygon((0.3, 0.66), (0.68, 0.28), (1.02, 0.66), fill=Fill.TONE)
    pen.polygon((-0.05, 0.66), (0.32, 0.2), (0.68, 0.66), fill=Fill.WHITE)
    pen.polygon((0.32, 0.2), (0.42, 0.33), (0.34, 0.38), (0.28, 0.32), (0.22, 0.33), fill=Fill.TONE)
    pen.line((-0.05, 0.66), (1.05, 0.66))


def _sea(pen: Pen) -> None:
    pen.line((-0.05, 0.56), (1.05, 0.56))
    for row, y in enumerate((0.66, 0.78, 0.9)):
        shift = 0.1 * (row % 2)
        for number in range(-1, 6):
            pen.arc(number * 0.2 + shift, y, (0.1, 0.05), (0, 180))


def _lake(pen: Pen) -> None:
    pen.line((-0.05, 0.56), (1.05, 0.56))
    pen.ellipse(0.5, 0.8, 0.46, 0.15, Fill.TONE)
    pen.line((0.3, 0.78), (0.45, 0.78))
    pen.line((0.55, 0.84), (0.7, 0.84))


def _beach(pen: Pen) -> None:
    pen.line((-0.05, 0.5), (1.05, 0.5))
    for number in range(-1, 7):
        pen.arc(number * 0.17, 0.6, (0.085, 0.04), (0, 180))
    pen.polygon((-0.05, 0.72), (0.3, 0.68), (0.7, 0.74), (1.05, 0.68), (1.05, 1.05), (-0.05, 1.05), fill=Fill.TONE)


def _hills(pen: Pen) -> None:
    pen.sector(0.75, 0.8, (0.5, 0.3), (180, 360), Fill.TONE)
    pen.sector(0.2, 0.8, (0.5, 0.24), (180, 360), Fill.WHITE)
    pen.line((-0.05, 0.8), (1.05, 0.8))


NATURE_THINGS: tuple[Thing, ...] = (
    Thing("tree", ("a tree", "an oak tree", "an apple tree"), _tree, 0.86),
    Thing("pine", ("a pine tree", "a pine", "a christmas tree", "a fir tree"), _pine, 0.68),
    Thing("palm", ("a palm tree", "a palm"), _palm, 0.94),
    Thing("flower", ("a flower", "a rose"), _flower, 0.7),
    Thing("snowman", ("a snowman",), _snowman, 0.7),
    Thing("mountains", ("mountains", "the mountains"), _mountains, place=Place.BACKDROP),
    Thing("sea", ("the sea", "the ocean", "the waves"), _sea, place=Place.BACKDROP),
    Thing("lake", ("a lake", "the lake"), _lake, place=Place.BACKDROP),
    Thing("beach", ("the beach", "a beach"), _beach, place=Place.BACKDROP),
    Thing("hills", ("hills", "the hills", "the countryside"), _hills, place=Place.BACKDROP),
)
