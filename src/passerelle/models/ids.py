"""Which ids have a vector or an output of their own."""

from passerelle.settings import NetworkSettings
from passerelle.special_tokens import FIRST_ORDINARY, START, UNK

__all__ = ["first_source_column", "first_target_column"]


def first_source_column(settings: NetworkSettings) -> int:
    """The source id that column 0 stands for; ids below it are zero vectors."""
    if settings.tie == "all":
        return first_target_column(settings)
    return UNK if settings.unknown else FIRST_ORDINARY


def first_target_column(settings: NetworkSettings) -> int:
    """The target id that column 0 stands for; ids below it can be neither read nor written."""
    return UNK if settings.unknown else START
