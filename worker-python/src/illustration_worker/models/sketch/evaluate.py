"""``python -m illustration_worker.models.sketch.evaluate``: measure a trained sketch model."""

import argparse
import json
import sys
import time
from pathlib import Path

import torch

from illustration_worker.models.quiet import quiet_libraries
from illustration_worker.models.sketch.quality.artist import Wish, draw, load_artist
from illustration_worker.models.sketch.quality.measures import (
    Figures,
    line_statistics,
    measure_content,
    measure_looks,
    measure_negative,
    measure_styles,
)
from illustration_worker.models.sketch.quality.reader import Reader
from illustration_worker.models.sketch.quality.reader_stage import ReaderStage
from illustration_worker.models.sketch.quality.reading_check import check_reader
from illustration_worker.models.sketch.train import DEFAULT_FOLDER
from illustration_worker.models.sketch.training.course import LORA_FOLDER, MODEL_FOLDER
from illustration_worker.models.sketch.training.recipe import RECIPE, TINY_RECIPE
from illustration_worker.models.sketch.training.stage import Clock, run_stage

_LORA_PICTURES = 16


def main(arguments: list[str] | None = None) -> int:
    """Train the reader if need be, check it, measure the model, print JSON; 3 when time was up before the reader."""
    parser = argparse.ArgumentParser(prog="illustration_worker.models.sketch.evaluate", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help=f"of the state; default: {DEFAULT_FOLDER}")
    parser.add_argument("--prompts", type=int, default=300, help="held-out prompts for things and relations")
    parser.add_argument("--minutes", type=float, default=60, help="for the reader's training")
    parser.add_argument("--reader-only", action="store_true", help="train and check the reader; needs no model")
    parser.add_argument("--tiny", action="store_true", help="as of the training")
    options = parser.parse_args(arguments)
    quiet_libraries()
    folder: Path = options.folder.expanduser()
    stage = ReaderStage(TINY_RECIPE if options.tiny else RECIPE)
    if not run_stage(stage, folder, Clock(time.monotonic() + 60 * options.minutes)):
        print("time is up; the same command goes on")
        return 3
    figures = {"reader on real drawings": check_reader(stage.reader, max(options.prompts, 32))}
    if not options.reader_only:
        figures |= measure(folder, stage.reader, options.prompts)
    print(json.dumps(figures, indent=2))
    return 0


def measure(folder: Path, reader: Reader, count: int) -> dict[str, Figures]:
    """All figures of the model in the training's ``folder``: ``count`` prompts for things, a fifth for each other."""
    artist = load_artist(folder / MODEL_FOLDER)

    def drawn(wishes: list[Wish], scale: float) -> torch.Tensor:
        return draw(artist, wishes, scale)

    fifth = max(4, count // 5)
    figures = {
        "things": measure_content(drawn, reader, count),
        "looks": measure_looks(drawn, reader, fifth),
        "negative prompt": measure_negative(drawn, reader, fifth),
        "styles": measure_styles(drawn, max(2, fifth // 4)),
    }
    wishes = [Wish("a house", seed=number) for number in range(min(_LORA_PICTURES, fifth))]
    figures["without LoRA"] = line_statistics(drawn(wishes, 0.0))
    artist.load_lora_weights(folder / LORA_FOLDER, weight_name="pytorch_lora_weights.safetensors")
    figures["with LoRA"] = line_statistics(drawn(wishes, 0.0))
    return figures


if __name__ == "__main__":
    sys.exit(main())
