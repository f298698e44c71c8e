"""Groups of people that are drawn as one thing."""

from dataclasses import replace

from illustration_worker.models.sketch.world.pen import Fill, Pen
from illustration_worker.models.sketch.world.person import Hair, Kind, Person, draw_person
from illustration_worker.models.sketch.world.thing import Thing


def _part(pen: Pen, left: float, top: float, height: float) -> Pen:
    """A pen for a part of the thing: no mirroring inside."""
    return replace(pen, left=pen.left + left * pen.height, top=pen.top + top * pen.height, height=height * pen.height)


def _couple(pen: Pen) -> None:
    draw_person(_part(pen, 0.0, 0.1, 0.9), Person(Kind.MAN, Hair.SHORT))
    draw_person(_part(pen, 0.5, 0.1, 0.9), Person(Kind.WOMAN, Hair.LONG))
    veil = _part(pen, 0.5, 0.1, 0.9)
    veil.polygon((0.3, 0.02), (0.6, 0.2), (0.66, 0.9), (0.5, 0.4), fill=Fill.WHITE)
    veil.circle(-0.0, 0.66, 0.07, Fill.TONE)


def _family(pen: Pen) -> None:
    draw_person(_part(pen, 0.0, 0.0, 1.0), Person(Kind.MAN, Hair.SHORT))
    draw_person(_part(pen, 0.85, 0.02, 0.98), Person(Kind.WOMAN, Hair.LONG))
    draw_person(_part(pen, 0.55, 0.4, 0.6), Person(Kind.BOY, Hair.SHORT))


GROUP_THINGS: tuple[Thing, ...] = (
    Thing("couple", ("a wedding couple", "a bride and groom", "a wedding", "our wedding"), _couple, 1.1, height=1.15),
    Thing("family", ("a family", "our family", "my family"), _family, 1.45, height=1.1),
)
