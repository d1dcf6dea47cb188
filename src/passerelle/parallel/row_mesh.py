"""The devices among which the rows of batches are divided, and programs that run on all of them.

Each device computes its rows with the whole program (data parallelism), and the sums over rows are added up. JAX could
also divide a program by itself, from the layout of its arguments. But recurrent layers multiply the states of all steps
and rows at once, in an array whose rows are neither first nor last. JAX's partitioner would copy the whole batch to
each device there.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from passerelle.backend import backend_name
from passerelle.errors import BackendError
from passerelle.layers.dropout import rows_from
from passerelle.parallel.group import current
from passerelle.parallel.share import Share

__all__ = ["RowMesh", "row_mesh", "use_devices"]

AXIS = "rows"
"""Name of the axis of the mesh."""

MAX_DEVICES = 1024

_devices: int | None = None
"""Number of devices of each process, if `use_devices` has set it."""


def use_devices(count: int) -> None:
    """Divide the rows of batches among a number of devices of each process: cores of the processor, or GPUs.

    Call it before JAX is used. Without it, each process trains on one device. With several devices of the processor,
    JAX gets one thread for each. With a common pool of threads, a device that waits for the others in an exchange may
    occupy the thread that another one needs, and all wait for ever.

    Raises:
        BackendError: if Keras's backend is not JAX, or JAX is already in use.
    """
    global _devices
    if backend_name() != "jax":
        raise BackendError(f"Keras's backend {backend_name()} uses one device. Unset KERAS_BACKEND to train with JAX.")
    import jax

    if count > 1:
        os.environ["NPROC"] = "1"  # the size of XLA's pool of threads; with one, each device uses its own thread only
        jax.config.update("jax_cpu_enable_async_dispatch", False)  # programs that wait for others must not pile up
    try:
        jax.config.update("jax_num_cpu_devices", count)
    except (RuntimeError, ValueError):
        if jax.local_device_count("cpu") < count:
            raise BackendError(f"JAX is already in use, so it cannot have {count} devices. Set them first.") from None
    _devices = count


def row_mesh() -> "RowMesh | None":
    """Return the mesh of all devices that train; None if only one does.

    Raises:
        BackendError: if there are fewer devices than `use_devices` was told.
    """
    if backend_name() != "jax":
        return None
    import jax

    local, used = jax.local_device_count(), _devices or 1
    if used > local:
        raise BackendError(f"training on {used} devices was asked for, and JAX has {local} here. Use {local}.")
    if used * current().count == 1:
        return None
    by_process: dict[int, list[Any]] = {}
    for device in jax.devices():
        by_process.setdefault(device.process_index, []).append(device)
    return RowMesh([device for number in sorted(by_process) for device in by_process[number][:used]], used)


class RowMesh:
    """Devices of one or more processes, each of which computes its share of the rows of a batch.

    Args:
        devices: JAX devices, those of the first process first.
        own: number of devices of each process.

    Attributes:
        share: the rows of this process.
    """

    def __init__(self, devices: list[Any], own: int):
        from jax.sharding import Mesh, NamedSharding, PartitionSpec

        group = current()
        self.share = Share(group.number, group.count, own)
        self._mesh = Mesh(np.array(devices), (AXIS,))
        self._whole, self._rows = PartitionSpec(), PartitionSpec(AXIS)
        self._whole_layout = NamedSharding(self._mesh, self._whole)
        self._row_layout = NamedSharding(self._mesh, self._rows)

    def replicate(self, array: Any) -> Any:
        """Return a copy of an array on each device. It must be the same in all processes."""
        import jax

        value = np.array(array)
        return jax.make_array_from_callback(value.shape, self._whole_layout, lambda index: value[index])

    def divide(self, arrays: Any) -> Any:
        """Return a tree of arrays with this process's rows as arrays whose rows are divided among all devices.

        Args:
            arrays: tree of arrays of this process's rows, (share.devices * n, ...).
        """
        import jax

        if self.share.count == 1:
            return jax.device_put(arrays, self._row_layout)
        return jax.tree.map(partial(jax.make_array_from_process_local_data, self._row_layout), arrays)

    def sum(self, arrays: Any) -> Any:
        """Return the sums of a tree of arrays over all devices, within a program. It is one exchange of one array."""
        import jax
        from jax.flatten_util import ravel_pytree

        flat, restore = ravel_pytree(arrays)
        return restore(jax.lax.psum(flat, AXIS))

    def program(self, function: Callable[..., Any], *, whole: int, donate: tuple[int, ...] = ()) -> Any:
        """Compile a function that runs on each device with the rows of that device.

        Dropout masks are those of the rows' places in the whole batch.

        Args:
            function: function of trees of arrays. Its results must be the same on all devices, such as those of `sum`.
            whole: number of leading arguments that each device has as a whole. The rows of the others are divided.
            donate: numbers of arguments whose memory the program may reuse.
        """
        import jax

        def on_device(*arguments: Any) -> Any:
            height = next(len(leaf) for leaf in jax.tree.leaves(arguments[whole:]))
            with rows_from(jax.lax.axis_index(AXIS) * height):
                return function(*arguments)

        def divided(*arguments: Any) -> Any:
            specs = [*[self._whole] * whole, *[self._rows] * (len(arguments) - whole)]
            mapped = jax.shard_map(
                on_device, mesh=self._mesh, in_specs=tuple(specs), out_specs=self._whole, check_vma=False
            )
            return mapped(*arguments)

        return jax.jit(divided, donate_argnums=donate)
