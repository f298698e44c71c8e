"""One object in S3, and what can be wrong with it in sentences for the operator."""

import re
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from illustration_worker.errors import ModelLoadError

MAX_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class S3Address:
    """``s3://bucket/key``."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def file_name(self) -> str:
        """The last part of the key."""
        return self.key.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class S3Object:
    """What the bucket says of an object."""

    size_bytes: int
    etag: str
    """As sent, with its quotes: it names one content."""
    sha256: str | None
    """Hexadecimal; from the object's metadata ``sha256`` or from ``{key}.sha256`` beside it. None: neither is there."""


def parse_s3_address(text: str) -> S3Address:
    """``text`` as an address.

    Raises:
        ModelLoadError: it is none.
    """
    match = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/([^/].*[^/]|[^/])", text)
    if match is None:
        raise ModelLoadError(f"MODEL_S3_PATH '{text}' is no address of an object: s3://bucket/key is needed.")
    return S3Address(match[1], match[2])


class S3Source:
    """A bucket's objects. Credentials are boto3's business: environment, profile, or the machine's role."""

    def __init__(self, endpoint_url: str | None, region: str | None = None) -> None:
        config = Config(
            max_pool_connections=MAX_CONNECTIONS,
            connect_timeout=10,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 3},
            s3={"addressing_style": "path" if endpoint_url else "auto"},
        )
        try:
            # the default session would keep credentials that it found before
            session = boto3.session.Session(region_name=region)
            self.client = session.client("s3", endpoint_url=endpoint_url, config=config)
        except (BotoCoreError, ValueError) as error:
            raise ModelLoadError(f"S3 cannot be used as configured: {error}") from error

    def look_up(self, address: S3Address) -> S3Object:
        """What is at ``address``.

        Raises:
            ModelLoadError: nothing, or nothing that we may read.
        """
        try:
            head = self.client.head_object(Bucket=address.bucket, Key=address.key)
        except (ClientError, BotoCoreError) as error:
            raise s3_failure(address, error) from error
        sha256 = _as_sha256(head.get("Metadata", {}).get("sha256", "")) or self._beside(address)
        return S3Object(size_bytes=int(head["ContentLength"]), etag=str(head["ETag"]), sha256=sha256)

    def _beside(self, address: S3Address) -> str | None:
        """``{key}.sha256``, in the form of sha256sum."""
        try:
            body = self.client.get_object(Bucket=address.bucket, Key=f"{address.key}.sha256", Range="bytes=0-255")[
                "Body"
            ]
            content = body.read().decode("ascii", "replace")
        except ClientError as error:
            if _status(error) in (403, 404, 416):  # without s3:ListBucket S3 says 403 of a key that is not there
                return None
            raise s3_failure(address, error) from error
        except BotoCoreError as error:
            raise s3_failure(address, error) from error
        return _as_sha256(content.split()[0] if content.split() else "")


def s3_failure(address: S3Address, error: Exception) -> ModelLoadError:
    """``error`` as a sentence."""
    if isinstance(error, NoCredentialsError):
        return ModelLoadError(f"There are no credentials for '{address}': set AWS_ACCESS_KEY_ID and its secret.")
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "NoSuchBucket":
            return ModelLoadError(f"There is no bucket '{address.bucket}'.")
        if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"):
            return ModelLoadError(f"S3 does not accept the credentials for '{address}' ({code}).")
        if _status(error) == 404:
            return ModelLoadError(f"There is no object '{address}'.")
        if _status(error) == 403:
            return ModelLoadError(
                f"S3 does not let us read '{address}': s3:GetObject is not permitted, or the credentials are wrong, or"
                " the object is not there and s3:ListBucket is not permitted."
            )
        if _status(error) == 412:
            return ModelLoadError(f"The object '{address}' was replaced while it was being read; start again.")
        return ModelLoadError(f"S3 answered {code or _status(error)} for '{address}'.")
    return ModelLoadError(f"S3 was not reached for '{address}' ({type(error).__name__}).")


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _as_sha256(text: str) -> str | None:
    return text.lower() if re.fullmatch(r"[0-9a-fA-F]{64}", text) else None
