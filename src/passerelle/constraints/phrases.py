"""Phrases as automata: what a text must begin with, must contain, or may not contain.

Phrases match as they are; the caller normalizes them as the target tokenizer does its texts.
"""

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

from passerelle.constraints.automaton import Automaton, both, check_states
from passerelle.constraints.expressions import ANYTHING, Chain, any_text, automaton_of, literal
from passerelle.errors import SettingsError
from passerelle.text.vocabulary import require_utf8

__all__ = ["MOST_PHRASES", "beginning_with", "containing", "without"]

MOST_PHRASES = 8
"""That can be required together: a state knows which of them it has met, so each may double the states."""


def beginning_with(prefix: str) -> Automaton:
    """Accepts the texts that begin with `prefix`.

    Raises:
        DataError: if it holds a lone surrogate.
        SettingsError: if it is too long.
    """
    require_utf8(prefix)
    return automaton_of(Chain((literal(prefix), ANYTHING)))


def without(phrases: Iterable[str]) -> Automaton:
    """Accepts the texts in which none of the phrases occurs.

    Raises:
        DataError: if a phrase holds a lone surrogate.
        SettingsError: if there is no phrase, one is empty, or they are too long together.
    """
    matcher = _Matcher(_checked(phrases))
    clean = ~matcher.met.any(1)
    table = np.where(clean[matcher.table], matcher.table, -1).astype(np.int32)
    return both(Automaton(table, clean, np.zeros(len(table), np.int32)), any_text()).minimized()


def containing(phrases: Iterable[str]) -> Automaton:
    """Accepts the texts in which every phrase occurs, in any order; they may overlap.

    A state's progress is the bytes of the phrases that it has met, and of the longest beginning of another that it
    stands in; so hypotheses can be compared with others of equal progress (Hokamp and Liu 2017, arXiv:1704.07138).

    Raises:
        DataError: if a phrase holds a lone surrogate.
        SettingsError: if there is no phrase, one is empty, there are more than `MOST_PHRASES`, or they are too long
            together.
    """
    phrases = _checked(phrases)
    if len(phrases) > MOST_PHRASES:
        raise SettingsError(f"at most {MOST_PHRASES} phrases can be required together, received: {len(phrases)}")
    matcher = _Matcher(phrases)
    nodes, sets = len(matcher.table), 1 << len(phrases)
    check_states(nodes * sets)
    # State set * nodes + node: the node of the matcher, and the set of phrases met so far as bits.
    met = (matcher.met @ (1 << np.arange(len(phrases)))).astype(np.int32)  # (nodes,)
    after = np.arange(sets, dtype=np.int32)[:, None, None] | met[matcher.table]  # (sets, nodes, 256)
    table = (after * nodes + matcher.table).reshape(-1, 256)
    holds = (np.arange(sets)[:, None] >> np.arange(len(phrases)) & 1).astype(bool)  # (sets, phrases)
    begun = np.where(holds[:, None], 0, matcher.begun).max(2)  # (sets, nodes)
    progress = (holds @ matcher.lengths)[:, None] + begun
    accepting = np.repeat(holds.all(1), nodes)
    return both(Automaton(table, accepting, progress.reshape(-1).astype(np.int32)).minimized(), any_text()).minimized()


class _Matcher:
    """Finds phrases in bytes (Aho and Corasick 1975), with all ways on written out.

    Attributes:
        table: int32 (nodes, 256): the node after each byte; it stands for the longest ending that begins a phrase.
        met: bool (nodes, phrases): which phrases end here.
        begun: int32 (nodes, phrases): bytes of the longest ending that begins the phrase.
        lengths: int32 (phrases,): its bytes.
    """

    def __init__(self, phrases: Sequence[str]):
        words = [phrase.encode() for phrase in phrases]
        check_states(sum(map(len, words)))
        children: list[dict[int, int]] = [{}]
        paths = [[0] for _ in words]
        for word, path in zip(words, paths, strict=True):
            for byte in word:
                node = children[path[-1]].setdefault(byte, len(children))
                if node == len(children):
                    children.append({})
                path.append(node)
        self.table = np.zeros((len(children), 256), np.int32)
        self.begun = np.zeros((len(children), len(words)), np.int32)
        self.lengths = np.array([len(word) for word in words], np.int32)
        for number, path in enumerate(paths):
            self.begun[path, number] = np.arange(len(path))
        queue = deque([(0, 0)])
        while queue:
            node, shorter = queue.popleft()  # `shorter` stands for the longest true ending that begins a phrase
            ways = self.table[shorter].copy()
            self.begun[node] = np.maximum(self.begun[node], self.begun[shorter])
            for byte, child in children[node].items():
                queue.append((child, ways[byte] if node else 0))
                ways[byte] = child
            self.table[node] = ways
        self.met = self.begun == self.lengths


def _checked(phrases: Iterable[str]) -> list[str]:
    """The distinct phrases, in order."""
    phrases = list(dict.fromkeys(phrases))
    if not phrases or "" in phrases:
        raise SettingsError("a phrase must have at least one character, received: an empty one or none")
    require_utf8("".join(phrases))
    return phrases
