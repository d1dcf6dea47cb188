"""Lift an automaton over bytes to an automaton over the token ids of a target tokenizer.

A search starts each hypothesis in `start` and masks the tokens that `next` does not allow. Every state can still reach
an accepting state; `distance` is the number of tokens it takes.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from passerelle.constraints.automaton import Automaton
from passerelle.constraints.graph import Graph
from passerelle.constraints.lexicon import common_length
from passerelle.errors import SettingsError
from passerelle.special_tokens import FIRST_ORDINARY
from passerelle.text.tokenizer import Tokenizer

__all__ = ["MOST_CELLS", "Constraint", "lift"]

MOST_CELLS = 2**26
"""Maximum number of cells of `next`, which then takes 256 MiB."""

MOST_TRANSITIONS = 2**24
"""Maximum number of transitions of all classes of tokens, which then take 128 MiB."""

MOST_LOOKUPS = 2**27
"""Maximum number of states that are looked up, for each byte of each token; they take one to two seconds."""

_EDGES = 2**20
"""Number of transitions that are sorted at once."""


@dataclass(frozen=True, eq=False)
class Constraint:
    """A deterministic automaton over the ids of one tokenizer.

    Attributes:
        next: int32 (states, classes), the next state after a token of each class; -1 where the token is not allowed.
        class_of: int32 (ids,), the column of each id in `next`; -1 for ids that are never allowed, which include PAD,
            UNK and START. END is -1 too: it is allowed where `accepting` is True.
        accepting: bool (states,), whether the text may end here.
        distance: int32 (states,), the fewest tokens from here to an accepting state, without END.
        progress: int32 (states,), the number of bytes of required phrases matched in each state.
        start: the state before the first token.
    """

    next: np.ndarray
    class_of: np.ndarray
    accepting: np.ndarray
    distance: np.ndarray
    progress: np.ndarray
    start: int


@dataclass(frozen=True, eq=False)
class _Transitions:
    """All transitions of one token: from `states` to `after`, both int32 (n,)."""

    states: np.ndarray
    after: np.ndarray

    @property
    def key(self) -> bytes:
        """A digest: the same for the same transitions."""
        digest = hashlib.blake2b(self.states.tobytes(), digest_size=32)
        digest.update(self.after.tobytes())
        return digest.digest()


def lift(automaton: Automaton, tokenizer: Tokenizer) -> Constraint:
    """Return the constraint on token ids that allows the texts that the automaton accepts.

    The bytes that each token adds to a text are run through the automaton from every state. A token may add different
    bytes at the start of a text, or after a token that removes the space of the next (`Tokenizer.leads`), than
    elsewhere. So every state has a twin for these places; a text starts in the twin of state 0. Tokens that have the
    same transitions from all states share a class.

    Args:
        automaton: over the UTF-8 bytes of texts as the tokenizer decodes them: normalized, and in its case.
        tokenizer: of the target.

    Raises:
        SettingsError: if no sequence of tokens gives a text that the automaton accepts, or the constraint
            exceeds `MOST_CELLS`, `MOST_TRANSITIONS` or `MOST_LOOKUPS`.
    """
    states = np.int32(len(automaton.table))
    leads = tokenizer.joining_tokens()
    all_states = np.arange(states, dtype=np.int32)
    twins = all_states if leads.any() else all_states[:1]
    later, usual = _transitions(automaton.table, all_states, tokenizer.token_bytes(leading=False))
    leading, other = _transitions(automaton.table, twins, tokenizer.token_bytes(leading=True))
    kinds, kind_of = np.unique(np.stack([later, leading, leads]), axis=1, return_inverse=True)
    transitions = [
        _Transitions(
            np.append(usual[i].states, other[j].states + states),
            np.append(usual[i].after, other[j].after) + states * np.int32(to_twins),
        )
        for i, j, to_twins in kinds.T
    ]
    classes = np.full(tokenizer.vocabulary.size, -1, np.int32)
    classes[FIRST_ORDINARY:] = kind_of.reshape(-1)
    return _pruned(automaton, transitions, classes)


def _transitions(table: np.ndarray, states: np.ndarray, tokens: list[bytes]) -> tuple[np.ndarray, list[_Transitions]]:
    """Run the bytes of each token through the automaton from each of `states`.

    The tokens are visited in sorted order, so that the prefix that a token shares with the one before is run only once.

    Returns:
        int32 (tokens,), the index of each token's transitions in a list; the list of all distinct transitions.
    """
    numbers = np.zeros(len(tokens), np.int32)
    columns: dict[bytes, int] = {}
    distinct: list[_Transitions] = []
    path = [_Transitions(states, states)]  # the transitions of the first 0, 1, 2 ... bytes of the last token
    cells = lookups = 0
    before = b""
    for index in sorted(range(len(tokens)), key=tokens.__getitem__):
        token = tokens[index]
        shared = common_length(before, token)
        del path[shared + 1 :]
        for byte in token[shared:]:
            lookups += len(path[-1].states)
            _check(lookups, MOST_LOOKUPS, "look-ups of states (states × bytes of tokens)")
            after = table[path[-1].after, byte]
            alive = after >= 0
            path.append(_Transitions(path[-1].states[alive], after[alive]))
        numbers[index] = columns.setdefault(path[-1].key, len(columns))
        if len(distinct) < len(columns):
            distinct.append(path[-1])
            cells += len(path[-1].states)
            _check(cells, MOST_TRANSITIONS, "transitions (states × tokens)")
        before = token
    return numbers, distinct


def _pruned(automaton: Automaton, distinct: list[_Transitions], classes: np.ndarray) -> Constraint:
    """Remove the states that cannot be reached or cannot reach an accepting state, and merge equal classes.

    Args:
        automaton: the automaton that is lifted.
        distinct: the transitions of each class; the twin of state s has the number s + (number of states).
        classes: int32 (ids,), the class of each id; -1 for special tokens.
    """
    start = len(automaton.table)
    accepting = np.tile(automaton.accepting, 2)
    progress = np.tile(automaton.progress, 2)
    graph = Graph(2 * start, *divmod(_edges(distinct, 2 * start), 2 * start))
    distance = graph.reversed().distances(np.flatnonzero(accepting))
    if distance[start] < 0:
        raise SettingsError(
            "no text that the constraint allows can be written with the vocabulary. Loosen the constraint."
        )
    useful = (graph.distances(np.array([start])) >= 0) & (distance >= 0)
    number = np.where(useful, np.cumsum(useful) - 1, -1).astype(np.int32)
    columns: dict[bytes, int] = {}
    remaining: list[_Transitions] = []
    new_class = np.full(len(distinct) + 1, -1, np.int32)  # of each old class; the last element is read for -1
    for index, old in enumerate(distinct):
        new = _Transitions(number[old.states], number[old.after])
        alive = (new.states >= 0) & (new.after >= 0)
        new = _Transitions(new.states[alive], new.after[alive])
        if alive.any():
            new_class[index] = columns.setdefault(new.key, len(columns))
            if len(remaining) < len(columns):
                remaining.append(new)
    states = int(useful.sum())
    _check(states * len(remaining), MOST_CELLS, "cells (states × classes of tokens)")
    table = np.full((states, max(len(remaining), 1)), -1, np.int32)
    for column, transitions in enumerate(remaining):
        table[transitions.states, column] = transitions.after
    return Constraint(
        table, new_class[classes], accepting[useful], distance[useful], progress[useful], start=int(number[start])
    )


def _edges(distinct: list[_Transitions], count: int) -> np.ndarray:
    """Return the distinct pairs of a state and a next state as state * `count` + next state, int64 (edges,)."""
    edges = np.empty(0, np.int64)
    waiting: list[np.ndarray] = []
    size = 0
    for index, transitions in enumerate(distinct):
        waiting.append(transitions.states.astype(np.int64) * count + transitions.after)
        size += len(waiting[-1])
        if size > max(_EDGES, len(edges)) or index == len(distinct) - 1:
            edges = np.unique(np.concatenate([edges, *waiting]))
            waiting, size = [], 0
    return edges


def _check(count: int, most: int, what: str) -> None:
    if count > most:
        raise SettingsError(
            f"the constraint is too large for this vocabulary: it needs more than {most:,} {what}. Loosen its bounds, "
            f"pass fewer texts or phrases, or use a model with fewer tokens."
        )
