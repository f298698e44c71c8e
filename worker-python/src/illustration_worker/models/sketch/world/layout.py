"""Where the things of a scene stand in the picture.

There are few places, and relations share them: a thing alone on the left stands where it stands to the left of
another, and below a cloud where it stands in front of a house. So a combination that was never drawn is made of
parts that were.
"""

from dataclasses import dataclass, replace
from random import Random

from illustration_worker.models.sketch.world.catalogue import PERSON, THINGS
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE
from illustration_worker.models.sketch.world.person import PERSON_ASPECT
from illustration_worker.models.sketch.world.scene import Actor, Relation, Scene
from illustration_worker.models.sketch.world.thing import Place

LEFT, CENTRE, RIGHT = 33.0, 64.0, 95.0
"""Middles of the columns, pixels of the finished picture."""
_MARGIN = 3.0
_WIDEST = 62.0
"""Of two things side by side."""
_LOW_SLOT, _LOWEST = 52.0, 121.0
"""Height and feet of what stands below or in front of something."""
_SURFACES = {"table": 0.12, "bench": 0.55, "chair": 0.52, "piano": 0.06}
"""How far down a carrier its surface is, in its heights."""
_SEAT = 0.72
"""How far down a sitting person the seat is."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An actor and its box: pixels of the finished picture, (0, 0) at the top left."""

    actor: Actor
    left: float
    top: float
    height: float
    aspect: float

    @property
    def middle(self) -> tuple[float, float]:
        """Of the box."""
        return self.left + self.height * self.aspect / 2, self.top + self.height / 2


def lay_out(scene: Scene, random: Random) -> list[Placed]:
    """Boxes of the actors in the order of drawing, what is behind first. Backdrops, extras and parks are left out."""
    first, second = scene.first, scene.second
    match scene.relation:
        case Relation.ALONE_LEFT:
            return [_alone(first, LEFT, random)]
        case Relation.ALONE_RIGHT:
            return [_alone(first, RIGHT, random)]
        case Relation.ALONE_CENTRE:
            return [_alone(first, CENTRE, random)]
        case Relation.BACKDROP_ONLY | Relation.PORTRAIT:
            return []
        case Relation.AT:
            return [_alone(first, random.choice((LEFT, CENTRE, RIGHT)), random)]
    assert second is not None
    match scene.relation:
        case Relation.LEFT_OF:
            return [_alone(first, LEFT, random), _alone(second, RIGHT, random)]
        case Relation.ABOVE:
            return [_standing(second, _LOW_SLOT, CENTRE, _LOWEST, random), _flying(first, 38, CENTRE, 25, random)]
        case Relation.IN_FRONT_OF:
            return [_standing(second, 82, CENTRE, 102, random), _standing(first, _LOW_SLOT, CENTRE, _LOWEST, random)]
        case Relation.ON:
            return _stacked(first, second, random)


def _alone(actor: Actor, x: float, random: Random) -> Placed:
    slot = 78.0 if x == CENTRE else 56.0
    if actor.person is None and THINGS[actor.name].place is Place.SKY:
        return _flying(actor, 0.7 * slot, x, 40, random)
    return _standing(actor, slot, x, 114, random)


def _stacked(upper: Actor, lower: Actor, random: Random) -> list[Placed]:
    if upper.person is not None:
        carrier = _standing(lower, 66, CENTRE, 117, random)
        seated = replace(upper, person=replace(upper.person, is_sitting=True))
        height = 98.0
        top = carrier.top + _SURFACES[lower.name] * carrier.height - _SEAT * height
        return [carrier, Placed(seated, carrier.middle[0] - height * PERSON_ASPECT / 2, top, height, PERSON_ASPECT)]
    carrier = _standing(lower, 78 if lower.name == "chair" else 72, CENTRE, 120, random)
    item = _standing(upper, 46, carrier.middle[0], carrier.top + _SURFACES[lower.name] * carrier.height, random)
    return [carrier, item]


def _standing(actor: Actor, slot: float, x: float, bottom: float, random: Random) -> Placed:
    """In a column around ``x``, feet at ``bottom``, up to ``slot`` pixels high; people are half as high again."""
    height, aspect = _size(actor, slot)
    if x != CENTRE and height * aspect > _WIDEST:
        height = _WIDEST / aspect
    return _clamped(actor, (x + random.uniform(-3, 3), bottom - height + random.uniform(-2, 2)), height, aspect)


def _flying(actor: Actor, slot: float, x: float, y: float, random: Random) -> Placed:
    height, aspect = _size(actor, slot)
    return _clamped(actor, (x + random.uniform(-3, 3), y - height / 2 + random.uniform(-2, 2)), height, aspect)


def _size(actor: Actor, slot: float) -> tuple[float, float]:
    if actor.name == PERSON:
        return min(1.5 * slot, 106.0), PERSON_ASPECT
    thing = THINGS[actor.name]
    height = min(slot * thing.height, (PICTURE_SIDE - 2 * _MARGIN) / thing.aspect)
    return height, thing.aspect


def _clamped(actor: Actor, x_and_top: tuple[float, float], height: float, aspect: float) -> Placed:
    width = height * aspect
    x, top = x_and_top
    left = min(max(x - width / 2, _MARGIN), PICTURE_SIDE - _MARGIN - width)
    return Placed(actor, left, max(top, _MARGIN), height, aspect)
