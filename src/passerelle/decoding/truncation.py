"""Truncation of the distribution that sampling draws from: which of the likeliest tokens may be drawn.

To add a sampling method such as min-p, add its setting to `SearchSettings` and its function to `TRUNCATIONS`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import keras

from passerelle.settings import SearchSettings

__all__ = ["TRUNCATIONS", "Truncation", "allowed_candidates", "num_candidates", "top_p"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


class Truncation(Protocol):
    """Decides which candidates may be drawn."""

    def __call__(self, shares: Any, settings: SearchSettings) -> Any:
        """Return bool (rows, candidates), True where a candidate may be drawn; at least one in each row.

        Args:
            shares: float32 (rows, candidates), probabilities after temperature and top-k; they fall along a row and
                sum to 1.
            settings: of the search.
        """


def num_candidates(settings: SearchSettings, tokens: int) -> int:
    """Return the number of likeliest tokens that are considered at all (Fan et al. 2018, arXiv:1805.04833)."""
    return min(settings.top_k or tokens, tokens)


def top_p(shares: Any, settings: SearchSettings) -> Any:
    """Keep the fewest likeliest tokens whose probabilities sum to `top_p` (Holtzman et al. 2019, arXiv:1904.09751)."""
    before: Any = ops.cumsum(shares, axis=-1) - shares
    return before < settings.top_p


TRUNCATIONS: Sequence[Truncation] = (top_p,)
"""All of them apply; each leaves every candidate at its setting's default."""


def allowed_candidates(shares: Any, settings: SearchSettings) -> Any:
    """Return bool (rows, candidates), True where a candidate may be drawn; see `Truncation`."""
    allowed = shares > 0.0  # rounding must not leave a token without probability
    for truncation in TRUNCATIONS:
        allowed = ops.logical_and(truncation(shares, settings), allowed)
    return allowed
