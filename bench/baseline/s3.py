"""The guide's S3 client: boto3, blocking, failures turned into None."""

import logging
import os
import tempfile
import uuid

import boto3
from PIL import Image

from bench.baseline.config import PrototypeSettings

_log = logging.getLogger(__name__)


class S3Client:
    """Photos in, pictures out. Every call blocks its caller, which is the event loop."""

    def __init__(self, settings: PrototypeSettings) -> None:
        self._settings = settings
        self._client = boto3.client("s3", endpoint_url=settings.s3_endpoint_url, region_name=settings.aws_region)

    def avatar_key(self, user_id: str) -> str:
        """Where a user's avatar lies."""
        return f"{self._settings.s3_avatar_prefix}/{user_id}.png"

    def subject_key(self, user_id: str) -> str:
        """Where a user's subject photo lies."""
        return f"{self._settings.s3_subject_prefix}/{user_id}.png"

    def generated_key(self, user_id: str, kind: str) -> str:
        """A new place for a picture; ``kind`` is "memory" or "subject"."""
        return f"{self._settings.s3_generated_prefix}/{user_id}/{kind}_{uuid.uuid4()}.png"

    def download_image(self, key: str) -> str | None:
        """Path of a temporary file with the object; None when S3 gave none."""
        with tempfile.NamedTemporaryFile(delete=False, suffix=".png") as file:
            path = file.name
        try:
            self._client.download_file(self._settings.s3_bucket_name, key, path)
        except Exception:  # as in the guide: the reason is lost to the caller
            _log.exception("failed to download %s", key)
            os.unlink(path)
            return None
        return path

    def upload_image(self, image: Image.Image, key: str) -> str | None:
        """Upload as PNG through a temporary file; its address, or None when that failed."""
        with tempfile.NamedTemporaryFile(delete=False, suffix=".png") as file:
            path = file.name
        try:
            image.save(path, format="PNG")
            self._client.upload_file(path, self._settings.s3_bucket_name, key)
        except Exception:  # as in the guide
            _log.exception("failed to upload %s", key)
            return None
        finally:
            os.unlink(path)
        return f"s3://{self._settings.s3_bucket_name}/{key}"
