"""The preset `auto`: choose preset, tokenizer level and other settings from the pairs, with the reasons in words.

The rules follow the comparisons in docs/quality.md. Explicit settings always win; where they describe a network of the
user's own, the preset is `compact`, which they change.
"""

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from passerelle.scripts import has_no_spaces, mostly_single_words
from passerelle.settings import AUTO_PRESET, BASE_PRESET, PRESETS, Settings, with_preset

__all__ = ["Candidate", "PairStatistics", "choose_candidates"]

SAMPLE = 1_000
"""Number of pairs that are examined, spread evenly over all."""

MAX_TRANSDUCED = 60
"""Median number of target characters up to which single words are translated by monotonic attention."""

MAX_ALPHABET = 500
"""Number of different target tokens up to which monotonic attention is affordable."""

COPIED = 0.5
"""Share of the target characters that occur in the source in the same order, from which on copying pays."""

COPYING_INIT_RANGE = 0.05
"""Range of initial embeddings of `monotonic` with copying; without it, the preset's wider range is better."""

FEW_PAIRS = 3_000
"""Number of pairs below which a Transformer has too little to learn from."""

MANY_WORDS = 20_000
"""Number of different words of a side from which on subwords replace words: a vocabulary of that size makes the output
layer slow, and most of its words are rare."""

SHORT_SENTENCE = 40
"""Median number of target characters up to which monotonic attention is compared for sentences too."""

MIN_UPDATES = 800
"""Number of updates below which a Transformer writes worse than `compact`."""

START_MINUTES = 0.5
"""Assumed minutes until the first update: reading, preparation and compilation."""

WORDS_PER_MINUTE = 150_000
"""Assumed speed of training the preset `transformer` on one core, in words of source and target between spaces, as
`PairStatistics.length` counts them. On two cores it was 240,000."""

CORES_POWER = 0.75
"""The speed grows with this power of the number of cores."""

NEUTRAL = {"copying", "dropout", "recurrent_dropout", "recurrent_dtype"}
"""Explicit settings of the network with which the preset is still chosen."""


@dataclass(frozen=True)
class PairStatistics:
    """What the choice depends on.

    Attributes:
        pairs: number of pairs.
        characters: median length of a target in characters.
        single: whether most targets are single words, or sequences of symbols from a small alphabet.
        tokens: number of different target tokens: of characters, or of symbols if the target is pretokenized.
        words: number of different words of the side with more of them.
        length: mean number of words of a source and its target together; of characters, for a side without spaces.
        copied: mean share of a target's characters that are in the source in the same order, 0 to 1.
        unspaced: the sides that are written without spaces between words.
    """

    pairs: int
    characters: float
    single: bool
    tokens: int
    words: int
    length: float
    copied: float
    unspaced: tuple[str, ...]

    @classmethod
    def of(cls, sources: Sequence[str], targets: Sequence[str], settings: Settings) -> "PairStatistics":
        """Return the statistics of pairs, at least one."""
        from rapidfuzz.distance import LCSseq

        step = -(-len(sources) // SAMPLE)
        some = list(zip(sources[::step], targets[::step], strict=True))
        sides = {"source": [source for source, _ in some], "target": [target for _, target in some]}
        pretokenized = settings.target.level == "pretokenized"
        separator = settings.target.separator
        symbols = {token for text in sides["target"] for token in (text.split(separator) if pretokenized else text)}
        unspaced = tuple(side for side, texts in sides.items() if has_no_spaces(texts))
        lengths = [len(text if side in unspaced else text.split()) for side, texts in sides.items() for text in texts]
        words = max(len({word for text in texts for word in text.split()}) for texts in (sources, targets))
        return cls(
            pairs=len(sources),
            characters=statistics.median(map(len, sides["target"])),
            single=pretokenized or (mostly_single_words(sides["target"]) and not has_no_spaces(sides["target"])),
            tokens=len(symbols),
            words=words,
            length=sum(lengths) / len(some),
            copied=statistics.fmean(LCSseq.similarity(*pair) / max(len(pair[1]), 1) for pair in some),
            unspaced=unspaced,
        )


@dataclass(frozen=True)
class Candidate:
    """Complete settings, and why they were chosen.

    Attributes:
        settings: complete settings.
        reasons: one line for the preset, and lines for other settings that were chosen.
    """

    settings: Settings
    reasons: tuple[str, ...] = ()


def choose_candidates(settings: Settings, sources: Sequence[Any], targets: Sequence[str]) -> list[Candidate]:
    """Choose settings for pairs, best guess first. There is only one candidate if the rules leave no doubt.

    Args:
        settings: the settings; those that are explicit are kept. If the preset is not `auto`, they are returned.
        sources: the source texts or sequences of numbers, at least one.
        targets: the target texts, one for each source; or numbers.
    """
    if settings.preset != AUTO_PRESET:
        return [Candidate(settings)]
    explicit = _without_auto_levels(settings.explicit)
    settings = settings.with_explicit(explicit)
    if own := sorted(set(_section(explicit, "network")) - NEUTRAL):
        return [_candidate(settings, BASE_PRESET, f"network.{own[0]} is set", {})]
    if not isinstance(sources[0], str):
        return [_candidate(settings, BASE_PRESET, "the sources are numbers", {})]
    if not isinstance(targets[0], str):
        return [_candidate(settings, BASE_PRESET, "the targets are numbers", {})]
    found = PairStatistics.of(sources, targets, settings)
    levels = {side: _section(explicit, side).get("level", "auto") for side in ("source", "target")}
    if _is_transduction(found, levels):
        return [_transduction(settings, found)]
    if found.pairs < FEW_PAIRS:
        return [_candidate(settings, BASE_PRESET, f"only {found.pairs:,} pairs", {})]
    minutes = settings.training.minutes
    if minutes and _expected_updates(minutes, found.length) < MIN_UPDATES:
        return [_candidate(settings, BASE_PRESET, f"{minutes:g} minutes are too short for a Transformer", {})]
    return _sentences(settings, found, levels)


def _without_auto_levels(explicit: Mapping[str, Any]) -> dict[str, Any]:
    """Return the explicit settings without `level = "auto"`: the choice of the preset includes that of the level."""
    return {
        name: {key: value for key, value in section.items() if (key, value) != ("level", "auto")}
        if isinstance(section, Mapping)
        else section
        for name, section in explicit.items()
    }


def _section(explicit: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = explicit.get(name)
    return section if isinstance(section, Mapping) else {}


def _is_transduction(found: PairStatistics, levels: Mapping[str, str]) -> bool:
    """Return whether the task is like spelling to sound or inflection: one short word is written from another."""
    return (
        found.single
        and found.characters <= MAX_TRANSDUCED
        and found.tokens <= MAX_ALPHABET
        and not {"word", "subword"} & set(levels.values())
    )


def _expected_updates(minutes: float, length: float) -> float:
    """Return how many updates the preset `transformer` can make in this time, with pairs of `length` words."""
    speed = WORDS_PER_MINUTE * _cores() ** CORES_POWER
    batch_size = PRESETS["transformer"].settings.training.batch_size
    return max(0.0, minutes - START_MINUTES) * speed / (batch_size * max(length, 1.0))


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not every system has it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _transduction(settings: Settings, found: PairStatistics) -> Candidate:
    copies = found.copied >= COPIED and settings.source.lowercase == settings.target.lowercase
    copying = _section(settings.explicit, "network").get("copying", copies)
    kind = "sequences of symbols" if settings.target.level == "pretokenized" else "single words"
    candidate = _candidate(
        settings,
        "monotonic",
        f"targets are {kind} of {found.tokens:,} different tokens, {found.characters:g} characters long (median)",
        {"network": {"copying": True, "embedding_init_range": COPYING_INIT_RANGE}} if copying else {},
    )
    if not copies or not copying:
        return candidate
    reason = f"copying: {100 * found.copied:.0f} % of the target's characters are in the source in the same order"
    return Candidate(candidate.settings, (*candidate.reasons, reason))


def _sentences(settings: Settings, found: PairStatistics, levels: Mapping[str, str]) -> list[Candidate]:
    level, why = "word", f"{found.pairs:,} pairs with {found.words:,} different words"
    if found.words >= MANY_WORDS:
        level = "subword"
    chosen = {
        side: "character" if side in found.unspaced else level
        for side in ("source", "target")
        if levels[side] == "auto"
    }
    changes = {side: {"level": chosen[side]} for side in chosen}
    candidates = [_candidate(settings, "transformer", f"{found.pairs:,} pairs of sentences", changes)]
    if chosen:
        reason = f"level {' and '.join(dict.fromkeys(chosen.values()))}: {why}"
        candidates = [Candidate(each.settings, (*each.reasons, reason)) for each in candidates]
    if level == "word" and found.characters <= SHORT_SENTENCE and found.tokens <= MAX_ALPHABET and len(chosen) == 2:
        candidates.append(
            _candidate(
                settings, "monotonic", f"short sentences, {found.characters:g} characters (median), level character", {}
            )
        )
    return candidates


def _candidate(settings: Settings, preset: str, reason: str, changes: Mapping[str, Any]) -> Candidate:
    return Candidate(with_preset(settings, preset, changes), (f"preset {preset}: {reason}",))
