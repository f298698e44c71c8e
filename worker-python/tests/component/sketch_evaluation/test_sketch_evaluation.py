"""The evaluation: its reader learns from real drawings, and its measures can fail."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch

from illustration_worker.models.sketch.training.recipe import TINY_RECIPE
from illustration_worker.models.sketch.world.person import Hair
from illustration_worker.models.sketch.world.scene import Actor, Relation, Scene, Time, Weather
from illustration_worker.models.sketch.world.style import PENCIL
from illustration_worker.sketch_evaluation.__main__ import main
from illustration_worker.sketch_evaluation.artist import Wish
from illustration_worker.sketch_evaluation.measures import (
    line_statistics,
    measure_combinations,
    measure_content,
    measure_on,
    stands_right,
)
from illustration_worker.sketch_evaluation.reader import NAMES, Reader, Reading
from illustration_worker.sketch_evaluation.reader_file import load_reader, save_reader
from illustration_worker.sketch_evaluation.reader_stage import ReaderStage, draw_batch, shown_things


def _reading(**middles: tuple[float, float]) -> Reading:
    return Reading(middles, {}, Hair.SHORT, Time.DAY, Weather.CLEAR)


@pytest.mark.parametrize(
    ("relation", "first", "second", "is_right"),
    [
        (Relation.LEFT_OF, (30, 90), (95, 90), True),
        (Relation.LEFT_OF, (95, 90), (30, 90), False),
        (Relation.ABOVE, (64, 25), (64, 95), True),
        (Relation.ABOVE, (64, 95), (64, 25), False),
        (Relation.ABOVE, (20, 25), (64, 95), False),
        (Relation.IN_FRONT_OF, (64, 100), (64, 60), True),
        (Relation.ON, (64, 50), (64, 100), True),
    ],
)
def test_a_relation_is_judged_by_where_things_stand(
    relation: Relation, first: tuple[float, float], second: tuple[float, float], is_right: bool
) -> None:
    scene = Scene(Actor("dog"), Actor("house"), relation, PENCIL)
    assert stands_right(scene, _reading(dog=first, house=second)) is is_right
    assert not stands_right(scene, _reading(dog=first))


def test_a_position_is_judged_by_its_column() -> None:
    left = Scene(Actor("dog"), None, Relation.ALONE_LEFT, PENCIL)
    assert stands_right(left, _reading(dog=(33, 90)))
    assert not stands_right(left, _reading(dog=(95, 90)))
    assert not stands_right(left, _reading())


def test_what_a_picture_shows_are_names_the_reader_knows() -> None:
    _, shown = draw_batch(Random(1), 100)
    for scene, placed in shown:
        assert shown_things(scene, placed).keys() <= set(NAMES)
        assert scene.first.name in shown_things(scene, placed)


def test_the_reader_learns() -> None:
    stage = ReaderStage(replace(TINY_RECIPE, reader_steps=100, reader_batch=4))
    losses = [stage.step(number, Random(1)) for number in range(25)]
    assert losses[-1] < 0.5 * losses[0]


def test_the_reader_takes_pictures_of_the_native_size() -> None:
    readings = Reader().read(torch.zeros(2, 1, 128, 128))
    assert len(readings) == 2


def test_white_paper_scores_nothing() -> None:
    def white(wishes: list[Wish], _: float) -> torch.Tensor:
        return torch.ones(len(wishes), 1, 128, 128)

    blind = Reader()  # untrained: it takes every thing for absent
    assert measure_content(white, blind, 12) == {"object": 0.0, "position": 0.0, "relation": 0.0}
    assert measure_combinations(white, blind, 4) == {"object": 0.0, "relation": 0.0}
    assert measure_on(white, blind, 4) == {"object": 0.0, "relation": 0.0}


def test_line_statistics_tell_black_from_white() -> None:
    picture = torch.ones(1, 1, 128, 128)
    assert line_statistics(picture) == {"black": 0.0, "changes": 0.0}
    picture[..., :64] = -1
    assert line_statistics(picture)["black"] == 0.5
    assert 0 < line_statistics(picture)["changes"] < 0.01


def test_the_command_checks_the_reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tiny", "--reader-only", "--prompts", "32", "--folder", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    figures = json.loads(output[output.index("{") :])["reader on real drawings"]
    assert figures.keys() == {"object", "place", "looks", "invented a picture"}


def test_a_reader_reads_the_same_from_its_file(tmp_path: Path) -> None:
    reader = Reader().half().float()
    save_reader(reader, tmp_path / "reader.safetensors")
    pictures = torch.linspace(-1, 1, 2 * 128 * 128).reshape(2, 1, 128, 128)
    assert load_reader(tmp_path / "reader.safetensors").read(pictures) == reader.read(pictures)
