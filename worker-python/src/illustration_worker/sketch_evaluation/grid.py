"""``python -m illustration_worker.sketch_evaluation.grid FILE``: one PNG of what the model draws."""

import argparse
import sys
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image

from illustration_worker.models.quiet import quiet_libraries
from illustration_worker.models.sketch.train import DEFAULT_FOLDER
from illustration_worker.models.sketch.training.course import MODEL_FOLDER
from illustration_worker.models.sketch.training.pictures import save_sheet
from illustration_worker.models.sketch.world.person import Hair, Kind, Person
from illustration_worker.models.sketch.world.reference import draw_reference
from illustration_worker.sketch_evaluation.artist import Wish, artist_at_work

_COLUMNS = 4
_PROMPTS = (
    "A beautiful sunset over mountains",
    "Man sitting on a bench in Central Park",
    "a dog to the left of a house",
    "a birthday cake on a table",
    "a bird above a tree",
    "a boat at the sea",
    "a car in front of a school",
    "a family in the snow",
)
_PEOPLE = (
    Person(Kind.MAN, Hair.SHORT, has_glasses=True),
    Person(Kind.MAN, Hair.SHORT, has_beard=True),
    Person(Kind.MAN, Hair.CURLY),
    Person(Kind.MAN, Hair.SHORT, has_hat=True),
)


def main(arguments: list[str] | None = None) -> int:
    """Draw prompts; below them four references, and one prompt with each of them at scale 1."""
    parser = argparse.ArgumentParser(prog="illustration_worker.sketch_evaluation.grid", description=__doc__)
    parser.add_argument("file", type=Path, help="PNG to write")
    parser.add_argument("--model", type=Path, default=DEFAULT_FOLDER / MODEL_FOLDER, help="default: the trained one")
    options = parser.parse_args(arguments)
    quiet_libraries()
    references = [draw_reference(person, Random(number)) for number, person in enumerate(_PEOPLE)]
    wishes = [Wish("a man", reference=reference) for reference in references]
    with artist_at_work(options.model.expanduser()) as artist:
        plain = artist.draw([Wish(prompt, seed=number) for number, prompt in enumerate(_PROMPTS)])
        drawn = artist.draw(wishes, scale=1.0)
    rows = [plain.expand(-1, 3, -1, -1), _tensor(references), drawn.expand(-1, 3, -1, -1)]
    save_sheet(torch.cat(rows), options.file, _COLUMNS)
    print(f"{len(_PROMPTS)} prompts and {len(references)} references: {options.file}")
    return 0


def _tensor(images: list[Image.Image]) -> torch.Tensor:
    stacked = torch.from_numpy(np.stack([np.asarray(image, np.float32) for image in images]))
    return stacked.permute(0, 3, 1, 2) / 127.5 - 1


if __name__ == "__main__":
    sys.exit(main())
