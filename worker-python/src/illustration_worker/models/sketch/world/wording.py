"""Openings and templates of the captions: those of the training, and those that are kept from it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from illustration_worker.models.sketch.world.scene import Relation


@dataclass(frozen=True, slots=True)
class Wording:
    """``{a}`` stands for the first thing of a scene, ``{b}`` for the second; one of a tuple is as likely as another."""

    openings: tuple[str, ...]
    left_of: tuple[str, ...]
    beside: tuple[str, ...]
    """Of ``Relation.LEFT_OF``, without telling who is on which side."""
    above: tuple[str, ...]
    on: tuple[str, ...]
    sitting_on: tuple[str, ...]
    in_front_of: tuple[str, ...]
    standing_in_front_of: tuple[str, ...]
    at: tuple[str, ...]
    alone: Mapping[Relation, tuple[str, ...]]

    @property
    def phrases(self) -> tuple[str, ...]:
        """All of it."""
        templates = (self.openings, self.left_of, self.beside, self.above, self.on, self.sitting_on)
        more = (self.in_front_of, self.standing_in_front_of, self.at, *self.alone.values())
        return tuple(phrase for group in (*templates, *more) for phrase in group)


TRAINED = Wording(
    openings=(
        *("", "", "", ""),
        *("a drawing of ", "a sketch of ", "a picture of ", "i remember ", "a memory of ", "my memory of "),
    ),
    left_of=(
        "{a} to the left of {b}",
        "{a} left of {b}",
        "{a} on the left and {b} on the right",
        "{b} to the right of {a}",
        "{b} right of {a}",
    ),
    beside=("{a} next to {b}", "{b} next to {a}", "{a} beside {b}", "{a} and {b}", "{b} and {a}", "{b} with {a}"),
    above=("{a} above {b}", "{a} over {b}", "{b} below {a}", "{b} under {a}"),
    on=("{a} on {b}", "{a} on top of {b}"),
    sitting_on=("{a} sitting on {b}", "{a} on {b}", "{a} sits on {b}"),
    in_front_of=("{a} in front of {b}", "{a} before {b}"),
    standing_in_front_of=("{a} standing in front of {b}", "{a} in front of {b}", "{a} outside {b}"),
    at=("{a} at {b}", "{a} by {b}", "{a} near {b}"),
    alone={
        Relation.ALONE_LEFT: ("{a} on the left", "{a} on the left side", "{a} at the left"),
        Relation.ALONE_RIGHT: ("{a} on the right", "{a} on the right side", "{a} at the right"),
        Relation.ALONE_CENTRE: ("{a}", "{a}", "{a}", "{a} in the middle", "{a} in the centre"),
        Relation.BACKDROP_ONLY: ("{a}",),
        Relation.PORTRAIT: ("a portrait of {a}", "portrait of {a}", "the face of {a}"),
    },
)

UNSEEN = replace(
    TRAINED,
    openings=(
        *("my drawing of ", "our memory of ", "the memory of "),
        *("a lovely picture of ", "an old sketch of ", "a beautiful drawing of "),
    ),
    left_of=("{a} on the left of {b}", "{b} on the right of {a}", "{a} at the left and {b} at the right"),
    standing_in_front_of=("{a} standing before {b}", "{a} before {b}"),
    alone={
        **TRAINED.alone,
        Relation.ALONE_LEFT: ("{a} left", "{a} at the left side"),
        Relation.ALONE_RIGHT: ("{a} right", "{a} at the right side"),
        Relation.ALONE_CENTRE: ("{a}", "{a} at the middle", "{a} at the centre"),
    },
)
"""For measuring. No caption of the training opens like this, so every sentence is one that the model has never read;
each of its words is known. A sunset over a backdrop has its own templates and no opening: no measure asks for one."""
