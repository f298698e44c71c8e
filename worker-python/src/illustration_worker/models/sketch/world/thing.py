"""What a thing is: a name, the words for it, and how to draw it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from illustration_worker.models.sketch.world.pen import Pen


class Place(Enum):
    """Where in a picture a thing belongs."""

    SKY = "sky"
    GROUND = "ground"
    BACKDROP = "backdrop"
    """Fills the picture from side to side, behind everything else."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One kind of thing. Its drawing is the same each time but for place, size and line."""

    name: str
    words: tuple[str, ...]
    """Noun phrases for it, article included."""
    draw: Callable[[Pen], None]
    aspect: float = 1.0
    """Width in heights."""
    place: Place = Place.GROUND
    height: float = 1.0
    """Height in slots: of how much of its slot it fills."""

    @property
    def noun(self) -> str:
        """Its first name without the article."""
        return self.words[0].removeprefix("a ").removeprefix("an ").removeprefix("the ")
