"""Texts to be read in batches of like length, in few shapes, whatever their number and order."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from passerelle.ragged import Ragged

__all__ = ["BATCH_SIZES", "MAX_TOKENS", "as_long", "padded_inputs", "padded_width", "row_batches"]

BATCH_SIZES = (1, 8, 64, 256, 1024)
"""Rows in one call of a compiled program: each is a program of its own, so they are few."""

MAX_TOKENS = 2**17
"""Source tokens in one call, padding included: bounds what attention has to remember of long texts."""


def row_batches(
    rows: Sequence[int], lengths: np.ndarray, most: Callable[[int], int] | None = None
) -> Iterator[np.ndarray]:
    """Cuts rows into batches of like length.

    Args:
        rows: which rows are wanted.
        lengths: int (all rows,), in tokens.
        most: rows of a padded width that memory has room for; None for any number.

    Yields:
        int (n,), row numbers by growing length, n at most the largest of `BATCH_SIZES`.
    """
    wanted = np.asarray(rows, np.int64)
    order = wanted[np.argsort(lengths[wanted], kind="stable")]
    while len(order):
        count = _at_once(lengths[order[: BATCH_SIZES[-1]]], most or (lambda width: BATCH_SIZES[-1]))
        yield order[:count]
        order = order[count:]


def padded_inputs(inputs: Mapping[str, Ragged], rows: np.ndarray, least: int = 1) -> dict[str, np.ndarray]:
    """A network's inputs for one batch, (height, width, ...), by name.

    Args:
        inputs: of all rows, as `Signature.encode_inputs` gives them, the source first.
        rows: int (n,), which.
        least: a length that the source's columns are to hold in any case.

    Returns:
        Arrays of one of the few heights and widths; rows past n hold PAD alone.
    """
    height = next(size for size in BATCH_SIZES if size >= len(rows))
    source, *_ = inputs.values()
    width = padded_width(int(source.lengths[rows].max(initial=least)))
    return {
        name: own.padded(
            rows, width if as_long(own, source) else padded_width(int(own.lengths.max(initial=1))), height=height
        )
        for name, own in inputs.items()
    }


def as_long(own: Ragged, source: Ragged) -> bool:
    """Whether each sequence of `own` is as long as the source of its row: it holds something for each token."""
    return own is source or np.array_equal(own.offsets, source.offsets)


def padded_width(length: int) -> int:
    """The next width in 8, 16, 24, 32, 48, 64, 96, 128, ...: few shapes, at most half of one is padding."""
    width = 8
    while width < length:
        power = 1 << (width.bit_length() - 1)
        width += 8 if width < 32 else power // 2
    return width


def _at_once(lengths: np.ndarray, most: Callable[[int], int]) -> int:
    """How many of these rows, by growing length, go into one call: at least half of a program's, and not too wide."""
    widths = {size: padded_width(int(lengths[:size][-1])) for size in BATCH_SIZES if size <= 2 * len(lengths)}
    sizes = [size for size, width in widths.items() if size * width <= MAX_TOKENS and size <= most(width)]
    return min(max(sizes, default=1), len(lengths))
