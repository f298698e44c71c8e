"""``python -m illustration_worker.models.sketch.train``: train the sketch model, in pieces of any length."""

import argparse
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from illustration_worker.models.quiet import quiet_libraries
from illustration_worker.models.sketch.training.course import MODEL_FOLDER, go_on
from illustration_worker.models.sketch.training.processes import train_in
from illustration_worker.models.sketch.training.recipe import RECIPE, TINY_RECIPE, Recipe
from illustration_worker.models.sketch.training.stage import Clock

DEFAULT_FOLDER = Path("~/.cache/autobio-sketch")


def main(arguments: list[str] | None = None) -> int:
    """Go on with the training for some minutes; 0 when it is done, 3 when time was up first."""
    parser = argparse.ArgumentParser(prog="illustration_worker.models.sketch.train", description=__doc__)
    parser.add_argument("--minutes", type=float, required=True, help="stop after so long; a later call goes on")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help=f"of the state; default: {DEFAULT_FOLDER}")
    parser.add_argument(
        "--processes", type=int, choices=(1, 2, 4), default=1, help="that share each batch; one a core, on a CPU"
    )
    parser.add_argument("--start", type=Path, help="a finished model to train further, in a folder of state of its own")
    parser.add_argument("--unet-steps", type=int, help="default: the recipe's")
    parser.add_argument("--tiny", action="store_true", help="seconds instead of hours: tests the command")
    options = parser.parse_args(arguments)
    if options.start and options.folder == DEFAULT_FOLDER:
        parser.error("--start needs a --folder of its own: this one may hold another training")
    clock = Clock(time.monotonic() + 60 * options.minutes)
    folder: Path = options.folder.expanduser()
    recipe = TINY_RECIPE if options.tiny else RECIPE
    if options.unet_steps is not None:
        recipe = replace(recipe, unet_steps=options.unet_steps)
    train = partial(_train, recipe, folder, torch.device(options.device), clock, options.start)
    is_done = train_in(options.processes, train)
    print("the model is done: " + str(folder / MODEL_FOLDER) if is_done else "time is up; the same command goes on")
    return 0 if is_done else 3


def _train(recipe: Recipe, folder: Path, device: torch.device, clock: Clock, start: Path | None) -> bool:
    quiet_libraries()
    return go_on(recipe, folder, device, clock, start)


if __name__ == "__main__":
    sys.exit(main())
