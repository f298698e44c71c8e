"""Where the worker listens, and taking that place safely."""

import os
import socket
import stat
from dataclasses import dataclass

import grpc.aio

LONGEST_SOCKET_PATH = 107
"""Bytes; ``sun_path`` of ``unix(7)`` without its final zero."""


class AddressError(Exception):
    """The worker cannot listen there. The text is for the operator."""


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A unix socket: its file."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A TCP port; ``host`` as the user wrote it, an IPv6 address in brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in ("localhost", "[::1]") or self.host.startswith("127.")


Address = UnixAddress | TcpAddress


def parse_address(text: str) -> Address:
    """``unix:PATH`` (``unix:///PATH`` too) or ``HOST:PORT``, already checked by the settings."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        return UnixAddress(path.removeprefix("//") if path.startswith("///") else path)
    host, _, port = text.rpartition(":")
    return TcpAddress(host, int(port))


def listen(server: grpc.aio.Server, address: Address) -> Address:
    """Make ``server`` listen on ``address``; returns it with the port that was picked.

    A unix socket can be used by its owner and group only (mode 0660).

    Raises:
        AddressError: the place is taken or cannot be used.
    """
    if isinstance(address, UnixAddress):
        _claim(address.path)
        previous = os.umask(0o117)  # not chmod afterwards: the socket would be open to everybody for a moment
        try:
            _add_port(server, address)
        finally:
            os.umask(previous)
        return address
    return TcpAddress(address.host, _add_port(server, address))


def _add_port(server: grpc.aio.Server, address: Address) -> int:
    try:
        return server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise AddressError(f"cannot listen on {address}: the address is in use or not one of this machine") from error


def _claim(path: str) -> None:
    """Remove a socket that a dead worker left; gRPC by itself would also take one that is in use."""
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise AddressError(f"the path of a unix socket has at most {LONGEST_SOCKET_PATH} bytes: {path}")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise AddressError(f"the folder of the unix socket does not exist: {path}")
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise AddressError(f"there is a file that is not a socket: {path}")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError as error:
            raise AddressError(f"cannot tell whether somebody listens on {path}: {error.strerror or error}") from error
        else:
            raise AddressError(f"another process listens on {path}")
