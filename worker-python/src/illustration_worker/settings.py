"""Every environment variable the worker reads, each declared once: type, range, default, description.

``python -m illustration_worker.settings`` prints them as JSON; the settings table of the README is made from that.
"""

import json
import re
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """The environment cannot be used. ``problems`` names the variables, never their values."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _lower_case(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _address(value: str) -> str:
    match = re.fullmatch(r"unix:.+|(?:[^:/\[\]\s]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", value)
    if match is None or int(match[1] or 0) > 65535:
        raise PydanticCustomError("address", "must be unix:PATH or HOST:PORT")
    return value


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise PydanticCustomError("power_of_two", "must be 0, 1, 2, 4, 8 or 16")
    return value


def _sizes(value: str) -> str:
    sizes = [re.fullmatch(r"([1-9]\d{1,3})x([1-9]\d{1,3})", size) for size in value.split()]
    if not all(size is not None and int(size[1]) % 8 == 0 == int(size[2]) % 8 for size in sizes):
        raise PydanticCustomError("sizes", "must be sizes such as 832x1216, of multiples of 8, with spaces between")
    return value


def _switch(value: Any) -> Any:
    words = {"true": "on", "1": "on", "false": "off", "0": "off"}
    return words.get(value.lower(), value.lower()) if isinstance(value, str) else value


_Switch = Annotated[Literal["auto", "on", "off"], BeforeValidator(_switch)]


class Settings(BaseSettings):
    """The worker's settings. Read once, in ``__main__``, and passed down as values."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore", validate_by_name=True)

    worker_address: Annotated[str, AfterValidator(_address)] = Field(
        default="127.0.0.1:50051", description="Where to listen: `unix:PATH` or `HOST:PORT`. Port 0 picks a free one."
    )
    engine: Annotated[Literal["batching", "stock", "fake"], BeforeValidator(_lower_case)] = Field(
        default="batching",
        description="`batching` draws the steps of several jobs in one UNet call; `stock` is diffusers' pipeline, one "
        "job at a time; `fake` draws noise, without any model.",
    )
    model_path: str = Field(
        default="stabilityai/stable-diffusion-xl-base-1.0",
        min_length=1,
        description="The SDXL base model: a folder in diffusers' layout, or a repository of the Hugging Face hub.",
    )
    model_s3_path: str | None = Field(
        default=None,
        description="`s3://bucket/key` of a .safetensors file, before `MODEL_FILE`: an SDXL checkpoint becomes the base"
        " (`MODEL_PATH` gives its configuration), a LoRA is fused onto `MODEL_PATH`. Credentials: as boto3 finds them.",
    )
    model_file: str | None = Field(default=None, description="The same, as a file on this machine.")
    model_kind: Annotated[Literal["auto", "lora", "checkpoint"], BeforeValidator(_lower_case)] = Field(
        default="auto", description="What that file must be; `auto`: what its header says."
    )
    vae_path: str | None = Field(
        default=None,
        description="A VAE in place of the model's own: a .safetensors file, a folder or a hub repository; such as one"
        " made for half precision (`VAE_DTYPE`).",
    )
    model_cache_folder: str = Field(
        default="~/.cache/illustration-worker/models", description="Where files from S3, and digests, are kept."
    )
    model_cache_max_gb: float = Field(
        default=50.0, ge=0, le=100000, description="Most of it, in GB; the least recently used leave first."
    )
    s3_endpoint_url: str | None = Field(default=None, description="An S3 server other than AWS, for `MODEL_S3_PATH`.")
    aws_region: str | None = Field(default=None, description="Region of the bucket in `MODEL_S3_PATH`.")
    enable_lora: bool = Field(default=False, description="Fuse the LoRA in `LORA_WEIGHTS` into the model.")
    lora_weights: str | None = Field(default=None, description="Its folder, or a repository of the hub.")
    lora_weights_name: str = Field(
        default="pytorch_lora_weights.safetensors", min_length=1, description="Its file in `LORA_WEIGHTS`."
    )
    lora_scale: float = Field(default=1.0, ge=0, le=2, description="How strongly LoRAs are fused; 1 is as trained.")
    enable_ip_adapter: bool = Field(default=True, description="Load an IP-Adapter: reference images steer the picture.")
    ip_adapter: str = Field(
        default="h94/IP-Adapter",
        min_length=1,
        description="The IP-Adapter: a folder, or a repository of the hub.",
    )
    ip_adapter_subfolder: str = Field(default="sdxl_models", description="Folder of the file inside `IP_ADAPTER`.")
    ip_adapter_weights: str = Field(
        default="ip-adapter_sdxl_vit-h.safetensors",
        min_length=1,
        description="File of the IP-Adapter, in `IP_ADAPTER_SUBFOLDER`.",
    )
    reference_fit: Annotated[Literal["crop", "pad"], BeforeValidator(_lower_case)] = Field(
        default="crop",
        description="How a reference image becomes square: `crop` cuts away what is too long, of tall photos more at "
        "the bottom; `pad` keeps all of it and adds a white border.",
    )
    hf_hub_offline: bool = Field(default=False, description="Take models from folders and the hub's cache only.")
    device: Annotated[Literal["auto", "cuda", "mps", "cpu"], BeforeValidator(_lower_case)] = Field(
        default="auto", description="Where to draw. `auto`: the first present of cuda, mps, cpu."
    )
    dtype: Annotated[Literal["auto", "float32", "float16", "bfloat16"], BeforeValidator(_lower_case)] = Field(
        default="auto", description="Precision of the UNet. `auto`: float16 on a GPU, float32 on a CPU."
    )
    max_outstanding_jobs: int = Field(
        default=16,
        ge=1,
        le=1024,
        description="Jobs taken at a time, waiting ones included; more are refused.",
    )
    reproducible: _Switch = Field(
        default="auto",
        description="`ENGINE=batching`: pad every UNet call to the same number of rows, so that a seed gives the same "
        "bytes whatever is drawn beside it; costs speed when few jobs are there. `auto`: on without a GPU.",
    )
    max_batch_rows: Annotated[int, AfterValidator(_power_of_two)] = Field(
        default=0,
        ge=0,
        le=16,
        description="`ENGINE=batching`: most rows in a UNet call, a power of two; a job takes two, unguided one. "
        "0: as calibrated, 4 if reproducible, 8 if not calibrated.",
    )
    calibration: _Switch = Field(
        default="auto",
        description="`ENGINE=batching`: measure at start-up how many rows are worth a call. `auto`: on a GPU.",
    )
    calibration_sizes: Annotated[str, AfterValidator(_sizes)] = Field(
        default="",
        description=(
            "`ENGINE=batching`: image sizes (`832x1216 1216x832`) that are measured and compiled for at start-up,"
            " beside the model's own; each takes its time then. For others the width of calls is guessed by area."
        ),
    )
    calibration_folder: str = Field(
        default="~/.cache/illustration-worker",
        description="Where calibrations and compiled code are kept, so that a restart does not make them again.",
    )
    embedding_cache_mb: int = Field(
        default=256, ge=0, le=65536, description="`ENGINE=batching`: memory for encoded prompts and reference images."
    )
    lora_cache_mb: int = Field(
        default=1024,
        ge=0,
        le=65536,
        description="LoRAs that requests name: how much of their files is held in memory. 0: requests cannot name one.",
    )
    max_lora_mb: int = Field(default=512, ge=1, le=4096, description="Largest LoRA file that a request can name.")
    checkpoint_every: int = Field(
        default=10,
        ge=0,
        le=150,
        description="Steps from one checkpoint to the next, for jobs that want them. Not with `ENGINE=stock`. 0: none.",
    )
    torch_compile: _Switch = Field(
        default="auto", description="`ENGINE=batching`: compile the UNet, before the worker is ready. `auto`: on CUDA."
    )
    channels_last: _Switch = Field(
        default="auto", description="`ENGINE=batching`: the UNet's memory layout. `auto`: channels last on CUDA."
    )
    attention_backend: Annotated[
        Literal["auto", "flash", "efficient", "cudnn", "math"], BeforeValidator(_lower_case)
    ] = Field(default="auto", description="`ENGINE=batching`: the attention kernel. `auto`: torch's choice.")
    vae_dtype: Annotated[Literal["float32", "float16", "bfloat16"], BeforeValidator(_lower_case)] = Field(
        default="float32",
        description="`ENGINE=batching`: precision of the VAE. Narrower only for one made for it (`VAE_PATH`): SDXL's"
        " own overflows.",
    )
    shutdown_grace_seconds: float = Field(
        default=25.0, ge=0, le=3600, description="How long jobs in flight may go on after SIGTERM before they are cut."
    )
    log_level: Annotated[
        Literal["trace", "debug", "info", "warn", "warning", "error", "fatal", "critical", "silent"],
        BeforeValidator(_lower_case),
    ] = Field(
        default="info",
        validation_alias=AliasChoices("LOG_LEVEL", "UVICORN_LOG_LEVEL"),
        description="Least severe level that is logged. `UVICORN_LOG_LEVEL` still works.",
    )
    worker_metrics_host: str = Field(
        default="127.0.0.1", min_length=1, description="Address to listen on for `WORKER_METRICS_PORT`."
    )
    worker_metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port of `/metrics` (Prometheus), which asks for no credential; 0 picks a free one. Default: none.",
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        default=None,
        description="Collector of traces (OTLP over HTTP); without it there are none. Other `OTEL_*` variables are read"
        " by the SDK.",
    )
    otel_exporter_otlp_traces_endpoint: str | None = Field(
        default=None, description="The same, as the full address for traces."
    )
    otel_sdk_disabled: bool = Field(default=False, description="No traces, whatever else is set.")
    fake_load_seconds: float = Field(default=0.0, ge=0, le=3600, description="`ENGINE=fake`: how long loading takes.")
    fake_step_seconds: float = Field(default=0.0, ge=0, le=3600, description="`ENGINE=fake`: how long one step takes.")
    fake_fail_reason: Literal["GENERATION_FAILED", "GPU_OUT_OF_MEMORY", "AVATAR_INVALID", "INTERNAL"] | None = Field(
        default=None, description="`ENGINE=fake`: fail every job with this reason, at step `FAKE_FAIL_AT_STEP`."
    )
    fake_fail_at_step: int = Field(default=1, ge=1, le=150, description="`ENGINE=fake`: see `FAKE_FAIL_REASON`.")
    fake_hang_at_step: int | None = Field(
        default=None, ge=1, le=150, description="`ENGINE=fake`: stop answering for ever at this step of every job."
    )

    @property
    def is_tracing(self) -> bool:
        """Whether a collector is named."""
        endpoints = (self.otel_exporter_otlp_endpoint, self.otel_exporter_otlp_traces_endpoint)
        return any(endpoints) and not self.otel_sdk_disabled


def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: with every problem there is, not only the first.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        problems = [
            f"{str(problem['loc'][0]).upper()}: {problem['msg']}."
            for problem in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise SettingsError(problems) from None
    if settings.enable_lora and settings.lora_weights is None:
        raise SettingsError(["LORA_WEIGHTS: is needed when ENABLE_LORA is on."])
    return settings


def describe_settings() -> list[dict[str, Any]]:
    """One row a variable: ``name``, ``type`` (in words, with its range), ``default`` (null: none), ``description``."""
    properties = cast("dict[str, dict[str, Any]]", Settings.model_json_schema(by_alias=False)["properties"])
    return [
        {
            "name": name.upper(),
            "type": _type_in_words(schema),
            "default": schema.get("default"),
            "description": schema["description"],
        }
        for name, schema in properties.items()
    ]


def _type_in_words(schema: dict[str, Any]) -> str:
    variant = next((v for v in schema.get("anyOf", []) if v.get("type") != "null"), schema)
    if "enum" in variant:
        return " | ".join(variant["enum"])
    if "maximum" in variant:
        return f"{variant['type']} {variant['minimum']:g} to {variant['maximum']:g}"
    return str(variant["type"])


if __name__ == "__main__":
    print(json.dumps(describe_settings(), indent=2))
