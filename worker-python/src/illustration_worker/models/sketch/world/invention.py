"""Invents scenes."""

from random import Random

from illustration_worker.models.sketch.world.catalogue import (
    BACKDROPS,
    CARRIERS,
    GROUND,
    IN_FRONT,
    PERSON,
    SHELTERS,
    SKY,
)
from illustration_worker.models.sketch.world.person import Kind, random_person
from illustration_worker.models.sketch.world.scene import NEVER_HELD_OUT, Actor, Relation, Scene, Time, Weather
from illustration_worker.models.sketch.world.style import HATCHED, INK, MARKER, PENCIL, Style

_RELATION_WEIGHTS: dict[Relation, int] = {
    Relation.ALONE_LEFT: 9,
    Relation.ALONE_CENTRE: 14,
    Relation.ALONE_RIGHT: 9,
    Relation.LEFT_OF: 23,
    Relation.ABOVE: 13,
    Relation.ON: 10,
    Relation.IN_FRONT_OF: 9,
    Relation.AT: 9,
    Relation.BACKDROP_ONLY: 9,
    Relation.PORTRAIT: 7,
}
_STYLE_WEIGHTS: tuple[tuple[Style, int], ...] = ((PENCIL, 55), (INK, 15), (MARKER, 15), (HATCHED, 15))
_WITH_SKY_EXTRA = (Relation.LEFT_OF, Relation.ALONE_CENTRE, Relation.AT)
_SKY_AT_CHANCE = 0.25
_EXTRAS = ("sun", "cloud", "bird")


def invent_scene(random: Random, relation: Relation | None = None) -> Scene:
    """A scene by chance; half of them under a clear sky by day, without anything unmentioned."""
    relation = relation or random.choices(*zip(*_RELATION_WEIGHTS.items(), strict=True))[0]
    style = random.choices(*zip(*_STYLE_WEIGHTS, strict=True))[0]
    first, second = _actors(random, relation)
    if relation is Relation.PORTRAIT:
        return Scene(first, None, relation, style)
    time, weather = _sky(random, relation)
    has_extra = relation in _WITH_SKY_EXTRA and time is Time.DAY and random.random() < 0.3
    return Scene(
        first=first,
        second=second,
        relation=relation,
        style=style,
        time=time,
        weather=weather,
        has_park=second is not None and second.name == "bench" and random.random() < 0.5,
        extra=random.choice(_EXTRAS) if has_extra else None,
    )


def invent_training_scene(random: Random, relation: Relation | None = None) -> Scene:
    """A scene whose combination is not held out."""
    while (scene := invent_scene(random, relation)).is_held_out:
        pass
    return scene


def invent_held_out_scene(random: Random, relation: Relation | None = None) -> Scene:
    """A scene whose combination was never drawn in training.

    Raises:
        ValueError: no combination of ``relation`` is held out.
    """
    if relation in NEVER_HELD_OUT:
        raise ValueError(f"no combination of '{relation.value}' is held out")
    while not (scene := invent_scene(random, relation)).is_held_out:
        pass
    return scene


def _sky(random: Random, relation: Relation) -> tuple[Time, Weather]:
    sunset = {Relation.BACKDROP_ONLY: 90, Relation.AT: 12, Relation.ABOVE: 0}.get(relation, 6)
    return random.choices(
        (
            (Time.DAY, Weather.CLEAR),
            (Time.SUNSET, Weather.CLEAR),
            (Time.NIGHT, Weather.CLEAR),
            (Time.DAY, Weather.RAIN),
            (Time.DAY, Weather.SNOW),
        ),
        (76, sunset, 6, 6, 6),
    )[0]


def _actors(random: Random, relation: Relation) -> tuple[Actor, Actor | None]:
    match relation:
        case Relation.PORTRAIT:
            return _somebody(random), None
        case Relation.ALONE_LEFT | Relation.ALONE_CENTRE | Relation.ALONE_RIGHT:
            return _anything(random), None
        case Relation.LEFT_OF:
            first = _on_ground(random)
            return first, _on_ground(random, unlike=first)
        case Relation.ABOVE:
            return Actor(random.choice(SKY)), _on_ground(random)
        case Relation.ON:
            return _on_something(random)
        case Relation.IN_FRONT_OF:
            shelter = Actor(random.choice(SHELTERS))
            return _in_front(random), shelter
        case Relation.AT:
            return _at_a_backdrop(random), Actor(random.choice(BACKDROPS))
        case Relation.BACKDROP_ONLY:
            return Actor(random.choice(BACKDROPS)), None


def _somebody(random: Random, kind: Kind | None = None) -> Actor:
    return Actor(PERSON, random_person(random, kind))


def _anything(random: Random) -> Actor:
    if random.random() < 0.2:
        return _somebody(random)
    return Actor(random.choice(SKY)) if random.random() < 0.15 else _thing(random)


def _on_ground(random: Random, unlike: Actor | None = None) -> Actor:
    if random.random() < 0.35 and (unlike is None or unlike.person is None):
        return _somebody(random)
    while (actor := _thing(random)).name == (unlike and unlike.name):
        pass
    return actor


def _at_a_backdrop(random: Random) -> Actor:
    return Actor(random.choice(SKY)) if random.random() < _SKY_AT_CHANCE else _on_ground(random)


def _thing(random: Random) -> Actor:
    return Actor(random.choice(GROUND), is_mirrored=random.random() < 0.25)


def _on_something(random: Random) -> tuple[Actor, Actor]:
    if random.random() < 0.5:
        return _somebody(random), Actor("bench")
    carrier = random.choice(tuple(CARRIERS))
    return Actor(random.choice(CARRIERS[carrier])), Actor(carrier)


def _in_front(random: Random) -> Actor:
    if random.random() < 0.5:
        return _somebody(random)
    return Actor(random.choice(IN_FRONT))
