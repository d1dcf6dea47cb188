"""The first ids that have an input vector or an output column."""

from passerelle.settings import NetworkSettings
from passerelle.special_tokens import FIRST_ORDINARY, START, UNK

__all__ = ["first_source_column", "first_target_column"]


def first_source_column(settings: NetworkSettings) -> int:
    """Return the source id of column 0; ids below it have a vector of zeros."""
    if settings.tie == "all":
        return first_target_column(settings)
    return UNK if settings.unknown else FIRST_ORDINARY


def first_target_column(settings: NetworkSettings) -> int:
    """Return the target id of column 0; ids below it have a vector of zeros and cannot be predicted."""
    return UNK if settings.unknown else START
