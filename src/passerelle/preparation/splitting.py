"""Training pairs and validation pairs: by share, from a file, or given."""

import os
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

from passerelle.data.checking import check_pairs
from passerelle.data.formats import PairPath
from passerelle.data.pairs import Pairs
from passerelle.data.reading import read_pairs
from passerelle.data.splitting import split_by_source
from passerelle.errors import SettingsError
from passerelle.preparation.resolution import resolve_preset
from passerelle.settings import Settings, TextSettings
from passerelle.text.level import make_tokenizer

__all__ = ["Validation", "source_key", "split"]

Validation = float | PairPath | Iterable[tuple[str, ...]] | None
"""Validation data: the share of sources to hold out, a file, a tuple of two parallel files, or pairs. 0 holds out
nothing, None a tenth."""


def split(pairs: Iterable[tuple[str, ...]], validation: Validation, settings: Settings) -> tuple[Pairs, Pairs]:
    """Return the training pairs and the validation pairs, before pairs that are too long are skipped.

    With the same arguments, the split is the same. `prepare` with the training pairs, and with the validation pairs as
    `validation`, makes no other split.

    Raises:
        DataError: if `pairs` are not rows of texts, or a validation file cannot be read.
        SettingsError: if `validation` is a number outside of [0, 1).
    """
    tagged = settings.tags.mode != "none"
    pairs = check_pairs(pairs, tagged=tagged)
    settings, _ = resolve_preset(settings, pairs)
    if validation is None or isinstance(validation, Real):
        if validation is not None and not 0 <= float(validation) < 1:
            raise SettingsError(f"validation must be at least 0 and less than 1, received: {validation!r}")
        share = None if validation is None else float(validation)
        keys = pairs.sources if pairs.has_number_sources else map(source_key(settings.source), pairs.sources)
        with pairs.step("splitting", len(pairs)):
            rule = settings.source.model_dump()
            return split_by_source(pairs, share, seed=settings.training.seed, keys=keys, rule=rule)
    paths: Any = validation if isinstance(validation, tuple) else (validation,)
    if paths and all(isinstance(path, (str, os.PathLike)) for path in paths):
        return pairs, read_pairs(paths, tag_column=3 if tagged else None, outputs=pairs.outputs_to_read)
    rows: Any = validation
    held_out = check_pairs(rows, name="validation", tagged=tagged, outputs=pairs.outputs)
    return pairs, held_out.with_outputs_of(pairs.name, pairs.outputs, pairs.number_outputs)


def source_key(settings: TextSettings) -> Callable[[str], str]:
    """Return a function that returns the same string for sources that are the same to the tokenizer."""
    # The vocabulary has no influence, nor has the level that replaces `auto`: it is never `word` or `pretokenized`.
    level = "character" if settings.level == "auto" else settings.level
    tokenizer = make_tokenizer(
        level,
        settings.separator,
        lowercase=settings.lowercase,
        exact_whitespace=settings.exact_whitespace,
        ignore_spacing=settings.ignore_spacing,
    )
    return tokenizer.key
