"""Draws scenes and portraits."""

import math
from dataclasses import replace
from random import Random

from PIL import Image

from illustration_worker.models.sketch.world.catalogue import THINGS
from illustration_worker.models.sketch.world.layout import Placed, lay_out
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE, WHITE_PAPER, Canvas, Fill, Pen
from illustration_worker.models.sketch.world.person import STANDING_HEAD, Head, Person, draw_head, draw_person
from illustration_worker.models.sketch.world.scene import Relation, Scene, Time, Weather

_NIGHT_GREY = 150
_RIM = 2.5
"""Pixels of blank paper around what has something behind it."""
_HORIZONS: dict[str | None, float] = {"sea": 0.56, "lake": 0.56, "beach": 0.5, "hills": 0.54}
_BUST_HEAD: Head = (0.5, 0.48, 0.33)

Box = tuple[float, float, float, float]
"""Left, top, right, bottom: pixels of the finished picture."""


def draw_scene(scene: Scene, random: Random) -> tuple[Image.Image, list[Placed]]:
    """The picture of ``scene``, mode L, 128 pixels a side, and where its actors stand."""
    canvas = Canvas(scene.style, random, _NIGHT_GREY if scene.time is Time.NIGHT else WHITE_PAPER)
    placed = lay_out(scene, random)
    _draw_sky(canvas, scene)
    _draw_behind(canvas, scene)
    for item in placed:
        if scene.relation is Relation.AT or (scene.relation is Relation.IN_FRONT_OF and item is placed[-1]):
            _clear_around(canvas, item)
        _draw_placed(canvas, item)
    if scene.relation is Relation.PORTRAIT and scene.first.person is not None:
        draw_bust(canvas, scene.first.person, random)
    _draw_weather(canvas, scene.weather)
    return canvas.finished(), placed


def head_box(scene: Scene, random: Random) -> Box | None:
    """Where somebody's head is in the picture that ``draw_scene`` draws with the same ``random``; None: nobody's is."""
    placed = lay_out(scene, random)
    if scene.relation is Relation.PORTRAIT:
        left, top, height = _bust_place(random)
        return _around(left, top, height, _BUST_HEAD)
    for item in placed:
        if item.actor.person is not None:
            return _around(item.left, item.top, item.height, STANDING_HEAD)
    return None


def _around(left: float, top: float, height: float, head: Head) -> Box:
    x, y, radius = (height * part for part in head)
    return left + x - radius, top + y - radius, left + x + radius, top + y + radius


def _bust_place(random: Random) -> tuple[float, float, float]:
    """Left, top and height of a bust's pen."""
    height = random.uniform(118, 126)
    return 64 - height / 2 + random.uniform(-4, 4), 128 - height, height


def draw_bust(canvas: Canvas, person: Person, random: Random) -> None:
    """Head and shoulders, filling the picture."""
    pen = Pen(canvas, *_bust_place(random))
    half = 0.4 if person.is_broad else 0.28
    pen.polygon((0.5 - half * 0.6, 0.8), (0.5 + half * 0.6, 0.8), (0.5 + half, 1.1), (0.5 - half, 1.1), fill=Fill.TONE)
    draw_head(pen, person, _BUST_HEAD)


def _clear_around(canvas: Canvas, item: Placed) -> None:
    """Blank paper where ``item`` will be drawn, and in a rim around it: it stands clear of what is behind."""
    style, paper = canvas.style, canvas.paper
    width = style.width + 2 * _RIM
    canvas.style = replace(style, ink=paper, tone=paper, dark=paper, width=width, wobble=0, is_hatched=False)
    _draw_placed(canvas, item)
    canvas.style = style


def _draw_placed(canvas: Canvas, item: Placed) -> None:
    pen = Pen(canvas, item.left, item.top, item.height, item.actor.is_mirrored, item.aspect)
    if item.actor.person is not None:
        draw_person(pen, item.actor.person)
    else:
        THINGS[item.actor.name].draw(pen)


def _draw_sky(canvas: Canvas, scene: Scene) -> None:
    pen = Pen(canvas, 0, 0, PICTURE_SIDE)
    if scene.time is Time.NIGHT:
        for x, y in ((0.1, 0.12), (0.3, 0.06), (0.72, 0.08), (0.9, 0.16), (0.2, 0.3), (0.84, 0.34)):
            pen.circle(x, y, 0.014)
    if scene.time is Time.SUNSET:
        _draw_setting_sun(pen, _backdrop(scene))


def _draw_setting_sun(pen: Pen, backdrop: str | None) -> None:
    """Whole between the peaks of mountains; elsewhere half of it, on the horizon."""
    if backdrop == "mountains":
        x, y, radius = 0.54, 0.24, 0.12
        pen.circle(x, y, radius, Fill.TONE)
    else:
        x, y, radius = 0.5, _HORIZONS.get(backdrop, 0.5), 0.2
        pen.sector(x, y, (radius, radius), (180, 360), Fill.TONE)
    for degrees in range(180, 361, 30):
        dx, dy = radius * math.cos(math.radians(degrees)), radius * math.sin(math.radians(degrees))
        pen.line((x + 1.35 * dx, y + 1.35 * dy), (x + 1.9 * dx, y + 1.9 * dy))
    if backdrop is None:
        for x0, x1 in ((-0.05, 0.3), (0.7, 1.05)):
            pen.line((x0, y), (x1, y))


def _backdrop(scene: Scene) -> str | None:
    if scene.relation is Relation.BACKDROP_ONLY:
        return scene.first.name
    return scene.second.name if scene.relation is Relation.AT and scene.second else None


def _draw_behind(canvas: Canvas, scene: Scene) -> None:
    backdrop = _backdrop(scene)
    if backdrop is not None:
        THINGS[backdrop].draw(Pen(canvas, 0, 0, PICTURE_SIDE))
    if scene.extra is not None:
        thing = THINGS[scene.extra]
        height = 26 * thing.height
        THINGS[scene.extra].draw(Pen(canvas, 64 - height * thing.aspect / 2, 4, height))
    if scene.has_park:
        for left in (2, 86):
            THINGS["tree"].draw(Pen(canvas, left, 44, 46))


def _draw_weather(canvas: Canvas, weather: Weather) -> None:
    if weather is Weather.CLEAR:
        return
    pen = Pen(canvas, 0, 0, PICTURE_SIDE)
    for row in range(5):
        for column in range(5):
            x, y = 0.08 + 0.21 * column + 0.1 * (row % 2), 0.06 + 0.2 * row
            if weather is Weather.RAIN:
                pen.line((x, y), (x - 0.03, y + 0.09))
            else:
                pen.circle(x, y, 0.018)
