"""Subwords: frequent words are one token, rare ones a few, and no text is unknown.

Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909, section 3.2) over the bytes of UTF-8, as in GPT-2 (Radford
et al. 2019, section 2.2). A token is a string of characters that each stand for a byte, so a vocabulary is a plain
list: the 256 bytes, then merged tokens in the order of their merging.
"""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from passerelle.errors import DataError
from passerelle.special_tokens import UNK
from passerelle.text.tokenizer import Tokenizer, words
from passerelle.text.vocabulary import REPLACEMENT, Vocabulary, require_text

__all__ = ["BYTES", "DEFAULT_SIZE", "SubwordTokenizer", "train_bpe"]

DEFAULT_SIZE = 4000
"""Tokens of a vocabulary for which none is asked."""

LEAST_COUNT = 2
"""A merge that occurs once teaches nothing about other texts."""

LONGEST_WORD = 64
"""Characters; longer words are cut, so that time grows with a text's length and not with its square."""

CACHED_WORDS = 2**17

_PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
# GPT-2's table: a printable byte is the character of its number, the n-th other one is character 256 + n.
_CHARACTER_OF = {byte: chr(byte) for byte in _PRINTABLE} | {byte: chr(256 + n) for n, byte in enumerate(_OTHERS)}
_BYTE_OF = {ord(character): byte for byte, character in _CHARACTER_OF.items()}
_READ = _BYTE_OF | {ord(REPLACEMENT): REPLACEMENT.encode().decode("latin-1")}

BYTES = tuple(_CHARACTER_OF.values())
"""The character of each byte, in the order of the characters; ` ` is `Ġ`."""


class SubwordTokenizer(Tokenizer):
    """Pieces of words are tokens; a word has the one blank before it, so a piece may begin with one.

    A word begins as its bytes; of all neighbours that together are a token, those with the lowest id are joined,
    the leftmost first, until there are none. Bytes that are not UTF-8 are written as U+FFFD.

    Args:
        vocabulary: the tokens it knows, `BYTES` first.
        lowercase: as in `Tokenizer`.

    Raises:
        DataError: if the vocabulary does not begin with `BYTES`, or holds what is not made of them.
    """

    level = "subword"
    alphabet = BYTES

    def __init__(self, vocabulary: Vocabulary, *, lowercase: bool = False):
        tokens = vocabulary.tokens
        if tokens[: len(BYTES)] != BYTES or not set(BYTES).issuperset("".join(tokens)):
            raise DataError("a vocabulary of subwords must begin with the 256 bytes and hold nothing but such bytes")
        super().__init__(vocabulary, lowercase=lowercase)
        self._pieces = lru_cache(CACHED_WORDS)(self._merged)

    def split(self, text: str) -> list[str]:
        return [piece for word in self._words(text) for piece in self._pieces(word)]

    def join(self, tokens: Sequence[str]) -> str:
        return self._bytes_of("".join(tokens)).decode(errors="replace").removeprefix(" ")

    def token_bytes(self, *, leading: bool) -> list[bytes]:
        pieces = super().token_bytes(leading=leading)
        return [piece.removeprefix(b" ") for piece in pieces] if leading else pieces

    def build_vocabulary(self, texts: Iterable[str], *, size: int = 0, min_count: int = 1) -> None:
        """Takes the most frequent merges of `texts` for its vocabulary; see `train_bpe`.

        Args:
            texts: any strings.
            size: tokens to stop at, `BYTES` included; 0 for `DEFAULT_SIZE`.
            min_count: how often the two parts of a merge must occur side by side, at least twice.

        Raises:
            DataError: if a text holds a lone surrogate.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(self._words(self.normalize(text)))
        require_text("".join(counts))
        self.vocabulary = Vocabulary(train_bpe(counts, size or DEFAULT_SIZE, max(min_count, LEAST_COUNT)))
        self._pieces.cache_clear()

    def readable_tokens(self, count: int) -> list[str]:
        """The first `count` merged tokens as text; bytes alone say little."""
        merged = self.vocabulary.tokens[len(BYTES) :][:count]
        return [self._bytes_of(token).decode(errors="replace") for token in merged]

    def _bytes_of(self, token: str) -> bytes:
        return token.translate(_READ).encode("latin-1")

    def _words(self, text: str) -> Iterable[str]:
        for word in words(text):
            for start in range(0, len(word), LONGEST_WORD):
                yield word[start : start + LONGEST_WORD]

    def _merged(self, word: str) -> list[str]:
        parts = _spelled(word)
        id_of = self.vocabulary.id_of
        while len(parts) > 1:
            ids = [id_of(left + right) for left, right in itertools.pairwise(parts)]
            best = min((identifier for identifier in ids if identifier != UNK), default=UNK)
            if best == UNK:
                break
            place = ids.index(best)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        return parts


def _spelled(word: str) -> list[str]:
    """The tokens of a word's bytes; a lone surrogate has three, which no text has."""
    return [_CHARACTER_OF[byte] for byte in word.encode(errors="surrogatepass")]


def train_bpe(counts: Mapping[str, int], size: int, min_count: int) -> list[str]:
    """Byte-pair encoding: the most frequent pair of neighbours becomes a token, again and again.

    Args:
        counts: how often each word occurs.
        size: tokens to stop at, `BYTES` included.
        min_count: how often a pair must occur to become a token.

    Returns:
        `BYTES`, then the merged tokens in the order of their merging. Of equally frequent pairs the one whose parts
        come first goes first, so the order of `counts` changes nothing.
    """
    tokens = list(BYTES)
    ids = {token: identifier for identifier, token in enumerate(tokens)}
    words = [[ids[token] for token in _spelled(word)] for word in counts]
    weights = list(counts.values())
    pairs: Counter[tuple[int, int]] = Counter()
    places: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for number, word in enumerate(words):
        for pair in itertools.pairwise(word):
            pairs[pair] += weights[number]
            places[pair].add(number)
    heap = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(heap)
    while heap and len(tokens) < size:
        said, pair = heapq.heappop(heap)
        if -said != pairs[pair]:  # it has lost occurrences to other merges since
            heapq.heappush(heap, (-pairs[pair], pair))
            continue
        if -said < min_count:
            break
        text = tokens[pair[0]] + tokens[pair[1]]
        merged = ids.setdefault(text, len(tokens))  # the same text may come of other parts before
        if merged == len(tokens):
            tokens.append(text)
        grown = set()
        for number in places.pop(pair):
            for old in itertools.pairwise(words[number]):
                pairs[old] -= weights[number]
            words[number] = _replaced(words[number], pair, merged)
            for new in itertools.pairwise(words[number]):
                pairs[new] += weights[number]
                if merged in new:
                    places[new].add(number)
                    grown.add(new)
        for new in grown:
            heapq.heappush(heap, (-pairs[new], new))
    return tokens


def _replaced(word: list[int], pair: tuple[int, int], merged: int) -> list[int]:
    out = []
    place = 0
    while place < len(word):
        if word[place] == pair[0] and word[place + 1 : place + 2] == [pair[1]]:
            out.append(merged)
            place += 2
        else:
            out.append(word[place])
            place += 1
    return out
