"""The guide's FastAPI application: ``/v1/images/memory``, ``/v1/images/subject`` and ``/health/``."""

import asyncio
import os
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from PIL import Image

from bench.baseline.config import PrototypeSettings
from bench.baseline.pipeline import Inputs, TextToImagePipeline, inference, picture_lock, stub_inference
from bench.baseline.s3 import S3Client
from bench.baseline.schemas import GenerateMemoryIllustrationInput, GenerateSubjectIllustrationInput, inputs_of


class IllustrationService:
    """Download, verify, draw in the executor, upload."""

    def __init__(self, settings: PrototypeSettings) -> None:
        self._settings = settings
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
        """The reply of the guide, from the user's avatar."""
        return await self._generate(request, "memory", "user avatar", self._s3.avatar_key(request.user_id))

    async def generate_subject_illustration(self, request: GenerateSubjectIllustrationInput) -> dict[str, Any]:
        """The reply of the guide, from the user's subject photo."""
        return await self._generate(request, "subject", "subject photo", self._s3.subject_key(request.user_id))

    async def _generate(
        self, request: GenerateSubjectIllustrationInput, kind: str, photo: str, photo_key: str
    ) -> dict[str, Any]:
        """Everything but the drawing blocks the event loop, and a failure leaves the photo on the disk, as there."""
        photo_path = self._s3.download_image(photo_key)
        if not photo_path:
            raise RuntimeError(f"Failed to download {photo} from S3: {photo_key}")
        try:
            with Image.open(photo_path) as image:
                image.verify()
        except Exception as error:  # as in the guide
            raise RuntimeError(f"Downloaded {photo} image is not valid: {error}") from error
        loop = asyncio.get_running_loop()
        output = await loop.run_in_executor(None, self._draw, inputs_of(request, self._settings, photo_path))
        s3_uri = self._s3.upload_image(output, self._s3.generated_key(request.user_id, kind))
        os.unlink(photo_path)
        if not s3_uri:
            raise RuntimeError("Failed to upload generated illustration to S3")
        return {"data": [{"s3_uri": s3_uri}]}

    def _draw(self, inputs: Inputs) -> Image.Image:
        if self._is_stub:
            return stub_inference()
        with self._lock:
            return inference(self._shared.pipeline, inputs)


def create_app(settings: PrototypeSettings) -> FastAPI:
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

    async def subject(request: GenerateSubjectIllustrationInput) -> dict[str, Any]:
        try:
            return await service.generate_subject_illustration(request)
        except Exception as error:  # as above
            raise HTTPException(500, f"Subject illustration generation failed: {error}") from error

    async def health() -> dict[str, str]:
        if service.is_ready():
            return {"status": "healthy", "message": "Image generation service is ready"}
        return {"status": "unhealthy", "message": "Image generation service is not ready"}

    app.add_api_route("/v1/images/memory", memory, methods=["POST"])
    app.add_api_route("/v1/images/subject", subject, methods=["POST"])
    app.add_api_route("/health/", health)
    return app
