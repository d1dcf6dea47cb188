"""Estimate of the memory that a network needs for one text."""

from passerelle.settings import NetworkSettings

__all__ = ["MAX_FLOATS", "floats_per_row"]

MAX_FLOATS = 2**28
"""Limit of the floating-point numbers in memory during one call: one gigabyte."""


def floats_per_row(settings: NetworkSettings, columns: int, source: int, steps: int = 1, length: int = 0) -> int:
    """Estimate the floating-point numbers in memory for one row, in the encoder and in one call of the decoder.

    The estimate is too low by a small factor, because it counts only the widest arrays.

    Args:
        settings: settings of the network.
        columns: columns of the logits, without those of the source positions.
        source: length of the source in tokens, including padding.
        steps: decoder steps per call; 1 in search.
        length: capacity of the caches of a Transformer decoder: the number of steps of all calls together.
    """
    units = settings.decoder.units
    floats = _encoder_floats(settings, source) + steps * 2 * columns
    if settings.decoder.kind == "transformer":
        blocks = settings.decoder.layers
        floats += steps * (4 * units + settings.decoder.feed_forward) + settings.heads * steps * (length + steps)
        # Keys and values of each block: the caches, before and after a step, and those of the source.
        floats += 2 * blocks * units * 2 * length
        if settings.attention == "multi-head":
            floats += 2 * blocks * units * source
    else:
        floats += steps * 8 * units
    if settings.attention in ("additive", "multi-head-additive"):
        floats += steps * source * units
    elif settings.attention == "multi-head":
        floats += steps * source * settings.heads
    elif settings.attention == "monotonic":
        floats += steps * source * (source + columns + units)
    elif settings.attention != "none":
        floats += steps * source
    if settings.copying:
        floats += (steps + source) * (source + columns)
    return floats


def _encoder_floats(settings: NetworkSettings, source: int) -> int:
    encoder = settings.encoder
    if encoder.kind == "transformer":
        return source * (4 * encoder.units + encoder.feed_forward) + settings.heads * source * source
    # 8 per unit: four gates, each in the input array and in the loop.
    return source * 8 * max(encoder.widths)
