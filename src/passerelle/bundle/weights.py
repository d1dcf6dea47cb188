"""The weights of a model file: one array for each variable of the network, under the names that Keras gives them.

Keras names an array after the attributes that lead to its layer, such as `layers/lstm/cell/vars/0`. Only these names
are looked up, so other content of the HDF5 file is neither visited nor read.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import h5py
import keras
import numpy as np

from passerelle.errors import ModelFileError

__all__ = ["check_size", "read_arrays", "variables_by_name"]

MAX_OVERHEAD = 2**18
"""Maximum number of bytes that an HDF5 file may have in addition to its arrays, plus `OVERHEAD_PER_ARRAY` for each."""

OVERHEAD_PER_ARRAY = 2**14


def variables_by_name(network: Any) -> dict[str, Any]:
    """Return the variables of a network by the name of their array in Keras's weights file."""
    found: dict[str, Any] = {}
    visited: set[int] = set()

    def visit(layer: Any, path: str) -> None:
        if id(layer) in visited:
            return
        visited.add(id(layer))
        own: dict[str, Any] = {}
        layer.save_own_variables(own)
        found.update({f"{path}/vars/{number}": variable for number, variable in own.items()})
        for name, child in _children(layer):
            if isinstance(child, keras.layers.Layer):
                visit(child, f"{path}/{name}")
            elif isinstance(child, list | tuple | dict):
                visit_all(child.values() if isinstance(child, dict) else child, f"{path}/{name}")

    def visit_all(layers: Iterable[Any], path: str) -> None:
        counts: Counter[str] = Counter()
        for layer in layers:
            if isinstance(layer, keras.layers.Layer):
                name = _snake_case(type(layer).__name__)
                visit(layer, f"{path}/{name}_{counts[name]}" if counts[name] else f"{path}/{name}")
                counts[name] += 1

    visit_all(network.layers, "layers")
    return found


def _children(layer: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a layer that every layer does not have, with their names; public ones first."""
    for name in sorted(set(dir(layer)) - _attributes_of_every_layer(), key=lambda name: (name.startswith("_"), name)):
        yield name, getattr(layer, name, None)


@cache
def _attributes_of_every_layer() -> frozenset[str]:
    return frozenset(dir(keras.layers.Layer()))


def _snake_case(name: str) -> str:
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def check_size(size: int, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Compare the size of a weights file with the arrays that it must contain, without reading it.

    Args:
        size: size of the file in bytes.
        shapes: shape of each array by name.

    Raises:
        ModelFileError: if the file is too small or much too large for them.
    """
    arrays = 4 * sum(map(math.prod, shapes.values()))
    # At least half: the arrays may have 16-bit floats.
    if not arrays // 2 <= size <= arrays + MAX_OVERHEAD + OVERHEAD_PER_ARRAY * len(shapes):
        raise ModelFileError(
            f"the shapes of its weights do not match its settings (these imply {arrays:,} bytes, and the weights have "
            f"{size:,})"
        )


def read_arrays(file: h5py.File, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Read the arrays with the given names and shapes.

    Raises:
        ModelFileError: if an array is missing, has another shape, or is no plain array of floats within the file.
    """
    datasets = {name: _dataset(file, name) for name in shapes}
    for name, dataset in datasets.items():
        if dataset.shape != shapes[name]:
            raise ModelFileError(
                f"the shapes of its weights do not match its settings ({name}: {dataset.shape}, expected "
                f"{shapes[name]})"
            )
        if dataset.id.get_storage_size() != dataset.id.get_type().get_size() * math.prod(dataset.shape):
            raise ModelFileError(f"its weights are not complete ({name})")
    return {name: np.asarray(dataset[()]) for name, dataset in datasets.items()}


def _dataset(file: h5py.File, name: str) -> h5py.Dataset:
    item: Any = file
    for step in name.split("/"):
        if not isinstance(item, h5py.Group) or not isinstance(item.get(step, getlink=True), h5py.HardLink):
            raise ModelFileError(f"the shapes of its weights do not match its settings ({name} is missing)")
        item = item[step]
    if not isinstance(item, h5py.Dataset):
        raise ModelFileError(f"the shapes of its weights do not match its settings ({name} is not an array)")
    if item.external or item.is_virtual or item.chunks or item.dtype.kind != "f" or item.dtype.itemsize > 8:
        raise ModelFileError(f"its weights are not plain arrays of floats ({name})")
    return item
