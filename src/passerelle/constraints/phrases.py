"""Phrases that a text must begin with, must contain, or must not contain, as automata.

Phrases match literally. The caller normalizes them in the same way as the target tokenizer normalizes its texts.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from passerelle.constraints.automaton import Automaton, intersect
from passerelle.constraints.expressions import ANY_TEXT, Concatenation, literal
from passerelle.constraints.limits import check_states
from passerelle.constraints.subsets import any_text, automaton_of
from passerelle.errors import SettingsError
from passerelle.text.vocabulary import require_utf8

__all__ = ["MOST_PHRASES", "beginning_with", "containing", "without"]

MOST_PHRASES = 8
"""Maximum number of required phrases. States store which phrases have occurred, so each phrase may double them."""


def beginning_with(prefix: str) -> Automaton:
    """Return the automaton that accepts the texts that begin with `prefix`.

    Raises:
        DataError: if `prefix` contains a lone surrogate.
        SettingsError: if it is too long.
    """
    require_utf8(prefix)
    check_states(len(prefix.encode()))
    return automaton_of(Concatenation((literal(prefix), ANY_TEXT)))


def without(phrases: Iterable[str]) -> Automaton:
    """Return the automaton that accepts the texts in which none of the phrases occurs.

    Raises:
        DataError: if a phrase contains a lone surrogate.
        SettingsError: if there is no phrase, one is empty, or they are too long in total.
    """
    matcher = _Matcher(_checked(phrases))
    clean = ~matcher.ends
    table = np.where(clean[matcher.table], matcher.table, -1).astype(np.int32)
    return intersect(Automaton(table, clean, np.zeros(len(table), np.int32)), any_text()).minimized()


def containing(phrases: Iterable[str]) -> Automaton:
    """Return the automaton that accepts the texts in which every phrase occurs, in any order; phrases may overlap.

    The progress of a state is the number of bytes of all phrases that have occurred, plus the length of the longest
    prefix of another phrase that the text ends with. A search compares hypotheses of equal progress (Hokamp and Liu
    2017, arXiv:1704.07138).

    Raises:
        DataError: if a phrase contains a lone surrogate.
        SettingsError: if there is no phrase, one is empty, there are more than `MOST_PHRASES`, or they are too long in
            total.
    """
    phrases = _checked(phrases)
    if len(phrases) > MOST_PHRASES:
        raise SettingsError(f"at most {MOST_PHRASES} phrases can be required, received: {len(phrases)}. Pass fewer.")
    check_states(max(map(len, phrases)) << len(phrases))
    matcher = _Matcher(phrases)
    nodes, sets = len(matcher.table), 1 << len(phrases)
    check_states(nodes * sets)
    lengths = np.array([len(phrase.encode()) for phrase in phrases], np.int32)
    matched = matcher.matched()
    # A state is set * nodes + node: the bits of `set` are the phrases that have occurred, `node` is the matcher's node.
    completed = ((matched == lengths) @ (1 << np.arange(len(phrases)))).astype(np.int32)  # (nodes,)
    after = np.arange(sets, dtype=np.int32)[:, None, None] | completed[matcher.table]  # (sets, nodes, 256)
    table = (after * nodes + matcher.table).reshape(-1, 256)
    occurred = (np.arange(sets)[:, None] >> np.arange(len(phrases)) & 1).astype(bool)  # (sets, phrases)
    matched = np.where(occurred[:, None], 0, matched).max(2)  # (sets, nodes)
    progress = (occurred @ lengths)[:, None] + matched
    accepting = np.repeat(occurred.all(1), nodes)
    automaton = Automaton(table, accepting, progress.reshape(-1).astype(np.int32)).minimized()
    return intersect(automaton, any_text()).minimized()


class _Matcher:
    """A complete Aho-Corasick automaton (1975) of the phrases, over bytes.

    A node is the longest suffix of the text that is a prefix of any phrase.

    Attributes:
        table: int32 (nodes, 256), the next node after each byte.
        ends: bool (nodes,), whether the text ends with a phrase.
    """

    def __init__(self, phrases: Sequence[str]):
        words = [phrase.encode() for phrase in phrases]
        check_states(sum(map(len, words)))
        children: list[dict[int, int]] = [{}]
        self._paths = [[0] for _ in words]
        for word, path in zip(words, self._paths, strict=True):
            for byte in word:
                node = children[path[-1]].setdefault(byte, len(children))
                if node == len(children):
                    children.append({})
                path.append(node)
        self.table = np.zeros((len(children), 256), np.int32)
        self.ends = np.zeros(len(children), bool)
        self.ends[[path[-1] for path in self._paths]] = True
        self._order: list[tuple[int, int]] = [(0, 0)]  # nodes, shorter ones first
        for node, shorter in self._order:  # `shorter`: the node of the longest proper suffix
            row = self.table[shorter].copy()
            self.ends[node] |= self.ends[shorter]
            for byte, child in children[node].items():
                self._order.append((child, row.item(byte) if node else 0))
                row[byte] = child
            self.table[node] = row

    def matched(self) -> np.ndarray:
        """Return int32 (nodes, phrases): bytes of the longest suffix of the text that is a prefix of each phrase."""
        out = np.zeros((len(self.table), len(self._paths)), np.int32)
        for number, path in enumerate(self._paths):
            out[path, number] = np.arange(len(path))
        for node, shorter in self._order:
            out[node] = np.maximum(out[node], out[shorter])
        return out


def _checked(phrases: Iterable[str]) -> list[str]:
    """Return the distinct phrases, in order."""
    phrases = list(dict.fromkeys(phrases))
    if not phrases or "" in phrases:
        raise SettingsError("a phrase must have at least one character, received: an empty one or none")
    require_utf8("".join(phrases))
    return phrases
