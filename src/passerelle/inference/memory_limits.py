"""Memory limits: the number of texts that are computed at once."""

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
) -> Callable[[int], int]:
    """Return a function: padded width -> most rows of that width in one call.

    Args:
        steppers: all that run at once.
        rows: the rows that are wanted.
        lengths: int (all rows,), in tokens.
        beam: hypotheses per row.
        steps: of one call of the decoder.
        growing: rows of a call that are computed at once.

    Raises:
        LongTextError: if one of `rows` needs more memory than one call may take.
    """

    def floats(width: int) -> int:
        return beam * sum(floats_per_row(one.settings, one.size, width, min(width, steps)) for one in steppers)

    row = max(rows, key=lambda row: lengths[row], default=None)
    if row is not None and (needed := floats(padded_width(int(lengths[row])))) > MAX_FLOATS:
        raise LongTextError(
            row,
            f"is too long: its {lengths[row]:,} tokens, which cannot be cut at a blank, need about "
            f"{needed / 2**28:,.1f} GB at once, and 1 GB is the bound. Cut it.",
        )
    return lambda width: most if (most := MAX_FLOATS // floats(width)) < growing else BATCH_SIZES[-1]
