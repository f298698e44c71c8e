"""VAE_PATH: a VAE in place of the model's own, in whatever form it comes, and a sentence for what is none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import load_file, save_file

from illustration_worker.errors import ModelLoadError
from illustration_worker.model_file import model_digest
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import load_model

Tensors = dict[str, torch.Tensor]
CheckpointOf = Callable[[StableDiffusionXLPipeline], Tensors]
FILE = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def base(random_model_folder: Path, tmp_path: Path) -> ModelConfig:
    return ModelConfig(
        model=str(random_model_folder), device="cpu", enable_ip_adapter=False, cache_folder=tmp_path / "cache"
    )


@pytest.fixture
def other(base: ModelConfig) -> StableDiffusionXLPipeline:
    """The random model with another VAE."""
    pipeline = load_model(base).pipeline
    with torch.no_grad():
        for weight in pipeline.vae.parameters():
            weight.mul_(1.25)
    return pipeline


def of_diffusers(pipeline: StableDiffusionXLPipeline, folder: Path, _: CheckpointOf) -> str:
    (folder / "vae").mkdir()
    save_file(pipeline.vae.state_dict(), folder / "vae" / FILE)
    return str(folder / "vae")


def of_diffusers_as_a_file(pipeline: StableDiffusionXLPipeline, folder: Path, checkpoint_of: CheckpointOf) -> str:
    return f"{of_diffusers(pipeline, folder, checkpoint_of)}/{FILE}"


def of_stability(pipeline: StableDiffusionXLPipeline, folder: Path, checkpoint_of: CheckpointOf) -> str:
    prefix = "first_stage_model."
    tensors = {n.removeprefix(prefix): t for n, t in checkpoint_of(pipeline).items() if n.startswith(prefix)}
    save_file(tensors, folder / "sdxl.vae.safetensors")
    return str(folder / "sdxl.vae.safetensors")


@pytest.mark.parametrize("form", [of_diffusers, of_diffusers_as_a_file, of_stability])
def test_it_takes_the_place_of_the_models_own(
    base: ModelConfig,
    other: StableDiffusionXLPipeline,
    tmp_path: Path,
    checkpoint_of: CheckpointOf,
    form: Callable[[StableDiffusionXLPipeline, Path, CheckpointOf], str],
) -> None:
    model = load_model(replace(base, vae=form(other, tmp_path, checkpoint_of), dtype="bfloat16"))
    loaded, expected = model.pipeline.vae.state_dict(), other.vae.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[name], expected[name]) for name in expected)
    assert {weight.dtype for weight in loaded.values()} == {torch.float32}
    assert model.pipeline.vae.config.scaling_factor == other.vae.config.scaling_factor
    assert [(file.role, file.kind) for file in model.files][1:] == [("vae", "VAE")]
    assert model_digest(model.files) != model_digest(load_model(base).files)


def test_it_goes_before_the_one_in_a_checkpoint(
    base: ModelConfig, other: StableDiffusionXLPipeline, tmp_path: Path, checkpoint_of: CheckpointOf
) -> None:
    checkpoint = tmp_path / "mine.safetensors"
    save_file(checkpoint_of(load_model(base).pipeline), checkpoint)
    vae = of_stability(other, tmp_path, checkpoint_of)
    model = load_model(replace(base, model_file=str(checkpoint), vae=vae))
    expected = other.vae.state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in model.pipeline.vae.state_dict().items())
    assert [file.role for file in model.files] == ["base", "vae"]


def a_lora(folder: Path, _: Tensors) -> Path:
    save_file({f"unet.{LAYER}.lora_A.weight": torch.ones(4, 64)}, folder / "lora.safetensors")
    return folder / "lora.safetensors"


def a_pickle(folder: Path, _: Tensors) -> Path:
    return folder / "sdxl_vae.pt"


def a_pickle_by_another_name(folder: Path, _: Tensors) -> Path:
    (folder / "vae.safetensors").write_bytes(b"PK\x03\x04" + bytes(60))
    return folder / "vae.safetensors"


def of_another_model(folder: Path, own: Tensors) -> Path:
    save_file({**own, "decoder.conv_in.weight": torch.ones(32, 16, 3, 3)}, folder / "vae.safetensors")
    return folder / "vae.safetensors"


def of_another_size(folder: Path, own: Tensors) -> Path:
    save_file({**own, "decoder.conv_in.weight": torch.ones(64, 4, 3, 3)}, folder / "vae.safetensors")
    return folder / "vae.safetensors"


def with_a_tensor_missing(folder: Path, own: Tensors) -> Path:
    save_file({n: t for n, t in own.items() if n != "decoder.conv_out.bias"}, folder / "vae.safetensors")
    return folder / "vae.safetensors"


def nothing(folder: Path, _: Tensors) -> Path:
    return folder / "vae.safetensors"


def no_folder(folder: Path, _: Tensors) -> Path:
    return folder / "vae"


LAYER = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (a_lora, r"'lora\.safetensors' cannot be the VAE: it is a file of the kind 'LoRA \(PEFT\)'"),
        (a_pickle, "pickle file, which can run code"),
        (a_pickle_by_another_name, "pickle file, which can run code"),
        (of_another_model, "seems to be the VAE of another model: it has 16 latent channels"),
        (of_another_size, "does not fit the configuration in MODEL_PATH"),
        (with_a_tensor_missing, "is incomplete, or does not fit"),
        (nothing, "cannot be read"),
        (no_folder, "There is no folder"),
    ],
)
def test_what_is_none_is_refused_by_name(
    base: ModelConfig, tmp_path: Path, make: Callable[[Path, Tensors], Path], sentence: str
) -> None:
    own = load_file(Path(base.model) / "vae" / FILE)
    with pytest.raises(ModelLoadError, match=sentence):
        load_model(replace(base, vae=str(make(tmp_path, own))))
