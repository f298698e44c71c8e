"""Taking a place to listen on: never from somebody who is alive, never open to everybody."""

import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest

from illustration_worker.rpc.address import AddressError, TcpAddress, UnixAddress, listen, parse_address
from illustration_worker.rpc.server import OPTIONS


@pytest.fixture
async def server() -> AsyncIterator[grpc.aio.Server]:
    server = grpc.aio.server(options=OPTIONS)
    yield server
    await server.stop(None)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:/run/w.sock", UnixAddress("/run/w.sock")),
        ("unix:///run/w.sock", UnixAddress("/run/w.sock")),
        ("unix:data/w.sock", UnixAddress("data/w.sock")),
        ("127.0.0.1:50051", TcpAddress("127.0.0.1", 50051)),
        ("[::1]:0", TcpAddress("[::1]", 0)),
    ],
)
def test_addresses_are_read_as_written(text: str, address: UnixAddress | TcpAddress) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("host", "is_loopback"), [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("0.0.0.0", False)]
)
def test_loopback_is_known(host: str, is_loopback: bool) -> None:
    assert TcpAddress(host, 1).is_loopback is is_loopback


async def test_a_unix_socket_is_for_owner_and_group(server: grpc.aio.Server, tmp_path: Path) -> None:
    before = os.umask(0o022)
    os.umask(before)
    path = tmp_path / "w.sock"
    listen(server, UnixAddress(str(path)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert os.umask(before) == before


async def test_a_socket_that_a_dead_worker_left_is_replaced(server: grpc.aio.Server, tmp_path: Path) -> None:
    path = tmp_path / "w.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.exists()
    listen(server, UnixAddress(str(path)))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


async def test_a_socket_in_use_is_left_alone(server: grpc.aio.Server, tmp_path: Path) -> None:
    path = tmp_path / "w.sock"
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(path))
        alive.listen()
        with pytest.raises(AddressError, match="another process listens"):
            listen(server, UnixAddress(str(path)))
        assert path.exists()


async def test_a_file_that_is_no_socket_is_left_alone(server: grpc.aio.Server, tmp_path: Path) -> None:
    path = tmp_path / "w.sock"
    path.write_text("precious")
    with pytest.raises(AddressError, match="not a socket"):
        listen(server, UnixAddress(str(path)))
    assert path.read_text() == "precious"


async def test_a_folder_that_is_missing_is_named(server: grpc.aio.Server, tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="folder of the unix socket does not exist"):
        listen(server, UnixAddress(str(tmp_path / "none" / "w.sock")))


async def test_a_path_too_long_for_a_socket_is_refused(server: grpc.aio.Server, tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="at most 107 bytes"):
        listen(server, UnixAddress(str(tmp_path / ("x" * 108))))


async def test_port_0_picks_a_free_port(server: grpc.aio.Server) -> None:
    bound = listen(server, TcpAddress("127.0.0.1", 0))
    assert isinstance(bound, TcpAddress)
    assert bound.port > 0


async def test_a_port_in_use_is_not_shared(server: grpc.aio.Server) -> None:
    bound = listen(server, TcpAddress("127.0.0.1", 0))
    second = grpc.aio.server(options=OPTIONS)
    with pytest.raises(AddressError, match="in use"):
        listen(second, bound)
    await second.stop(None)
