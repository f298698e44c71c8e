"""``python -m illustration_worker.models.random_weights [FOLDER] [--seed N]``: build the random model."""

import argparse
import sys
import time
from pathlib import Path

from illustration_worker.models.random_weights.marker import FolderNotOursError

DEFAULT_FOLDER = Path(".cache/random-model")


def main(arguments: list[str] | None = None) -> int:
    """Build the model and say where it is; 0, or 2 when the folder holds something else."""
    parser = argparse.ArgumentParser(prog="illustration_worker.models.random_weights", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER, help=f"default: {DEFAULT_FOLDER}")
    parser.add_argument("--seed", type=int, default=0, help="of the weights; default: 0")
    options = parser.parse_args(arguments)
    folder: Path = options.folder.resolve()
    began = time.perf_counter()
    from illustration_worker.models.random_weights.build import (
        build_random_model,
        folder_bytes,
    )  # --help need not load torch

    try:
        is_new = build_random_model(folder, options.seed)
    except (FolderNotOursError, OSError) as error:
        print(f"the model was not built: {error}", file=sys.stderr)
        return 2
    verb = f"built in {time.perf_counter() - began:.1f} s" if is_new else "already there"
    print(f"model of random weights (draws texture) {verb}: {folder}, {folder_bytes(folder) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
