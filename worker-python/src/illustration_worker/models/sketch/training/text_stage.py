"""The text encoders learn to read captions before anything is drawn, as CLIP's did before SDXL's UNet."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import nn

from illustration_worker.models.sketch.training.descent import Descent
from illustration_worker.models.sketch.training.processes import process_count
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.training.text import encode, new_text_encoders, training_prompts
from illustration_worker.models.sketch.training.tokenizers import Pair
from illustration_worker.models.sketch.world.catalogue import PERSON, THINGS
from illustration_worker.models.sketch.world.invention import invent_training_scene
from illustration_worker.models.sketch.world.person import Hair, Kind
from illustration_worker.models.sketch.world.scene import Relation, Scene, Time, Weather
from illustration_worker.models.sketch.world.style import STYLES

_NAMES = (*THINGS, PERSON, "")
_UNTOLD = -100
"""Cross-entropy leaves this target out."""

_FACTS: tuple[tuple[int, Callable[[Scene], int]], ...] = (
    (len(_NAMES), lambda scene: _NAMES.index(scene.first.name)),
    (len(_NAMES), lambda scene: _NAMES.index(scene.second.name if scene.second else "")),
    (len(Relation), lambda scene: list(Relation).index(scene.relation)),
    (len(STYLES), lambda scene: STYLES.index(scene.style)),
    (len(Time), lambda scene: list(Time).index(scene.time)),
    (len(Weather), lambda scene: list(Weather).index(scene.weather)),
    (len(Kind), lambda scene: list(Kind).index(person.kind) if (person := scene.somebody) else _UNTOLD),
    (len(Hair), lambda scene: list(Hair).index(person.hair) if (person := scene.somebody) else _UNTOLD),
    (2, lambda scene: int(person.has_glasses) if (person := scene.somebody) else _UNTOLD),
    (2, lambda scene: int(person.has_hat) if (person := scene.somebody) else _UNTOLD),
    (2, lambda scene: int(person.has_beard) if (person := scene.somebody) else _UNTOLD),
)
"""What is asked about a scene: how many answers there are, and which is right."""


class TextStage:
    """Facts of the scene from each of the texts' two outputs, through one linear layer that is then thrown away.

    The mean over the tokens is what a cross-attention that has learnt nothing reads: when it tells the facts, the UNet
    learns from its first step on.
    """

    name = "text"

    def __init__(self, recipe: Recipe, tokenizers: Pair, device: torch.device) -> None:
        torch.manual_seed(recipe.seed + 1)
        self.steps = recipe.text_steps
        self.encoders, self._tokenizers = new_text_encoders(recipe, tokenizers), tokenizers
        self._batch, self._device = recipe.text_batch // process_count(), device
        answers = sum(count for count, _ in _FACTS)
        heads = [nn.Linear(2 * recipe.text_width, answers), nn.Linear(recipe.text_width, answers)]
        self._networks = nn.ModuleList([*self.encoders, *heads]).to(device)
        self._heads = heads
        self._descent = Descent(self.steps, (self._networks.parameters(), recipe.text_rate))

    def step(self, number: int, random: Random) -> float:
        """One batch of newly invented scenes."""
        scenes = [invent_training_scene(random) for _ in range(self._batch)]
        prompts = [training_prompts(scene, random) for scene in scenes]
        tokens, pooled = encode(prompts, self._tokenizers, self.encoders)
        loss = self._asked(self._heads[0](tokens.mean(dim=1)), scenes) + self._asked(self._heads[1](pooled), scenes)
        return self._descent.step(loss)

    def _asked(self, answers: torch.Tensor, scenes: list[Scene]) -> torch.Tensor:
        loss = answers.new_zeros(())
        parts = answers.split([count for count, _ in _FACTS], dim=-1)  # type: ignore[no-untyped-call]
        for part, (_, right) in zip(parts, _FACTS, strict=True):
            wanted = torch.tensor([right(scene) for scene in scenes], device=self._device)
            if bool((wanted != _UNTOLD).any()):
                loss = loss + nn.functional.cross_entropy(part, wanted, ignore_index=_UNTOLD)
        return loss

    def state(self) -> dict[str, Any]:
        """Weights, optimizer, learning rate."""
        return {"networks": self._networks.state_dict(), **self._descent.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        self._networks.load_state_dict(state["networks"])
        self._descent.restore(state)

    def show(self, path: Path) -> None:
        """Nothing to see."""
