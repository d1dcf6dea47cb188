"""The devices of the processes among which the rows of batches are divided, and programs that run on all of them.

Each process has one device, which computes its rows with the whole program (data parallelism), and the sums over rows
are added up. JAX could also divide a program by itself, from the layout of its arguments. But recurrent layers multiply
the states of all steps and rows at once, in an array whose rows are neither first nor last. JAX's partitioner would
copy the whole batch to each device there.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from passerelle.layers.dropout import rows_from
from passerelle.parallel.group import current
from passerelle.parallel.share import Share

__all__ = ["RowMesh", "row_mesh"]

AXIS = "rows"
"""Name of the axis of the mesh."""


def row_mesh() -> "RowMesh | None":
    """Return the mesh over the processes that train together; None if this one trains alone."""
    group = current()
    return RowMesh(Share(group.number, group.count)) if group.count > 1 else None


class RowMesh:
    """One device of each process, which computes its share of the rows of a batch.

    Args:
        share: the rows of this process.

    Attributes:
        share: the rows of this process.
    """

    def __init__(self, share: Share):
        import jax
        from jax.sharding import Mesh, NamedSharding, PartitionSpec

        self.share = share
        devices = [jax.local_devices(process_index=number)[0] for number in range(share.count)]
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
        """Return a tree of arrays with this process's rows as arrays of the whole batch, divided among the devices."""
        import jax

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
