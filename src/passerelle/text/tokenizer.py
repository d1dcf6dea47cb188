"""Text <-> ids, at the level of characters, words, or symbols that the text already separates.

Whatever the level, `decode(encode(text))` gives back the normalized text, as long as all its symbols are known.
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

from passerelle.symbols import END
from passerelle.text.sequences import Sequences
from passerelle.text.vocabulary import Vocabulary

__all__ = ["CharacterTokenizer", "Level", "SymbolTokenizer", "Tokenizer", "WordTokenizer", "normalize", "words"]

Level = Literal["character", "word", "subword", "symbol"]


def normalize(text: str) -> str:
    """Unicode's canonical composition (NFC): `e` + combining acute and `é` are one symbol."""
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


class Tokenizer(ABC):
    """Text <-> ids at one level, with the vocabulary learned from the training texts.

    Args:
        vocabulary: the symbols it knows.
        case: `keep`, or `lower`: texts are read, and so written, in lower case.
    """

    level: ClassVar[Level]
    alphabet: ClassVar[tuple[str, ...]] = ()
    """The symbols with which every vocabulary of the level begins."""
    separator: str | None = None

    def __init__(self, vocabulary: Vocabulary, *, case: str = "keep"):
        self.vocabulary = vocabulary
        self.case = case

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """The symbols of a normalized text, known or not."""

    @abstractmethod
    def join(self, symbols: Sequence[str]) -> str:
        """The text of some symbols; undoes `split`."""

    def learn(self, texts: Iterable[str], *, size: int = 0, min_count: int = 1) -> None:
        """Takes the symbols of `texts` for its vocabulary.

        Args:
            texts: any strings.
            size: at most so many symbols, the most frequent ones; 0 for all.
            min_count: how often a symbol must occur.

        Raises:
            DataError: if a symbol is no text (a lone surrogate).
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(self.read(text))
        frequent = [symbol for symbol, count in counts.items() if count >= min_count]
        if size:
            frequent = sorted(frequent, key=lambda symbol: (-counts[symbol], symbol))[:size]
        self.vocabulary = Vocabulary.of(frequent)

    def normalize(self, text: str) -> str:
        """`text` in NFC and in this tokenizer's case."""
        text = normalize(text)
        return normalize(text.lower()) if self.case == "lower" else text

    def read(self, text: str) -> list[str]:
        """The symbols of any text, known or not."""
        return self.split(self.normalize(text))

    def encode(self, texts: Sequence[str], *, end: bool = False) -> Sequences:
        """Turns texts into ids.

        Args:
            texts: any strings; they are normalized here.
            end: whether END closes each sequence.

        Returns:
            As many sequences, UNK where a symbol is not in the vocabulary.
        """
        closing = [END] if end else []
        id_of = self.vocabulary.id_of
        return Sequences.from_lists([*map(id_of, self.read(text)), *closing] for text in texts)

    def decode(self, sequences: Sequences) -> list[str]:
        """Turns ids into texts; special symbols look like U+FFFD, so leave END and PAD out of `sequences`."""
        symbol_of = self.vocabulary.symbol_of
        return [self.join([symbol_of(i) for i in sequences[row].tolist()]) for row in range(len(sequences))]

    def unknown(self, text: str) -> tuple[str, ...]:
        """The distinct symbols of `text` that the vocabulary lacks, as people read them, in order of appearance."""
        missing = (symbol for symbol in self.read(text) if symbol not in self.vocabulary)
        return tuple(dict.fromkeys(missing))

    def pieces(self, *, leading: bool) -> list[bytes]:
        """What each symbol adds to a text, in the order of ids from FIRST_ORDINARY on.

        Args:
            leading: whether it stands first in its text, or after a symbol of `leads`.

        Returns:
            Bytes of UTF-8, or a part of it; perhaps none.
        """
        return [self._bytes_of(symbol) for symbol in self.vocabulary.symbols]

    def leads(self) -> np.ndarray:
        """bool (symbols,): whether what follows each symbol is written as if it stood first."""
        return np.zeros(len(self.vocabulary.symbols), bool)

    def _bytes_of(self, symbol: str) -> bytes:
        return symbol.encode()

    def shown(self, count: int) -> list[str]:
        """The first `count` symbols, as people read them."""
        return list(self.vocabulary.symbols[:count])

    def differences(self, other: "Tokenizer") -> list[str]:
        """In what `other` is not the same: level, case, separator, symbols; empty where they share all ids."""
        parts = {
            "level": (self.level, other.level),
            "case": (self.case, other.case),
            "separator": (self.separator, other.separator),
            "symbols": (self.vocabulary.symbols, other.vocabulary.symbols),
        }
        return [name for name, (own, others) in parts.items() if own != others]


class CharacterTokenizer(Tokenizer):
    """Every character (Unicode code point, after NFC) is a symbol. Whole batches are looked up in one table."""

    level = "character"

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, symbols: Sequence[str]) -> str:
        return "".join(symbols)

    def encode(self, texts: Sequence[str], *, end: bool = False) -> Sequences:
        texts = [self.normalize(text) for text in texts]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        # A lone surrogate (a byte that was not UTF-8) is looked up like any unseen character.
        raw = "".join(texts).encode("utf-32-le", "surrogatepass")
        ids = self.vocabulary.ids_of_code_points[np.frombuffer(raw, np.uint32)]
        if end:
            ids = np.insert(ids, np.cumsum(lengths), END)
            lengths = lengths + 1
        return Sequences.from_lengths(ids, lengths)

    def decode(self, sequences: Sequences) -> list[str]:
        text = self.vocabulary.code_points[sequences.ids].tobytes().decode("utf-32-le")
        bounds = sequences.offsets.tolist()
        return [text[start:stop] for start, stop in itertools.pairwise(bounds)]


_WORD = regex.compile(r" ?(?:[\w\p{M}]+(?:['’](?=\w))?|[^\w\p{M}\s])| ?\s")


class WordTokenizer(Tokenizer):
    """Words and single punctuation marks are symbols.

    A symbol carries the one blank before it, and a text is read as if a blank stood before it, and before a word after
    an elided one: `Go.` is ` Go`, `.` and `l'eau ?` is ` l'`, ` eau`, ` ?`. So symbols join without rules of any
    language, French spaces come out as they went in, and `eau` is one symbol in `l'eau`, `d'eau` and `une eau`.
    """

    level = "word"

    def split(self, text: str) -> list[str]:
        symbols = words(text)
        elided = [False, *map(_is_elided, symbols)]
        return [f" {symbol}" if after else symbol for after, symbol in zip(elided, symbols, strict=False)]

    def join(self, symbols: Sequence[str]) -> str:
        elided = [True, *map(_is_elided, symbols)]
        return "".join(
            symbol.removeprefix(" ") if after else symbol for after, symbol in zip(elided, symbols, strict=False)
        )

    def unknown(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(symbol.removeprefix(" ") or symbol for symbol in super().unknown(text)))

    def pieces(self, *, leading: bool) -> list[bytes]:
        pieces = super().pieces(leading=leading)
        return [piece.removeprefix(b" ") for piece in pieces] if leading else pieces

    def leads(self) -> np.ndarray:
        return np.fromiter(map(_is_elided, self.vocabulary.symbols), bool, len(self.vocabulary.symbols))


def words(text: str) -> list[str]:
    """Words and single punctuation marks, each with the one blank before it; one is added before the text."""
    return _WORD.findall(" " + text) if text else []


def _is_elided(symbol: str) -> bool:
    """Whether it is a word with its apostrophe, after which `_WORD` has a word and no blank."""
    return symbol.endswith(("'", "’")) and not symbol[:-1].isspace() and len(symbol) > 1


class SymbolTokenizer(Tokenizer):
    """The text already separates its symbols: phones `a v iː ð`, tags `V;PST`.

    Args:
        vocabulary: the symbols it knows.
        separator: what stands between two symbols; pieces that are empty do not count.
        case: as in `Tokenizer`.
    """

    level = "symbol"

    def __init__(self, vocabulary: Vocabulary, separator: str, *, case: str = "keep"):
        super().__init__(vocabulary, case=case)
        self.separator = self.normalize(separator)

    def split(self, text: str) -> list[str]:
        return [symbol for symbol in text.split(self.separator) if symbol]

    def join(self, symbols: Sequence[str]) -> str:
        return str(self.separator).join(symbols)

    def pieces(self, *, leading: bool) -> list[bytes]:
        between = b"" if leading else str(self.separator).encode()
        return [between + piece for piece in super().pieces(leading=leading)]
