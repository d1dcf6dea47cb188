"""The processes that train together: joining them, and agreeing on values."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from passerelle.errors import BackendError, LostProcessError, one_line
from passerelle.parallel.channel import LOOPBACK, Channel

__all__ = ["Group", "current", "join", "leave"]

JOIN_SECONDS = 120
"""Time in which all processes must have started."""

HEARTBEAT_SECONDS = 35
"""Time after which JAX aborts a process that hears nothing from another one, which is frozen or whose machine is lost.
The end of a process is noticed at once. JAX sends heartbeats from a thread of C++; one of Python could be silent for
long while a slow machine compiles a program."""

LOST_SECONDS = 5.0
"""Time to wait for the reason of a failed exchange of gradients: the connection of a lost process ends."""


@dataclass(frozen=True)
class Group:
    """The processes that train together; by default, this process alone.

    All of them call the methods in the same order.

    Attributes:
        number: number of this process, from 0. The first one decides, and writes all files.
        count: number of processes.
        channel: connection to the others.
    """

    number: int = 0
    count: int = 1
    channel: Channel | None = None

    @property
    def is_first(self) -> bool:
        """Whether this is the first process."""
        return self.number == 0

    def gather(self, value: Any) -> list[Any]:
        """Return the JSON values of all processes, in their order. Waits for the slowest process.

        Raises:
            LostProcessError: if another process has ended.
        """
        if self.channel is None:
            return [value]
        return [json.loads(message) for message in self.channel.gather(json.dumps(value).encode())]

    def first(self, value: Any) -> Any:
        """Return the JSON value of the first process; the values of the others do not matter."""
        return value if self.channel is None else self.gather(value if self.is_first else None)[0]

    def first_bytes(self, data: bytes) -> bytes:
        """Return the data of the first process."""
        return data if self.channel is None else self.channel.gather(data if self.is_first else b"")[0]

    def require_equal(self, value: str, what: str) -> None:
        """Check that a value is the same in all processes.

        Raises:
            BackendError: if it is not; the message names `what`.
        """
        values = self.gather(value)
        for number, other in enumerate(values, start=1):
            if other != values[0]:
                raise BackendError(
                    f"process {number} of {self.count} has other {what} than process 1. Start all processes with the "
                    "same command, files and versions."
                )

    @contextmanager
    def noticing_losses(self) -> Iterator[None]:
        """Turn errors of JAX into a `LostProcessError` in this context, if another process has ended."""
        try:
            yield
        except Exception as error:
            if self.channel is None or isinstance(error, LostProcessError) or "JaxRuntime" not in type(error).__name__:
                raise
            number = self.channel.lost(LOST_SECONDS)
            if number is None:
                raise
            raise LostProcessError.of(number, self.count) from error


_current = Group()


def current() -> Group:
    """Return the group of this process."""
    return _current


def join(number: int, count: int, coordinator: str, *, gpu: int | None = None) -> Group:
    """Join the other processes of a training. Call it before JAX is used.

    Args:
        number: number of this process, from 0.
        count: number of processes.
        coordinator: `HOST:PORT`, a port of the first process's machine at which JAX's coordination service listens.
        gpu: number of this process's GPU on its machine; None for the first one that it sees. No effect without GPUs.

    Raises:
        BackendError: if Keras's backend is not JAX, or the processes cannot connect.
    """
    global _current
    from passerelle.backend import backend_name  # imports Keras

    if (name := backend_name()) != "jax":
        raise BackendError(f"Keras's backend {name} trains in one process. Unset KERAS_BACKEND to train with JAX.")
    import jax
    import numpy as np
    from jax.experimental import multihost_utils

    host = coordinator.rpartition(":")[0].strip("[]")
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            coordinator,
            count,
            number,
            local_device_ids=gpu,
            cluster_detection_method="deactivate",
            initialization_timeout=JOIN_SECONDS,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            coordinator_bind_address=coordinator if host in LOOPBACK else None,
        )
        kind = jax.default_backend()
    except Exception as error:  # JAX raises many kinds
        raise BackendError(
            f"process {number + 1} of {count} cannot join the others at {coordinator}: {one_line(str(error)):.300}. "
            "Check that all processes have started, and that the port is free and reachable."
        ) from None

    def announce(data: bytes) -> bytes:
        numbers = np.frombuffer(data, np.uint8).astype(np.int32)
        return np.asarray(multihost_utils.broadcast_one_to_all(numbers)).astype(np.uint8).tobytes()

    group = Group(number, count, Channel.open(number, count, host, announce, seconds=JOIN_SECONDS))
    group.require_equal(kind, "devices")
    _current = group
    return group


def leave() -> None:
    """Leave the group, together with the other processes."""
    global _current
    if _current.channel is None:
        return
    import jax

    channel, _current = _current.channel, Group()
    with suppress(Exception):  # the training has ended, and nothing depends on the others any more
        jax.distributed.shutdown()
    channel.close()
