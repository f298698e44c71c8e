"""The image encoder: learns to read attributes from reference portraits before the adapter is trained on it."""

from pathlib import Path
from random import Random
from typing import Any

import torch
from PIL import Image
from torch import nn
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

from illustration_worker.models.sketch.training.descent import Descent
from illustration_worker.models.sketch.training.processes import process_count
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.world.person import Hair, Person, random_person
from illustration_worker.models.sketch.world.reference import draw_reference

IMAGE_SIDE = 64
"""Pixels of a side that the encoder reads; the pipeline's feature extractor scales to it."""
_WIDTH = 64
_BATCH = 32
_RATE = 1e-3
_YES_NO = 4


def new_image_encoder() -> CLIPVisionModelWithProjection:
    """A CLIP vision model of 64 patches, random weights."""
    config = CLIPVisionConfig(
        hidden_size=_WIDTH,
        intermediate_size=4 * _WIDTH,
        projection_dim=_WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=IMAGE_SIDE,
        patch_size=8,
    )
    return CLIPVisionModelWithProjection(config)


def as_pixels(images: list[Image.Image]) -> torch.Tensor:
    """As the loader's feature extractor gives them: (count, 3, 64, 64), CLIP's mean and deviation."""
    size = {"height": IMAGE_SIDE, "width": IMAGE_SIDE}
    processor = CLIPImageProcessorPil(size={"shortest_edge": IMAGE_SIDE}, crop_size=size)
    pixels: torch.Tensor = processor(images, return_tensors="pt").pixel_values
    return pixels


def attributes(people: list[Person]) -> tuple[torch.Tensor, torch.Tensor]:
    """Hair as a number, (count,); glasses, hat, beard and broad build as 0 or 1, (count, 4)."""
    hair = torch.tensor([list(Hair).index(person.hair) for person in people])
    flags = [[person.has_glasses, person.has_hat, person.has_beard, person.is_broad] for person in people]
    return hair, torch.tensor(flags, dtype=torch.float32)


class VisionStage:
    """Attributes from the projected embedding, through one linear layer that is then thrown away."""

    name = "vision"

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        torch.manual_seed(recipe.seed + 3)
        self.steps = recipe.vision_steps
        self.encoder = new_image_encoder()
        self._head = nn.Linear(_WIDTH, len(Hair) + _YES_NO)
        nn.ModuleList([self.encoder, self._head]).to(device)
        self._device = device
        self._descent = Descent(self.steps, ([*self.encoder.parameters(), *self._head.parameters()], _RATE))

    def step(self, number: int, random: Random) -> float:
        """One batch of newly drawn portraits."""
        people = [random_person(random) for _ in range(_BATCH // process_count())]
        pixels = as_pixels([draw_reference(person, random) for person in people]).to(self._device)
        read = self._head(self.encoder(pixels).image_embeds)
        hair, flags = (wanted.to(self._device) for wanted in attributes(people))
        loss = nn.functional.cross_entropy(read[:, : len(Hair)], hair)
        loss = loss + nn.functional.binary_cross_entropy_with_logits(read[:, len(Hair) :], flags)
        return self._descent.step(loss)

    def state(self) -> dict[str, Any]:
        """Weights and optimizer."""
        return {"encoder": self.encoder.state_dict(), "head": self._head.state_dict(), **self._descent.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        self.encoder.load_state_dict(state["encoder"])
        self._head.load_state_dict(state["head"])
        self._descent.restore(state)

    def show(self, path: Path) -> None:
        """Nothing to see."""
