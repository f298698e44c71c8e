"""The benchmark for GPUs runs from end to end without one: the same code, a tiny model, a CPU."""

import importlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

REPOSITORY = Path(__file__).parents[3]
PLAIN, COMPILED = "batching", "batching, compiled"
COMPARISONS = ("error against stock", "G2 latency of one", "G2 8 at once", "G1 floor over seconds an image")
ROWS = [
    "matrix product",
    "work of a picture, counted",
    "beside the UNet",
    f"start: {PLAIN}",
    f"batch scaling: {PLAIN}",
    f"G4 peak memory with 8 at once: {PLAIN}",
    "start: stock",
    *(f"{name}: {PLAIN}" for name in COMPARISONS),
    f"start: {COMPILED}",
    f"batch scaling: {COMPILED}",
    *(f"{name}: {COMPILED}" for name in COMPARISONS),
    "G3 burst of 8, mixed steps: 95th percentile",
    "G3 burst of 8, mixed steps: the shortest",
    f"G4 peak memory with 8 at once: {COMPILED}",
]


def run_smoke(folder: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit status, and the rows it wrote."""
    command = [sys.executable, "-m", "bench.gpu", "--smoke", "--out", str(folder), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert (folder / "gpu.json").is_file(), ended.stderr
    table = (folder / "gpu.md").read_text()
    rows: list[dict[str, Any]] = json.loads((folder / "gpu.json").read_text())["rows"]
    assert all(f"| {row['name']}" in table for row in rows)
    return ended.returncode, rows


def test_every_row_is_measured_and_finite(tmp_path: Path) -> None:
    status, rows = run_smoke(tmp_path)
    assert [row["name"] for row in rows] == ROWS
    assert [row["missing"] for row in rows] == [""] * len(ROWS)
    assert status == 0
    for row in rows:
        figures = [figure for measured in row["figures"].values() for figure in measured]
        assert figures, row["name"]
        assert all(math.isfinite(figure) and figure >= 0 for figure in figures), row["name"]
        assert row["goal"] is None  # a CPU reaches none and misses none
    (error,) = (row["figures"] for row in rows if row["name"] == f"error against stock: {PLAIN}")
    assert max(error["largest"]) <= 1
    assert min(error["mean for another seed"]) > 10  # else equality would say nothing


def test_what_there_is_no_time_for_is_named_and_fails(tmp_path: Path) -> None:
    status, rows = run_smoke(tmp_path, "--seconds", "0")
    assert [row["name"] for row in rows] == ROWS
    assert all(row["missing"] for row in rows)
    assert status == 1


@pytest.mark.parametrize(
    ("part", "build", "parameters"),
    [
        ("unet", "diffusers:UNet2DConditionModel", 2_567_463_684),
        ("vae", "diffusers:AutoencoderKL", 83_653_863),
        ("text", "transformers:CLIPTextModel", 123_060_480),
        ("text_2", "transformers:CLIPTextModelWithProjection", 694_659_840),
        ("vision", "transformers:CLIPVisionModelWithProjection", 632_076_800),
    ],
)
def test_the_full_size_is_that_of_the_published_networks(
    part: str, build: str, parameters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY))
    config = getattr(importlib.import_module("bench.gpu.topology").full_size(), part)
    module, _, name = build.partition(":")
    network = getattr(importlib.import_module(module), name)
    with torch.device("meta"):
        made = network.from_config(config) if isinstance(config, dict) else network(config)
    assert sum(parameter.numel() for parameter in made.parameters()) == parameters
