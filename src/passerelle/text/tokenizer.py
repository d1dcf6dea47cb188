"""Text <-> ids, at the level of characters, words, or tokens that the text already separates.

Whatever the level, `decode(encode(text))` gives back the normalized text, as long as all its tokens are known.
`text.subword` adds a level at which all are; `text.level` makes the tokenizer of a level.
Training, evaluation and translation share one tokenizer, so a sentence typed by a person meets the same ids.
"""

import itertools
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

import numpy as np
import regex

from passerelle.ragged import Ragged
from passerelle.special_tokens import END
from passerelle.text.vocabulary import Vocabulary

__all__ = ["CharacterTokenizer", "Level", "PretokenizedTokenizer", "Tokenizer", "WordTokenizer", "normalize", "words"]

Level = Literal["character", "word", "subword", "pretokenized"]


def normalize(text: str) -> str:
    """Unicode's canonical composition (NFC): `e` + combining acute and `é` are one token."""
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


class Tokenizer(ABC):
    """Text <-> ids at one level, with the vocabulary learned from the training texts.

    Args:
        vocabulary: the tokens it knows.
        lowercase: whether texts are read, and so written, in lower case.
    """

    level: ClassVar[Level]
    alphabet: ClassVar[tuple[str, ...]] = ()
    """The tokens with which every vocabulary of the level begins."""
    separator: str | None = None

    def __init__(self, vocabulary: Vocabulary, *, lowercase: bool = False):
        self.vocabulary = vocabulary
        self.lowercase = lowercase

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """The tokens of a normalized text, known or not."""

    @abstractmethod
    def join(self, tokens: Sequence[str]) -> str:
        """The text of some tokens; undoes `split`."""

    def build_vocabulary(self, texts: Iterable[str], *, size: int = 0, min_count: int = 1) -> None:
        """Takes the tokens of `texts` for its vocabulary.

        Args:
            texts: any strings.
            size: at most so many tokens, the most frequent ones; 0 for all.
            min_count: how often a token must occur.

        Raises:
            DataError: if a token is no text (a lone surrogate).
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(self.tokenize(text))
        frequent = [token for token, count in counts.items() if count >= min_count]
        if size:
            frequent = sorted(frequent, key=lambda token: (-counts[token], token))[:size]
        self.vocabulary = Vocabulary.from_tokens(frequent)

    def normalize(self, text: str) -> str:
        """`text` in NFC, and in lower case where the tokenizer is."""
        text = normalize(text)
        return normalize(text.lower()) if self.lowercase else text

    def tokenize(self, text: str) -> list[str]:
        """The tokens of any text, known or not."""
        return self.split(self.normalize(text))

    def encode(self, texts: Sequence[str], *, end: bool = False) -> Ragged:
        """Turns texts into ids.

        Args:
            texts: any strings; they are normalized here.
            end: whether END closes each sequence.

        Returns:
            As many sequences, UNK where a token is not in the vocabulary.
        """
        closing = [END] if end else []
        id_of = self.vocabulary.id_of
        return Ragged.from_lists([*map(id_of, self.tokenize(text)), *closing] for text in texts)

    def decode(self, sequences: Ragged) -> list[str]:
        """Turns ids into texts; special tokens look like U+FFFD, so leave END and PAD out of `sequences`."""
        token_of = self.vocabulary.token_of
        return [self.join([token_of(i) for i in sequences[row].tolist()]) for row in range(len(sequences))]

    def unknown(self, text: str) -> tuple[str, ...]:
        """The distinct tokens of `text` that the vocabulary lacks, as people read them, in order of appearance."""
        missing = (token for token in self.tokenize(text) if token not in self.vocabulary)
        return tuple(dict.fromkeys(missing))

    def token_bytes(self, *, leading: bool) -> list[bytes]:
        """What each token adds to a text, in the order of ids from FIRST_ORDINARY on.

        Args:
            leading: whether it stands first in its text, or after a token of `leads`.

        Returns:
            Bytes of UTF-8, or a part of it; perhaps none.
        """
        return [self._bytes_of(token) for token in self.vocabulary.tokens]

    def elided_tokens(self) -> np.ndarray:
        """bool (tokens,): whether what follows each token is written as if it stood first."""
        return np.zeros(len(self.vocabulary.tokens), bool)

    def _bytes_of(self, token: str) -> bytes:
        return token.encode()

    def readable_tokens(self, count: int) -> list[str]:
        """The first `count` tokens, as people read them."""
        return list(self.vocabulary.tokens[:count])

    def differences(self, other: "Tokenizer") -> list[str]:
        """In what `other` is not the same: level, lowercase, separator, tokens; empty where they share all ids."""
        parts = {
            "level": (self.level, other.level),
            "lowercase": (self.lowercase, other.lowercase),
            "separator": (self.separator, other.separator),
            "tokens": (self.vocabulary.tokens, other.vocabulary.tokens),
        }
        return [name for name, (own, others) in parts.items() if own != others]


class CharacterTokenizer(Tokenizer):
    """Every character (Unicode code point, after NFC) is a token. Whole batches are looked up in one table."""

    level = "character"

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)

    def encode(self, texts: Sequence[str], *, end: bool = False) -> Ragged:
        texts = [self.normalize(text) for text in texts]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        # A lone surrogate (a byte that was not UTF-8) is looked up like any unseen character.
        raw = "".join(texts).encode("utf-32-le", "surrogatepass")
        ids = self.vocabulary.ids_by_code_point[np.frombuffer(raw, np.uint32)]
        if end:
            ids = np.insert(ids, np.cumsum(lengths), END)
            lengths = lengths + 1
        return Ragged.from_lengths(ids, lengths)

    def decode(self, sequences: Ragged) -> list[str]:
        text = self.vocabulary.code_points[sequences.values].tobytes().decode("utf-32-le")
        bounds = sequences.offsets.tolist()
        return [text[start:stop] for start, stop in itertools.pairwise(bounds)]


_WORD = regex.compile(r" ?(?:[\w\p{M}]+(?:['’](?=\w))?|[^\w\p{M}\s])| ?\s")


class WordTokenizer(Tokenizer):
    """Words and single punctuation marks are tokens.

    A token carries the one blank before it, and a text is read as if a blank stood before it, and before a word after
    an elided one: `Go.` is ` Go`, `.` and `l'eau ?` is ` l'`, ` eau`, ` ?`. So tokens join without rules of any
    language, French spaces come out as they went in, and `eau` is one token in `l'eau`, `d'eau` and `une eau`.
    """

    level = "word"

    def split(self, text: str) -> list[str]:
        tokens = words(text)
        elided = [False, *map(_is_elided, tokens)]
        return [f" {token}" if after else token for after, token in zip(elided, tokens, strict=False)]

    def join(self, tokens: Sequence[str]) -> str:
        elided = [True, *map(_is_elided, tokens)]
        return "".join(
            token.removeprefix(" ") if after else token for after, token in zip(elided, tokens, strict=False)
        )

    def unknown(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(token.removeprefix(" ") or token for token in super().unknown(text)))

    def token_bytes(self, *, leading: bool) -> list[bytes]:
        pieces = super().token_bytes(leading=leading)
        return [piece.removeprefix(b" ") for piece in pieces] if leading else pieces

    def elided_tokens(self) -> np.ndarray:
        return np.fromiter(map(_is_elided, self.vocabulary.tokens), bool, len(self.vocabulary.tokens))


def words(text: str) -> list[str]:
    """Words and single punctuation marks, each with the one blank before it; one is added before the text."""
    return _WORD.findall(" " + text) if text else []


def _is_elided(token: str) -> bool:
    """Whether it is a word with its apostrophe, after which `_WORD` has a word and no blank."""
    return token.endswith(("'", "’")) and not token[:-1].isspace() and len(token) > 1


class PretokenizedTokenizer(Tokenizer):
    """The text already separates its tokens: phones `a v iː ð`, tags `V;PST`.

    Args:
        vocabulary: the tokens it knows.
        separator: what stands between two tokens; pieces that are empty do not count.
        lowercase: as in `Tokenizer`.
    """

    level = "pretokenized"

    def __init__(self, vocabulary: Vocabulary, separator: str, *, lowercase: bool = False):
        super().__init__(vocabulary, lowercase=lowercase)
        self.separator = self.normalize(separator)

    def split(self, text: str) -> list[str]:
        return [token for token in text.split(self.separator) if token]

    def join(self, tokens: Sequence[str]) -> str:
        return str(self.separator).join(tokens)

    def token_bytes(self, *, leading: bool) -> list[bytes]:
        between = b"" if leading else str(self.separator).encode()
        return [between + piece for piece in super().token_bytes(leading=leading)]
