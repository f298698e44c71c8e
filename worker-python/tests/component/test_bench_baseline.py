"""The prototype that benchmarks compare with draws on the random model, with a real S3 server, and fails as it did."""

import asyncio
import importlib
import io
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

REPOSITORY = Path(__file__).parents[3]
BUCKET = "auto-bio-illustrations"
KEYS = ("test-access", "test-secret-key")
STEPS = 2
SIZE = (128, 128)
"""What the random model draws when nobody asks for a size: the prototype's caller cannot."""
START_LIMIT_SECONDS = 20


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of versitygw with a portrait for the user ada, as avatar and as subject photo."""
    for package in ("fastapi", "boto3"):
        pytest.importorskip(package, reason=f"{package} is in the optional group 'bench'")
    servers = sorted((REPOSITORY / ".cache" / "tools").glob("versitygw-*"))
    if not servers:
        pytest.skip("no S3 server in .cache/tools: the set-up builds it where Go is present")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [str(servers[-1]), "--port", address, "posix", str(tmp_path_factory.mktemp("s3"))]
    environment = {**os.environ, "ROOT_ACCESS_KEY": KEYS[0], "ROOT_SECRET_KEY": KEYS[1]}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield filled_bucket(f"http://{address}")
        finally:
            server.terminate()


def filled_bucket(url: str) -> Any:
    """Waits until the server takes the bucket."""
    boto3, errors = importlib.import_module("boto3"), importlib.import_module("botocore.exceptions")
    access, secret = KEYS
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=access, aws_secret_access_key=secret
    )
    give_up_at = time.monotonic() + START_LIMIT_SECONDS
    while True:
        try:
            client.create_bucket(Bucket=BUCKET)
            break
        except errors.EndpointConnectionError:
            if time.monotonic() > give_up_at:
                raise
    portrait = (REPOSITORY / "samples" / "portrait.jpg").read_bytes()
    for key in ("avatars/ada.png", "subjects/ada.png"):
        client.put_object(Bucket=BUCKET, Key=key, Body=portrait)
    client.put_object(Bucket=BUCKET, Key="avatars/text.png", Body=b"no picture")
    return client


class Prototype:
    """The application in this process, and what is asked of it."""

    def __init__(self, s3: Any, model: Path, is_locked: bool) -> None:
        app, config = (importlib.import_module(f"bench.baseline.{name}") for name in ("app", "config"))
        settings = config.PrototypeSettings(
            model_path=str(model),
            ip_adapter=str(model),
            default_num_inference_steps=STEPS,
            s3_bucket_name=BUCKET,
            s3_endpoint_url=s3.meta.endpoint_url,
            prototype_lock=is_locked,
        )
        transport = httpx.ASGITransport(app=app.create_app(settings))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://prototype")

    async def ask(self, kind: str, **fields: Any) -> tuple[int, Any]:
        reply = await self.client.post(f"/v1/images/{kind}", json=fields)
        return reply.status_code, reply.json()


@pytest.fixture(params=[False, True], ids=["without lock", "with lock"])
def prototype(
    s3: Any, random_model_folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Prototype:
    monkeypatch.syspath_prepend(str(REPOSITORY))
    for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), KEYS, strict=True):
        monkeypatch.setenv(name, value)
    return Prototype(s3, random_model_folder, is_locked=request.param)


def size_of(s3: Any, reply: Any, prefix: str) -> tuple[int, int]:
    """Of the PNG that the reply names, and nothing else may be in the reply."""
    from PIL import Image

    uri = reply["data"][0]["s3_uri"]
    assert reply == {"data": [{"s3_uri": uri}]}
    assert uri.startswith(f"s3://{BUCKET}/{prefix}")
    body = s3.get_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"))["Body"].read()
    with Image.open(io.BytesIO(body)) as picture:
        assert picture.format == "PNG"
        return picture.size


async def test_a_memory_is_drawn_and_uploaded(s3: Any, prototype: Prototype) -> None:
    fields = {"num_inference_steps": None, "ip_adapter_scale": None, "negative_prompt": None, "style_prompt": None}
    for optional in ({}, fields):
        status, reply = await prototype.ask("memory", user_id="ada", prompt="a dog on the beach", **optional)
        assert status == 200, reply
        assert size_of(s3, reply, "generated/ada/memory_") == SIZE
    assert (await prototype.client.get("/health/")).json()["status"] == "healthy"


async def test_a_subject_is_drawn_and_uploaded(s3: Any, prototype: Prototype) -> None:
    status, reply = await prototype.ask("subject", user_id="ada", ip_adapter_scale=0.6)
    assert status == 200, reply
    assert size_of(s3, reply, "generated/ada/subject_") == SIZE


async def test_failures_are_500_with_the_exceptions_text(prototype: Prototype) -> None:
    why = "Memory illustration generation failed:"
    status, reply = await prototype.ask("memory", user_id="nobody", prompt="a dog")
    assert (status, reply) == (
        500,
        {"detail": f"{why} Failed to download user avatar from S3: avatars/nobody.png"},
    )
    status, reply = await prototype.ask("memory", user_id="text", prompt="a dog")
    assert status == 500
    assert reply["detail"].startswith(f"{why} Downloaded user avatar image is not valid: cannot identify image file")


@pytest.mark.parametrize("prototype", [True], indirect=True, ids=["with lock"])
async def test_the_lock_lets_four_at_once_be_drawn(prototype: Prototype) -> None:
    asked = [prototype.ask("memory", user_id="ada", prompt=f"memory {n}", num_inference_steps=4 + n) for n in range(4)]
    assert [status for status, _ in await asyncio.gather(*asked)] == [200] * 4
