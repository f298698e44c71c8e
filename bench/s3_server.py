"""A real S3 server on loopback for benchmarks, and a proxy that gives each connection so many bytes a second."""

import asyncio
import multiprocessing
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

_TOOLS = Path(__file__).parents[1] / ".cache" / "tools"
_START_SECONDS = 30.0
_CHUNK_BYTES = 64 * 1024
BUCKET = "models"


@contextmanager
def s3_server() -> Iterator[str]:
    """The URL of a server with an empty bucket; its credentials are put into the environment."""
    program = next(_TOOLS.glob("versitygw-*"), None)
    if program is None:
        raise SystemExit("There is no S3 server in .cache/tools: npm run setup builds it where Go is installed.")
    os.environ.update(
        AWS_ACCESS_KEY_ID="bench-access", AWS_SECRET_ACCESS_KEY="bench-secret-key", AWS_DEFAULT_REGION="us-east-1"
    )
    environment = {**os.environ, "ROOT_ACCESS_KEY": "bench-access", "ROOT_SECRET_KEY": "bench-secret-key"}
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        command = [str(program), "--port", f"127.0.0.1:{port}", "posix", folder]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            _create_bucket(url)
            yield url
        finally:
            process.terminate()
            process.wait()


@contextmanager
def limited(url: str, bytes_per_second: int) -> Iterator[str]:
    """The URL of a proxy in front of ``url``, in a process of its own."""
    upstream, port = int(url.rsplit(":", 1)[1]), _free_port()
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=_serve, args=(port, upstream, bytes_per_second, ready), daemon=True)
    process.start()
    try:
        if not ready.wait(_START_SECONDS):
            raise SystemExit("The proxy did not start.")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join()


def _create_bucket(url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            boto3.client("s3", endpoint_url=url).create_bucket(Bucket=BUCKET)
            return
        except (BotoCoreError, ClientError):
            if time.monotonic() > deadline:
                raise


def _serve(port: int, upstream: int, bytes_per_second: int, ready: Any) -> None:
    async def serve() -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            back, forth = await asyncio.open_connection("127.0.0.1", upstream)
            await asyncio.gather(_pass_on(reader, forth, None), _pass_on(back, writer, bytes_per_second))

        async with await asyncio.start_server(connected, "127.0.0.1", port) as server:
            ready.set()
            await server.serve_forever()

    asyncio.run(serve())


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, limit: int | None) -> None:
    """``limit``: bytes a second; None: as they come. What was not used while idle is not saved up."""
    due = time.monotonic()
    try:
        while data := await source.read(_CHUNK_BYTES):
            sink.write(data)
            await sink.drain()
            if limit is not None:
                due = max(due, time.monotonic() - 0.01) + len(data) / limit
                await asyncio.sleep(max(due - time.monotonic(), 0))
    except OSError:
        pass  # one side has closed the connection: the other is closed below
    finally:
        sink.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
