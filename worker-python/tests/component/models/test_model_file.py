"""What MODEL_FILE, MODEL_KIND and LORA_WEIGHTS do to the loaded model, and how it describes itself."""

import hashlib
import shutil
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
from illustration_worker.models.loader import LoadedModel, load_model

LAYER = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"


@pytest.fixture
def base(random_model_folder: Path, tmp_path: Path) -> ModelConfig:
    return ModelConfig(
        model=str(random_model_folder), device="cpu", enable_ip_adapter=False, cache_folder=tmp_path / "cache"
    )


def with_fields(config: ModelConfig, **fields: object) -> ModelConfig:
    return replace(config, **fields)  # type: ignore[arg-type]


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    path = tmp_path / "lora.safetensors"
    torch.manual_seed(5)
    save_file(
        {f"unet.{LAYER}.lora_A.weight": torch.randn(4, 64), f"unet.{LAYER}.lora_B.weight": torch.randn(64, 4)}, path
    )
    return path


def key_weight(model: LoadedModel) -> torch.Tensor:
    weight: torch.Tensor = model.pipeline.unet.get_submodule(LAYER).weight
    return weight


def test_a_checkpoint_becomes_the_base(
    base: ModelConfig, tmp_path: Path, checkpoint_of: Callable[[StableDiffusionXLPipeline], dict[str, torch.Tensor]]
) -> None:
    source = load_model(base)
    with torch.no_grad():
        for weight in source.pipeline.unet.parameters():
            weight.mul_(1.5)  # so that the weights cannot be those of MODEL_PATH
    path = tmp_path / "mine.safetensors"
    save_file(checkpoint_of(source.pipeline), path)
    without_weights = shutil.copytree(base.model, tmp_path / "configs", ignore=shutil.ignore_patterns("*.safetensors"))
    model = load_model(with_fields(base, model=str(without_weights), model_file=str(path)))
    for component in ("unet", "vae", "text_encoder", "text_encoder_2"):
        expected = getattr(source.pipeline, component).state_dict()
        loaded = getattr(model.pipeline, component).state_dict()
        assert expected.keys() == loaded.keys()
        assert all(torch.equal(expected[name], loaded[name]) for name in expected), component
    assert (model.model, model.notes) == ("mine.safetensors", None)
    (file,) = model.files
    assert (file.role, file.source, file.kind) == ("base", "mine.safetensors", "SDXL checkpoint")
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.size_bytes == path.stat().st_size


@pytest.mark.parametrize("way", ["MODEL_FILE", "LORA_WEIGHTS"])
def test_a_lora_is_fused_onto_the_base(base: ModelConfig, lora: Path, way: str) -> None:
    fields = (
        {"model_file": str(lora)}
        if way == "MODEL_FILE"
        else {"lora_weights": str(lora.parent), "lora_weights_name": lora.name}
    )
    plain, model = load_model(base), load_model(with_fields(base, **fields, lora_scale=0.5))
    tensors = load_file(lora)
    change = tensors[f"unet.{LAYER}.lora_B.weight"] @ tensors[f"unet.{LAYER}.lora_A.weight"]
    torch.testing.assert_close(key_weight(model), key_weight(plain) + 0.5 * change)
    assert [(file.role, file.kind) for file in model.files][1:] == [("lora", "LoRA (PEFT)")]
    assert model_digest(model.files) != model_digest(plain.files)
    assert model_digest(plain.files) == model_digest(load_model(base).files)


def test_the_kind_must_be_the_one_asked_for(base: ModelConfig, lora: Path) -> None:
    load_model(with_fields(base, model_file=str(lora), model_kind="lora"))
    with pytest.raises(ModelLoadError, match=r"MODEL_KIND is checkpoint, but 'lora\.safetensors' is a LoRA"):
        load_model(with_fields(base, model_file=str(lora), model_kind="checkpoint"))


def test_what_cannot_be_the_model_is_refused_by_name(base: ModelConfig, tmp_path: Path) -> None:
    pickle = tmp_path / "model.ckpt"
    pickle.write_bytes(b"")
    with pytest.raises(ModelLoadError, match=r"'model\.ckpt' cannot be used: it is a pickle file"):
        load_model(with_fields(base, model_file=str(pickle)))
    adapter = Path(base.model) / "sdxl_models" / "ip-adapter_sdxl.safetensors"
    with pytest.raises(ModelLoadError, match="cannot be the model: it is a file of the kind 'IP-Adapter'"):
        load_model(with_fields(base, model_file=str(adapter)))
    with pytest.raises(ModelLoadError, match="cannot be read"):
        load_model(with_fields(base, model_file=str(tmp_path / "nowhere.safetensors")))


def test_the_adapter_and_its_encoder_are_told(base: ModelConfig) -> None:
    model = load_model(with_fields(base, enable_ip_adapter=True, ip_adapter=base.model))
    assert [file.role for file in model.files] == ["base", "ip_adapter", "image_encoder"]
    assert all(len(file.sha256) == 64 and file.size_bytes > 0 for file in model.files)
