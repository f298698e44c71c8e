"""Settings -> engine: the one place that knows every engine there is."""

import asyncio
import importlib
from pathlib import Path

from illustration_worker.engine.fake import FakeEngine, FakeScript
from illustration_worker.engine.loras.intake import MEBIBYTE, LoraLimits
from illustration_worker.engine.port import Engine
from illustration_worker.errors import WorkerError
from illustration_worker.load_progress import LoadProgress
from illustration_worker.models.config import ModelConfig
from illustration_worker.settings import Settings


async def build_engine(settings: Settings, progress: LoadProgress) -> Engine:
    """The engine that the settings name, not started."""
    if settings.engine == "fake":
        return FakeEngine(_fake_script(settings), settings.max_outstanding_jobs, _lora_limits(settings))
    # torch takes seconds to import: in a thread, so that the server answers meanwhile, and never for the fake
    modules = {"stock": "illustration_worker.engine.stock", "batching": "illustration_worker.engine.batching.engine"}
    await asyncio.to_thread(importlib.import_module, modules[settings.engine])
    return (_stock_engine if settings.engine == "stock" else _batching_engine)(settings, progress)


def _stock_engine(settings: Settings, progress: LoadProgress) -> Engine:
    from illustration_worker.engine.stock import StockEngine

    return StockEngine(_model_config(settings), settings.max_outstanding_jobs, progress, _lora_limits(settings))


def _batching_engine(settings: Settings, progress: LoadProgress) -> Engine:
    from illustration_worker.engine.batching.engine import BatchingEngine
    from illustration_worker.engine.batching.options import BatchingOptions

    options = BatchingOptions(
        max_batch_rows=settings.max_batch_rows,
        reproducible=settings.reproducible,
        calibration=settings.calibration,
        calibration_sizes=tuple(_size(text) for text in settings.calibration_sizes.split()),
        calibration_folder=Path(settings.calibration_folder),
        compile_cache_folder=Path(settings.calibration_folder) / "compiled",
        embedding_cache_bytes=settings.embedding_cache_mb * 1024**2,
        checkpoint_every=settings.checkpoint_every,
        torch_compile=settings.torch_compile,
        channels_last=settings.channels_last,
        attention_backend=settings.attention_backend,
        vae_dtype=settings.vae_dtype,
    )
    return BatchingEngine(
        _model_config(settings), options, settings.max_outstanding_jobs, progress, _lora_limits(settings)
    )


def _lora_limits(settings: Settings) -> LoraLimits:
    return LoraLimits(
        max_held_bytes=settings.lora_cache_mb * MEBIBYTE,
        max_file_bytes=settings.max_lora_mb * MEBIBYTE,
    )


def _model_config(settings: Settings) -> ModelConfig:
    return ModelConfig(
        model=settings.model_path,
        dtype=settings.dtype,
        device=settings.device,
        enable_ip_adapter=settings.enable_ip_adapter,
        ip_adapter=settings.ip_adapter,
        ip_adapter_subfolder=settings.ip_adapter_subfolder,
        ip_adapter_weights=settings.ip_adapter_weights,
        reference_fit=settings.reference_fit,
        model_s3_path=settings.model_s3_path,
        model_file=settings.model_file,
        model_kind=settings.model_kind,
        vae=settings.vae_path,
        lora_weights=settings.lora_weights if settings.enable_lora else None,
        lora_weights_name=settings.lora_weights_name,
        lora_scale=settings.lora_scale,
        cache_folder=Path(settings.model_cache_folder),
        cache_max_bytes=round(settings.model_cache_max_gb * 1e9),
        s3_endpoint_url=settings.s3_endpoint_url,
        aws_region=settings.aws_region,
        local_files_only=settings.hf_hub_offline,
    )


def _size(text: str) -> tuple[int, int]:
    width, height = (int(side) for side in text.split("x"))
    return width, height


def _fake_script(settings: Settings) -> FakeScript:
    return FakeScript(
        load_seconds=settings.fake_load_seconds,
        step_seconds=settings.fake_step_seconds,
        fail_at_step=settings.fake_fail_at_step,
        failure=_fake_failure(settings.fake_fail_reason),
        hang_at_step=settings.fake_hang_at_step,
        checkpoint_every=settings.checkpoint_every,
    )


def _fake_failure(reason: str | None) -> Exception | None:
    if reason is None:
        return None
    types = {error_type.reason: error_type for error_type in WorkerError.__subclasses__()}
    text = "Scripted by FAKE_FAIL_REASON."
    return types[reason](text) if reason in types else RuntimeError(text)
