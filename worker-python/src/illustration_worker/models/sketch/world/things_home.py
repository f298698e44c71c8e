"""Animals, and things of the home, the party and the park."""

from illustration_worker.models.sketch.world.pen import Fill, Pen
from illustration_worker.models.sketch.world.thing import Thing


def _dog(pen: Pen) -> None:
    for x in (0.3, 0.42, 0.78, 0.9):
        pen.rectangle(x, 0.65, x + 0.08, 1.0)
    pen.ellipse(0.62, 0.58, 0.4, 0.2)
    pen.line((0.24, 0.5), (0.02, 0.2))
    pen.circle(1.02, 0.32, 0.2)
    pen.ellipse(1.2, 0.4, 0.12, 0.09, Fill.DARK)
    pen.ellipse(0.88, 0.34, 0.08, 0.18, Fill.DARK)


def _cat(pen: Pen) -> None:
    pen.arc(0.62, 0.78, (0.25, 0.2), (-40, 120))
    pen.ellipse(0.4, 0.74, 0.28, 0.27, Fill.TONE)
    pen.polygon((0.18, 0.3), (0.16, 0.0), (0.36, 0.16), fill=Fill.DARK)
    pen.polygon((0.62, 0.3), (0.64, 0.0), (0.44, 0.16), fill=Fill.DARK)
    pen.circle(0.4, 0.32, 0.22)
    for side in (-1, 1):
        pen.circle(0.4 + side * 0.09, 0.28, 0.025, Fill.DARK)
        pen.line((0.4 + side * 0.08, 0.4), (0.4 + side * 0.34, 0.4))


def _horse(pen: Pen) -> None:
    for x in (0.26, 0.4, 0.76, 0.9):
        pen.rectangle(x, 0.6, x + 0.08, 1.0, Fill.TONE)
    pen.polygon((0.85, 0.55), (1.02, 0.12), (1.2, 0.2), (1.05, 0.6), fill=Fill.TONE)
    pen.ellipse(0.62, 0.54, 0.4, 0.18, Fill.TONE)
    pen.polygon((1.0, 0.1), (1.14, 0.02), (1.38, 0.28), (1.28, 0.36), fill=Fill.TONE)
    pen.polygon((0.98, 0.08), (0.8, 0.4), (0.9, 0.44), (1.04, 0.16), fill=Fill.DARK)
    pen.polygon((0.26, 0.42), (0.06, 0.8), (0.2, 0.78), fill=Fill.DARK)


def _fish(pen: Pen) -> None:
    pen.polygon((0.45, 0.5), (0.04, 0.12), (0.04, 0.88), fill=Fill.DARK)
    pen.ellipse(0.9, 0.5, 0.6, 0.38, Fill.TONE)
    pen.circle(1.2, 0.4, 0.07, Fill.WHITE)
    pen.arc(0.85, 0.5, (0.14, 0.26), (-80, 80))


def _cake(pen: Pen) -> None:
    pen.rectangle(0.05, 0.6, 1.05, 1.0)
    pen.rectangle(0.2, 0.32, 0.9, 0.6, Fill.TONE)
    pen.line((0.05, 0.76), (0.2, 0.86), (0.35, 0.76), (0.5, 0.86), (0.65, 0.76), (0.8, 0.86), (0.95, 0.76))
    for x in (0.32, 0.55, 0.78):
        pen.line((x, 0.32), (x, 0.14))
        pen.circle(x, 0.07, 0.05, Fill.DARK)


def _gift(pen: Pen) -> None:
    pen.rectangle(0.08, 0.4, 0.92, 1.0)
    pen.rectangle(0.0, 0.28, 1.0, 0.45, Fill.TONE)
    pen.rectangle(0.43, 0.28, 0.57, 1.0, Fill.DARK)
    pen.ellipse(0.34, 0.16, 0.17, 0.11)
    pen.ellipse(0.66, 0.16, 0.17, 0.11)


def _umbrella(pen: Pen) -> None:
    pen.line((0.5, 0.0), (0.5, 0.9))
    pen.arc(0.42, 0.9, (0.08, 0.09), (0, 180))
    pen.sector(0.5, 0.5, (0.49, 0.42), (180, 360), Fill.TONE)
    for x in (0.17, 0.5, 0.83):
        pen.arc(x, 0.5, (0.165, 0.06), (180, 360))


def _table(pen: Pen) -> None:
    pen.rectangle(0.12, 0.3, 0.24, 1.0)
    pen.rectangle(1.26, 0.3, 1.38, 1.0)
    pen.rectangle(0.0, 0.12, 1.5, 0.34, Fill.TONE)


def _chair(pen: Pen) -> None:
    pen.rectangle(0.02, 0.0, 0.14, 1.0, Fill.TONE)
    pen.rectangle(0.52, 0.6, 0.62, 1.0)
    pen.rectangle(0.02, 0.5, 0.64, 0.62, Fill.TONE)
    pen.line((0.14, 0.14), (0.14, 0.5))


def _bench(pen: Pen) -> None:
    for y in (0.05, 0.28):
        pen.rectangle(0.1, y, 1.7, y + 0.15, Fill.TONE)
    for x in (0.22, 1.44):
        pen.rectangle(x, 0.6, x + 0.14, 1.0, Fill.DARK)
    pen.rectangle(0.0, 0.52, 1.8, 0.68)


def _lamp(pen: Pen) -> None:
    pen.line((0.3, 0.3), (0.3, 0.94))
    pen.ellipse(0.3, 0.95, 0.2, 0.05, Fill.DARK)
    pen.polygon((0.16, 0.0), (0.44, 0.0), (0.58, 0.34), (0.02, 0.34), fill=Fill.TONE)


def _book(pen: Pen) -> None:
    pen.polygon((0.0, 0.24), (0.7, 0.4), (1.4, 0.24), (1.4, 0.94), (0.7, 1.0), (0.0, 0.94), fill=Fill.DARK)
    pen.polygon((0.05, 0.1), (0.7, 0.25), (0.7, 0.9), (0.05, 0.75))
    pen.polygon((1.35, 0.1), (0.7, 0.25), (0.7, 0.9), (1.35, 0.75))
    for y in (0.3, 0.46, 0.62):
        pen.line((0.15, y), (0.58, y + 0.09))
        pen.line((1.25, y), (0.82, y + 0.09))


def _guitar(pen: Pen) -> None:
    pen.rectangle(0.24, 0.08, 0.34, 0.6, Fill.DARK)
    pen.rectangle(0.21, 0.0, 0.37, 0.12)
    pen.circle(0.29, 0.56, 0.15, Fill.TONE)
    pen.circle(0.29, 0.8, 0.2, Fill.TONE)
    pen.circle(0.29, 0.68, 0.07, Fill.DARK)


def _piano(pen: Pen) -> None:
    pen.rectangle(0.05, 0.05, 1.15, 0.55, Fill.TONE)
    pen.rectangle(0.0, 0.55, 1.2, 0.72)
    for x in (0.2, 0.4, 0.6, 0.8, 1.0):
        pen.line((x, 0.55), (x, 0.72))
    pen.rectangle(0.08, 0.72, 0.2, 1.0, Fill.DARK)
    pen.rectangle(1.0, 0.72, 1.12, 1.0, Fill.DARK)


def _ball(pen: Pen) -> None:
    pen.circle(0.5, 0.5, 0.46)
    pen.polygon((0.5, 0.32), (0.67, 0.45), (0.6, 0.65), (0.4, 0.65), (0.33, 0.45), fill=Fill.DARK)
    for inner, outer in (((0.5, 0.32), (0.5, 0.04)), ((0.67, 0.45), (0.94, 0.4)), ((0.6, 0.65), (0.76, 0.86))):
        pen.line(inner, outer)
    pen.line((0.4, 0.65), (0.24, 0.86))
    pen.line((0.33, 0.45), (0.06, 0.4))


def _cup(pen: Pen) -> None:
    pen.circle(0.9, 0.6, 0.2)
    pen.polygon((0.05, 0.3), (0.85, 0.3), (0.75, 1.0), (0.15, 1.0), fill=Fill.TONE)
    pen.arc(0.32, 0.12, (0.06, 0.1), (90, 270))
    pen.arc(0.58, 0.12, (0.06, 0.1), (90, 270))


def _pram(pen: Pen) -> None:
    pen.sector(0.6, 0.55, (0.5, 0.5), (180, 300), Fill.DARK)
    pen.sector(0.6, 0.5, (0.52, 0.28), (0, 180), Fill.TONE)
    pen.line((1.1, 0.5), (1.3, 0.25))
    for x in (0.3, 0.9):
        pen.circle(x, 0.86, 0.13)


def _teddy(pen: Pen) -> None:
    pen.circle(0.2, 0.12, 0.11, Fill.DARK)
    pen.circle(0.6, 0.12, 0.11, Fill.DARK)
    for x, y in ((0.12, 0.6), (0.68, 0.6), (0.22, 0.92), (0.58, 0.92)):
        pen.ellipse(x, y, 0.11, 0.1, Fill.DARK)
    pen.ellipse(0.4, 0.72, 0.25, 0.26, Fill.TONE)
    pen.circle(0.4, 0.28, 0.22, Fill.TONE)
    pen.circle(0.32, 0.24, 0.025, Fill.DARK)
    pen.circle(0.48, 0.24, 0.025, Fill.DARK)
    pen.ellipse(0.4, 0.36, 0.09, 0.07)


HOME_THINGS: tuple[Thing, ...] = (
    Thing("dog", ("a dog", "a puppy", "our dog"), _dog, 1.34, height=0.75),
    Thing("cat", ("a cat", "a kitten", "our cat"), _cat, 0.86, height=0.85),
    Thing("horse", ("a horse", "a pony"), _horse, 1.4, height=0.9),
    Thing("fish", ("a fish",), _fish, 1.5, height=0.65),
    Thing("cake", ("a cake", "a birthday cake"), _cake, 1.1, height=0.8),
    Thing("gift", ("a gift", "a present", "a birthday present"), _gift, height=0.75),
    Thing("umbrella", ("an umbrella",), _umbrella, height=0.9),
    Thing("table", ("a table", "the kitchen table"), _table, 1.5, height=0.65),
    Thing("chair", ("a chair", "an armchair"), _chair, 0.65),
    Thing("bench", ("a bench", "a park bench"), _bench, 1.8, height=0.65),
    Thing("lamp", ("a lamp",), _lamp, 0.6, height=0.95),
    Thing("book", ("a book", "a photo album"), _book, 1.4, height=0.7),
    Thing("guitar", ("a guitar",), _guitar, 0.58, height=1.1),
    Thing("piano", ("a piano", "the piano"), _piano, 1.2, height=0.85),
    Thing("ball", ("a ball", "a football"), _ball, height=0.7),
    Thing("cup", ("a cup", "a cup of tea", "a cup of coffee"), _cup, 1.1, height=0.7),
    Thing("pram", ("a pram", "a baby carriage", "a stroller"), _pram, 1.3, height=0.8),
    Thing("teddy", ("a teddy bear", "a teddy"), _teddy, 0.8, height=0.9),
)
