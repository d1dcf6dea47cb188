"""Truncation of the distribution in sampling: top-k, top-p.

To add a method such as min-p, add its setting to `SearchSettings`, its function to `TRUNCATIONS`, and its setting to
`truncates`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import keras

from passerelle.settings import SearchSettings

__all__ = ["TRUNCATIONS", "Truncation", "allowed_candidates", "num_candidates", "top_p", "truncates"]

ops: Any = keras.ops
"""Typed as Any, because Keras's annotations say that these functions may return None."""


class Truncation(Protocol):
    """A function that decides which candidates may be sampled."""

    def __call__(self, probs: Any, settings: SearchSettings) -> Any:
        """Return bool (rows, candidates), True for candidates that may be sampled; at least one in each row.

        Args:
            probs: float32 (rows, candidates), probabilities after temperature and top-k, sorted in descending order;
                each row sums to 1.
            settings: the search settings.
        """


def num_candidates(settings: SearchSettings, tokens: int) -> int:
    """Return the number of most likely tokens to sample from: top-k (Fan et al. 2018, arXiv:1805.04833)."""
    return min(settings.top_k or tokens, tokens)


def top_p(probs: Any, settings: SearchSettings) -> Any:
    """Allow the smallest set of most likely tokens whose probabilities sum to at least `top_p`.

    Source: Holtzman et al. 2019, arXiv:1904.09751.
    """
    before: Any = ops.cumsum(probs, axis=-1) - probs
    return before < settings.top_p


TRUNCATIONS: Sequence[Truncation] = (top_p,)
"""All truncations; each is applied, and allows every candidate at the default of its setting."""


def truncates(settings: SearchSettings) -> bool:
    """Return whether the settings restrict the tokens that may be sampled."""
    return settings.top_k > 0 or settings.top_p < 1.0


def allowed_candidates(probs: Any, settings: SearchSettings) -> Any:
    """Return bool (rows, candidates), True for candidates that all truncations allow; see `Truncation`."""
    allowed = probs > 0.0  # a token whose probability was rounded to 0 must not be sampled
    for truncation in TRUNCATIONS:
        allowed = ops.logical_and(truncation(probs, settings), allowed)
    return allowed
