"""Messages between the processes of a training, over TCP.

JAX's collective operations are part of compiled programs and wait for the devices. Messages of a few bytes per update,
such as the seconds of the first process, must not wait, so they have a channel of their own.
"""

import contextlib
import secrets
import select
import socket
import struct
import time
from collections.abc import Callable

from passerelle.errors import LostProcessError

__all__ = ["LOOPBACK", "Channel", "free_port"]

LOOPBACK = ("127.0.0.1", "localhost")
"""Names of this machine that others cannot reach."""

TOKEN_BYTES = 16
"""Length of the secret by which the first process recognizes the others."""

_LENGTH = struct.Struct("!q")
_NUMBER = struct.Struct("!i")

_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 30_000}
"""A connection to a machine that no longer answers ends after 30 seconds. Not every system has these options."""


class Channel:
    """Connections between the first process and each other one.

    Args:
        number: number of this process, from 0.
        connections: in the first process, a connected socket for each other process, in their order; in the others,
            the socket of the first one.
    """

    def __init__(self, number: int, connections: list[socket.socket]):
        self._number = number
        self._connections = connections
        self._count = len(connections) + 1 if number == 0 else 0
        for connection in connections:
            connection.settimeout(None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEPALIVE.items():
                with contextlib.suppress(AttributeError, OSError):
                    connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    @classmethod
    def open(
        cls, number: int, count: int, host: str, announce: Callable[[bytes], bytes], *, seconds: float
    ) -> "Channel":
        """Connect the processes; each of them calls this.

        Args:
            number: number of this process, from 0.
            count: number of processes.
            host: name or address of the first process's machine.
            announce: receives bytes in the first process, and as many others in the other processes; returns those of
                the first one.
            seconds: maximum time to wait for the others.

        Raises:
            LostProcessError: if a process does not connect in time.
        """
        deadline = time.monotonic() + seconds
        if number == 0:
            with _listen(host) as server:
                token = secrets.token_bytes(TOKEN_BYTES)
                port = _NUMBER.pack(server.getsockname()[1])
                announce(port + token)
                return cls(0, _accept(server, token, count, deadline))
        announced = announce(bytes(_NUMBER.size + TOKEN_BYTES))
        (port,), token = _NUMBER.unpack(announced[: _NUMBER.size]), announced[_NUMBER.size :]
        try:
            connection = socket.create_connection((host, port), timeout=seconds)
            connection.sendall(token + _NUMBER.pack(number))
        except OSError as error:
            raise LostProcessError(f"the first process, on {host}, cannot be reached: {error}.") from None
        return cls(number, [connection])

    def gather(self, message: bytes) -> list[bytes]:
        """Send a message, and return the messages of all processes in their order. Waits for the slowest process.

        Raises:
            LostProcessError: if another process has ended.
        """
        if self._number:
            (first,) = self._connections
            self._send(first, 0, message)
            return self._receive_all(first)
        messages = [message]
        for number, connection in enumerate(self._connections, start=1):
            messages.append(self._receive(connection, number))
        joined = b"".join(_LENGTH.pack(len(each)) + each for each in messages)
        for number, connection in enumerate(self._connections, start=1):
            self._send(connection, number, joined)
        return messages

    def lost(self, seconds: float) -> int | None:
        """Return the number of a process whose connection has ended, or ends in this time; None if none does."""
        readable, _, _ = select.select(self._connections, [], [], seconds)
        for connection in readable:
            with contextlib.suppress(OSError):
                if connection.recv(1, socket.MSG_PEEK):
                    continue
            return self._connections.index(connection) + 1 if self._number == 0 else 0
        return None

    def close(self) -> None:
        """Close the connections, so that the others notice the end of this process."""
        for connection in self._connections:
            connection.close()

    def _send(self, connection: socket.socket, number: int, message: bytes) -> None:
        try:
            connection.sendall(_LENGTH.pack(len(message)) + message)
        except OSError:
            raise self._error(number) from None

    def _receive(self, connection: socket.socket, number: int) -> bytes:
        (length,) = _LENGTH.unpack(self._read(connection, _LENGTH.size, number))
        return self._read(connection, length, number)

    def _receive_all(self, first: socket.socket) -> list[bytes]:
        joined, messages = self._receive(first, 0), []
        while joined:
            (length,) = _LENGTH.unpack_from(joined)
            messages.append(joined[_LENGTH.size : _LENGTH.size + length])
            joined = joined[_LENGTH.size + length :]
        return messages

    def _read(self, connection: socket.socket, length: int, number: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            try:
                part = connection.recv(min(length - len(data), 2**20))
            except OSError:
                part = b""
            if not part:
                raise self._error(number)
            data += part
        return bytes(data)

    def _error(self, number: int) -> LostProcessError:
        return LostProcessError.of(number, self._count)


def free_port() -> int:
    """Return a port of this machine at which nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _listen(host: str) -> socket.socket:
    """Listen at a free port: only on this machine if the other processes are on it too."""
    if host in LOOPBACK:
        return socket.create_server(("127.0.0.1", 0))
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", 0))


def _accept(server: socket.socket, token: bytes, count: int, deadline: float) -> list[socket.socket]:
    """Accept the other processes, and no stranger."""
    connections: dict[int, socket.socket] = {}
    while len(connections) < count - 1:
        left = deadline - time.monotonic()
        server.settimeout(max(0.001, left))
        try:
            connection, _ = server.accept()
            connection.settimeout(max(0.001, min(left, 5.0)))
            greeting = connection.recv(len(token) + _NUMBER.size, socket.MSG_WAITALL)
        except OSError:
            if time.monotonic() >= deadline:
                missing = min(set(range(1, count)) - set(connections))
                raise LostProcessError.of(missing, count) from None
            continue
        if len(greeting) == len(token) + _NUMBER.size and secrets.compare_digest(greeting[: len(token)], token):
            connections[_NUMBER.unpack(greeting[len(token) :])[0]] = connection
        else:
            connection.close()
    return [connections[number] for number in range(1, count)]
