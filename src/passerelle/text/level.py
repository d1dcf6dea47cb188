"""Create the tokenizer of a level, and choose a level for a corpus."""

from collections.abc import Iterable, Sequence

import numpy as np

from passerelle.errors import SettingsError, did_you_mean
from passerelle.scripts import mostly_single_words
from passerelle.text.subword import SubwordTokenizer
from passerelle.text.tokenizer import CharacterTokenizer, Level, PretokenizedTokenizer, Tokenizer, WordTokenizer
from passerelle.text.vocabulary import Vocabulary

__all__ = ["choose_level", "make_tokenizer"]

SHORT_TEXT = 12
"""Median length in characters below which `choose_level` chooses character tokens."""

FEW_PAIRS = 30_000
"""Number of pairs below which most subwords are too rare to train on."""

_TOKENIZERS: dict[str, type[Tokenizer]] = {
    tokenizer.level: tokenizer
    for tokenizer in (CharacterTokenizer, WordTokenizer, SubwordTokenizer, PretokenizedTokenizer)
}


def make_tokenizer(
    level: str,
    separator: str | None = None,
    *,
    texts: Iterable[str] = (),
    tokens: Sequence[str] | None = None,
    lowercase: bool = False,
    exact_whitespace: bool = True,
    size: int = 0,
    min_count: int = 1,
    ignore_spacing: bool = False,
) -> Tokenizer:
    """Create a tokenizer, with a vocabulary that is built from `texts` or passed as `tokens`.

    Args:
        level: `character`, `word`, `subword` or `pretokenized`.
        separator: the string between two tokens; used at level `pretokenized` only.
        texts: the training texts; used only if `tokens` is None.
        tokens: the tokens of the vocabulary in the order of their ids, without special tokens.
        lowercase: whether texts are converted to lower case.
        exact_whitespace: whether whitespace that means nothing is part of a text; see `Tokenizer.trim`.
        size: maximum number of tokens; 0 for the default of the level.
        min_count: number of occurrences in `texts` that a token requires.
        ignore_spacing: whether the spacing of a text has no influence on its tokens; used at level `word` only.

    Raises:
        SettingsError: if the level is unknown.
        DataError: if a text is not valid Unicode, or the level does not allow `tokens`.
    """
    if level not in _TOKENIZERS:
        raise SettingsError(f"unknown level, received: {level!r}.{did_you_mean(level, _TOKENIZERS)}")
    kind = _TOKENIZERS[level]
    vocabulary = Vocabulary(kind.alphabet if tokens is None else tokens)
    if kind is PretokenizedTokenizer:
        tokenizer = PretokenizedTokenizer(
            vocabulary, separator or " ", lowercase=lowercase, exact_whitespace=exact_whitespace
        )
    elif kind is WordTokenizer:
        tokenizer = WordTokenizer(
            vocabulary, lowercase=lowercase, exact_whitespace=exact_whitespace, ignore_spacing=ignore_spacing
        )
    else:
        tokenizer = kind(vocabulary, lowercase=lowercase, exact_whitespace=exact_whitespace)
    if tokens is None:
        tokenizer.build_vocabulary(texts, size=size, min_count=min_count)
    return tokenizer


def choose_level(sources: Sequence[str], targets: Sequence[str]) -> tuple[Level, str]:
    """Choose a token level for both sides of a corpus.

    The level is `character` if the texts of a side are short or mostly contain no spaces, or if there are fewer than
    `FEW_PAIRS` pairs. Otherwise it is `subword`.

    Args:
        sources: the source texts, at least one.
        targets: the target texts, one for each source.

    Returns:
        The level, and the reason as a short text.
    """
    for side, texts in (("source", sources), ("target", targets)):
        if (median := np.median(np.fromiter(map(len, texts), np.int32, len(texts)))) < SHORT_TEXT:
            return "character", f"{side} texts are short, {median:g} characters (median)"
        if mostly_single_words(texts):
            return "character", f"most {side} texts contain no spaces"
    if len(sources) < FEW_PAIRS:
        return "character", f"{len(sources):,} training pairs, and subwords require {FEW_PAIRS:,}"
    return "subword", f"{len(sources):,} training pairs, enough for subwords"
