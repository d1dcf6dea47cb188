"""How many numbers a network holds at once for one text: what bounds the texts that fit into memory."""

from passerelle.settings import NetworkSettings

__all__ = ["LARGEST", "floats_of_row"]

LARGEST = 2**28
"""Floating-point numbers held at once by one call, one gigabyte."""


def floats_of_row(settings: NetworkSettings, columns: int, source: int, steps: int = 1) -> int:
    """Floating-point numbers in the arrays of one row, while the encoder reads and while the decoder makes some steps.

    Of each layer's arrays only the widest counts, so it is an estimate, from below by a small factor.

    Args:
        settings: of the network.
        columns: of its logits, without those that stand for the source's positions.
        source: tokens of the source, padding included.
        steps: that one call of the decoder makes; search makes one.
    """
    units = settings.decoder.units
    # Eight: four gates, forward and on the way through the loop.
    floats = source * 8 * max(settings.encoder.widths) + steps * (8 * units + 2 * columns)
    if settings.attention in ("additive", "multi-head"):
        floats += steps * source * units
    elif settings.attention == "monotonic":
        floats += steps * source * (source + columns + units)
    elif settings.attention != "none":
        floats += steps * source
    if settings.copying:
        floats += (steps + source) * (source + columns)
    return floats
