"""Settings of text: tokenization of each side, and tags of the source."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from passerelle.settings.schema import Section, setting

__all__ = ["MAX_TEXT_LENGTH", "OutputSettings", "TagSettings", "TextSettings"]

MAX_TEXT_LENGTH = 100_000
"""Maximum length of a training text or a translation in tokens, also of those that a model file reports as longest."""


class TextSettings(Section):
    """Tokenization of one side."""

    group: ClassVar[str] = "Text"

    level: Literal["auto", "character", "word", "subword", "pretokenized"] = setting(
        "character",
        "Token level: character; word; subword, by byte pair encoding (BPE, arXiv:1508.07909); pretokenized, text that "
        "is split at a separator; or auto, chosen from the training pairs. Translations are always detokenized.",
        option=True,
    )
    separator: str | None = setting(
        None,
        "Separator between tokens of pretokenized text, such as a space between phones. The option also sets the level "
        "to pretokenized.",
        option=True,
        implies={"level": "pretokenized"},
        min_length=1,
    )
    vocabulary_size: int = setting(
        0,
        "Vocabulary size: maximum number of tokens; the most frequent ones are kept. 0 means all tokens; at level "
        "subword, 0 means 4,000 tokens.",
        option=True,
        ge=0,
        le=1_000_000,
    )
    min_count: int = setting(
        1,
        "Minimum frequency in the training pairs. Tokens that occur less often are unknown (UNK); subword merges that "
        "occur less often are not learned.",
        option=True,
        ge=1,
        le=1_000_000,
    )
    lowercase: bool = setting(
        False,
        "Convert text to lowercase. If the target is lowercased, translations and references are lowercase too.",
        option=True,
    )
    ignore_spacing: bool = setting(
        True,
        "At level word, ignore the spacing of the source: spaces of any kind and number, invisible characters, and "
        "punctuation marks that the vocabulary does not contain never change the tokens of the words. Has no effect on "
        "the target, whose spacing is always learned.",
    )
    exact_whitespace: bool = setting(
        False,
        "Keep whitespace at the ends of texts and, in pretokenized texts, empty tokens and whitespace around tokens. "
        "By default, they are removed when texts are read, translated or compared.",
        option=True,
    )
    max_length: int | None = setting(
        None,
        "Maximum length of a training text, in tokens; pairs with a longer text are skipped and counted. Without it, "
        "only extreme outliers are skipped. Longer texts can still be translated.",
        ge=1,
        le=MAX_TEXT_LENGTH,
    )
    vector_words: int = setting(
        50_000,
        "Extra words: with pretrained source embeddings, the model can read the first words of the embeddings file, up "
        "to this number, even if the training pairs do not contain them. Has no effect on the target.",
        ge=0,
        le=500_000,
    )

    @model_validator(mode="after")
    def _pretokenized_has_a_separator(self) -> Self:
        if (self.level == "pretokenized") != (self.separator is not None):
            raise ValueError(
                f"level 'pretokenized' requires a separator, and no other level accepts one, received: "
                f"level={self.level!r}, separator={self.separator!r}"
            )
        return self

    @model_validator(mode="after")
    def _subword_vocabulary_contains_all_bytes(self) -> Self:
        if self.level == "subword" and 0 < self.vocabulary_size < 256:
            raise ValueError(
                f"level 'subword' requires a vocabulary_size of 256 or more (a token for each byte), or 0 for the "
                f"default, received: {self.vocabulary_size}"
            )
        return self


class OutputSettings(TextSettings):
    """One of several outputs: its tokenization, which is that of the target unless it is set here, and its weight."""

    weight: float = setting(
        1.0,
        "Weight of the loss of this output, relative to the others. With equal weights, the texts of each output have "
        "the same influence on average, whatever their lengths; an output with weight 0 is not trained.",
        ge=0.0,
        le=1000.0,
    )

    @classmethod
    def completed(cls, own: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of an output: its own ones, and those of the target for the others."""
        values = {name: value for name, value in target.items() if name in cls.model_fields} | dict(own)
        if "separator" in own and "level" not in own:
            values["level"] = "pretokenized"
        elif own.get("level", "pretokenized") != "pretokenized" and "separator" not in own:
            values["separator"] = None
        return values


class TagSettings(Section):
    """Tags: labels of a source that control its translation, such as `V;PST`, `formal` or `fr`."""

    group: ClassVar[str] = "Text"

    mode: Literal["none", "inline", "separate"] = setting(
        "none",
        "Tags of the source: none; inline, read as tokens in front of the text; or separate: a "
        "tag encoder reads the tags, their order does not matter, and every decoder step receives its output.",
        option="tag_mode",
    )
    separator: str = setting(";", "Separator between two tags.", option="tag_separator", min_length=1)
