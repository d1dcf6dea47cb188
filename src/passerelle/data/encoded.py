"""Encoding pairs: the ids of each field, in memory, or in files for pairs whose texts are in files."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from passerelle.data.pairs import Pairs
from passerelle.data.storage import ArrayFile, StoredArrays, Writing
from passerelle.errors import DataError
from passerelle.fields.signature import Signature, fit_text_signature
from passerelle.ragged import Ragged
from passerelle.settings import Settings

__all__ = ["encode", "fit_signature", "joined_ids"]

Ids = tuple[dict[str, Ragged], dict[str, Ragged]]
"""The inputs of the network, and the targets, by name."""


def encode(pairs: Pairs, signature: Signature, name: str) -> Ids:
    """Encode pairs.

    Args:
        pairs: pairs.
        signature: the fields.
        name: name of the files, if the texts of the pairs are in files.

    Returns:
        The arrays of `Signature.encode_inputs` and `Signature.encode_targets`.

    Raises:
        OutputError: if the files cannot be written.
    """
    if pairs.storage is None:
        return signature.encode_inputs(pairs.columns), signature.encode_targets(pairs.columns)
    content = json.dumps(signature.to_json(), sort_keys=True)
    key = {"pairs": pairs.digest, "signature": hashlib.sha256(content.encode()).hexdigest()}
    stored = pairs.storage.find(name, key)
    if stored is None or not _are_ids(stored, len(pairs), signature):
        with pairs.step("encoding"), pairs.storage.write(name, key) as writing:
            stored = _written(pairs, signature, writing)
    return _ids(stored)


def fit_signature(pairs: Pairs, settings: Settings, name: str) -> Signature:
    """Build the vocabularies from the training pairs; see `fit_text_signature`.

    Args:
        pairs: training pairs.
        settings: all settings.
        name: name of the file in which the result is kept, if the texts of the pairs are in files.
    """

    def fit() -> Signature:
        outputs = pairs.outputs or ("target",)
        return fit_text_signature(settings, pairs.columns, name=pairs.name, outputs=outputs)

    if pairs.storage is None:
        return fit()
    values = settings.model_dump()
    parts = ("source", "target", "outputs", "tags", "network")
    key = {"pairs": pairs.digest, **{part: values[part] for part in parts}}
    stored = pairs.storage.find(name, key)
    if stored is not None:
        with suppress(ValueError, KeyError, TypeError, AttributeError, DataError):  # not one that was written here
            return Signature.from_json(stored.facts)
    signature = fit()
    with pairs.storage.write(name, key) as writing:
        writing.finish(signature.to_json())
    return signature


def _written(pairs: Pairs, signature: Signature, writing: Writing) -> StoredArrays:
    """Encode pairs block by block, and write the ids."""
    dtype = _dtype(signature)
    files: dict[tuple[str, str], _RaggedFile] = {}
    for block in pairs.blocks():
        found = {"inputs": signature.encode_inputs(block.columns), "targets": signature.encode_targets(block.columns)}
        for group, fields in found.items():
            for name, ids in fields.items():
                if (group, name) not in files:
                    files[group, name] = _RaggedFile(writing, f"{group}_{name}", dtype)
                files[group, name].write(ids)
    return writing.finish([list(place) for place in files])


def _dtype(signature: Signature) -> Any:
    """Return the smallest type for the ids of all fields."""
    specs = [spec for group in signature.specs().values() for spec in group.values()]
    copies = bool(signature.copying_sizes)  # ids above the vocabulary, as many as the source has tokens
    return np.int32 if copies or max(spec["size"] for spec in specs) > 2**16 else np.uint16


class _RaggedFile:
    """Sequences that are being written."""

    def __init__(self, writing: Writing, name: str, dtype: Any):
        self._values: ArrayFile = writing.array(f"{name}_values", dtype)
        self._offsets: ArrayFile = writing.array(f"{name}_offsets", np.int64)
        self._offsets.write(np.zeros(1, np.int64))

    def write(self, ids: Ragged) -> None:
        """Append sequences."""
        self._offsets.write(ids.offsets[1:] + self._values.size)
        self._values.write(ids.values)


def _ids(stored: StoredArrays) -> Ids:
    groups: dict[str, dict[str, Ragged]] = {"inputs": {}, "targets": {}}
    for group, name in stored.facts:
        place = f"{group}_{name}"
        groups[group][name] = Ragged(stored.arrays[f"{place}_values"], stored.arrays[f"{place}_offsets"])
    return groups["inputs"], groups["targets"]


def _are_ids(stored: StoredArrays, rows: int, signature: Signature) -> bool:
    """Return whether arrays that were kept are the ids of so many rows, so that they can be trusted."""
    try:
        inputs, targets = _ids(stored)
    except (KeyError, TypeError, ValueError):
        return False
    specs = signature.specs()
    for group, fields in (("inputs", inputs), ("targets", targets)):
        for name, ids in fields.items():
            if len(ids) != rows or ids.offsets[0] != 0 or ids.offsets[-1] != len(ids.values) or ids.lengths.min() < 0:
                return False
            spec: Mapping[str, Any] | None = specs["inputs" if group == "inputs" else "outputs"].get(name)
            largest = max((int(part.values.max(initial=0)) for part in ids.parts()), default=0)
            if spec is not None and not signature.copying_sizes and largest >= spec["size"]:
                return False
    return set(signature.inputs) <= set(inputs) and set(signature.outputs) == set(targets)


def joined_ids(ids: Mapping[str, Ragged], more: Mapping[str, Ragged], pairs: Pairs, name: str) -> dict[str, Ragged]:
    """Return the sequences of `ids` and, after them, those of `more`, for each name.

    Args:
        ids: ids of the fields of some pairs.
        more: ids of the same fields of other pairs.
        pairs: these pairs; the result is in files if their texts are.
        name: name of the files.
    """
    if pairs.storage is None:
        return {field: own.append(more[field]) for field, own in ids.items()}
    result = {}
    with pairs.storage.write(name, {}) as writing:
        for field, own in ids.items():
            file = _RaggedFile(writing, field, np.promote_types(own.values.dtype, more[field].values.dtype))
            for part in (*own.parts(), *more[field].parts()):
                file.write(part)
        arrays = writing.finish().arrays
    for field in ids:
        result[field] = Ragged(arrays[f"{field}_values"], arrays[f"{field}_offsets"])
    return result
