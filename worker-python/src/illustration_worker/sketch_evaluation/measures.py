"""Measures of a model: what share of what was asked for is read in its pictures."""

from collections.abc import Callable
from random import Random

import torch

from illustration_worker.models.sketch.world.caption import caption
from illustration_worker.models.sketch.world.catalogue import PERSON, SKY, THINGS
from illustration_worker.models.sketch.world.invention import (
    invent_held_out_scene,
    invent_scene,
    invent_training_scene,
)
from illustration_worker.models.sketch.world.person import Kind, Person, random_person
from illustration_worker.models.sketch.world.reference import draw_reference
from illustration_worker.models.sketch.world.scene import Relation, Scene, Time, Weather
from illustration_worker.models.sketch.world.style import PENCIL, STYLES, style_prompt
from illustration_worker.models.sketch.world.wording import UNSEEN
from illustration_worker.sketch_evaluation.artist import Wish
from illustration_worker.sketch_evaluation.reader import FLAGS, Reader, Reading

Draw = Callable[[list[Wish], float], torch.Tensor]
"""Pictures (count, 1, 128, 128), -1 to 1, of wishes at a scale of the reference."""
Figures = dict[str, float]
"""Shares from 0 to 1, or means, by name."""

_ALONE_COLUMNS = {Relation.ALONE_LEFT: (0, 54), Relation.ALONE_CENTRE: (46, 82), Relation.ALONE_RIGHT: (74, 128)}
"""Pixels between which the middle of a thing counts as left, in the centre, right."""
_RELATIONS = (Relation.LEFT_OF, Relation.ABOVE, Relation.IN_FRONT_OF)
_COLUMN = 24.0
"""Pixels within which two middles count as one above the other."""


def measure_content(draw: Draw, reader: Reader, count: int, seed: int = 1) -> Figures:
    """Things, positions and relations, asked for in sentences that were never read in training."""
    random = Random(seed)
    asked = (*_ALONE_COLUMNS, *_RELATIONS)
    scenes = [invent_training_scene(random, asked[number % len(asked)]) for number in range(count)]
    found, stands = _read_scenes(draw, reader, scenes, random)
    is_position = [scene.relation in _ALONE_COLUMNS for scene in scenes]
    return {
        "object": _share(found),
        "position": _share([right for right, alone in zip(stands, is_position, strict=True) if alone]),
        "relation": _share([right for right, alone in zip(stands, is_position, strict=True) if not alone]),
    }


def measure_combinations(draw: Draw, reader: Reader, count: int, seed: int = 6) -> Figures:
    """The same of two things in a relation that was never drawn with just these two."""
    random = Random(seed)
    scenes = [invent_held_out_scene(random, _RELATIONS[number % len(_RELATIONS)]) for number in range(count)]
    found, stands = _read_scenes(draw, reader, scenes, random)
    return {"object": _share(found), "relation": _share(stands)}


def measure_on(draw: Draw, reader: Reader, count: int, seed: int = 5) -> Figures:
    """Things on things. All their combinations were drawn: there are few."""
    random = Random(seed)
    found, stands = _read_scenes(draw, reader, [invent_scene(random, Relation.ON) for _ in range(count)], random)
    return {"object": _share(found), "relation": _share(stands)}


def _read_scenes(draw: Draw, reader: Reader, scenes: list[Scene], random: Random) -> tuple[list[bool], list[bool]]:
    """For each thing whether it was read, and for each scene whether all stands right."""
    plain = [_plain(scene) for scene in scenes]
    wishes = [Wish(_words(scene, random), seed=number) for number, scene in enumerate(plain)]
    found: list[bool] = []
    stands: list[bool] = []
    for scene, reading in zip(plain, reader.read(draw(wishes, 0.0)), strict=True):
        found += [actor.name in reading.middles for actor in (scene.first, scene.second) if actor is not None]
        stands.append(stands_right(scene, reading))
    return found, stands


def stands_right(scene: Scene, reading: Reading) -> bool:
    """Whether the things of ``scene`` are in the picture and stand as it says."""
    names = [actor.name for actor in (scene.first, scene.second) if actor is not None]
    if any(name not in reading.middles for name in names):
        return False
    x, y = reading.middles[names[0]]
    if scene.relation in _ALONE_COLUMNS:
        left, right = _ALONE_COLUMNS[scene.relation]
        return left <= x <= right
    other_x, other_y = reading.middles[names[1]]
    if scene.relation is Relation.LEFT_OF:
        return x < other_x
    is_in_column = abs(x - other_x) <= _COLUMN
    return is_in_column and (y > other_y if scene.relation is Relation.IN_FRONT_OF else y < other_y)


def measure_looks(draw: Draw, reader: Reader, count: int, seed: int = 2) -> Figures:
    """Looks of the reference in the picture, at scale 1, at the service's default and at 0.

    Balanced accuracy, the mean over the shares of those with and without an attribute: 0.5 is chance.
    """
    random = Random(seed)
    people = [random_person(random, Kind.MAN) for _ in range(count)]
    wishes = [
        Wish("a man", reference=draw_reference(person, random), seed=number) for number, person in enumerate(people)
    ]
    figures: Figures = {}
    for scale in (1.0, 0.33, 0.0):
        readings = reader.read(draw(wishes, scale))
        each = [_balanced(flag, people, readings) for flag in FLAGS]
        figures |= {f"{flag} at scale {scale}": share for flag, share in zip(FLAGS, each, strict=True)}
        figures[f"looks at scale {scale}"] = sum(each) / len(each)
    return figures


def measure_negative(draw: Draw, reader: Reader, count: int, seed: int = 3) -> Figures:
    """Of unmentioned things that were drawn in the sky, the share that is gone when the negative prompt names them."""
    random = Random(seed)
    nouns = [name for name, thing in THINGS.items() if thing.place.value == "ground"]
    wishes = [
        Wish("{} next to {}".format(*(THINGS[n].words[0] for n in random.sample(nouns, 2))), seed=number)
        for number in range(count)
    ]
    again: list[tuple[Wish, str]] = []
    for wish, reading in zip(wishes, reader.read(draw(wishes, 0.0)), strict=True):
        again += [
            (Wish(wish.prompt, negative_prompt=THINGS[name].words[0], seed=wish.seed), name)
            for name in SKY
            if name in reading.middles
        ]
    if not again:
        return {"unmentioned things": 0.0}
    readings = reader.read(draw([wish for wish, _ in again], 0.0))
    gone = [name not in reading.middles for (_, name), reading in zip(again, readings, strict=True)]
    return {"unmentioned things": float(len(again)), "removed by the negative prompt": _share(gone)}


def measure_styles(draw: Draw, count: int, seed: int = 4) -> Figures:
    """By style: the share of nearly black pixels, and of strong changes between neighbours."""
    figures: Figures = {}
    for style in STYLES:
        random = Random(seed)
        names = [name for name, thing in THINGS.items() if thing.place.value == "ground"]
        wishes = [
            Wish(THINGS[random.choice(names)].words[0], style_prompt=style_prompt(style, random), seed=number)
            for number in range(count)
        ]
        figures |= {f"{style.name}: {name}": value for name, value in line_statistics(draw(wishes, 0.0)).items()}
    return figures


def line_statistics(pictures: torch.Tensor) -> Figures:
    """``black``: share of pixels darker than grey 60; ``changes``: of neighbours that differ by more than 60 greys."""
    greys = (pictures + 1) * 127.5
    return {
        "black": float((greys < 60).float().mean()),
        "changes": float((greys.diff(dim=-1).abs() > 60).float().mean()),
    }


def _plain(scene: Scene) -> Scene:
    """Under a clear sky by day, in pencil: what is measured is the things alone."""
    return Scene(scene.first, scene.second, scene.relation, PENCIL, Time.DAY, Weather.CLEAR)


def _words(scene: Scene, random: Random) -> str:
    """A sentence never read in training, and one that says where things stand: 'next to' leaves it open."""
    while True:
        text = caption(scene, random, with_looks=False, wording=UNSEEN)
        says_side = any(word in text.split() for word in ("left", "right"))
        if scene.relation not in (Relation.LEFT_OF, Relation.ALONE_LEFT, Relation.ALONE_RIGHT) or says_side:
            return text


def _balanced(flag: str, people: list[Person], readings: list[Reading]) -> float:
    rights: dict[bool, list[bool]] = {True: [], False: []}
    for person, reading in zip(people, readings, strict=True):
        has = bool(getattr(person, f"has_{flag}"))
        rights[has].append(PERSON in reading.middles and reading.looks[flag] is has)
    return sum(_share(values) for values in rights.values()) / len(rights)


def _share(values: list[bool]) -> float:
    return sum(values) / len(values) if values else 0.0
