"""What a picture shows, before it is drawn or put into words."""

import zlib
from dataclasses import dataclass
from enum import Enum

from illustration_worker.models.sketch.world.person import Person
from illustration_worker.models.sketch.world.style import Style

HELD_OUT_OF = 10
"""One combination of two things and a relation in so many is never drawn in training."""


class Relation(Enum):
    """How the first thing of a scene stands to the second, or alone in the picture."""

    ALONE_LEFT = "alone on the left"
    ALONE_CENTRE = "alone in the centre"
    ALONE_RIGHT = "alone on the right"
    LEFT_OF = "left of"
    ABOVE = "above"
    ON = "on"
    IN_FRONT_OF = "in front of"
    AT = "at"
    """The second is a backdrop."""
    BACKDROP_ONLY = "backdrop only"
    PORTRAIT = "portrait"
    """Head and shoulders of the first, filling the picture."""


class Time(Enum):
    """Time of day."""

    DAY = "day"
    SUNSET = "sunset"
    NIGHT = "night"


class Weather(Enum):
    """What falls from the sky."""

    CLEAR = "clear"
    RAIN = "rain"
    SNOW = "snow"


@dataclass(frozen=True, slots=True)
class Actor:
    """A thing of a scene; somebody when ``person`` is set."""

    name: str
    """A key of the catalogue, or PERSON."""
    person: Person | None = None
    is_mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture's content. ``second`` is None when the first is alone."""

    first: Actor
    second: Actor | None
    relation: Relation
    style: Style
    time: Time = Time.DAY
    weather: Weather = Weather.CLEAR
    has_park: bool = False
    """Trees behind a bench."""
    extra: str | None = None
    """Name of a thing in the sky that most captions do not mention."""

    @property
    def somebody(self) -> Person | None:
        """The only person, if there is one."""
        return self.first.person or (self.second.person if self.second else None)

    @property
    def is_held_out(self) -> bool:
        """Whether its combination of things and relation is kept from training."""
        second = self.second.name if self.second else ""
        combination = f"{self.first.name}|{self.relation.value}|{second}"
        return zlib.crc32(combination.encode()) % HELD_OUT_OF == 0 and self.relation not in NEVER_HELD_OUT


NEVER_HELD_OUT = (
    *(Relation.ALONE_LEFT, Relation.ALONE_CENTRE, Relation.ALONE_RIGHT),
    *(Relation.PORTRAIT, Relation.BACKDROP_ONLY, Relation.ON),
)
"""They have few combinations, and all of them are asked for: nobody would understand a model without an armchair."""
