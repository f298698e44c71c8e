"""The production loader: every adapter with its own image encoder, and a sentence for everything that can be wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import huggingface_hub.hf_api
import pytest
import torch
from safetensors.torch import load_file, save_file

from illustration_worker.errors import ModelLoadError
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import load_model
from illustration_worker.models.model_notes import NOTES_FILE, ModelNotes
from illustration_worker.models.random_weights.adapters import (
    BASE_WEIGHTS,
    PLUS_VIT_H_WEIGHTS,
    SUBFOLDER,
    VIT_H_WEIGHTS,
)

UNET = "unet/diffusion_pytorch_model.safetensors"
Damage = Callable[[Path], None]


def config_for(folder: Path, **fields: object) -> ModelConfig:
    return ModelConfig(**{"model": str(folder), "ip_adapter": str(folder), "device": "cpu", **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weights", "encoder_folder"),
    [
        (BASE_WEIGHTS, "sdxl_models/image_encoder"),
        (VIT_H_WEIGHTS, "models/image_encoder"),
        (PLUS_VIT_H_WEIGHTS, "models/image_encoder"),
    ],
)
def test_each_adapter_gets_the_encoder_it_was_made_with(
    random_model_folder: Path, weights: str, encoder_folder: str
) -> None:
    model = load_model(config_for(random_model_folder, ip_adapter_weights=weights))
    published = json.loads((random_model_folder / encoder_folder / "config.json").read_text())
    assert model.ip_adapter == weights
    assert model.pipeline.image_encoder.config.hidden_size == published["hidden_size"]
    assert model.pipeline.feature_extractor.size["shortest_edge"] == published["image_size"]


def test_what_is_loaded_is_described(random_model_folder: Path) -> None:
    model = load_model(config_for(random_model_folder, enable_ip_adapter=False))
    assert (model.model, model.ip_adapter) == (str(random_model_folder), None)
    assert (model.device.type, model.dtype, model.scheduler) == ("cpu", torch.float32, "EulerDiscreteScheduler")
    assert (model.min_image_size, model.default_image_size, model.max_image_size) == (64, 128, 256)


def test_a_model_of_ours_tells_of_itself(model_copy: Path) -> None:
    config = config_for(model_copy, enable_ip_adapter=False)
    notes = load_model(config).notes
    assert notes is not None
    assert "random weights" in notes.about
    ModelNotes("small", draws_one_size_only=True, known_words=frozenset({"a", "dog"})).save(model_copy)
    model = load_model(config)
    assert model.notes == ModelNotes("small", True, frozenset({"a", "dog"}))
    assert (model.min_image_size, model.max_image_size) == (128, 128)
    (model_copy / NOTES_FILE).write_text('{"about": "cut')
    with pytest.raises(ModelLoadError, match=NOTES_FILE):
        load_model(config)
    (model_copy / NOTES_FILE).unlink()
    assert load_model(config).notes is None


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_spares_the_vae(random_model_folder: Path, dtype: str) -> None:
    model = load_model(config_for(random_model_folder, dtype=dtype))
    components = model.pipeline.components
    dtypes = {name: module.dtype for name, module in components.items() if isinstance(module, torch.nn.Module)}
    half = getattr(torch, dtype)
    assert dtypes == {
        "unet": half,
        "text_encoder": half,
        "text_encoder_2": half,
        "image_encoder": half,
        "vae": torch.float32,
    }


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_folder_with_nothing_but_the_fp16_variant_loads(model_copy: Path, dtype: str) -> None:
    for component in ("unet", "vae", "text_encoder", "text_encoder_2"):
        for path in (model_copy / component).glob("*.safetensors"):
            path.rename(path.with_name(path.name.replace(".safetensors", ".fp16.safetensors")))
    load_model(config_for(model_copy, dtype=dtype))


@pytest.mark.parametrize("local_files_only", [True, False])
def test_a_repository_in_the_hubs_cache_loads_without_network(
    random_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local_files_only: bool
) -> None:
    repository = tmp_path / "models--somebody--sdxl"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    shutil.copytree(random_model_folder, repository / "snapshots" / ("0" * 40))
    use_hub(monkeypatch, cache=tmp_path)
    config = ModelConfig(model="somebody/sdxl", ip_adapter="somebody/sdxl", local_files_only=local_files_only)
    assert load_model(config).model == "somebody/sdxl"


@pytest.mark.parametrize("local_files_only", [True, False])
def test_a_repository_that_is_neither_cached_nor_reachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local_files_only: bool
) -> None:
    use_hub(monkeypatch, cache=tmp_path)
    with pytest.raises(ModelLoadError, match="somebody/sdxl"):
        load_model(ModelConfig(model="somebody/sdxl", local_files_only=local_files_only))


def use_hub(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Another cache, and an address where nobody listens."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.hf_api.api, "endpoint", "http://127.0.0.1:9")


def remove(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def write(name: str, content: bytes) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return damage


def without_second_text_encoder(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"_class_name": "StableDiffusionPipeline", "text_encoder_2": [None, None]}
    (folder / "model_index.json").write_text(json.dumps(index))


def pickled_unet(folder: Path) -> None:
    torch.save(load_file(folder / UNET), folder / "unet" / "diffusion_pytorch_model.bin")
    (folder / UNET).unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(remove("model_index.json"), "no model_index.json", id="no diffusers folder"),
        pytest.param(write("model_index.json", b"{"), "not JSON", id="index damaged"),
        pytest.param(without_second_text_encoder, "not an SDXL base model .*text_encoder_2", id="SD 1.5"),
        pytest.param(remove(UNET), "incomplete or damaged", id="weights missing"),
        pytest.param(write(UNET, b"not safetensors"), "incomplete or damaged", id="weights damaged"),
        pytest.param(pickled_unet, "incomplete or damaged", id="pickled weights only"),
        pytest.param(remove("vae/config.json"), "incomplete or damaged", id="config missing"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused(model_copy: Path, damage: Damage, words: str) -> None:
    damage(model_copy)
    with pytest.raises(ModelLoadError, match=words):
        load_model(config_for(model_copy, enable_ip_adapter=False))


ADAPTER = f"{SUBFOLDER}/{BASE_WEIGHTS}"


def changed_adapter(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Damage:
    return lambda folder: save_file(change(load_file(folder / ADAPTER)), folder / ADAPTER)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(remove(ADAPTER), "no IP-Adapter file", id="missing"),
        pytest.param(write(ADAPTER, b"not safetensors"), "does not begin with a header", id="damaged"),
        pytest.param(write(ADAPTER, b"PK\x03\x04" + bytes(60)), "pickle file, which can run code", id="a pickle"),
        pytest.param(write(ADAPTER, b"version https://git-lfs.github.com/spec/v1"), "Git LFS pointer", id="a pointer"),
        pytest.param(
            lambda folder: shutil.copy(folder / UNET, folder / ADAPTER),
            "cannot be the IP-Adapter: it seems to be a UNet",
            id="a UNet",
        ),
        pytest.param(
            lambda folder: shutil.copy(folder / "vae" / "diffusion_pytorch_model.safetensors", folder / ADAPTER),
            "cannot be the IP-Adapter: it is a file of the kind 'VAE'",
            id="a VAE",
        ),
        pytest.param(
            changed_adapter(lambda weights: {**weights, "ip_adapter.1.to_q_lora.down.weight": torch.zeros(1, 64)}),
            "seems to be an IP-Adapter of the FaceID or full-face kind",
            id="FaceID",
        ),
        pytest.param(
            changed_adapter(
                lambda weights: {n.replace("image_proj.proj.", "image_proj.other."): w for n, w in weights.items()}
            ),
            "seems to be an IP-Adapter of a kind that is not known here",
            id="another kind",
        ),
        pytest.param(
            changed_adapter(lambda weights: {n: w[:, :48].clone() if "_ip" in n else w for n, w in weights.items()}),
            r"for another model \(cross-attention width 48, needed: 64\)",
            id="SD 1.5",
        ),
        pytest.param(
            changed_adapter(lambda weights: {n: w for n, w in weights.items() if not n.startswith("ip_adapter.1.")}),
            "made for another model: it has weights for",
            id="too few layers",
        ),
        pytest.param(
            changed_adapter(lambda weights: {n: w for n, w in weights.items() if n != "image_proj.norm.weight"}),
            "damaged or incomplete",
            id="a tensor missing",
        ),
        pytest.param(
            remove("sdxl_models/image_encoder/config.json"), "None of the image encoders", id="its encoder missing"
        ),
        pytest.param(
            remove("sdxl_models/image_encoder/model.safetensors"), "damaged or incomplete", id="encoder without weights"
        ),
    ],
)
def test_an_adapter_that_cannot_be_used_is_refused(model_copy: Path, damage: Damage, words: str) -> None:
    damage(model_copy)
    with pytest.raises(ModelLoadError, match=words):
        load_model(config_for(model_copy, ip_adapter_weights=BASE_WEIGHTS))


PLUS_FACE_WEIGHTS = "ip-adapter-plus-face_sdxl_vit-h.safetensors"


@pytest.fixture
def with_plus_face(model_copy: Path) -> Path:
    """The random model with a plus-face adapter: in form a Plus adapter with other weights, as the published one is."""
    plus = load_file(model_copy / SUBFOLDER / PLUS_VIT_H_WEIGHTS)
    save_file({name: weight * 0.5 for name, weight in plus.items()}, model_copy / SUBFOLDER / PLUS_FACE_WEIGHTS)
    return model_copy


@pytest.mark.parametrize("weights", [PLUS_VIT_H_WEIGHTS, PLUS_FACE_WEIGHTS])
def test_a_plus_or_plus_face_adapter_is_the_one_that_was_named(with_plus_face: Path, weights: str) -> None:
    model = load_model(config_for(with_plus_face, ip_adapter_weights=weights))
    stored = load_file(with_plus_face / SUBFOLDER / weights)
    (projection,) = model.pipeline.unet.encoder_hid_proj.image_projection_layers
    torch.testing.assert_close(projection.latents, stored["image_proj.latents"].float(), rtol=0, atol=0)
    adapter = next(file for file in model.files if file.role == "ip_adapter")
    assert (adapter.kind, adapter.source.split("/")[-1]) == ("IP-Adapter Plus", weights)


def test_a_plus_face_adapter_does_not_start_with_another_ones_encoder(with_plus_face: Path) -> None:
    shutil.rmtree(with_plus_face / "models" / "image_encoder")
    with pytest.raises(ModelLoadError, match=r"None of the image encoders .* it needs one with hidden_size 64"):
        load_model(config_for(with_plus_face, ip_adapter_weights=PLUS_FACE_WEIGHTS))


def test_a_pickled_adapter_is_refused(model_copy: Path) -> None:
    (model_copy / SUBFOLDER / "ip-adapter.bin").touch()
    with pytest.raises(ModelLoadError, match="can run code"):
        load_model(config_for(model_copy, ip_adapter_weights="ip-adapter.bin"))


@pytest.mark.parametrize(
    ("model", "words"), [("/no/such/folder", "no folder"), ("sdxl", "no folder"), (__file__, "is a file")]
)
def test_a_place_that_cannot_hold_a_model_is_refused(model: str, words: str) -> None:
    with pytest.raises(ModelLoadError, match=words):
        load_model(ModelConfig(model=model))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused(random_model_folder: Path) -> None:
    with pytest.raises(ModelLoadError, match="'cuda' is not available"):
        load_model(config_for(random_model_folder, device="cuda"))
