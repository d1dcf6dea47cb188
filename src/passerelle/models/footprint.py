"""Estimate of the memory that a network needs for one text."""

from passerelle.settings import NetworkSettings

__all__ = ["MAX_FLOATS", "floats_per_row"]

MAX_FLOATS = 2**28
"""Limit of the floating-point numbers in memory during one call: one gigabyte."""


def floats_per_row(settings: NetworkSettings, columns: int, source: int, steps: int = 1) -> int:
    """Estimate the floating-point numbers in memory for one row, in the encoder and in one call of the decoder.

    The estimate is too low by a small factor, because it counts only the widest arrays.

    Args:
        settings: settings of the network.
        columns: columns of the logits, without those of the source positions.
        source: length of the source in tokens, including padding.
        steps: decoder steps per call; 1 in search.
    """
    units = settings.decoder.units
    # 8 per unit: four gates, each in the input array and in the loop.
    floats = source * 8 * max(settings.encoder.widths) + steps * (8 * units + 2 * columns)
    if settings.attention in ("additive", "multi-head-additive"):
        floats += steps * source * units
    elif settings.attention == "monotonic":
        floats += steps * source * (source + columns + units)
    elif settings.attention != "none":
        floats += steps * source
    if settings.copying:
        floats += (steps + source) * (source + columns)
    return floats
