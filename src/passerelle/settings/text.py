"""Settings of text: how each side is tokenized, and where the tags of a source are read."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from passerelle.settings.schema import Section, setting

__all__ = ["MAX_TEXT_LENGTH", "TagSettings", "TextSettings"]

MAX_TEXT_LENGTH = 1_000_000
"""Tokens. No text may be longer, and no model file may claim a longer one."""


class TextSettings(Section):
    """Tokenization of one side."""

    group: ClassVar[str] = "Text"

    # Subwords: Sennrich et al. 2016, arXiv:1508.07909.
    level: Literal["auto", "character", "word", "subword", "pretokenized"] = setting(
        "character",
        "Unit of text: characters; words; subwords, frequent parts of words (arXiv:1508.07909); pretokenized text, "
        "split at a separator; or auto, chosen from the pairs when they are known.",
        option=True,
    )
    separator: str | None = setting(
        None,
        "Separator between the tokens of pretokenized text, such as a space between phones. The option also sets the "
        "level to pretokenized.",
        option=True,
        implies={"level": "pretokenized"},
        min_length=1,
    )
    vocabulary_size: int = setting(
        0,
        "Maximum number of tokens in the vocabulary, the most frequent ones; 0 means all, or 4,000 for subwords.",
        option=True,
        ge=0,
        le=1_000_000,
    )
    min_count: int = setting(
        1,
        "Minimum number of occurrences in training; rarer tokens are unknown, and rarer subword merges are not "
        "learned.",
        option=True,
        ge=1,
        le=1_000_000,
    )
    lowercase: bool = setting(
        False,
        "Convert text to lower case. A lower-case target is also written and scored in lower case.",
        option=True,
    )
    max_length: int | None = setting(
        None,
        "Maximum length in tokens of a text used for training; pairs with a longer one are skipped and counted. "
        "Without it, only extreme outliers are skipped. Longer texts can still be translated.",
        ge=1,
        le=MAX_TEXT_LENGTH,
    )
    vector_words: int = setting(
        50_000,
        "Number of words, from the beginning of the file of word vectors, that can be read although the training "
        "pairs do not contain them. Used for the source only.",
        ge=0,
        le=500_000,
    )

    @model_validator(mode="after")
    def _separator_goes_with_tokens(self) -> Self:
        if (self.level == "pretokenized") != (self.separator is not None):
            raise ValueError(
                f"level 'pretokenized' and a separator go together, received: level={self.level!r}, "
                f"separator={self.separator!r}"
            )
        return self

    @model_validator(mode="after")
    def _subwords_begin_with_bytes(self) -> Self:
        if self.level == "subword" and 0 < self.vocabulary_size < 256:
            raise ValueError(
                f"level 'subword' has a token for each of 256 bytes; vocabulary_size must be 256 or more, or 0 for "
                f"the default, received: {self.vocabulary_size}"
            )
        return self


class TagSettings(Section):
    """Tags that accompany a source and control its translation, such as `V;PST`, `formal` or `fr`."""

    group: ClassVar[str] = "Text"

    mode: Literal["none", "inline", "separate"] = setting(
        "none",
        "Tags of the source: none; inline, tokens before the source's own; or separate, read in any order by an "
        "encoder of their own whose output every decoder step receives.",
        option="tag_mode",
    )
    separator: str = setting(";", "Separator between two tags.", option="tag_separator", min_length=1)
