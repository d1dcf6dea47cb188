"""Inference batches: rows of similar length, padded to one of a few shapes, so that few programs are compiled."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from passerelle.ragged import Ragged

__all__ = ["BATCH_SIZES", "MAX_TOKENS", "padded_inputs", "padded_width", "row_batches", "same_lengths"]

BATCH_SIZES = (1, 8, 64, 256, 1024)
"""Batch sizes; few, because each needs a compiled program for each width."""

MAX_TOKENS = 2**17
"""Maximum number of source tokens in a batch, padding included; bounds the memory of attention over long texts."""


def row_batches(
    rows: Sequence[int], lengths: np.ndarray, max_rows: Callable[[int], int] | None = None
) -> Iterator[np.ndarray]:
    """Group rows of similar length into batches.

    Args:
        rows: numbers of the rows to group.
        lengths: int (all rows,), in tokens.
        max_rows: function from a padded width to the number of rows that fit into memory; None for no limit.

    Yields:
        int (n,), row numbers in order of increasing length; n is at most the largest of `BATCH_SIZES`.
    """
    unsorted = np.asarray(rows, np.int64)
    order = unsorted[np.argsort(lengths[unsorted], kind="stable")]
    while len(order):
        count = _batch_rows(lengths[order[: BATCH_SIZES[-1]]], max_rows or (lambda width: BATCH_SIZES[-1]))
        yield order[:count]
        order = order[count:]


def padded_inputs(inputs: Mapping[str, Ragged], rows: np.ndarray, min_length: int = 1) -> dict[str, np.ndarray]:
    """Return the network's inputs for one batch.

    Args:
        inputs: inputs of all rows by name, as returned by `Signature.encode_inputs`; the source comes first.
        rows: int (n,), numbers of the rows in this batch.
        min_length: minimum number of source columns before rounding up to a padded width.

    Returns:
        Arrays (height, width, ...) by name: height is one of `BATCH_SIZES`, width a value of `padded_width`. Rows from
        n on contain only PAD.
    """
    height = next(size for size in BATCH_SIZES if size >= len(rows))
    source, *_ = inputs.values()
    width = padded_width(int(source.lengths[rows].max(initial=min_length)))
    return {
        name: values.padded(
            rows,
            width if same_lengths(values, source) else padded_width(int(values.lengths.max(initial=1))),
            height=height,
        )
        for name, values in inputs.items()
    }


def same_lengths(values: Ragged, source: Ragged) -> bool:
    """Whether each sequence of `values` has the length of its source, so that it has one element per source token."""
    return values is source or np.array_equal(values.offsets, source.offsets)


def padded_width(length: int) -> int:
    """Round a length up to 8, 16, 24, 32, 48, 64, 96, 128, ...: few shapes, less than half padding from length 8 on."""
    width = 8
    while width < length:
        power = 1 << (width.bit_length() - 1)
        width += 8 if width < 32 else power // 2
    return width


def _batch_rows(lengths: np.ndarray, max_rows: Callable[[int], int]) -> int:
    """Return the number of rows for one batch: the largest batch size that fits and would be at least half full.

    `lengths` must be in increasing order.
    """
    widths = {size: padded_width(int(lengths[:size][-1])) for size in BATCH_SIZES if size <= 2 * len(lengths)}
    sizes = [size for size, width in widths.items() if size * width <= MAX_TOKENS and size <= max_rows(width)]
    return min(max(sizes, default=1), len(lengths))
