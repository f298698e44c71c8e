"""The guide's FastAPI application: ``POST /v1/images/memory`` and ``GET /health/``."""

import asyncio
import os
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from PIL import Image
from pydantic import BaseModel

from bench.baseline.config import PrototypeSettings
from bench.baseline.pipeline import (
    TextToImagePipeline,
    memory_generation_inference,
    picture_lock,
    stub_inference,
)
from bench.baseline.s3 import S3Client

SETTINGS = PrototypeSettings()


class GenerateMemoryIllustrationInput(BaseModel):
    """As in the guide, and ``seed``."""

    user_id: str
    prompt: str
    num_inference_steps: int | None = SETTINGS.default_num_inference_steps
    ip_adapter_scale: float | None = SETTINGS.default_ip_adapter_scale
    negative_prompt: str | None = SETTINGS.default_negative_prompt
    style_prompt: str | None = SETTINGS.default_memory_style_prompt
    seed: int | None = None


class IllustrationService:
    """Download, verify, draw in the executor, upload."""

    def __init__(self, settings: PrototypeSettings) -> None:
        self._s3 = S3Client(settings)
        self._is_stub = settings.prototype_inference == "stub"
        self._lock = picture_lock(settings.prototype_lock)
        self._shared = TextToImagePipeline()
        if not self._is_stub:
            self._shared.start(settings)

    def is_ready(self) -> bool:
        """Is the model loaded?"""
        return self._is_stub or self._shared.pipeline is not None

    async def generate_memory_illustration(self, request: GenerateMemoryIllustrationInput) -> dict[str, Any]:
        """The reply of the guide. Everything but the drawing blocks the event loop, as there."""
        avatar_path = self._s3.download_avatar(request.user_id)
        if not avatar_path:
            raise RuntimeError("Failed to download user avatar from S3")
        with Image.open(avatar_path) as image:
            image.verify()
        loop = asyncio.get_running_loop()
        output = await loop.run_in_executor(None, self._draw, request, avatar_path)
        s3_uri = self._s3.upload_image(output, request.user_id)
        os.unlink(avatar_path)
        if not s3_uri:
            raise RuntimeError("Failed to upload generated illustration to S3")
        return {"data": [{"s3_uri": s3_uri}]}

    def _draw(self, request: GenerateMemoryIllustrationInput, avatar_path: str) -> Image.Image:
        if self._is_stub:
            return stub_inference()
        with self._lock:
            return memory_generation_inference(self._shared.pipeline, request, avatar_path)


def create_app(settings: PrototypeSettings = SETTINGS) -> FastAPI:
    """The application, with its model loaded."""
    service = IllustrationService(settings)
    app = FastAPI(title="Illustration Generation API")
    app.add_middleware(
        CORSMiddleware, allow_origins=["*"], allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
    )

    async def memory(request: GenerateMemoryIllustrationInput) -> dict[str, Any]:
        try:
            return await service.generate_memory_illustration(request)
        except Exception as error:  # as in the guide: a 500 with the exception's text, whatever it was
            raise HTTPException(500, f"Memory illustration generation failed: {error}") from error

    async def health() -> dict[str, str]:
        if service.is_ready():
            return {"status": "healthy", "message": "Image generation service is ready"}
        return {"status": "unhealthy", "message": "Image generation service is not ready"}

    app.add_api_route("/v1/images/memory", memory, methods=["POST"])
    app.add_api_route("/health/", health)
    return app
