"""Which tokenizer goes with a level, and which level with a corpus."""

import statistics
from collections.abc import Iterable, Sequence

from passerelle.errors import SettingsError, did_you_mean
from passerelle.text.subword import SubwordTokenizer
from passerelle.text.tokenizer import CharacterTokenizer, Level, PretokenizedTokenizer, Tokenizer, WordTokenizer
from passerelle.text.vocabulary import Vocabulary

__all__ = ["choose_level", "make_tokenizer"]

SHORT = 12
"""Characters; texts whose median is below are spelled."""

FEW_PAIRS = 30_000
"""With fewer, most subwords are seen too seldom to be learned."""

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
    size: int = 0,
    min_count: int = 1,
) -> Tokenizer:
    """Makes a tokenizer whose vocabulary is learned from `texts`, or given.

    Args:
        level: `character`, `word`, `subword` or `pretokenized`.
        separator: what stands between tokens, at level `pretokenized` only.
        texts: the training texts; read only where `tokens` is None.
        tokens: the vocabulary's ordinary tokens, in the order of their ids.
        lowercase: whether texts are converted to lower case.
        size: most tokens to learn; 0 for as many as the level has them, or as it usually has.
        min_count: how often a token must occur in `texts`.

    Raises:
        SettingsError: if the level is unknown.
        DataError: if `texts` are no texts, or `tokens` not those of the level.
    """
    if level not in _TOKENIZERS:
        raise SettingsError(f"level must be one that exists, received: {level!r}.{did_you_mean(level, _TOKENIZERS)}")
    kind = _TOKENIZERS[level]
    vocabulary = Vocabulary(kind.alphabet if tokens is None else tokens)
    if kind is PretokenizedTokenizer:
        tokenizer = PretokenizedTokenizer(vocabulary, separator or " ", lowercase=lowercase)
    else:
        tokenizer = kind(vocabulary, lowercase=lowercase)
    if tokens is None:
        tokenizer.build_vocabulary(texts, size=size, min_count=min_count)
    return tokenizer


def choose_level(sources: Sequence[str], targets: Sequence[str]) -> tuple[Level, str]:
    """A level for both sides of some pairs, by rules of thumb.

    Short texts and texts without blanks are spelled, by character; so are few pairs, from which subwords cannot be
    learned. Many pairs of longer texts are read by subword.

    Args:
        sources: one text a pair, at least one.
        targets: as many.

    Returns:
        The level, and why, in a few words.
    """
    for side, texts in (("source", sources), ("target", targets)):
        if (median := statistics.median(map(len, texts))) < SHORT:
            return "character", f"{side} texts are short, {median:g} characters (median)"
        if 2 * sum(len(text.split()) < 2 for text in texts) > len(texts):
            return "character", f"most {side} texts have no blanks"
    if len(sources) < FEW_PAIRS:
        return "character", f"{len(sources):,} pairs to train on, and subwords want {FEW_PAIRS:,}"
    return "subword", f"{len(sources):,} pairs to train on, enough for subwords"
