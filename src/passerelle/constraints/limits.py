"""Limits of the work to build a constraint. They are counts, not times, so the same constraint is always refused."""

from passerelle.errors import SettingsError

__all__ = ["MOST_STATES", "MOST_STEPS", "Steps", "check_states"]

MOST_STATES = 100_000
"""Maximum number of states of an automaton; a state takes 1 KiB."""

MOST_STEPS = 2_000_000
"""Maximum number of steps of one construction: one to two seconds. A step is a few operations of Python."""

ROUND = 32
"""Steps that a few calls of NumPy on small arrays count as."""


class Steps:
    """The number of steps of one construction."""

    def __init__(self):
        self.count = 0

    def add(self, count: int) -> None:
        """Count further steps.

        Raises:
            SettingsError: if there are more than `MOST_STEPS`.
        """
        self.count += count
        if self.count > MOST_STEPS:
            raise SettingsError(
                f"the constraint takes more than {MOST_STEPS:,} steps to build. Lower the bounds of its repeats, nest "
                f"fewer repeats, or pass fewer or shorter texts."
            )

    def add_arrays(self, cells: int) -> None:
        """Count a few calls of NumPy on arrays of this size."""
        self.add(ROUND + cells // ROUND)


def check_states(count: int) -> None:
    """Raise SettingsError if `count` exceeds `MOST_STATES`."""
    if count > MOST_STATES:
        raise SettingsError(
            f"the constraint needs more than {MOST_STATES:,} states. Lower the bounds of its repeats, or pass fewer or "
            f"shorter texts."
        )
