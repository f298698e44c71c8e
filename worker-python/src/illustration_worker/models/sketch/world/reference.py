"""Reference portraits: the same people as in the drawings, in colour and shaded, as a photo would show them."""

from random import Random

from PIL import Image, ImageDraw, ImageFilter

from illustration_worker.models.sketch.world.person import Hair, Person

REFERENCE_SIDE = 128
_OVERSAMPLING = 2
_SKIN = ((244, 208, 177), (224, 172, 125), (198, 134, 90), (141, 85, 52), (92, 56, 38))
_HAIR = ((40, 30, 25), (95, 60, 30), (160, 110, 50), (215, 180, 100), (150, 150, 150), (150, 60, 30))
_CLOTHES = ((60, 90, 160), (170, 60, 60), (70, 130, 80), (120, 80, 140), (200, 160, 70), (80, 80, 90))
_PAPER = ((235, 235, 235), (200, 220, 235), (225, 210, 190), (180, 195, 180), (250, 250, 250))

Colour = tuple[int, int, int]
Place = tuple[float, float, float]
"""Middle of the head and its radius, in canvas pixels."""


def draw_reference(person: Person, random: Random) -> Image.Image:
    """Head and shoulders of ``person``, RGB, 128 pixels a side; colours, place, size and light differ each time."""
    side = REFERENCE_SIDE * _OVERSAMPLING
    image = Image.new("RGB", (side, side), random.choice(_PAPER))
    draw = ImageDraw.Draw(image)
    skin, hair, clothes = random.choice(_SKIN), random.choice(_HAIR), random.choice(_CLOTHES)
    place = (side * random.uniform(0.45, 0.55), side * random.uniform(0.44, 0.52), side * random.uniform(0.24, 0.3))
    _draw_shoulders(draw, person, place, clothes)
    _draw_hair_behind(draw, person.hair, place, hair)
    _ellipse(draw, place, (0.0, 0.0), (0.84, 1.0), skin)
    _ellipse(draw, place, (0.42, 0.1), (0.38, 0.75), _shaded(skin, 0.9))
    _draw_face(draw, place, _shaded(skin, 0.65))
    if person.has_beard:
        _draw_beard(draw, place, hair, skin)
    _draw_hair_on_top(draw, person.hair, place, hair)
    if person.has_glasses:
        _draw_glasses(draw, place)
    if person.has_hat:
        _draw_hat(draw, place, random.choice(_CLOTHES))
    soft = image.filter(ImageFilter.GaussianBlur(_OVERSAMPLING * random.uniform(0.2, 0.9)))
    return soft.resize((REFERENCE_SIDE, REFERENCE_SIDE), Image.Resampling.BOX)


def _shaded(colour: Colour, light: float) -> Colour:
    return int(colour[0] * light), int(colour[1] * light), int(colour[2] * light)


def _box(place: Place, offset: tuple[float, float], radii: tuple[float, float]) -> tuple[float, float, float, float]:
    x, y, r = place
    left, top = x + (offset[0] - radii[0]) * r, y + (offset[1] - radii[1]) * r
    return left, top, left + 2 * radii[0] * r, top + 2 * radii[1] * r


def _ellipse(
    draw: ImageDraw.ImageDraw, place: Place, offset: tuple[float, float], radii: tuple[float, float], colour: Colour
) -> None:
    draw.ellipse(_box(place, offset, radii), fill=colour)


def _draw_shoulders(draw: ImageDraw.ImageDraw, person: Person, place: Place, clothes: Colour) -> None:
    half = 1.5 if person.is_broad else 1.05
    _ellipse(draw, place, (0.0, 1.9), (half, 0.95), clothes)


def _draw_hair_behind(draw: ImageDraw.ImageDraw, hair: Hair, place: Place, colour: Colour) -> None:
    if hair is Hair.LONG:
        _ellipse(draw, place, (0.0, -0.1), (1.05, 1.08), colour)
        draw.rectangle(_box(place, (0.0, 0.65), (1.05, 0.7)), fill=colour)
    if hair is Hair.CURLY:
        for dx, dy in ((-0.95, 0.2), (0.95, 0.2), (-1.0, -0.25), (1.0, -0.25)):
            _ellipse(draw, place, (dx, dy), (0.32, 0.32), colour)


def _draw_hair_on_top(draw: ImageDraw.ImageDraw, hair: Hair, place: Place, colour: Colour) -> None:
    if hair in (Hair.SHORT, Hair.LONG):
        draw.chord(_box(place, (0.0, -0.15), (0.88, 0.92)), 190, 350, fill=colour)
    if hair is Hair.CURLY:
        for dx, dy in ((-0.75, -0.6), (0.75, -0.6), (-0.4, -0.92), (0.4, -0.92), (0.0, -1.0), (0.0, -0.65)):
            _ellipse(draw, place, (dx, dy), (0.32, 0.32), _shaded(colour, 0.85 if dx > 0 else 1.0))


def _draw_face(draw: ImageDraw.ImageDraw, place: Place, shadow: Colour) -> None:
    for side in (-1, 1):
        _ellipse(draw, place, (side * 0.38, -0.02), (0.14, 0.09), (250, 250, 250))
        _ellipse(draw, place, (side * 0.38, -0.02), (0.08, 0.09), (40, 40, 50))
    _ellipse(draw, place, (0.02, 0.26), (0.1, 0.09), shadow)
    _ellipse(draw, place, (0.0, 0.55), (0.28, 0.08), (170, 70, 70))


def _draw_beard(draw: ImageDraw.ImageDraw, place: Place, colour: Colour, skin: Colour) -> None:
    draw.chord(_box(place, (0.0, 0.25), (0.82, 0.88)), 0, 180, fill=colour)
    _ellipse(draw, place, (0.0, 0.55), (0.28, 0.1), _shaded(skin, 0.7))


def _draw_glasses(draw: ImageDraw.ImageDraw, place: Place) -> None:
    width = max(2, round(0.07 * place[2]))
    for side in (-1, 1):
        draw.ellipse(_box(place, (side * 0.38, -0.02), (0.3, 0.28)), outline=(20, 20, 20), width=width)
    draw.rectangle(_box(place, (0.0, -0.02), (0.1, 0.03)), fill=(20, 20, 20))


def _draw_hat(draw: ImageDraw.ImageDraw, place: Place, colour: Colour) -> None:
    draw.rectangle(_box(place, (0.0, -0.95), (0.66, 0.4)), fill=colour)
    draw.rectangle(_box(place, (0.0, -0.58), (1.2, 0.08)), fill=_shaded(colour, 0.6))
