"""Subword tokens by byte-level byte-pair encoding (BPE).

BPE (Sennrich et al. 2016, arXiv:1508.07909, section 3.2) over the bytes of UTF-8, as in GPT-2 (Radford et al. 2019,
section 2.2). A frequent word is a single token, a rare word several, and no text has unknown tokens. Each byte is
written as one printable character, so a vocabulary is a list of strings: the 256 bytes, then the merged tokens in the
order of the merges.
"""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from passerelle.errors import DataError
from passerelle.special_tokens import UNK
from passerelle.text.tokenizer import Tokenizer, words
from passerelle.text.vocabulary import REPLACEMENT, Vocabulary, require_utf8

__all__ = ["BYTES", "DEFAULT_SIZE", "SubwordTokenizer", "train_bpe"]

DEFAULT_SIZE = 4000
"""Size of a vocabulary if none is specified."""

MIN_COUNT = 2
"""Minimum number of occurrences of a merge; a pair that occurs once says nothing about other texts."""

LONGEST_WORD = 64
"""Length in characters at which words are split, so that the time grows linearly with the length of a text."""

CACHED_WORDS = 2**17

_PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
# GPT-2's table: a printable byte maps to the character with its code point, the n-th other byte to 256 + n.
_CHARACTER_OF = {byte: chr(byte) for byte in _PRINTABLE} | {byte: chr(256 + n) for n, byte in enumerate(_OTHERS)}
_BYTE_OF = {ord(character): byte for byte, character in _CHARACTER_OF.items()}
_READ = _BYTE_OF | {ord(REPLACEMENT): REPLACEMENT.encode().decode("latin-1")}

BYTES = tuple(_CHARACTER_OF.values())
"""The characters that represent the 256 bytes, sorted; the space is `Ġ`."""


class SubwordTokenizer(Tokenizer):
    """Tokenizer at level `subword`: byte-level BPE.

    A text is split into words, each with the one space before it. A word starts as its bytes. Then the neighbouring
    tokens whose concatenation has the lowest id are merged, the leftmost first, until no concatenation is a token.
    Decoding writes invalid UTF-8 as U+FFFD.

    Args:
        vocabulary: the vocabulary; its first tokens are `BYTES`.
        lowercase: see `Tokenizer`.
        exact_whitespace: see `Tokenizer`.

    Raises:
        DataError: if the vocabulary does not start with `BYTES`, or contains other characters than these.
    """

    level = "subword"
    alphabet = BYTES

    def __init__(self, vocabulary: Vocabulary, *, lowercase: bool = False, exact_whitespace: bool = True):
        tokens = vocabulary.tokens
        if tokens[: len(BYTES)] != BYTES or not set(BYTES).issuperset("".join(tokens)):
            raise DataError("a subword vocabulary must start with the 256 bytes, followed by sequences of them only")
        super().__init__(vocabulary, lowercase=lowercase, exact_whitespace=exact_whitespace)
        self._subwords = lru_cache(CACHED_WORDS)(self._merge)

    def split(self, text: str) -> list[str]:
        return [token for word in self._words(text) for token in self._subwords(word)]

    def join(self, tokens: Sequence[str]) -> str:
        return self._bytes_of("".join(tokens)).decode(errors="replace").removeprefix(" ")

    def token_bytes(self, *, leading: bool) -> list[bytes]:
        tokens = super().token_bytes(leading=leading)
        return [token.removeprefix(b" ") for token in tokens] if leading else tokens

    def build_vocabulary(self, texts: Iterable[str], *, size: int = 0, min_count: int = 1) -> None:
        """Build the vocabulary from the most frequent merges in `texts`; see `train_bpe`.

        Args:
            texts: any strings.
            size: maximum number of tokens, including `BYTES`; 0 for `DEFAULT_SIZE`.
            min_count: number of occurrences that a merge requires; values below `MIN_COUNT` count as `MIN_COUNT`.

        Raises:
            DataError: if a text contains a lone surrogate.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(self._words(self.normalize(text)))
        require_utf8("".join(counts))
        self.vocabulary = Vocabulary(train_bpe(counts, size or DEFAULT_SIZE, max(min_count, MIN_COUNT)))
        self._subwords.cache_clear()

    def readable_tokens(self, count: int) -> list[str]:
        """Return the first `count` merged tokens as text; the 256 bytes are left out."""
        merged = self.vocabulary.tokens[len(BYTES) :][:count]
        return [self._bytes_of(token).decode(errors="replace") for token in merged]

    def _bytes_of(self, token: str) -> bytes:
        return token.translate(_READ).encode("latin-1")

    def _words(self, text: str) -> Iterable[str]:
        for word in words(text):
            for start in range(0, len(word), LONGEST_WORD):
                yield word[start : start + LONGEST_WORD]

    def _merge(self, word: str) -> list[str]:
        parts = _byte_tokens(word)
        id_of = self.vocabulary.id_of
        while len(parts) > 1:
            ids = [id_of(left + right) for left, right in itertools.pairwise(parts)]
            best = min((identifier for identifier in ids if identifier != UNK), default=UNK)
            if best == UNK:
                break
            place = ids.index(best)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        return parts


def _byte_tokens(word: str) -> list[str]:
    """Return the byte tokens of a word; a lone surrogate becomes three bytes that are invalid UTF-8."""
    return [_CHARACTER_OF[byte] for byte in word.encode(errors="surrogatepass")]


def train_bpe(counts: Mapping[str, int], size: int, min_count: int) -> list[str]:
    """Train byte-pair encoding: repeatedly make the most frequent pair of neighbouring tokens a new token.

    Args:
        counts: number of occurrences of each word.
        size: maximum number of tokens, including `BYTES`.
        min_count: number of occurrences that a pair requires.

    Returns:
        `BYTES`, then the merged tokens in the order of the merges. Ties between pairs are broken by the
        lowest ids, so the result does not depend on the order of `counts`.
    """
    tokens = list(BYTES)
    ids = {token: identifier for identifier, token in enumerate(tokens)}
    words = [[ids[token] for token in _byte_tokens(word)] for word in counts]
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
        negative_count, pair = heapq.heappop(heap)
        if -negative_count != pairs[pair]:  # other merges have removed occurrences since the pair was pushed
            heapq.heappush(heap, (-pairs[pair], pair))
            continue
        if -negative_count < min_count:
            break
        text = tokens[pair[0]] + tokens[pair[1]]
        merged = ids.setdefault(text, len(tokens))  # another pair may have produced the same token
        if merged == len(tokens):
            tokens.append(text)
        changed_pairs = set()
        for number in places.pop(pair):
            for old in itertools.pairwise(words[number]):
                pairs[old] -= weights[number]
            words[number] = _replace_pair(words[number], pair, merged)
            for new in itertools.pairwise(words[number]):
                pairs[new] += weights[number]
                if merged in new:
                    places[new].add(number)
                    changed_pairs.add(new)
        for new in changed_pairs:
            heapq.heappush(heap, (-pairs[new], new))
    return tokens


def _replace_pair(word: list[int], pair: tuple[int, int], merged: int) -> list[int]:
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
