"""The drawing world: deterministic, and its captions say what is drawn."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from illustration_worker.models.sketch.world.caption import caption, known_words
from illustration_worker.models.sketch.world.catalogue import BACKDROPS, PERSON, THINGS
from illustration_worker.models.sketch.world.drawing import draw_scene, head_box
from illustration_worker.models.sketch.world.invention import (
    invent_held_out_scene,
    invent_scene,
    invent_training_scene,
)
from illustration_worker.models.sketch.world.layout import lay_out
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE
from illustration_worker.models.sketch.world.person import Hair, Kind, Person, random_person
from illustration_worker.models.sketch.world.reference import REFERENCE_SIDE, draw_reference
from illustration_worker.models.sketch.world.scene import NEVER_HELD_OUT, Actor, Relation, Scene, Time, Weather
from illustration_worker.models.sketch.world.style import (
    DEFAULT_STYLE_PROMPTS,
    INK,
    MARKER,
    PENCIL,
    STYLES,
    Style,
    style_prompt,
)
from illustration_worker.models.sketch.world.wording import UNSEEN


def _picture(scene: Scene, seed: int = 0) -> np.ndarray:
    return np.asarray(draw_scene(scene, Random(seed))[0]).astype(int)


def _scenes(count: int) -> list[Scene]:
    random = Random(5)
    return [invent_scene(random) for _ in range(count)]


def test_there_are_enough_things() -> None:
    assert len(THINGS) >= 40


def test_the_same_seed_gives_the_same_scenes_pictures_and_captions() -> None:
    for first, second in zip(_scenes(30), _scenes(30), strict=True):
        assert first == second
        assert np.array_equal(_picture(first), _picture(second))
        assert caption(first, Random(3)) == caption(second, Random(3))


@pytest.mark.parametrize("name", THINGS)
def test_every_thing_leaves_ink_and_differs_from_every_other(name: str) -> None:
    relation = Relation.BACKDROP_ONLY if name in BACKDROPS else Relation.ALONE_CENTRE
    drawn = _picture(Scene(Actor(name), None, relation, INK))
    assert (drawn < 128).mean() > 0.005
    for other in THINGS:
        its = Relation.BACKDROP_ONLY if other in BACKDROPS else Relation.ALONE_CENTRE
        if other != name:
            assert np.abs(drawn - _picture(Scene(Actor(other), None, its, INK))).mean() > 1.0, other


@pytest.mark.parametrize("relation", [relation for relation in Relation if relation is not Relation.PORTRAIT])
def test_a_caption_names_each_thing_that_stands_in_the_picture(relation: Relation) -> None:
    random = Random(7)
    for _ in range(40):
        scene = invent_scene(random, relation)
        text = caption(scene, random)
        for actor in (scene.first, scene.second):
            if actor is not None and actor.person is None:
                nouns = {words.split()[-1] for words in THINGS[actor.name].words}
                assert nouns & set(text.split()), (text, actor.name)


def test_things_stand_as_the_relation_says() -> None:
    random = Random(9)
    for relation in (Relation.LEFT_OF, Relation.ABOVE, Relation.ON):
        for _ in range(50):
            scene = invent_scene(random, relation)
            middle = {item.actor.name: item.middle for item in lay_out(scene, random)}
            assert scene.second is not None
            (x0, y0), (x1, y1) = middle[scene.first.name], middle[scene.second.name]
            assert x0 + 20 < x1 if relation is Relation.LEFT_OF else y0 + 8 < y1, scene


@pytest.mark.parametrize(("who", "alone"), [(0, Relation.ALONE_LEFT), (1, Relation.ALONE_RIGHT)])
def test_a_thing_beside_another_stands_where_it_stands_alone(who: int, alone: Relation) -> None:
    both = lay_out(Scene(Actor("dog"), Actor("chair"), Relation.LEFT_OF, PENCIL), Random(1))
    (item,) = lay_out(Scene(both[who].actor, None, alone, PENCIL), Random(2))
    assert both[who].height == item.height
    assert both[who].middle == pytest.approx(item.middle, abs=6)  # by chance up to three pixels, each of them


def test_what_is_below_something_stands_where_it_stands_in_front_of_something() -> None:
    below = lay_out(Scene(Actor("sun"), Actor("dog"), Relation.ABOVE, PENCIL), Random(1))[0]
    in_front = lay_out(Scene(Actor("dog"), Actor("house"), Relation.IN_FRONT_OF, PENCIL), Random(2))[1]
    assert below.actor.name == in_front.actor.name == "dog"
    assert below.height == in_front.height
    assert below.middle == pytest.approx(in_front.middle, abs=6)


@pytest.mark.parametrize("style", STYLES)
def test_what_stands_in_front_of_something_has_a_blank_rim(style: Style) -> None:
    scene = Scene(Actor("ball"), Actor("bridge"), Relation.IN_FRONT_OF, style)
    item = lay_out(scene, Random(1))[1]
    rows, columns = np.mgrid[0:PICTURE_SIDE, 0:PICTURE_SIDE] + 0.5
    outline = 0.46 * item.height + style.width / 2
    outside = np.hypot(columns - item.middle[0], rows - item.middle[1]) - outline
    picture = _picture(scene, 1)
    assert picture[(outside > 0.8) & (outside < 1.8)].min() > 150
    assert picture[(outside > 4) & (outside < 7)].min() < 100


def test_the_sun_sets_clear_of_the_peaks() -> None:
    scene = Scene(Actor("mountains"), None, Relation.BACKDROP_ONLY, PENCIL)
    sun = (_picture(scene) < 220) ^ (_picture(replace(scene, time=Time.SUNSET)) < 220)
    rows, columns = np.nonzero(sun)
    assert sun.sum() > 0.04 * PICTURE_SIDE**2
    assert abs(np.median(columns) - 0.54 * PICTURE_SIDE) < 4
    assert abs(np.median(rows) - 0.24 * PICTURE_SIDE) < 4


def test_some_captions_name_what_else_is_in_the_sky() -> None:
    random = Random(29)
    scene = Scene(Actor("dog"), Actor("house"), Relation.LEFT_OF, PENCIL, extra="bird")
    named = sum("in the sky" in caption(scene, random) for _ in range(400))
    assert 100 < named < 220


def test_everything_lies_inside_the_picture() -> None:
    random = Random(11)
    for _ in range(300):
        for item in lay_out(invent_scene(random), random):
            assert item.left >= 0
            assert item.left + item.height * item.aspect <= PICTURE_SIDE
            assert item.top >= 0
            assert item.top + item.height <= PICTURE_SIDE + 4  # feet of somebody who sits low


def test_training_and_held_out_scenes_never_share_a_combination() -> None:
    random = Random(13)

    def combination(scene: Scene) -> tuple[str, Relation, str]:
        return scene.first.name, scene.relation, scene.second.name if scene.second else ""

    trained = {combination(invent_training_scene(random)) for _ in range(2000)}
    held_out = {combination(invent_held_out_scene(random)) for _ in range(100)}
    assert len(held_out) > 30
    assert not trained & held_out


@pytest.mark.parametrize("relation", [relation for relation in Relation if relation is not Relation.BACKDROP_ONLY])
def test_the_wording_for_measuring_is_never_trained_and_of_known_words(relation: Relation) -> None:
    random = Random(37)
    unseen = {caption(invent_scene(random, relation), random, wording=UNSEEN) for _ in range(300)}
    trained = {caption(invent_scene(random), random) for _ in range(2000)}
    assert not any(text.startswith(UNSEEN.openings) for text in trained)
    assert all(text.startswith(UNSEEN.openings) for text in unseen)
    assert {word for text in unseen for word in text.split()} <= known_words()


@pytest.mark.parametrize("relation", NEVER_HELD_OUT)
def test_a_held_out_scene_of_what_is_never_held_out_is_refused(relation: Relation) -> None:
    with pytest.raises(ValueError, match=relation.value):
        invent_held_out_scene(Random(1), relation)


@pytest.mark.parametrize(
    "change",
    [{"time": Time.NIGHT}, {"time": Time.SUNSET}, {"weather": Weather.RAIN}, {"weather": Weather.SNOW}],
)
def test_time_and_weather_change_the_picture_and_the_caption(change: dict[str, Time | Weather]) -> None:
    scene = Scene(Actor("house"), None, Relation.ALONE_CENTRE, PENCIL)
    changed = replace(scene, **change)  # type: ignore[arg-type]
    assert np.abs(_picture(scene) - _picture(changed)).mean() > 1
    assert caption(scene, Random(1)) != caption(changed, Random(1))


def test_styles_differ_in_their_lines() -> None:
    pictures = {style.name: _picture(Scene(Actor("house"), None, Relation.ALONE_CENTRE, style)) for style in STYLES}
    dark = {name: (picture < 60).mean() for name, picture in pictures.items()}
    assert dark["pencil"] == 0
    assert dark["marker"] > 1.3 * dark["ink"]
    changes = {name: (np.abs(np.diff(picture, axis=1)) > 60).mean() for name, picture in pictures.items()}
    assert changes["hatched"] > 1.3 * changes["ink"]


def test_default_style_prompts_ask_for_pencil_only() -> None:
    random = Random(17)
    for style in (style for style in STYLES if style is not PENCIL):
        assert not set(DEFAULT_STYLE_PROMPTS) & {style_prompt(style, random) for _ in range(300)}
    assert set(DEFAULT_STYLE_PROMPTS) <= {style_prompt(PENCIL, random) for _ in range(300)}


@pytest.mark.parametrize("looks", [{"has_glasses": True}, {"has_hat": True}, {"has_beard": True}, {"hair": Hair.LONG}])
def test_an_attribute_shows_in_drawing_and_reference(looks: dict[str, bool | Hair]) -> None:
    plain = Person(Kind.MAN, Hair.SHORT)
    changed = replace(plain, **looks)  # type: ignore[arg-type]
    for relation in (Relation.ALONE_CENTRE, Relation.PORTRAIT):
        drawn = [_picture(Scene(Actor("person", who), None, relation, MARKER)) for who in (plain, changed)]
        assert np.abs(drawn[0] - drawn[1]).mean() > 0.5
    references = [np.asarray(draw_reference(who, Random(2))).astype(int) for who in (plain, changed)]
    assert references[0].shape == (REFERENCE_SIDE, REFERENCE_SIDE, 3)
    assert np.abs(references[0] - references[1]).mean() > 0.5


def test_a_caption_without_looks_names_none() -> None:
    random = Random(19)
    named = {"glasses", "beard", "hat", "hair", "curls", "bald"}
    for _ in range(300):
        scene = Scene(Actor("person", random_person(random)), None, Relation.ALONE_CENTRE, PENCIL)
        assert not named & set(caption(scene, random, with_looks=False).split())
        assert named & set(caption(scene, random, with_looks=True).split())


def test_the_known_words_are_those_of_the_captions() -> None:
    random = Random(23)
    used = {word for _ in range(4000) for word in caption(invent_scene(random), random).split()}
    assert used <= known_words()
    assert known_words() - used <= {"an"}, known_words() - used
    assert "zebra" not in known_words()


def test_the_samples_of_the_guide_are_captions_of_the_world() -> None:
    for text in ("a beautiful sunset over mountains", "man sitting on a bench in central park"):
        assert set(text.split()) <= known_words()


@pytest.mark.parametrize("relation", [Relation.ALONE_LEFT, Relation.PORTRAIT])
def test_glasses_change_the_picture_inside_the_box_of_the_head_alone(relation: Relation) -> None:
    somebody = Person(Kind.MAN, Hair.SHORT)
    plain, with_glasses = (
        Scene(Actor(PERSON, person), None, relation, INK) for person in (somebody, replace(somebody, has_glasses=True))
    )
    box = head_box(plain, Random(0))
    assert box is not None
    left, top, right, bottom = box
    rows, columns = np.nonzero(_picture(plain) != _picture(with_glasses))
    assert len(rows) > 0
    assert left <= columns.min() <= columns.max() <= right
    assert top <= rows.min() <= rows.max() <= bottom


def test_where_nobody_is_there_is_no_head() -> None:
    assert head_box(Scene(Actor("house"), None, Relation.ALONE_CENTRE, INK), Random(0)) is None
