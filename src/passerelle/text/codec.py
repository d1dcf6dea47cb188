"""Texts <-> arrays of ids, whole pairs at a time: both tokenizers, the tags beside the source, what may be copied."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from passerelle.config import Settings, TextSettings
from passerelle.symbols import FIRST_ORDINARY, UNK
from passerelle.text.copying import copied_symbols, copy_ids, copying_targets
from passerelle.text.level import make_tokenizer
from passerelle.text.sequences import Sequences
from passerelle.text.tokenizer import Tokenizer

__all__ = ["Codec", "make_codec"]


@dataclass(frozen=True)
class Codec:
    """What teaching and translating share, so that both give a network the same ids.

    Attributes:
        source: text <-> source ids.
        target: text <-> target ids.
        features: tags <-> ids; None where sources have no tags.
        beside: whether tags stand as symbols before the source's own, and not in an array of their own.
        copying: whether targets may hold symbols of their source that the target vocabulary lacks.
    """

    source: Tokenizer
    target: Tokenizer
    features: Tokenizer | None = None
    beside: bool = False
    copying: bool = False

    @property
    def source_size(self) -> int:
        """Ids of the source side: those of `source`, then those of the tags where they stand beside it."""
        return self.source.vocabulary.size + (self._tag_count if self.beside else 0)

    @property
    def feature_size(self) -> int:
        """Ids of the tags in an array of their own; 0 without."""
        return 0 if self.beside or self.features is None else self.features.vocabulary.size

    @property
    def _tag_count(self) -> int:
        return 0 if self.features is None else len(self.features.vocabulary.symbols)

    def inputs(self, texts: Sequence[str], tags: Sequence[str] | None = None) -> dict[str, Sequences]:
        """A network's inputs for some sources, by name.

        Args:
            texts: the sources.
            tags: of each; needed where there are `features`.

        Returns:
            `source_ids`; `copy_ids`, as long, where it copies; `feature_ids`, where tags have an array of their own.
        """
        arrays = {"source_ids": self.source.encode(texts)}
        if self.features is not None:
            features = self.features.encode(tags or [])
            if self.beside:
                shift = self.source.vocabulary.size - FIRST_ORDINARY
                ids = np.where(features.ids == UNK, UNK, features.ids + shift).astype(np.int32)
                arrays["source_ids"] = Sequences(ids, features.offsets).beside(arrays["source_ids"])
            else:
                arrays["feature_ids"] = features
        if self.copying:
            arrays["copy_ids"] = copy_ids(self.symbols(texts, tags), self.target)
        return arrays

    def targets(self, texts: Sequence[str], tags: Sequence[str] | None, answers: Sequence[str]) -> Sequences:
        """Target ids of `answers`, END after each."""
        if not self.copying:
            return self.target.encode(answers, end=True)
        return copying_targets(self.symbols(texts, tags), self.target, answers)

    def texts(self, ids: Sequences, sources: Sequence[str], tags: Sequence[str] | None = None) -> list[str]:
        """The texts of target ids, one for each of `sources`, whose symbols they may have copied."""
        if not self.copying:
            return self.target.decode(ids)
        symbols = self.symbols(sources, tags)
        return [self.target.join(copied_symbols(own, self.target, ids[row])) for row, own in enumerate(symbols)]

    def unknown(self, text: str, tags: str = "") -> tuple[str, ...]:
        """The distinct symbols of a source and its tags that have no id, in order of appearance."""
        return self.source.unknown(text) + (() if self.features is None else self.features.unknown(tags))

    def symbols(self, texts: Sequence[str], tags: Sequence[str] | None) -> list[list[str]]:
        """The symbols of each source as copying counts them: with its tags where these stand beside it."""
        symbols = [self.source.read(text) for text in texts]
        if self.features is None or not self.beside:
            return symbols
        return [[*self.features.read(tag), *own] for tag, own in zip(tags or [], symbols, strict=True)]

    def differences(self, other: "Codec") -> list[str]:
        """In what `other` is not the same, in words; empty where they share all ids."""
        found = [f"source {name}" for name in self.source.differences(other.source)]
        found += [f"target {name}" for name in self.target.differences(other.target)]
        if (self.features is None) != (other.features is None) or self.beside != other.beside:
            found.append("place of features")
        elif self.features is not None and other.features is not None:
            found += [f"feature {name}" for name in self.features.differences(other.features)]
        return found


def make_codec(
    settings: Settings,
    sources: Sequence[str],
    targets: Sequence[str],
    features: Sequence[str] | None,
    *,
    known: bool = False,
) -> Codec:
    """The tokenizers that `settings` ask for: one for both sides where all vectors are tied.

    Args:
        settings: of everything.
        sources: texts to learn the vocabulary from; with `known`, its symbols in the order of their ids.
        targets: likewise.
        features: tags, likewise; not read where settings place none.
        known: which of the two.
    """

    if settings.network.tie == "all" and not known:
        sources = targets = [*sources, *targets]

    def tokenizer(text: TextSettings, given: Sequence[str]) -> Tokenizer:
        return make_tokenizer(
            text.level,
            text.separator,
            case=text.case,
            size=text.vocabulary_size,
            min_count=text.min_count,
            **{"symbols" if known else "texts": given},
        )

    own = settings.features
    source = tokenizer(settings.source, sources)
    return Codec(
        source,
        source if sources is targets else tokenizer(settings.target, targets),
        None
        if own.place == "none"
        else tokenizer(TextSettings(level="symbol", separator=own.separator), features or []),
        beside=own.place == "beside",
        copying=settings.network.copying,
    )
