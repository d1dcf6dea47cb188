"""How likely a network finds given targets: every token after the right ones before it, many pairs at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from passerelle.data.rows import padded_inputs
from passerelle.ragged import Ragged
from passerelle.special_tokens import IMPOSSIBLE, PAD, START

__all__ = ["STEPS", "PairScore", "character_perplexity", "score_batch", "score_steps"]

STEPS = 128
"""That one call of the decoder makes: longer targets take several, so that memory does not grow with them."""


@dataclass(frozen=True)
class PairScore:
    """How likely a translator finds one pair's target.

    Attributes:
        source: the text as it was given.
        target: likewise.
        log_probability: of the target and the END after it, given the source, in nats; minus infinity where it holds
            what the translator cannot write.
        tokens: that the probability is of: those of the target and END.
        characters: of the target in NFC, and one for END.
    """

    source: str
    target: str
    log_probability: float
    tokens: int
    characters: int

    @property
    def per_token(self) -> float:
        """Mean log probability of a token, in nats."""
        return self.log_probability / self.tokens

    @property
    def character_perplexity(self) -> float:
        """Perplexity per character, at least 1, which compares translators of any level."""
        return character_perplexity(self.log_probability, self.characters)


def character_perplexity(log_probability: float, characters: int) -> float:
    """Perplexity per character of texts that have this log probability, in nats; infinite where none could say it."""
    mean = -log_probability / max(1, characters)
    return math.exp(mean) if mean < 700 else math.inf


def score_steps(network: Any, ids: Any, labels: Any, state: Any) -> tuple[Any, Any]:
    """Reads T target tokens, says how likely each label was.

    Args:
        network: a `SequenceToSequence` or an `Ensemble`.
        ids: int (batch, T), START at first.
        labels: int (batch, T), what comes after each.
        state: from `begin` or the steps before.

    Returns:
        log_probs: float (batch, T), nats; 0 where the label is PAD.
        state: after the last step.
    """
    log_probs, state, _ = network.steps(ids, state)
    own: Any = ops.take_along_axis(log_probs, ops.expand_dims(labels, -1), axis=-1)
    return ops.where(ops.equal(labels, PAD), 0.0, own[..., 0]), state


def score_batch(
    begin: Callable[[Any], Any],
    steps: Callable[[Any, Any, Any], tuple[Any, Any]],
    inputs: dict[str, Ragged],
    targets: Ragged,
    rows: np.ndarray,
) -> np.ndarray:
    """Log probabilities of some targets, float64 (n,), in nats.

    Source and target are padded to one width, so that shapes are few.

    Args:
        begin: reads the sources; compiled.
        steps: `score_steps` of the network; compiled.
        inputs: of all pairs, as `Codec.inputs` gives them.
        targets: of all pairs, END after each.
        rows: int (n,), which pairs.
    """
    arrays = padded_inputs(inputs, rows, least=int(targets.lengths[rows].max()))
    height, width = arrays["source"].shape
    read = targets.padded(rows, width + 1, first=START, height=height)
    state = begin(arrays)
    total = np.zeros(height, np.float64)
    impossible = np.zeros(height, bool)
    for start in range(0, width, STEPS):
        stop = min(width, start + STEPS)
        found, state = steps(read[:, start:stop], read[:, start + 1 : stop + 1], state)
        values = np.asarray(found, np.float64)
        total += values.sum(axis=1)
        impossible |= (values <= IMPOSSIBLE / 2).any(axis=1)
    return np.where(impossible, -np.inf, total)[: len(rows)]
