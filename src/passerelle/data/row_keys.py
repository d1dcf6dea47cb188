"""Which rows have the same key: exactly in memory, and by hashes for rows in files, of which there may be very many."""

import hashlib
from collections.abc import Hashable, Iterable
from itertools import islice

import numpy as np

from passerelle.data.storage import BLOCK

__all__ = ["distinct_numbers", "key_hashes", "row_numbers"]


def distinct_numbers(keys: Iterable[Hashable], *, stored: bool) -> np.ndarray:
    """Number the distinct keys in order of first appearance, and return the number of each row, int32 (rows,).

    Args:
        keys: a key for each row.
        stored: whether the rows are in files. Then only hashes of the keys are kept; two of ten million different keys
            have the same hash, and so the same number, with a probability of three in a million.
    """
    if not stored:
        numbers: dict[Hashable, int] = {}
        return np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), np.int32)
    _, first, distinct = np.unique(key_hashes(keys), return_index=True, return_inverse=True)
    number_of = np.empty(len(first), np.int32)
    number_of[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return number_of[distinct]


def key_hashes(keys: Iterable[Hashable]) -> np.ndarray:
    """Return a hash of each key, uint64 (rows,); the same in each process. Keys are texts, or tuples of them."""
    blocks = []
    rest = iter(keys)
    while block := [hashlib.blake2b(repr(key).encode(), digest_size=8).digest() for key in islice(rest, BLOCK)]:
        blocks.append(b"".join(block))
    return np.frombuffer(b"".join(blocks), np.uint64)


def row_numbers(chosen: np.ndarray) -> np.ndarray:
    """Return the rows where `chosen`, bool (rows,), is True, int32 (n,)."""
    return np.flatnonzero(chosen).astype(np.int32)
