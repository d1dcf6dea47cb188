"""Tokenizers: text <-> ids, at level character, word or pretokenized.

At each level, `decode(encode(text))` returns the normalized text if all its tokens are in the vocabulary. Level subword
is in `text.subword`; `text.level` creates the tokenizer of a level. Training, evaluation and translation use the same
tokenizer, so the same text always has the same ids.
"""

import itertools
import re
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import ClassVar, Literal

import numpy as np
import regex

from passerelle.ragged import Ragged
from passerelle.special_tokens import END
from passerelle.text.vocabulary import MAX_TOKEN_LENGTH, Vocabulary

__all__ = ["CharacterTokenizer", "Level", "PretokenizedTokenizer", "Tokenizer", "WordTokenizer", "normalize", "words"]

Level = Literal["character", "word", "subword", "pretokenized"]

BLOCK = 2**14
"""Number of texts that are counted at once."""

SHORT = 1000
"""Length in characters up to which any text is normalized at once."""

_MARKS = regex.compile(r"[\P{ccc=0}\u0F73\u0F75\u0F81]{30}(?=[\P{ccc=0}\u0F73\u0F75\u0F81])")
"""As many combining marks as may follow each other, before another one; three characters are marks once normalized."""

_DOTTED_I = "i\u0307"
"""Python's lower case of the Turkish capital letter `İ`; its lower case in Turkish, and of every other `I`, is `i`."""


def normalize(text: str) -> str:
    """Return `text` in Unicode normalization form C (NFC), in which `e` + combining acute accent becomes `é`.

    Sorting combining marks takes quadratic time, so in a long text a combining grapheme joiner (U+034F) is inserted
    after each 30 marks in a row. No language writes so many.

    Source: Unicode Standard Annex 15, section 13, "Stream-Safe Text Format".
    """
    # Some marks become several, so a text may have too many in a row again, once.
    while len(text) > SHORT and not text.isascii() and _MARKS.search(text):
        text = unicodedata.normalize("NFC", _MARKS.sub("\\g<0>\u034f", text))
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def _is_normalized(texts: Collection[str]) -> bool:
    """Return whether `normalize` changes none of the texts. It may also return False if some of them are long."""
    joined = "\n".join(texts)  # a line feed separates: nothing is composed with it, and it is no mark
    if joined.isascii():
        return True
    return max(map(len, texts)) <= SHORT and unicodedata.is_normalized("NFC", joined)


class Tokenizer(ABC):
    """Converts texts to ids and back, at one token level, with a vocabulary.

    Args:
        vocabulary: the tokens and their ids.
        lowercase: whether texts are converted to lower case before they are split.
        exact_whitespace: whether whitespace that means nothing (see `trim`) is part of a text.
    """

    level: ClassVar[Level]
    alphabet: ClassVar[tuple[str, ...]] = ()
    """The first tokens of every vocabulary at this level."""
    separator: str | None = None
    ignore_spacing: bool = False

    def __init__(self, vocabulary: Vocabulary, *, lowercase: bool = False, exact_whitespace: bool = True):
        self.vocabulary = vocabulary
        self.lowercase = lowercase
        self.exact_whitespace = exact_whitespace

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """Split a normalized text into tokens, which need not be in the vocabulary."""

    @abstractmethod
    def join(self, tokens: Sequence[str]) -> str:
        """Return the text of tokens; the inverse of `split`."""

    def build_vocabulary(self, texts: Iterable[str], *, size: int = 0, min_count: int = 1) -> None:
        """Build the vocabulary from the tokens of `texts`, without those longer than `MAX_TOKEN_LENGTH`.

        Args:
            texts: any strings.
            size: maximum number of tokens, of which the most frequent are used; 0 for no limit.
            min_count: number of occurrences that a token requires.

        Raises:
            DataError: if a token contains a lone surrogate.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(self.tokenize(text))
        frequent = [token for token, n in counts.items() if n >= min_count and len(token) <= MAX_TOKEN_LENGTH]
        if size:
            frequent = sorted(frequent, key=lambda token: (-counts[token], token))[:size]
        self.vocabulary = Vocabulary.from_tokens(frequent)

    def normalize(self, text: str) -> str:
        """Return a complete text as the tokenizer reads it: `normalize_part`, then `trim`."""
        return self.trim(self.normalize_part(text))

    def normalize_all(self, texts: Sequence[str]) -> list[str]:
        """Return `normalize` of each text, faster than one by one."""
        if not self.lowercase and _is_normalized(texts):
            return list(map(self.trim, texts))
        return list(map(self.normalize, texts))

    def normalize_part(self, text: str) -> str:
        """Return a part of a text, such as a required phrase, in NFC, and in lower case if `lowercase` is set.

        The whitespace at the ends of a part has a meaning, unlike that of a complete text.
        """
        text = normalize(text)
        return normalize(text.lower().replace(_DOTTED_I, "i")) if self.lowercase else text

    def trim(self, text: str) -> str:
        """Return `text` without leading and trailing whitespace; unchanged if `exact_whitespace` is set."""
        return text if self.exact_whitespace else text.strip()

    def key(self, text: str) -> str:
        """Return a string that is equal for texts that are the same to the tokenizer."""
        return self.normalize(text)

    def tokenize(self, text: str) -> list[str]:
        """Normalize a text and split it into tokens, which need not be in the vocabulary."""
        return self.split(self.normalize(text))

    def encode(self, texts: Sequence[str], *, end: bool = False) -> Ragged:
        """Convert texts to ids.

        Args:
            texts: any strings; they need not be normalized.
            end: whether to append END to each sequence.

        Returns:
            One sequence of ids for each text, with UNK for tokens that the vocabulary does not contain.
        """
        closing = [END] if end else []
        id_of = self.vocabulary.id_of
        return Ragged.from_lists([*map(id_of, self.tokenize(text)), *closing] for text in texts)

    def decode(self, sequences: Ragged) -> list[str]:
        """Convert ids to texts. Special tokens become U+FFFD, so remove END and PAD from `sequences` first."""
        token_of = self.vocabulary.token_of
        return [self.join([token_of(i) for i in sequences[row].tolist()]) for row in range(len(sequences))]

    def unknown(self, text: str) -> tuple[str, ...]:
        """Return the distinct tokens of `text` that the vocabulary does not contain, in order of appearance."""
        missing = (token for token in self.tokenize(text) if token not in self.vocabulary)
        return tuple(dict.fromkeys(missing))

    def token_bytes(self, *, leading: bool) -> list[bytes]:
        """Return the bytes of UTF-8 that each token of the vocabulary adds to a text, in the order of ids.

        Args:
            leading: whether the token is the first of its text, or follows a joining token (see `joining_tokens`).

        Returns:
            The bytes of each token; they may be empty, or end within a character.
        """
        return [self._bytes_of(token) for token in self.vocabulary.tokens]

    def joining_tokens(self) -> np.ndarray:
        """Return bool (tokens,), True for tokens such as `l'` and `(￭`: the next token is written without its space."""
        return np.zeros(len(self.vocabulary.tokens), bool)

    def _bytes_of(self, token: str) -> bytes:
        return token.encode()

    def readable_tokens(self, count: int) -> list[str]:
        """Return the first `count` tokens of the vocabulary as text."""
        return list(self.vocabulary.tokens[:count])

    def differences(self, other: "Tokenizer") -> list[str]:
        """Return the names of the properties in which `other` differs; empty if both assign the same ids."""
        properties = {
            "level": (self.level, other.level),
            "lowercase": (self.lowercase, other.lowercase),
            "exact_whitespace": (self.exact_whitespace, other.exact_whitespace),
            "separator": (self.separator, other.separator),
            "ignore_spacing": (self.ignore_spacing, other.ignore_spacing),
            "tokens": (self.vocabulary.tokens, other.vocabulary.tokens),
        }
        return [name for name, (mine, theirs) in properties.items() if mine != theirs]


class CharacterTokenizer(Tokenizer):
    """Tokenizer at level `character`: each Unicode code point is a token.

    A batch of texts is converted by one look-up in a table of all code points.
    """

    level = "character"

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)

    def build_vocabulary(self, texts: Iterable[str], *, size: int = 0, min_count: int = 1) -> None:
        counts = np.zeros(0, np.int64)
        rest = iter(texts)
        while block := list(islice(rest, BLOCK)):
            found = np.bincount(_code_points(self.normalize_all(block)), minlength=len(counts))
            found[: len(counts)] += counts
            counts = found
        points = np.flatnonzero(counts >= max(1, min_count))
        if size:
            points = np.sort(points[np.argsort(-counts[points], kind="stable")][:size])
        self.vocabulary = Vocabulary.from_tokens(map(chr, points.tolist()))

    def encode(self, texts: Sequence[str], *, end: bool = False) -> Ragged:
        texts = self.normalize_all(texts)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        ids = self.vocabulary.ids_by_code_point[_code_points(texts)]
        if end:
            ids = np.insert(ids, np.cumsum(lengths), END)
            lengths = lengths + 1
        return Ragged.from_lengths(ids, lengths)

    def decode(self, sequences: Ragged) -> list[str]:
        text = self.vocabulary.code_points[sequences.values].tobytes().decode("utf-32-le")
        bounds = sequences.offsets.tolist()
        return [text[start:stop] for start, stop in itertools.pairwise(bounds)]


def _code_points(texts: Iterable[str]) -> np.ndarray:
    """Return the code points of all texts, uint32 (characters,)."""
    # A lone surrogate (an input byte that was not UTF-8) is looked up like any unknown character.
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)


JOINER = "￭"
"""Suffix of a mark or space that the next word follows without a space. The sign is that of OpenNMT's tokenizer."""

_WORD = regex.compile(r" ?(?:[\w\p{M}]+(?:['’](?=\w))?|[^\w\p{M}\s])| ?\s")
_ASCII_WORD = re.compile(r" ?(?:\w+(?:'(?=\w))?|[^\w\s])| ?\s", re.ASCII)
"""The same as `_WORD` in texts of ASCII characters, and several times as fast."""
_WORD_CHARACTER = regex.compile(r"[\w\p{M}]")
_PUNCTUATION = regex.compile(r"\p{P}")
_INVISIBLE = regex.compile(r"[\p{Cf}--\u200b]", regex.VERSION1)
"""Format characters: zero-width joiners, direction marks, soft hyphens, byte order marks; U+200B is a kind of space."""
_APOSTROPHE = regex.compile(r"(?<=\w)[’ʼ＇](?=\w)")
_SPACE = regex.compile(r"[\s\u200b]+")


class WordTokenizer(Tokenizer):
    """Tokenizer at level `word`: words and single punctuation marks are tokens.

    A word is the same token wherever it occurs: it always includes one space before it. A mark before a word that has
    no space before it has the suffix `JOINER`, and so has white space other than a single space; a word that ends in an
    apostrophe needs no suffix. `l'eau (froide) ?` is split into ` l'`, ` eau`, ` (￭`, ` froide`, `)`, ` ?`. So joining
    tokens needs no rules of any language, and spacing is preserved.

    With `ignore_spacing`, which is for sources, a text cannot be restored from its tokens: marks have neither space nor
    suffix, all apostrophes inside words are `'`, white space and invisible characters are dropped, and so are
    punctuation marks that the vocabulary does not contain. So spacing, quotes and brackets do not change the tokens of
    the words.

    Args:
        vocabulary: the tokens and their ids.
        lowercase: see `Tokenizer`.
        exact_whitespace: see `Tokenizer`.
        ignore_spacing: see above.
    """

    level = "word"

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        lowercase: bool = False,
        exact_whitespace: bool = True,
        ignore_spacing: bool = False,
    ):
        super().__init__(vocabulary, lowercase=lowercase, exact_whitespace=exact_whitespace)
        self.ignore_spacing = ignore_spacing

    def split(self, text: str) -> list[str]:
        if self.ignore_spacing:
            if not text.isascii():  # else there is nothing to replace
                text = _APOSTROPHE.sub("'", _SPACE.sub(" ", _INVISIBLE.sub("", text)))
            tokens = filter(None, map(str.strip, _find_words(text)))
            return [f" {token}" if _is_word(token) else token for token in tokens]
        tokens = words(text)
        for place in range(1, len(tokens)):
            if _is_word(tokens[place]) and not tokens[place].startswith(" "):
                tokens[place] = f" {tokens[place]}"
                if not _is_elided(tokens[place - 1]):
                    tokens[place - 1] += JOINER
        return tokens

    def join(self, tokens: Sequence[str]) -> str:
        joined = [True, *map(_joins_next, tokens)]
        parts = map(_without_joiner, tokens)
        return "".join(part.removeprefix(" ") if after else part for after, part in zip(joined, parts, strict=False))

    def tokenize(self, text: str) -> list[str]:
        tokens = super().tokenize(text)
        if not self.ignore_spacing or not self.vocabulary.tokens:
            return tokens
        known = [token for token in tokens if token in self.vocabulary or not _PUNCTUATION.fullmatch(token)]
        return known or tokens

    def unknown(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.join([token]) or token for token in super().unknown(text)))

    def key(self, text: str) -> str:
        return "".join(self.tokenize(text)) if self.ignore_spacing else super().key(text)

    def token_bytes(self, *, leading: bool) -> list[bytes]:
        tokens = map(_without_joiner, self.vocabulary.tokens)
        return [(token.removeprefix(" ") if leading else token).encode() for token in tokens]

    def joining_tokens(self) -> np.ndarray:
        return np.fromiter(map(_joins_next, self.vocabulary.tokens), bool, len(self.vocabulary.tokens))


def words(text: str) -> list[str]:
    """Split a text into words and punctuation marks, each with the one space before it; the first gets a space too."""
    return _find_words(" " + text) if text else []


def _find_words(text: str) -> list[str]:
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


def _is_word(token: str) -> bool:
    first = token[1:2] if token.startswith(" ") else token[:1]
    if first.isascii():
        return first.isalnum() or first == "_"
    return _WORD_CHARACTER.match(token, token.startswith(" ")) is not None


def _is_elided(token: str) -> bool:
    """Return whether a token is a word with a final apostrophe, so that a word follows it without a space."""
    return token.endswith(("'", "’")) and not token[:-1].isspace() and len(token) > 1


def _has_joiner(token: str) -> bool:
    """Return whether a token has the suffix `JOINER`; a `JOINER` that is the whole mark is part of the text."""
    return token.endswith(JOINER) and token[:-1] not in ("", " ")


def _without_joiner(token: str) -> str:
    return token[:-1] if _has_joiner(token) else token


def _joins_next(token: str) -> bool:
    return _has_joiner(token) or _is_elided(token)


class PretokenizedTokenizer(Tokenizer):
    """Tokenizer at level `pretokenized`: a separator splits the text, as in the phones `a v iː ð` or the tags `V;PST`.

    Args:
        vocabulary: the tokens and their ids.
        separator: the string between two tokens; empty tokens are dropped.
        lowercase: see `Tokenizer`.
        exact_whitespace: see `Tokenizer`.
    """

    level = "pretokenized"

    def __init__(
        self, vocabulary: Vocabulary, separator: str, *, lowercase: bool = False, exact_whitespace: bool = True
    ):
        super().__init__(vocabulary, lowercase=lowercase, exact_whitespace=exact_whitespace)
        self.separator = self.normalize_part(separator)

    def split(self, text: str) -> list[str]:
        if self.exact_whitespace:
            return [token for token in text.split(self.separator) if token]
        # The separator " " means any whitespace.
        tokens = text.split() if self.separator == " " else text.split(self.separator)
        return [token for token in map(str.strip, tokens) if token]

    def trim(self, text: str) -> str:
        """Return `text` without whitespace around tokens and without needless separators, unless `exact_whitespace`."""
        return text if self.exact_whitespace else self.join(self.split(text))

    def join(self, tokens: Sequence[str]) -> str:
        return str(self.separator).join(tokens)

    def token_bytes(self, *, leading: bool) -> list[bytes]:
        separator = b"" if leading else str(self.separator).encode()
        return [separator + token for token in super().token_bytes(leading=leading)]
