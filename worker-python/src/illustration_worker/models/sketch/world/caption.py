"""Puts scenes into words."""

from random import Random

from illustration_worker.models.sketch.world.catalogue import THINGS
from illustration_worker.models.sketch.world.person import Hair, Kind, Person
from illustration_worker.models.sketch.world.scene import Actor, Relation, Scene, Time, Weather
from illustration_worker.models.sketch.world.wording import TRAINED, Wording

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
_PARK = (" in a park", " in central park", " in the park")
_EXTRA = (" with {c} in the sky", " and {c} in the sky")
_EXTRA_CHANCE = 0.4
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


def caption(scene: Scene, random: Random, *, with_looks: bool | None = None, wording: Wording = TRAINED) -> str:
    """A sentence for ``scene``, lower case. ``with_looks``: name people's attributes; None leaves it to chance."""
    looks = random.random() < 0.5 if with_looks is None else with_looks
    first = _phrase(scene.first, random, looks)
    second = _phrase(scene.second, random, looks) if scene.second else ""
    if scene.relation is Relation.BACKDROP_ONLY and scene.time is Time.SUNSET and random.random() < 0.7:
        return random.choice(_SUNSET).format(b=first)
    text = random.choice(_templates(scene, random, wording)).format(a=first, b=second)
    if scene.has_park and random.random() < 0.9:
        text += random.choice(_PARK)
    if scene.extra is not None and random.random() < _EXTRA_CHANCE:
        text += random.choice(_EXTRA).format(c=random.choice(THINGS[scene.extra].words))
    text += random.choice(_WEATHER_WORDS[scene.weather]) + random.choice(_TIME_WORDS[scene.time])
    return random.choice(wording.openings) + text


def _templates(scene: Scene, random: Random, wording: Wording) -> tuple[str, ...]:
    is_person = scene.first.person is not None
    match scene.relation:
        case Relation.LEFT_OF:
            return wording.left_of if random.random() < 0.7 else wording.beside
        case Relation.ABOVE:
            return wording.above
        case Relation.ON:
            return wording.sitting_on if is_person else wording.on
        case Relation.IN_FRONT_OF:
            return wording.standing_in_front_of if is_person else wording.in_front_of
        case Relation.AT:
            return wording.at
        case _:
            return wording.alone[scene.relation]


def _phrase(actor: Actor, random: Random, with_looks: bool) -> str:
    if actor.person is not None:
        return random.choice(_KIND_WORDS[actor.person.kind]) + (_looks(actor.person, random) if with_looks else "")
    words = random.choice(THINGS[actor.name].words)
    if words.startswith("a ") and random.random() < 0.15:
        adjective = random.choice(_ADJECTIVES)
        article = "an" if adjective[0] in "aeiou" else "a"
        words = f"{article} {adjective} {words.removeprefix('a ')}"
    return words


def _looks(person: Person, random: Random) -> str:
    said = [random.choice(_HAIR_WORDS[person.hair])]
    said += ["glasses"] * person.has_glasses + ["a beard"] * person.has_beard + ["a hat"] * person.has_hat
    random.shuffle(said)
    said = said[: random.randint(1, len(said))]
    return " with " + " and ".join(said)


def known_words() -> frozenset[str]:
    """Every word that a caption can hold, lower case: what the model has ever read."""
    tables = (_KIND_WORDS, _HAIR_WORDS, _TIME_WORDS, _WEATHER_WORDS)
    phrases = [*TRAINED.phrases, *_ADJECTIVES, *_PARK, *_EXTRA, *_SUNSET]
    phrases += [phrase for table in tables for group in table.values() for phrase in group]
    phrases += [words for thing in THINGS.values() for words in thing.words]
    phrases += ["glasses", "beard", "hat", "with", "and"]
    words = (word for phrase in phrases for word in phrase.split())
    return frozenset(word for word in words if not word.startswith("{"))
