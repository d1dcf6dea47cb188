"""Lift an automaton over bytes to an automaton over the token ids of a target tokenizer.

A search starts each hypothesis in `start` and masks the tokens that `next` does not allow. Every state can still reach
an accepting state; `distance` is the number of tokens it takes.
"""

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
"""Of `next`; 256 MiB."""


@dataclass(frozen=True, eq=False)
class Constraint:
    """A deterministic automaton over the ids of one tokenizer.

    Attributes:
        next: int32 (states, classes): the state after a token; -1 where it may not be written.
        class_of: int32 (ids,): the column of each id in `next`; -1 for ids that may never be written, PAD, UNK and
            START among them. END is -1 too: `accepting` says where it may be written.
        accepting: bool (states,): whether the text may end here.
        distance: int32 (states,): the fewest tokens from here to an accepting state, END not counted.
        progress: int32 (states,): that of the automaton.
        start: the state before the first token.
    """

    next: np.ndarray
    class_of: np.ndarray
    accepting: np.ndarray
    distance: np.ndarray
    progress: np.ndarray
    start: int


@dataclass(frozen=True, eq=False)
class _Moves:
    """Where one token leads: from `states`, int32 (n,), to `after`, int32 (n,); from all others nowhere."""

    states: np.ndarray
    after: np.ndarray

    @property
    def key(self) -> bytes:
        return self.states.tobytes() + self.after.tobytes()


def lift(automaton: Automaton, tokenizer: Tokenizer) -> Constraint:
    """Runs what every token adds to a text through the automaton, from every state.

    A token that leads a text, or follows one that lets it lead, may add other bytes than elsewhere. So every state has
    a double, from which the next token leads; the double of the automaton's start is where texts begin. Tokens that
    lead to the same states from everywhere share a class.

    Args:
        automaton: over the bytes of normalized texts in the tokenizer's case, as it writes them.
        tokenizer: of the target.

    Raises:
        SettingsError: if the vocabulary can write no text that the automaton accepts, or `next` would have more than
            `MOST_CELLS` cells.
    """
    states = np.int32(len(automaton.table))
    leads = tokenizer.elided_tokens()
    everywhere = np.arange(states, dtype=np.int32)
    doubled = everywhere if leads.any() else everywhere[:1]
    later, usual = _moves(automaton.table, everywhere, tokenizer.token_bytes(leading=False))
    leading, other = _moves(automaton.table, doubled, tokenizer.token_bytes(leading=True))
    kinds, kind_of = np.unique(np.stack([later, leading, leads]), axis=1, return_inverse=True)
    moves = [
        _Moves(
            np.append(usual[i].states, other[j].states + states),
            np.append(usual[i].after, other[j].after) + states * np.int32(lets_lead),
        )
        for i, j, lets_lead in kinds.T
    ]
    classes = np.full(tokenizer.vocabulary.size, -1, np.int32)
    classes[FIRST_ORDINARY:] = kind_of.reshape(-1)
    return _pruned(automaton, moves, classes)


def _moves(table: np.ndarray, states: np.ndarray, pieces: list[bytes]) -> tuple[np.ndarray, list[_Moves]]:
    """Where pieces lead from each of `states`: the number of each piece's moves, int (pieces,), and distinct moves.

    In sorted order each piece begins as the one before it does, so common beginnings are run once.
    """
    numbers = np.zeros(len(pieces), np.int32)
    columns: dict[bytes, int] = {}
    distinct: list[_Moves] = []
    path = [_Moves(states, states)]  # where the first 0, 1, 2 ... bytes of the last piece lead
    cells = 0
    before = b""
    for index in sorted(range(len(pieces)), key=pieces.__getitem__):
        piece = pieces[index]
        shared = common_length(before, piece)
        del path[shared + 1 :]
        for byte in piece[shared:]:
            after = table[path[-1].after, byte]
            alive = after >= 0
            path.append(_Moves(path[-1].states[alive], after[alive]))
        numbers[index] = columns.setdefault(path[-1].key, len(columns))
        if len(distinct) < len(columns):
            distinct.append(path[-1])
            cells += len(path[-1].states)
            _check_cells(cells)
        before = piece
    return numbers, distinct


def _pruned(automaton: Automaton, distinct: list[_Moves], classes: np.ndarray) -> Constraint:
    """Keeps the states that some tokens lead to and from which some lead to an end, and the tokens that then remain.

    Args:
        automaton: it.
        distinct: the moves of each class; the doubles have the numbers after the automaton's last.
        classes: int32 (ids,), -1 for special tokens.
    """
    start = len(automaton.table)
    accepting = np.tile(automaton.accepting, 2)
    progress = np.tile(automaton.progress, 2)
    tails = np.concatenate([np.empty(0, np.int32), *(moves.states for moves in distinct)])
    heads = np.concatenate([np.empty(0, np.int32), *(moves.after for moves in distinct)])
    graph = Graph(2 * start, tails, heads)
    distance = graph.reversed().distances(np.flatnonzero(accepting))
    if distance[start] < 0:
        raise SettingsError("the vocabulary can write no text that the constraint allows. Loosen the constraint.")
    kept = (graph.distances(np.array([start])) >= 0) & (distance >= 0)
    number = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    columns: dict[bytes, int] = {}
    last: list[_Moves] = []
    place = np.full(len(distinct) + 1, -1, np.int32)  # the new class of each; the last one is for -1
    for index, moves in enumerate(distinct):
        left = _Moves(number[moves.states], number[moves.after])
        alive = (left.states >= 0) & (left.after >= 0)
        left = _Moves(left.states[alive], left.after[alive])
        if alive.any():
            place[index] = columns.setdefault(left.key, len(columns))
            if len(last) < len(columns):
                last.append(left)
    states = int(kept.sum())
    _check_cells(states * len(last))
    table = np.full((states, max(len(last), 1)), -1, np.int32)
    for column, moves in enumerate(last):
        table[moves.states, column] = moves.after
    return Constraint(table, place[classes], accepting[kept], distance[kept], progress[kept], start=int(number[start]))


def _check_cells(count: int) -> None:
    if count > MOST_CELLS:
        raise SettingsError(
            f"the constraint is too large for this vocabulary: more than {MOST_CELLS:,} pairs of a state and a kind of "
            f"token. Loosen its bounds, give fewer texts or phrases, or use a model of fewer tokens."
        )
