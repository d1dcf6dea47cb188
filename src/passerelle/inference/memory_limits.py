"""Memory limits: the number of texts that are processed at once."""

from collections.abc import Callable, Sequence

import numpy as np

from passerelle.data.rows import BATCH_SIZES, padded_width
from passerelle.decoding.greedy import LANES
from passerelle.errors import LongTextError
from passerelle.models.footprint import MAX_FLOATS, floats_per_row
from passerelle.models.stepper import Stepper

__all__ = ["rows_at_once"]


def rows_at_once(
    steppers: Sequence[Stepper],
    rows: Sequence[int],
    lengths: np.ndarray,
    *,
    beam: int = 1,
    steps: int = 1,
    growing: int = LANES,
    max_steps: Callable[[int], int] = int,
) -> Callable[[int], int]:
    """Return a function: padded width -> maximum number of rows of that width in one call.

    Args:
        steppers: the networks that run at the same time.
        rows: the rows to process.
        lengths: int (all rows,), length of each row in tokens.
        beam: hypotheses per row.
        steps: number of steps in one call of the decoder.
        growing: number of rows of a call that are processed at once.
        max_steps: padded width -> number of steps of all calls of the decoder together; by default the width.

    Raises:
        LongTextError: if one of `rows` requires more memory than the limit.
    """

    def floats(width: int) -> int:
        length = max_steps(width)
        return beam * sum(floats_per_row(one.settings, one.size, width, min(width, steps), length) for one in steppers)

    row = max(rows, key=lambda row: lengths[row], default=None)
    if row is not None and (needed := floats(padded_width(int(lengths[row])))) > MAX_FLOATS:
        raise LongTextError(
            row,
            f"is too long: its {lengths[row]:,} tokens cannot be processed in parts and require about "
            f"{needed / 2**28:,.1f} GB of memory; the limit is 1 GB. Split the text.",
        )
    return lambda width: limit if (limit := MAX_FLOATS // floats(width)) < growing else BATCH_SIZES[-1]
