"""The prototype's settings, from the guide's environment variables."""

from typing import Literal

from pydantic_settings import BaseSettings


class PrototypeSettings(BaseSettings):
    """Names and defaults as in the guide; those that begin with ``prototype_`` are the benchmark's."""

    model_path: str = ""
    ip_adapter: str = ""
    ip_adapter_subfolder: str = "sdxl_models"
    ip_adapter_weights: str = "ip-adapter_sdxl_vit-h.safetensors"
    default_num_inference_steps: int = 50
    default_ip_adapter_scale: float = 0.33
    default_negative_prompt: str = "error, glitch, mistake"
    default_memory_style_prompt: str = "highest quality, monochrome, professional sketch, personal, nostalgic, clean"
    default_subject_style_prompt: str = "highest quality, professional sketch, monochrome"
    s3_bucket_name: str = "auto-bio-illustrations"
    s3_endpoint_url: str | None = None
    aws_region: str = "us-east-1"
    s3_avatar_prefix: str = "avatars"
    s3_subject_prefix: str = "subjects"
    s3_generated_prefix: str = "generated"
    uvicorn_host: str = "127.0.0.1"
    uvicorn_port: int = 8000
    uvicorn_log_level: str = "info"
    prototype_lock: bool = False
    """One picture at a time, which keeps the shared pipeline from breaking."""
    prototype_inference: Literal["pipeline", "stub"] = "pipeline"
    """``stub``: answer at once with a plain picture."""
