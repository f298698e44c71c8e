"""People: who they are, and how one is drawn from head to foot."""

from dataclasses import dataclass, replace
from enum import Enum
from random import Random

from illustration_worker.models.sketch.world.pen import Fill, Pen

PERSON_ASPECT = 0.6
"""Width of a person in heights."""
Head = tuple[float, float, float]
"""Middle (x, y) and radius of a head, in the pen's units."""
STANDING_HEAD: Head = (0.3, 0.29, 0.225)


class Kind(Enum):
    """Who somebody is, as far as a drawing shows it."""

    MAN = "man"
    WOMAN = "woman"
    BOY = "boy"
    GIRL = "girl"


class Hair(Enum):
    """How somebody's hair is drawn."""

    SHORT = "short"
    LONG = "long"
    CURLY = "curly"
    BALD = "bald"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody's looks."""

    kind: Kind
    hair: Hair
    has_glasses: bool = False
    has_hat: bool = False
    has_beard: bool = False
    is_broad: bool = False
    is_sitting: bool = False

    @property
    def is_child(self) -> bool:
        """A boy or a girl."""
        return self.kind in (Kind.BOY, Kind.GIRL)

    def wearing(self, looks: "Person") -> "Person":
        """Drawn with the head of ``looks``, in this one's clothes and pose."""
        return replace(
            self, hair=looks.hair, has_glasses=looks.has_glasses, has_hat=looks.has_hat, has_beard=looks.has_beard
        )


def random_person(random: Random, kind: Kind | None = None) -> Person:
    """Somebody: each attribute by chance; a beard only on men, a bald head never under a hat."""
    kind = kind or random.choices(list(Kind), (4, 4, 2, 2))[0]
    hair = random.choices(list(Hair), _HAIR_WEIGHTS[kind])[0]
    return Person(
        kind=kind,
        hair=hair,
        has_glasses=random.random() < 0.4,
        has_hat=hair is not Hair.BALD and random.random() < 0.3,
        has_beard=kind is Kind.MAN and random.random() < 0.4,
        is_broad=random.random() < 0.4,
    )


_HAIR_WEIGHTS: dict[Kind, tuple[int, int, int, int]] = {
    Kind.MAN: (4, 1, 2, 3),
    Kind.WOMAN: (1, 4, 3, 0),
    Kind.BOY: (4, 1, 3, 0),
    Kind.GIRL: (1, 4, 3, 0),
}


def draw_person(pen: Pen, person: Person) -> None:
    """Draw ``person`` standing or sitting: big head, so that the face can be read at 128 pixels."""
    _draw_body(pen, person)
    draw_head(pen, person, STANDING_HEAD)


def _draw_body(pen: Pen, person: Person) -> None:
    half = 0.19 if person.is_broad else 0.12
    bottom = 0.72 if person.is_sitting else 0.74
    _draw_legs(pen, person, half)
    pen.line((0.3 - half, 0.56), (0.3 - half - 0.08, 0.7))
    pen.line((0.3 + half, 0.56), (0.3 + half + 0.08, 0.7))
    if person.kind in (Kind.WOMAN, Kind.GIRL):
        pen.polygon((0.22, 0.5), (0.38, 0.5), (0.34 + half, 0.82), (0.26 - half, 0.82), fill=Fill.TONE)
    else:
        pen.polygon((0.34 - half, 0.5), (0.26 + half, 0.5), (0.3 + half, bottom), (0.3 - half, bottom), fill=Fill.WHITE)


def _draw_legs(pen: Pen, person: Person, half: float) -> None:
    for side in (-1, 1):
        x = 0.3 + side * half * 0.6
        if person.is_sitting:
            pen.line((x, 0.7), (x + 0.12, 0.78), (x + 0.12, 0.98), (x + 0.18, 0.98))
        else:
            pen.line((x, 0.7), (x, 0.98), (x + 0.06 * side, 0.98))


def draw_head(pen: Pen, person: Person, head: Head) -> None:
    """The head alone."""
    x, y, r = head
    _draw_back_hair(pen, person.hair, (x, y), r)
    pen.ellipse(x, y, 0.86 * r, r)
    if person.has_beard:
        pen.sector(x, y + 0.28 * r, (0.8 * r, 0.85 * r), (0, 180), Fill.DARK)
        pen.ellipse(x, y + 0.55 * r, 0.26 * r, 0.1 * r)
    else:
        pen.arc(x, y + 0.4 * r, (0.3 * r, 0.2 * r), (20, 160))
    _draw_front_hair(pen, person.hair, (x, y), r)
    if person.has_hat:
        pen.rectangle(x - 0.62 * r, y - 1.3 * r, x + 0.62 * r, y - 0.5 * r, Fill.TONE)
        pen.rectangle(x - 1.15 * r, y - 0.66 * r, x + 1.15 * r, y - 0.48 * r, Fill.DARK)
    for side in (-1, 1):
        if person.has_glasses:
            pen.circle(x + side * 0.42 * r, y - 0.02 * r, 0.36 * r, Fill.TONE)
            pen.line((x + side * 0.78 * r, y - 0.02 * r), (x + side * 0.92 * r, y - 0.1 * r))
        pen.circle(x + side * 0.38 * r, y - 0.02 * r, 0.07 * r, Fill.DARK)


def _draw_back_hair(pen: Pen, hair: Hair, centre: tuple[float, float], r: float) -> None:
    x, y = centre
    if hair is Hair.LONG:
        pen.polygon(
            (x - 0.95 * r, y - 0.4 * r), (x - 0.5 * r, y - 1.05 * r), (x + 0.5 * r, y - 1.05 * r),
            (x + 0.95 * r, y - 0.4 * r), (x + 1.2 * r, y + 1.3 * r), (x - 1.2 * r, y + 1.3 * r), fill=Fill.DARK,
        )  # fmt: skip
    if hair is Hair.CURLY:
        for dx, dy in ((-0.95, 0.25), (0.95, 0.25), (-1.0, -0.2), (1.0, -0.2)):
            pen.circle(x + dx * r, y + dy * r, 0.28 * r, Fill.TONE)


def _draw_front_hair(pen: Pen, hair: Hair, centre: tuple[float, float], r: float) -> None:
    x, y = centre
    if hair in (Hair.SHORT, Hair.LONG):
        pen.sector(x, y - 0.2 * r, (0.86 * r, 0.88 * r), (190, 350), Fill.DARK)
    if hair is Hair.CURLY:
        for dx, dy in ((-0.75, -0.6), (0.75, -0.6), (-0.4, -0.92), (0.4, -0.92), (0.0, -1.0), (0.0, -0.65)):
            pen.circle(x + dx * r, y + dy * r, 0.28 * r, Fill.TONE)
