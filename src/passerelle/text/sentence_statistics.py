"""Sentences of the training sources: how many a text contains, abbreviations, and the words that start sentences."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import regex

from passerelle.text.sentence_ends import MAX_WORD, MAX_WORDS, OPENING, UPPER, SentenceEnds, word_key

__all__ = ["SentenceStatistics", "learn_sentence_ends"]

COMMON = 0.05
"""Share of texts of several sentences from which on a network is expected to translate several at once."""

SAMPLE = 30_000
"""Maximum number of texts that are read, spread evenly over all; the standard error of the share is below 0.3 %."""

MAX_SENTENCES = 1_000_000
"""Maximum number of sentences in a model file: more than a text of the maximum length has."""

STARTER_SHARE = 0.001
"""Share of the texts that must start with a word before it counts as a word that starts sentences."""

FINAL_RATIO = 20
"""An abbreviation occurs within texts at least this many times as often as at their ends."""

_WORD = regex.compile(r"(?P<word>[\p{L}\p{M}\p{N}]+(?:\.[\p{L}\p{M}\p{N}]+)*+)(?P<stop>\.(?![.…])[\p{Pe}\p{Pf}\"']*+)?")
_STOP_WITHIN = regex.compile(r"[\p{L}\p{M}\p{N}]\.[\p{Pe}\p{Pf}\"']*+\s+\S")
_FIRST_WORD = regex.compile(rf"{OPENING}(?P<word>\p{{Lu}}[\p{{Ll}}\p{{M}}]+)(?!\S*\.\s)")


@dataclass(frozen=True)
class SentenceStatistics:
    """The sentences of the source texts of the training pairs.

    Attributes:
        share: share of the texts that contain several sentences, from 0 to 1.
        most: number of sentences that 99 % of the texts do not exceed.
        ends: finds ends of sentences, with the abbreviations and starters that were learned from the texts.
    """

    share: float
    most: int
    ends: SentenceEnds = field(default_factory=SentenceEnds)

    @classmethod
    def of(cls, texts: Sequence[str]) -> "SentenceStatistics":
        """Return the statistics of texts, at least one."""
        sample = texts[:: -(-len(texts) // SAMPLE)]
        ends = learn_sentence_ends(sample)
        counts = np.array([ends.count(text) for text in sample])
        return cls(float((counts > 1).mean()), int(np.percentile(counts, 99, method="higher")), ends)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values from which `from_json` restores the statistics."""
        return {"share": self.share, "most": self.most, **self.ends.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "SentenceStatistics":
        """Restore statistics from JSON values; raise a ValueError or similar if they are out of bounds."""
        share, most = float(values["share"]), int(values["most"])
        if not (0 <= share <= 1 and 1 <= most <= MAX_SENTENCES):
            raise ValueError(
                f"the share of sources with several sentences must be from 0 to 1, and their sentences from 1 to "
                f"{MAX_SENTENCES:,}"
            )
        return cls(share, most, SentenceEnds.from_json(values))

    @property
    def usual(self) -> int:
        """Number of sentences up to which a text is like those in training; 1 if few of those had several."""
        return self.most if self.share >= COMMON else 1

    def exceeded_by(self, text: str) -> bool:
        """Return whether a text has more sentences than usual."""
        return self.ends.count(text) > self.usual


def learn_sentence_ends(texts: Sequence[str]) -> SentenceEnds:
    """Learn abbreviations and starters from texts, most of which are single sentences.

    A word is an abbreviation if its stop is followed by a word in lower case, or if most of its occurrences have a stop
    and hardly any is at the end of a text. If most texts contain stops, they are probably several sentences, so that
    only the first condition counts. A starter is a capitalized word that starts many texts, and
    that occurs in lower case as well, so that it is no name.

    Args:
        texts: any strings.

    Source: Kiss and Strunk 2006, "Unsupervised Multilingual Sentence Boundary Detection", with counts in place of
    likelihood ratios.
    """
    first: Counter[str] = Counter(match["word"] for text in texts if (match := _FIRST_WORD.match(text)))
    frequent = [word for word, count in first.items() if count >= max(2, STARTER_SHARE * len(texts))]
    if with_stops := sum(_STOP_WITHIN.search(text) is not None for text in texts):
        counts = _Counts.of(texts)
        single = 2 * with_stops <= len(texts)
        abbreviations = [word for word in counts.within if counts.is_abbreviation(word, single=single)]
        return SentenceEnds(
            _most_frequent(abbreviations, counts.within),
            _most_frequent((word for word in frequent if counts.lower[word.lower()]), first),
        )
    lower = {word.lower() for word in frequent}
    seen = {word for text in texts for word in text.split() if word in lower} if lower else ()
    return SentenceEnds(starters=_most_frequent((word for word in frequent if word.lower() in seen), first))


def _most_frequent(words: Iterable[str], counts: Counter[str]) -> frozenset[str]:
    """Return the most frequent words, at most `MAX_WORDS`, none longer than `MAX_WORD`."""
    short = [word for word in words if len(word) <= MAX_WORD]
    return frozenset(sorted(short, key=lambda word: (-counts[word], word))[:MAX_WORDS])


@dataclass(frozen=True)
class _Counts:
    """Occurrences of words in texts, by `word_key`.

    Attributes:
        within: with a stop within a text.
        continued: with a stop that a word in lower case follows, in a text that also has upper case.
        final: with a stop at the end of a text.
        plain: without a stop.
        lower: in this form, which is lower case.
    """

    within: Counter[str] = field(default_factory=Counter)
    continued: Counter[str] = field(default_factory=Counter)
    final: Counter[str] = field(default_factory=Counter)
    plain: Counter[str] = field(default_factory=Counter)
    lower: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "_Counts":
        counts = cls()
        for text in texts:
            counts._add(text)
        return counts

    def _add(self, text: str) -> None:
        cased = UPPER.search(text) is not None
        for match in _WORD.finditer(text):
            word = match["word"]
            key = word_key(word)
            self.lower[word] += word.islower()
            if not match["stop"]:
                self.plain[key] += 1
                continue
            rest = text[match.end() : match.end() + 16]
            following = rest.lstrip()
            if not following:
                self.final[key] += 1
            elif rest[0].isspace():
                self.within[key] += 1
                self.continued[key] += cased and following[0].islower()

    def is_abbreviation(self, word: str, *, single: bool) -> bool:
        """Return whether the stop after `word` seldom ends a sentence; `single`: most texts are single sentences."""
        continued, within, final, plain = (
            counts[word] for counts in (self.continued, self.within, self.final, self.plain)
        )
        if word == "0":  # numbers without a stop are as frequent as ordinal numbers with one
            return single and within >= max(2, final + 1)
        # The longer the word, the more evidence it needs: abbreviations are short, and rare words are not.
        if continued > plain and 3 * continued >= len(word):
            return True
        return single and within >= max(2, len(word) / 2, plain + 1, FINAL_RATIO * final)
