"""The training command at its tiny size: what it makes loads, and an interruption changes nothing."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import load_model
from illustration_worker.models.sketch.train import main
from illustration_worker.models.sketch.training.checkpoint import load_state, save_state
from illustration_worker.models.sketch.training.course import LORA_FOLDER, MODEL_FOLDER, go_on
from illustration_worker.models.sketch.training.export import ADAPTER_WEIGHTS
from illustration_worker.models.sketch.training.recipe import TINY_RECIPE
from illustration_worker.models.sketch.training.stage import Clock
from illustration_worker.models.sketch.training.tokenizers import (
    MAX_TOKENS,
    train_tokenizers,
    training_tokenizers,
)
from illustration_worker.sketch_evaluation.artist import Wish, artist_at_work

CPU = torch.device("cpu")
UNET_WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@dataclass(frozen=True)
class _SomeLooks(Clock):
    """Over after ``looks[0]`` looks at it: an interruption at a known step."""

    looks: list[int]

    @property
    def is_over(self) -> bool:
        self.looks[0] -= 1
        return self.looks[0] < 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    assert main(["--tiny", "--minutes", "10", "--folder", str(folder)]) == 0
    return folder


def test_the_production_loader_takes_what_was_trained(trained: Path) -> None:
    folder = str(trained / MODEL_FOLDER)
    config = ModelConfig(
        model=folder, ip_adapter=folder, ip_adapter_weights=ADAPTER_WEIGHTS, device="cpu", local_files_only=True
    )
    loaded = load_model(config)
    assert loaded.min_image_size == loaded.default_image_size == loaded.max_image_size == 128
    assert loaded.notes is not None
    assert {"mountains", "sunset", "glasses", "mistake"} <= (loaded.notes.known_words or set())
    loaded.pipeline.load_lora_weights(trained / LORA_FOLDER, weight_name="pytorch_lora_weights.safetensors")
    drawn = loaded.pipeline("a dog", ip_adapter_image=Image.new("RGB", (64, 64)), num_inference_steps=2).images[0]
    assert drawn.size == (128, 128)


def test_the_artist_draws_each_wish_by_its_own_reference(trained: Path) -> None:
    white, black = (Wish("a man", reference=Image.new("RGB", (64, 64), colour)) for colour in ("white", "black"))
    with artist_at_work(trained / MODEL_FOLDER, trained / LORA_FOLDER) as artist:
        first, second = artist.draw([white, black], 1.0)
        assert not torch.equal(first, second)
        assert torch.equal(second, artist.draw([black], 1.0)[0])
        assert torch.equal(*artist.draw([white, black], 0.0))
        assert not torch.equal(artist.draw([white]), artist.draw([white], with_lora=True))


def test_interruptions_change_no_weight(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "tokenizers", tmp_path / "tokenizers")  # learnt anew they would have other numbers
    pieces = 0
    while not go_on(TINY_RECIPE, tmp_path, CPU, _SomeLooks(0.0, [4])):
        pieces += 1
    assert pieces >= 3
    names = sorted(path.relative_to(trained) for path in trained.rglob("*.safetensors"))
    assert len(names) == 7
    for name in names:
        assert (trained / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_processes_share_a_batch_and_write_one_model(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "tokenizers", tmp_path / "tokenizers")
    assert main(["--tiny", "--minutes", "10", "--processes", "2", "--folder", str(tmp_path)]) == 0
    alone, together = (load_file(folder / MODEL_FOLDER / UNET_WEIGHTS) for folder in (trained, tmp_path))
    assert alone.keys() == together.keys()
    assert any(not torch.equal(alone[name], together[name]) for name in alone)


def test_a_finished_model_is_trained_further(trained: Path, tmp_path: Path) -> None:
    start = trained / MODEL_FOLDER
    arguments = ["--tiny", "--minutes", "10", "--unet-steps", "1", "--start", str(start), "--folder", str(tmp_path)]
    assert main(arguments) == 0
    before, after = (load_file(folder / UNET_WEIGHTS) for folder in (start, tmp_path / MODEL_FOLDER))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    kept = "vae/diffusion_pytorch_model.safetensors"
    assert (start / kept).read_bytes() == (tmp_path / MODEL_FOLDER / kept).read_bytes()


def test_a_finished_model_needs_a_folder_of_its_own(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--tiny", "--minutes", "10", "--start", str(trained / MODEL_FOLDER)])
    assert "--folder of its own" in capsys.readouterr().err


def test_when_time_is_up_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tiny", "--minutes", "0", "--folder", str(tmp_path)]) == 3
    assert "time is up" in capsys.readouterr().out
    assert not (tmp_path / MODEL_FOLDER).exists()


def test_a_failed_save_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "stage.pt"
    save_state({"number": 1}, path)
    with pytest.raises((AttributeError, TypeError)):
        save_state({"number": 2, "broken": lambda: None}, path)
    assert load_state(path) == {"number": 1}


def test_a_folder_keeps_its_tokenizers(tmp_path: Path) -> None:
    first, again = (training_tokenizers(TINY_RECIPE, tmp_path) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one.get_vocab() == other.get_vocab()
        assert (one.pad_token, one.model_max_length) == (other.pad_token, other.model_max_length)
        text = "A house, and a zebra"
        assert one(text).input_ids == other(text).input_ids


def test_tokenizers_know_the_words_and_pad_as_sdxl_s() -> None:
    first, second = train_tokenizers(TINY_RECIPE)
    assert first.tokenize("A House") == first.tokenize("a house")
    ids = first("a house and a zebra", add_special_tokens=False).input_ids
    assert str(first.decode(ids)).strip() == "a house and a zebra"
    padded = second("house", padding="max_length").input_ids
    assert len(padded) == MAX_TOKENS == second.model_max_length
    assert second.pad_token == "!"
    assert first.pad_token == first.eos_token
