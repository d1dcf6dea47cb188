"""Texts <-> arrays of ids, whole pairs at a time: both tokenizers, the tags inline with the source, what may be copied."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from passerelle.settings import Settings, TextSettings
from passerelle.special_tokens import FIRST_ORDINARY, UNK
from passerelle.text.copying import copied_tokens, copy_ids, copying_targets
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
        tags: tags <-> ids; None where sources have no tags.
        inline: whether tags stand as tokens before the source's own, and not in an array of their own.
        copying: whether targets may hold tokens of their source that the target vocabulary lacks.
    """

    source: Tokenizer
    target: Tokenizer
    tags: Tokenizer | None = None
    inline: bool = False
    copying: bool = False

    @property
    def source_size(self) -> int:
        """Ids of the source side: those of `source`, then those of the tags where they are inline."""
        return self.source.vocabulary.size + (self._tag_count if self.inline else 0)

    @property
    def tag_size(self) -> int:
        """Ids of the tags in an array of their own; 0 without."""
        return 0 if self.inline or self.tags is None else self.tags.vocabulary.size

    @property
    def _tag_count(self) -> int:
        return 0 if self.tags is None else len(self.tags.vocabulary.tokens)

    def inputs(self, texts: Sequence[str], tags: Sequence[str] | None = None) -> dict[str, Sequences]:
        """A network's inputs for some sources, by name.

        Args:
            texts: the sources.
            tags: of each; needed where there are `tags`.

        Returns:
            `source_ids`; `copy_ids`, as long, where it copies; `tag_ids`, where tags have an array of their own.
        """
        arrays = {"source_ids": self.source.encode(texts)}
        if self.tags is not None:
            tag_ids = self.tags.encode(tags or [])
            if self.inline:
                shift = self.source.vocabulary.size - FIRST_ORDINARY
                ids = np.where(tag_ids.ids == UNK, UNK, tag_ids.ids + shift).astype(np.int32)
                arrays["source_ids"] = Sequences(ids, tag_ids.offsets).followed_by(arrays["source_ids"])
            else:
                arrays["tag_ids"] = tag_ids
        if self.copying:
            arrays["copy_ids"] = copy_ids(self.tokens(texts, tags), self.target)
        return arrays

    def targets(self, texts: Sequence[str], tags: Sequence[str] | None, answers: Sequence[str]) -> Sequences:
        """Target ids of `answers`, END after each."""
        if not self.copying:
            return self.target.encode(answers, end=True)
        return copying_targets(self.tokens(texts, tags), self.target, answers)

    def texts(self, ids: Sequences, sources: Sequence[str], tags: Sequence[str] | None = None) -> list[str]:
        """The texts of target ids, one for each of `sources`, whose tokens they may have copied."""
        if not self.copying:
            return self.target.decode(ids)
        tokens = self.tokens(sources, tags)
        return [self.target.join(copied_tokens(own, self.target, ids[row])) for row, own in enumerate(tokens)]

    def unknown(self, text: str, tags: str = "") -> tuple[str, ...]:
        """The distinct tokens of a source and its tags that have no id, in order of appearance."""
        return self.source.unknown(text) + (() if self.tags is None else self.tags.unknown(tags))

    def tokens(self, texts: Sequence[str], tags: Sequence[str] | None) -> list[list[str]]:
        """The tokens of each source as copying counts them: with its tags where these are inline."""
        tokens = [self.source.read(text) for text in texts]
        if self.tags is None or not self.inline:
            return tokens
        return [[*self.tags.read(tag), *own] for tag, own in zip(tags or [], tokens, strict=True)]

    def differences(self, other: "Codec") -> list[str]:
        """In what `other` is not the same, in words; empty where they share all ids."""
        found = [f"source {name}" for name in self.source.differences(other.source)]
        found += [f"target {name}" for name in self.target.differences(other.target)]
        if (self.tags is None) != (other.tags is None) or self.inline != other.inline:
            found.append("mode of tags")
        elif self.tags is not None and other.tags is not None:
            found += [f"tag {name}" for name in self.tags.differences(other.tags)]
        return found


def make_codec(
    settings: Settings,
    sources: Sequence[str],
    targets: Sequence[str],
    tags: Sequence[str] | None,
    *,
    known: bool = False,
) -> Codec:
    """The tokenizers that `settings` ask for: one for both sides where all vectors are tied.

    Args:
        settings: of everything.
        sources: texts to learn the vocabulary from; with `known`, its tokens in the order of their ids.
        targets: likewise.
        tags: tags, likewise; not read where settings place none.
        known: which of the two.
    """

    if settings.network.tie == "all" and not known:
        sources = targets = [*sources, *targets]

    def tokenizer(text: TextSettings, given: Sequence[str]) -> Tokenizer:
        return make_tokenizer(
            text.level,
            text.separator,
            lowercase=text.lowercase,
            size=text.vocabulary_size,
            min_count=text.min_count,
            **{"tokens" if known else "texts": given},
        )

    own = settings.tags
    source = tokenizer(settings.source, sources)
    return Codec(
        source,
        source if sources is targets else tokenizer(settings.target, targets),
        None
        if own.mode == "none"
        else tokenizer(TextSettings(level="pretokenized", separator=own.separator), tags or []),
        inline=own.mode == "inline",
        copying=settings.network.copying,
    )
