"""Splitting pairs by source into training pairs and validation pairs."""

import random
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from passerelle.data.pairs import Pairs
from passerelle.data.row_keys import distinct_numbers, row_numbers
from passerelle.errors import DataError

__all__ = ["split_by_source"]

LARGEST_DEFAULT_VALIDATION = 1000
"""Maximum number of sources held out by default: enough for a stable loss, and few compared to the training pairs."""


def split_by_source(
    pairs: Pairs,
    share: float | None,
    *,
    seed: int,
    keys: Iterable[Hashable] | None = None,
    rule: Mapping[str, Any] | None = None,
) -> tuple[Pairs, Pairs]:
    """Hold out random sources, each with all its targets, so that training and held-out pairs share no source.

    Args:
        pairs: pairs to split.
        share: fraction of the distinct sources to hold out, from 0 up to but excluding 1. None holds out a tenth, at
            most `LARGEST_DEFAULT_VALIDATION`; of fewer than ten sources, none.
        seed: seed of the random choice.
        keys: a value for each pair, which is equal for pairs whose sources are the same to a model; None compares the
            texts themselves.
        rule: what the keys depend on, as JSON values. Then the choice is kept with pairs that are in files.

    Returns:
        (training pairs, held-out pairs), each in the order of `pairs`. The training pairs keep the counts of skipped
        rows and the facts about synthetic pairs.

    Raises:
        DataError: if `share` is above 0 and would leave no source for training or none for validation.
    """
    if pairs.storage is None or rule is None:
        held_out = _held_out(pairs, share, seed, keys)
    else:
        key = {"pairs": pairs.digest, "share": share, "seed": seed, "rule": rule}
        stored = pairs.storage.find("split", key)
        if stored is None or stored.arrays["held_out"].shape != (len(pairs),):
            with pairs.storage.write("split", key) as writing:
                writing.array("held_out", np.uint8).write(_held_out(pairs, share, seed, keys))
                stored = writing.finish()
        held_out = stored.arrays["held_out"].astype(bool)
    training, validation = (pairs.select(row_numbers(side)) for side in (~held_out, held_out))
    return replace(training, blank=pairs.blank, skipped=pairs.skipped, synthetic=pairs.synthetic), validation


def _held_out(pairs: Pairs, share: float | None, seed: int, keys: Iterable[Hashable] | None) -> np.ndarray:
    """Return bool (pairs,), True for the pairs to hold out; see `split_by_source`."""
    distinct = distinct_numbers(pairs.sources if keys is None else keys, stored=pairs.storage is not None)
    sources = int(distinct.max(initial=-1)) + 1
    if share is None:
        count = min(sources // 10, LARGEST_DEFAULT_VALIDATION)
    else:
        count = round(share * sources)
        if share > 0 and not 0 < count < sources:
            raise DataError(
                f"{pairs.name}: a share of {share:g} of {sources} distinct sources leaves one side of the split "
                f"empty. Use more pairs, another share, or validation=0."
            )
    is_held_out = np.zeros(sources, bool)
    is_held_out[random.Random(seed).sample(range(sources), count)] = True
    return is_held_out[distinct]
