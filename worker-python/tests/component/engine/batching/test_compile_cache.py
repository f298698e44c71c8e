"""Compiled code is kept where a restart finds it."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from illustration_worker.engine.batching.acceleration import accelerate
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.batching.row_inputs import RowInputs

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")


class Doubling(torch.nn.Module):
    """Called as a UNet is."""

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, **conditions: Any) -> tuple[torch.Tensor, ...]:
        """Twice the latents, and the timestep."""
        return (2 * latents + timesteps[:, None],)


def test_compiled_code_is_written_to_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")
    options = BatchingOptions(torch_compile="on", compile_cache_folder=tmp_path / "compiled")
    unet = accelerate(Doubling(), torch.device("cpu"), options)
    inputs = RowInputs([], [], ())
    (doubled,) = unet(torch.ones(2, 4), torch.full((2,), 3.0), encoder_hidden_states=(None, inputs))
    assert doubled.tolist() == [[5.0] * 4] * 2
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "compiled")
    assert any(path.is_file() for path in (tmp_path / "compiled").rglob("*"))
