"""The training pictures: drawn once, kept as bytes."""

from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from illustration_worker.models.sketch.training.checkpoint import save_array
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.world.drawing import draw_scene
from illustration_worker.models.sketch.world.invention import invent_training_scene
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE
from illustration_worker.models.sketch.world.scene import Scene

Pictures = npt.NDArray[np.uint8]
"""Shape (count, 128, 128), greys."""


def training_scenes(recipe: Recipe) -> list[Scene]:
    """The scenes of the training pictures, in order; the same for the same recipe."""
    random = Random(recipe.seed)
    return [invent_training_scene(random) for _ in range(recipe.pictures)]


def training_pictures(recipe: Recipe, scenes: list[Scene], folder: Path) -> Pictures:
    """Pictures of ``scenes``, from ``folder`` when they were drawn before."""
    path = folder / "pictures.npy"
    if not path.is_file():
        pictures = np.zeros((len(scenes), PICTURE_SIDE, PICTURE_SIDE), np.uint8)
        for number, scene in enumerate(scenes):
            pictures[number] = np.asarray(draw_scene(scene, Random(recipe.seed + number))[0])
        save_array(pictures, path)
    drawn: Pictures = np.load(path, mmap_mode="r")
    return drawn


def as_input(pictures: Pictures) -> torch.Tensor:
    """Greys as the VAE takes them: shape (count, 3, 128, 128), -1 (black) to 1 (white)."""
    grey = torch.from_numpy(np.array(pictures, np.float32)) / 127.5 - 1
    return grey[:, None].expand(-1, 3, -1, -1)


def save_sheet(pictures: torch.Tensor, path: Path, columns: int = 8) -> None:
    """Pictures of shape (count, 3, height, width), -1 to 1, side by side in one PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bytes_ = ((pictures.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    count, height, width, _ = bytes_.shape
    sheet = Image.new("RGB", (width * columns, height * -(-count // columns)), "white")
    for number in range(count):
        sheet.paste(Image.fromarray(bytes_[number]), (number % columns * width, number // columns * height))
    sheet.save(path)
