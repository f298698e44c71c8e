"""An error counts most in a face, more at lines than on paper, and as much in one picture as in another."""

from dataclasses import replace
from random import Random

import numpy as np
import torch

from illustration_worker.models.sketch.training.emphasis import emphasis
from illustration_worker.models.sketch.training.noise import weighted_loss
from illustration_worker.models.sketch.training.pipeline import new_noise_scheduler
from illustration_worker.models.sketch.training.recipe import TINY_RECIPE
from illustration_worker.models.sketch.world.catalogue import PERSON
from illustration_worker.models.sketch.world.drawing import draw_scene
from illustration_worker.models.sketch.world.person import Hair, Kind, Person
from illustration_worker.models.sketch.world.scene import Actor, Relation, Scene
from illustration_worker.models.sketch.world.style import PENCIL

_SOMEBODY = Scene(Actor(PERSON, Person(Kind.MAN, Hair.SHORT)), None, Relation.ALONE_CENTRE, PENCIL)
_SCENES = [_SOMEBODY, Scene(Actor("house"), None, Relation.ALONE_CENTRE, PENCIL)]


def _weights() -> torch.Tensor:
    recipe = replace(TINY_RECIPE, pictures=len(_SCENES))
    seeds = range(recipe.seed, recipe.seed + len(_SCENES))
    drawn = [draw_scene(scene, Random(seed))[0] for scene, seed in zip(_SCENES, seeds, strict=True)]
    return emphasis(recipe, _SCENES, np.stack([np.asarray(picture) for picture in drawn]))


def test_a_face_counts_most_and_paper_least() -> None:
    person, house = _weights()
    assert person.shape == house.shape == (1, 16, 16)
    torch.testing.assert_close(_weights().mean(dim=(1, 2, 3)), torch.ones(2))
    face, paper, lines = person[0, 4, 8], person[0, 0, 0], person[0].unique()[1]
    assert (paper, face) == (person.min(), person.max())
    assert paper < lines < face
    assert len(house.unique()) == 2


def test_an_error_where_it_counts_is_dearer() -> None:
    scheduler, steps = new_noise_scheduler(), torch.tensor([500])
    weights = _weights()[:1]
    right = torch.zeros(1, 4, 16, 16)
    in_the_face, on_paper = right.clone(), right.clone()
    in_the_face[:, :, 4, 8] = on_paper[:, :, 0, 0] = 1.0
    losses = [weighted_loss(wrong, right, scheduler, steps, weights) for wrong in (in_the_face, on_paper)]
    assert losses[0] > 5 * losses[1]
    assert weighted_loss(on_paper, right, scheduler, steps) > losses[1]
