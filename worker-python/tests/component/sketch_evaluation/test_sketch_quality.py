"""The committed sketch model draws what it is asked for, on the service's own engine: conditioning works.

The short form of ``python -m illustration_worker.sketch_evaluation``. The bars are those of the long form (300 prompts
and more); ``_least`` says how far the share of a small sample may lie below them by chance alone. Seeds are fixed, so a
failure is a change: of the weights, of the engine or of what computes.
"""

from math import sqrt

import torch

from illustration_worker.models.sketch.world.style import STYLES
from illustration_worker.sketch_evaluation.artist import Artist, Wish
from illustration_worker.sketch_evaluation.measures import (
    Draw,
    Figures,
    line_statistics,
    measure_content,
    measure_looks,
    measure_negative,
)
from illustration_worker.sketch_evaluation.reader import Reader
from illustration_worker.sketch_evaluation.reading_check import check_reader

READER_RIGHT = 0.98
"""Of things, places and looks in real drawings."""
OBJECT = 0.95
POSITION = 0.90
RELATION = 0.90
LOOKS = 0.85
"""Balanced accuracy, at scale 1.0."""
CHANCE = 0.50
"""Balanced accuracy of looks that nothing tells of: at scale 0."""
REMOVED = 0.80
"""Of unmentioned things that the negative prompt names."""

STANDARD_ERRORS = 2.0
"""What is exactly as good as its bar fails about once in forty samples."""

PROMPTS = 24
OBJECTS_ASKED, POSITIONS_ASKED, RELATIONS_ASKED = 36, 12, 12
"""Half of the prompts ask for a thing alone, half for two."""

MEN, SEED_OF_MEN = 16, 232
"""With this seed 8 have glasses, 7 a hat, 8 a beard, in every combination."""
LOOKS_MARGIN, CHANCE_MARGIN = 0.10, 0.15
"""Two standard errors of the mean over three balanced accuracies of these men, at LOOKS and at CHANCE; that the three
were read in the same pictures is left out of account."""

LANDSCAPES, FEWEST_UNMENTIONED = 20, 3

HOUSES = 3
"""A picture of a house has shaded and dark areas, so that every style shows."""
BLACKER, MORE_CHANGES = 0.025, 0.012
"""Half of the least that two styles differ by in real drawings of a house (0.050 of the pixels nearly black, 0.023 of
neighbours far apart)."""


def test_the_reader_reads_real_drawings(reader: Reader) -> None:
    count = 100
    figures = check_reader(reader, count)
    for part in ("object", "place", "looks"):
        assert figures[part] >= _least(READER_RIGHT, count), figures


def test_things_are_there_and_stand_where_the_prompt_says(artist: Artist, reader: Reader) -> None:
    figures = measure_content(artist.draw, reader, PROMPTS)
    assert figures["object"] >= _least(OBJECT, OBJECTS_ASKED), figures
    assert figures["position"] >= _least(POSITION, POSITIONS_ASKED), figures
    assert figures["relation"] >= _least(RELATION, RELATIONS_ASKED), figures


def test_the_person_looks_like_the_reference_as_far_as_the_scale_says(artist: Artist, reader: Reader) -> None:
    figures = measure_looks(_at_bars_only(artist), reader, MEN, SEED_OF_MEN)
    assert figures["looks at scale 1.0"] >= LOOKS - LOOKS_MARGIN, figures
    assert abs(figures["looks at scale 0.0"] - CHANCE) <= CHANCE_MARGIN, figures


def test_the_negative_prompt_removes_what_it_names(artist: Artist, reader: Reader) -> None:
    figures = measure_negative(artist.draw, reader, LANDSCAPES)
    count = int(figures["unmentioned things"])
    assert count >= FEWEST_UNMENTIONED, f"so few pictures with something to remove tell nothing: {figures}"
    assert figures["removed by the negative prompt"] >= _least(REMOVED, count), figures


def test_words_for_a_style_change_the_lines(artist: Artist) -> None:
    lines = {style.name: _houses(artist, f"{style.name} drawing, monochrome") for style in STYLES}
    assert lines["ink"]["black"] >= lines["pencil"]["black"] + BLACKER, lines
    assert lines["marker"]["black"] >= lines["ink"]["black"] + BLACKER, lines
    for other in ("pencil", "ink", "marker"):
        assert lines["hatched"]["changes"] >= lines[other]["changes"] + MORE_CHANGES, lines


def test_a_lora_changes_the_lines(artist: Artist) -> None:
    wishes = [Wish("a house", seed=number) for number in range(HOUSES)]
    without = line_statistics(artist.draw(wishes))
    marker = line_statistics(artist.draw(wishes, with_lora=True))
    assert marker["black"] >= without["black"] + BLACKER, (without, marker)


def _least(bar: float, count: int) -> float:
    """The least share of ``count`` that what is as good as ``bar`` reaches, but for ``STANDARD_ERRORS``."""
    return bar - STANDARD_ERRORS * sqrt(bar * (1 - bar) / count)


def _at_bars_only(artist: Artist) -> Draw:
    """White paper at the scale between 0 and 1, which no bar is about: a third of the time."""

    def draw(wishes: list[Wish], scale: float) -> torch.Tensor:
        return artist.draw(wishes, scale) if scale in (0.0, 1.0) else torch.ones(len(wishes), 1, 128, 128)

    return draw


def _houses(artist: Artist, style_prompt: str) -> Figures:
    """The same houses in a style."""
    wishes = [Wish("a house", style_prompt=style_prompt, seed=number) for number in range(HOUSES)]
    return line_statistics(artist.draw(wishes))
