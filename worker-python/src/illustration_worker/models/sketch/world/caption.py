"""Puts scenes into words."""

from random import Random

from illustration_worker.models.sketch.world.catalogue import THINGS
from illustration_worker.models.sketch.world.person import Hair, Kind, Person
from illustration_worker.models.sketch.world.scene import Actor, Relation, Scene, Time, Weather

_OPENINGS = (
    "",
    "",
    "",
    "",
    "a drawing of ",
    "a sketch of ",
    "a picture of ",
    "i remember ",
    "a memory of ",
    "my memory of ",
)
_KIND_WORDS: dict[Kind, tuple[str, ...]] = {
    Kind.MAN: ("a man", "man", "my father", "my grandfather", "my dad", "my husband", "my uncle", "a person"),
    Kind.WOMAN: ("a woman", "woman", "my mother", "my grandmother", "my mom", "my wife", "my aunt", "a person"),
    Kind.BOY: ("a boy", "boy", "my son", "my brother", "a child"),
    Kind.GIRL: ("a girl", "girl", "my daughter", "my sister", "a child"),
}
_HAIR_WORDS: dict[Hair, tuple[str, ...]] = {
    Hair.SHORT: ("short hair",),
    Hair.LONG: ("long hair",),
    Hair.CURLY: ("curly hair", "curls"),
    Hair.BALD: ("a bald head",),
}
_ADJECTIVES = ("beautiful", "little", "old", "lovely", "big")
_LEFT_OF = (
    "{a} to the left of {b}",
    "{a} left of {b}",
    "{a} on the left and {b} on the right",
    "{b} to the right of {a}",
    "{b} right of {a}",
)
_BESIDE = ("{a} next to {b}", "{b} next to {a}", "{a} beside {b}", "{a} and {b}", "{b} and {a}", "{b} with {a}")
_ABOVE = ("{a} above {b}", "{a} over {b}", "{b} below {a}", "{b} under {a}")
_ON = ("{a} on {b}", "{a} on top of {b}")
_SITTING = ("{a} sitting on {b}", "{a} on {b}", "{a} sits on {b}")
_PARK = (" in a park", " in central park", " in the park")
_FRONT = ("{a} in front of {b}", "{a} before {b}")
_STANDING = ("{a} standing in front of {b}", "{a} in front of {b}", "{a} outside {b}")
_AT = ("{a} at {b}", "{a} by {b}", "{a} near {b}")
_EXTRA = (" with {c} in the sky", " and {c} in the sky")
_EXTRA_CHANCE = 0.4
_ALONE: dict[Relation, tuple[str, ...]] = {
    Relation.ALONE_LEFT: ("{a} on the left", "{a} on the left side", "{a} at the left"),
    Relation.ALONE_RIGHT: ("{a} on the right", "{a} on the right side", "{a} at the right"),
    Relation.ALONE_CENTRE: ("{a}", "{a}", "{a}", "{a} in the middle", "{a} in the centre"),
    Relation.BACKDROP_ONLY: ("{a}",),
    Relation.PORTRAIT: ("a portrait of {a}", "portrait of {a}", "the face of {a}"),
}
_SUNSET = ("a sunset over {b}", "sunset over {b}", "a beautiful sunset over {b}", "the sun setting over {b}")
_TIME_WORDS: dict[Time, tuple[str, ...]] = {
    Time.DAY: ("",),
    Time.SUNSET: (" at sunset", " in the evening sun", " with a sunset"),
    Time.NIGHT: (" at night", " by night", " under the stars"),
}
_WEATHER_WORDS: dict[Weather, tuple[str, ...]] = {
    Weather.CLEAR: ("",),
    Weather.RAIN: (" in the rain", " on a rainy day"),
    Weather.SNOW: (" in the snow", " on a snowy day", " in winter"),
}


def caption(scene: Scene, random: Random, *, with_looks: bool | None = None) -> str:
    """A sentence for ``scene``, lower case. ``with_looks``: name people's attributes; None leaves it to chance."""
    looks = random.random() < 0.5 if with_looks is None else with_looks
    first = _phrase(scene.first, random, looks)
    second = _phrase(scene.second, random, looks) if scene.second else ""
    if scene.relation is Relation.BACKDROP_ONLY and scene.time is Time.SUNSET and random.random() < 0.7:
        return random.choice(_SUNSET).format(b=first)
    text = random.choice(_templates(scene, random)).format(a=first, b=second)
    if scene.has_park and random.random() < 0.9:
        text += random.choice(_PARK)
    if scene.extra is not None and random.random() < _EXTRA_CHANCE:
        text += random.choice(_EXTRA).format(c=random.choice(THINGS[scene.extra].words))
    text += random.choice(_WEATHER_WORDS[scene.weather]) + random.choice(_TIME_WORDS[scene.time])
    return random.choice(_OPENINGS) + text


def _templates(scene: Scene, random: Random) -> tuple[str, ...]:
    is_person = scene.first.person is not None
    match scene.relation:
        case Relation.LEFT_OF:
            return _LEFT_OF if random.random() < 0.7 else _BESIDE
        case Relation.ABOVE:
            return _ABOVE
        case Relation.ON:
            return _SITTING if is_person else _ON
        case Relation.IN_FRONT_OF:
            return _STANDING if is_person else _FRONT
        case Relation.AT:
            return _AT
        case _:
            return _ALONE[scene.relation]


def _phrase(actor: Actor, random: Random, with_looks: bool) -> str:
    if actor.person is not None:
        return random.choice(_KIND_WORDS[actor.person.kind]) + (_looks(actor.person, random) if with_looks else "")
    words = random.choice(THINGS[actor.name].words)
    if words.startswith("a ") and random.random() < 0.15:
        words = f"a {random.choice(_ADJECTIVES)} {words.removeprefix('a ')}"
    return words


def _looks(person: Person, random: Random) -> str:
    said = [random.choice(_HAIR_WORDS[person.hair])]
    said += ["glasses"] * person.has_glasses + ["a beard"] * person.has_beard + ["a hat"] * person.has_hat
    random.shuffle(said)
    said = said[: random.randint(1, len(said))]
    return " with " + " and ".join(said)


def known_words() -> frozenset[str]:
    """Every word that a caption can hold, lower case: what the model has ever read."""
    templates = (_LEFT_OF, _BESIDE, _ABOVE, _ON, _SITTING, _PARK, _FRONT, _STANDING, _AT, _EXTRA, _SUNSET)
    tables = (_KIND_WORDS, _HAIR_WORDS, _ALONE, _TIME_WORDS, _WEATHER_WORDS)
    phrases = [phrase for group in (_OPENINGS, _ADJECTIVES, *templates) for phrase in group]
    phrases += [phrase for table in tables for group in table.values() for phrase in group]
    phrases += [words for thing in THINGS.values() for words in thing.words]
    phrases += ["glasses", "beard", "hat", "with", "and"]
    words = (word for phrase in phrases for word in phrase.split())
    return frozenset(word for word in words if not word.startswith("{"))
