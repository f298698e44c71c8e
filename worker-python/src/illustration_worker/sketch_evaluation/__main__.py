"""``python -m illustration_worker.sketch_evaluation``: measure a trained sketch model."""

import argparse
import json
import sys
import time
from pathlib import Path

from illustration_worker.models.quiet import quiet_libraries
from illustration_worker.models.sketch.train import DEFAULT_FOLDER
from illustration_worker.models.sketch.training.course import LORA_FOLDER, MODEL_FOLDER
from illustration_worker.models.sketch.training.recipe import RECIPE, TINY_RECIPE
from illustration_worker.models.sketch.training.stage import Clock, run_stage
from illustration_worker.sketch_evaluation.artist import Wish, artist_at_work
from illustration_worker.sketch_evaluation.measures import (
    Figures,
    line_statistics,
    measure_combinations,
    measure_content,
    measure_looks,
    measure_negative,
    measure_on,
    measure_styles,
)
from illustration_worker.sketch_evaluation.reader import Reader
from illustration_worker.sketch_evaluation.reader_file import save_reader
from illustration_worker.sketch_evaluation.reader_stage import ReaderStage
from illustration_worker.sketch_evaluation.reading_check import check_reader

READER_FILE = "reader.safetensors"
_LORA_PICTURES = 16


def main(arguments: list[str] | None = None) -> int:
    """Train the reader if need be, check it, measure the model, print JSON; 3 when time was up before the reader."""
    parser = argparse.ArgumentParser(prog="illustration_worker.sketch_evaluation", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help=f"of the state; default: {DEFAULT_FOLDER}")
    parser.add_argument("--prompts", type=int, default=300, help="for things and relations; default: 300")
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
    save_reader(stage.reader, folder / READER_FILE)
    figures = {"reader on real drawings": check_reader(stage.reader, max(options.prompts, 32))}
    if not options.reader_only:
        figures |= measure(folder, stage.reader, options.prompts)
    print(json.dumps(figures, indent=2))
    return 0


def measure(folder: Path, reader: Reader, count: int) -> dict[str, Figures]:
    """All figures of the model in the training's ``folder``: ``count`` prompts for things, fewer for each other."""
    half, fifth = max(4, count // 2), max(4, count // 5)
    houses = [Wish("a house", seed=number) for number in range(min(_LORA_PICTURES, fifth))]
    with artist_at_work(folder / MODEL_FOLDER, folder / LORA_FOLDER) as artist:
        return {
            "things": measure_content(artist.draw, reader, count),
            "combinations never drawn": measure_combinations(artist.draw, reader, half),
            "things on things": measure_on(artist.draw, reader, fifth),
            "looks": measure_looks(artist.draw, reader, half),
            "negative prompt": measure_negative(artist.draw, reader, fifth),
            "styles": measure_styles(artist.draw, max(2, fifth // 4)),
            "without LoRA": line_statistics(artist.draw(houses)),
            "with LoRA": line_statistics(artist.draw(houses, with_lora=True)),
        }


if __name__ == "__main__":
    sys.exit(main())
