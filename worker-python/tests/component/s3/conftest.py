"""A real S3 server (versitygw over a folder), and a proxy in front of it that breaks connections."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from illustration_worker.models.s3.source import S3Source

_TOOLS = Path(__file__).parents[4] / ".cache" / "tools"
BUCKET = "models"
STRANGER = ("stranger", "stranger-secret-key")
"""Credentials that the server knows, and that may read nothing."""
_START_SECONDS = 20.0


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Where the server listens; its credentials are in the environment."""
    server = next(_TOOLS.glob("versitygw-*"), None)
    if server is None:
        pytest.skip("no S3 server: scripts/setup/s3-server.mjs builds it where Go is installed")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("s3")
    keys = {"AWS_ACCESS_KEY_ID": "test-access", "AWS_SECRET_ACCESS_KEY": "test-secret-key"}
    patch = pytest.MonkeyPatch()
    for name, value in {**keys, "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}.items():
        patch.setenv(name, value)
    environment = {**os.environ, "ROOT_ACCESS_KEY": "test-access", "ROOT_SECRET_KEY": "test-secret-key"}
    users = tmp_path_factory.mktemp("s3-users")
    command = [str(server), "--port", f"127.0.0.1:{port}", "--iam-dir", str(users), "posix", str(folder)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                client.create_bucket(Bucket=BUCKET)
                break
            except (BotoCoreError, ClientError):
                if time.monotonic() > deadline:
                    raise
        _add_user(server, port, STRANGER)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait()
        patch.undo()


def _add_user(server: Path, port: int, credentials: tuple[str, str]) -> None:
    name, secret = credentials
    root = ["--access", "test-access", "--secret", "test-secret-key", "--endpoint-url", f"http://127.0.0.1:{port}"]
    user = ["create-user", "--access", name, "--secret", secret, "--role", "user"]
    subprocess.run([str(server), "admin", *root, *user], check=True, capture_output=True)


@pytest.fixture
def stranger(s3: S3Source, monkeypatch: pytest.MonkeyPatch) -> S3Source:
    """Whoever is let in and may read nothing. After ``s3``, which has the credentials of before."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", STRANGER[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", STRANGER[1])
    return S3Source(s3.client.meta.endpoint_url)


@pytest.fixture
def s3(s3_address: tuple[str, int]) -> S3Source:
    return S3Source(f"http://{s3_address[0]}:{s3_address[1]}")


@pytest.fixture
def cutting_proxy(s3_address: tuple[str, int]) -> Iterator[Callable[[int, int], "CuttingProxy"]]:
    """Makes one that cuts every so many bytes, so many times."""
    proxies: list[CuttingProxy] = []

    def make(cut_every_bytes: int, cuts: int) -> CuttingProxy:
        proxies.append(CuttingProxy(s3_address, cut_every_bytes, cuts))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def holding_proxy(s3_address: tuple[str, int]) -> Iterator[Callable[[int], "HoldingProxy"]]:
    """Makes one that stops once so many bytes have come back, until it is released."""
    proxies: list[HoldingProxy] = []

    def make(after_bytes: int) -> HoldingProxy:
        proxies.append(HoldingProxy(s3_address, after_bytes))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.release()
        proxy.close()


class CuttingProxy:
    """Passes bytes on; cuts every connection each time so many more bytes have come back, so many times."""

    def __init__(self, upstream: tuple[str, int], cut_every_bytes: int, cuts: int) -> None:
        self.cuts_left, self.connections = cuts, 0
        self._upstream, self._cut_every, self._passed = upstream, cut_every_bytes, 0
        self._lock, self._open = threading.Lock(), set[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._listener.close()
        self._cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            server = socket.create_connection(self._upstream)
            with self._lock:
                self.connections += 1
                self._open |= {client, server}
            for source, sink, counts in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass_on, args=(source, sink, counts), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
                if counts:
                    self._count(len(data))
        except OSError:
            pass  # the other direction, or a cut, has closed it: that is what this proxy is for
        finally:
            sink.close()

    def _count(self, size: int) -> None:
        """So many more bytes have come back."""
        with self._lock:
            self._passed += size
            is_cut = self.cuts_left > 0 and self._passed >= self._cut_every
            if is_cut:
                self.cuts_left, self._passed = self.cuts_left - 1, 0
        if is_cut:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has ended by itself


class HoldingProxy(CuttingProxy):
    """Cuts nothing; stops after so many bytes, until it is released."""

    def __init__(self, upstream: tuple[str, int], after_bytes: int) -> None:
        self._released, self._after_bytes, self._came = threading.Event(), after_bytes, 0
        super().__init__(upstream, cut_every_bytes=0, cuts=0)

    def release(self) -> None:
        self._released.set()

    def _count(self, size: int) -> None:
        with self._lock:
            self._came += size
            is_held = self._came >= self._after_bytes
        if is_held:
            self._released.wait()
