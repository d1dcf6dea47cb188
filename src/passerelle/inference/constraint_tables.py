"""The arrays of constraints, kept for the next search."""

from functools import lru_cache

import numpy as np

from passerelle.constraints.lift import Constraint
from passerelle.constraints.makers import constraint_of
from passerelle.decoding.processors import Tables
from passerelle.settings import ConstraintSettings
from passerelle.text.tokenizer import Tokenizer

__all__ = ["ConstraintTables", "make_tables"]

KEPT = 4
"""Constraints kept; each takes up to 256 MiB."""


class ConstraintTables:
    """Makes the arrays of constraints and keeps the last few; several threads may use it.

    Args:
        tokenizer: of the target.
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._kept = lru_cache(KEPT)(self._make)

    def __call__(self, constraints: ConstraintSettings, beam: int) -> Tables | None:
        """Return the arrays of a constraint for a beam of this size; None where nothing is constrained.

        Raises:
            SettingsError: if the constraint is wrong, or no text can meet it.
        """
        return self._kept(constraints, beam)  # pyright: ignore[reportArgumentType] - frozen settings are hashable

    def _make(self, constraints: ConstraintSettings, beam: int) -> Tables | None:
        constraint = constraint_of(constraints, self._tokenizer)
        return None if constraint is None else make_tables(constraint, beam)


def make_tables(constraint: Constraint, beam: int) -> Tables:
    """Return a constraint's arrays, padded to sizes that are powers of two, so that programs are few.

    Args:
        constraint: over target ids.
        beam: progress is counted in as many kinds as the beam has slots.
    """
    states, classes = constraint.next.shape
    wide, high = _power(classes), _power(states)
    longest = int(constraint.progress.max())
    progress = np.ceil(constraint.progress * (beam - 1) / longest).astype(np.int32) if longest else None
    return Tables(
        next=np.pad(constraint.next, ((0, high - states), (0, wide - classes)), constant_values=-1),
        class_of=constraint.class_of,
        accepting=np.pad(constraint.accepting, (0, high - states)),
        distance=np.pad(constraint.distance, (0, high - states)),
        progress=None if progress is None else np.pad(progress, (0, high - states)),
        start=np.int32(constraint.start),
    )


def _power(size: int) -> int:
    return 1 << max(0, size - 1).bit_length()
