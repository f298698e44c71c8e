"""Line styles, and the words by which a style prompt asks for each."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Style:
    """How lines and areas are drawn. Widths are in pixels of the finished 128-pixel picture, greys 0 (black) to 255."""

    name: str
    ink: int
    """Grey of a line."""
    width: float
    tone: int
    """Grey of a shaded area; unused when hatched."""
    dark: int
    """Grey of a dark area: hair, windows, wheels."""
    wobble: float
    """Standard deviation of a point's place, in pixels."""
    is_hatched: bool = False
    """Shaded areas are filled with parallel lines."""


PENCIL = Style("pencil", ink=70, width=1.9, tone=200, dark=110, wobble=0.35)
INK = Style("ink", ink=0, width=1.7, tone=255, dark=0, wobble=0.0)
MARKER = Style("marker", ink=0, width=3.4, tone=190, dark=0, wobble=0.0)
HATCHED = Style("hatched", ink=20, width=1.7, tone=235, dark=40, wobble=0.2, is_hatched=True)

STYLES: tuple[Style, ...] = (PENCIL, INK, MARKER, HATCHED)

DEFAULT_STYLE_PROMPTS: tuple[str, ...] = (
    "highest quality, monochrome, professional sketch, personal, nostalgic, clean",
    "highest quality, professional sketch, monochrome",
)
"""The service's defaults for a memory and for a subject; both ask for pencil."""

_STYLE_WORDS: dict[str, tuple[str, ...]] = {
    "pencil": ("pencil sketch", "pencil drawing", "soft pencil", "graphite sketch", "professional sketch"),
    "ink": ("ink drawing", "pen and ink", "fine ink lines", "ink pen drawing", "black ink"),
    "marker": ("marker drawing", "bold marker", "thick marker lines", "felt marker", "bold thick lines"),
    "hatched": ("hatched drawing", "cross hatching", "hatched engraving", "hatching", "etching with hatching"),
}
_FILLERS: tuple[str, ...] = (
    "highest quality",
    "high quality",
    "monochrome",
    "black and white",
    "personal",
    "nostalgic",
    "clean",
    "professional",
    "simple",
    "detailed",
)


def style_prompt(style: Style, random: Random) -> str:
    """A style prompt that asks for ``style``: its own words among words that every style shares."""
    if style is PENCIL and random.random() < 0.7:
        return random.choice(DEFAULT_STYLE_PROMPTS)
    parts = random.sample(_FILLERS, random.randint(0, 4))
    parts.insert(random.randint(0, len(parts)), random.choice(_STYLE_WORDS[style.name]))
    return ", ".join(parts)


def known_style_words() -> frozenset[str]:
    """Every word that a style prompt can hold, lower case."""
    phrases = [*DEFAULT_STYLE_PROMPTS, *_FILLERS, *(phrase for words in _STYLE_WORDS.values() for phrase in words)]
    return frozenset(word.strip(",") for phrase in phrases for word in phrase.split())
