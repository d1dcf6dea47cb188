"""The arrays of constraints, cached for later searches."""

from functools import lru_cache

import numpy as np

from passerelle.constraints.lift import Constraint
from passerelle.constraints.makers import constraint_of
from passerelle.decoding.processors import Tables
from passerelle.settings import ConstraintSettings
from passerelle.text.tokenizer import Tokenizer

__all__ = ["ConstraintTables", "make_tables"]

CACHE_SIZE = 4
"""Number of cached constraints; each takes up to 256 MiB."""


class ConstraintTables:
    """Creates the arrays of constraints, with a cache of the last few. It is thread-safe.

    Args:
        tokenizer: the target tokenizer.
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._cached = lru_cache(CACHE_SIZE)(self._make)

    def __call__(self, constraints: ConstraintSettings, beam: int) -> Tables | None:
        """Return the arrays of a constraint for a beam of this size; None if nothing is constrained.

        Raises:
            SettingsError: if the constraint is invalid, or the vocabulary cannot write any text that it accepts.
        """
        return self._cached(constraints, beam)  # pyright: ignore[reportArgumentType] - frozen settings are hashable

    def _make(self, constraints: ConstraintSettings, beam: int) -> Tables | None:
        constraint = constraint_of(constraints, self._tokenizer)
        return None if constraint is None else make_tables(constraint, beam)


def make_tables(constraint: Constraint, beam: int) -> Tables:
    """Return the arrays of a constraint, padded to powers of two, so that few programs are compiled.

    Args:
        constraint: a constraint over target ids.
        beam: the beam size; the progress in required phrases is scaled to 0, ..., `beam` - 1.
    """
    states, classes = constraint.next.shape
    padded_classes, padded_states = _next_power_of_two(classes), _next_power_of_two(states)
    longest = int(constraint.progress.max())
    progress = np.ceil(constraint.progress * (beam - 1) / longest).astype(np.int32) if longest else None
    return Tables(
        next=np.pad(constraint.next, ((0, padded_states - states), (0, padded_classes - classes)), constant_values=-1),
        class_of=constraint.class_of,
        accepting=np.pad(constraint.accepting, (0, padded_states - states)),
        distance=np.pad(constraint.distance, (0, padded_states - states)),
        progress=None if progress is None else np.pad(progress, (0, padded_states - states)),
        start=np.int32(constraint.start),
    )


def _next_power_of_two(size: int) -> int:
    return 1 << max(0, size - 1).bit_length()
