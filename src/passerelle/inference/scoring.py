"""Scoring: the log probability of the targets of pairs, by teacher forcing."""

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from keras import ops

from passerelle.data.checking import check_pairs, require_rows
from passerelle.data.pairs import Pairs
from passerelle.data.rows import BATCH_SIZES, padded_inputs, row_batches
from passerelle.fields.signature import Signature
from passerelle.inference.evaluating import pairs_of_output
from passerelle.inference.memory_limits import rows_at_once
from passerelle.inference.model import InferenceModel
from passerelle.inference.request import Request, encode_requests, encode_targets
from passerelle.inference.search import CONCURRENT_BATCHES
from passerelle.models.compiled import compiled
from passerelle.ragged import Ragged
from passerelle.special_tokens import IMPOSSIBLE, PAD, START

__all__ = ["STEPS", "PairScore", "Scorer", "character_perplexity", "requests_and_targets"]

STEPS = 128
"""Steps in one call of the decoder. Longer targets need several calls, so memory does not grow with their length."""


@dataclass(frozen=True)
class PairScore:
    """The score of one pair.

    Attributes:
        source: the unchanged source text.
        target: the unchanged target text.
        log_probability: log probability of the target and END under the translator, in nats; minus infinity if the
            translator cannot write the target.
        tokens: number of tokens of the target, including END.
        characters: number of characters of the target as the tokenizer reads it, plus one for END.

    Example:
        >>> translator = passerelle.load("model.keras")
        >>> (score,) = translator.score([("He is tired.", "Il est fatigué.")])
        >>> score.tokens  # Il, est, fatigué, the full stop, END
        5
        >>> 1 <= score.character_perplexity < 1.1
        True
    """

    source: str
    target: str
    log_probability: float
    tokens: int
    characters: int

    @property
    def per_token(self) -> float:
        """Mean log probability per token, in nats."""
        return self.log_probability / self.tokens

    @property
    def character_perplexity(self) -> float:
        """Perplexity per character, at least 1. It is comparable between token levels."""
        return character_perplexity(self.log_probability, self.characters)


def character_perplexity(log_probability: float, characters: int) -> float:
    """Return the perplexity per character of a log probability in nats; infinity for minus infinity."""
    mean = -log_probability / max(1, characters)
    return math.exp(mean) if mean < 700 else math.inf


def requests_and_targets(pairs: Iterable[tuple[str, ...]], signature: Signature) -> list[tuple[Request, str]]:
    """Return a request and a target for each row of `pairs`.

    Args:
        pairs: rows (source, target), or (source, target, tags) if the signature has tags. The tags of `Pairs` are
            ignored if the signature has no tags.
        signature: the signature of the model.

    Raises:
        DataError: if a row has another form.
    """
    require_rows(pairs)
    tagged = signature.tagged
    if isinstance(pairs, Pairs):
        pairs = pairs_of_output(pairs, signature) if pairs.outputs else pairs
    rows = [row[: 2 + tagged] for row in pairs.rows()] if isinstance(pairs, Pairs) else list(pairs)
    check_pairs(rows, tagged=tagged)
    return [(Request(source, tags[0] if tagged else None), target) for source, target, *tags in rows]


class Scorer:
    """Computes the log probabilities of pairs.

    Args:
        model: the model to score with.
    """

    def __init__(self, model: InferenceModel):
        self.model = model

    def __call__(self, pairs: Sequence[tuple[Request, str]]) -> list[PairScore]:
        """Return the score of each pair of a request and a target.

        As in a search, a blank source has the log probability 0 for a blank target, and minus infinity for any other.

        Raises:
            LongTextError: if a pair requires more memory than the limit.
        """
        inputs = encode_requests([request for request, _ in pairs], self.model.signature)
        targets = encode_targets(pairs, self.model.signature)
        log_probs = np.array([-math.inf if target.strip() else 0.0 for _, target in pairs])
        non_blank = [row for row, (request, _) in enumerate(pairs) if not request.is_blank]
        lengths = np.maximum(inputs[self.model.signature.source.name].lengths, targets.lengths)
        max_rows = rows_at_once(self.model.steppers, non_blank, lengths, steps=STEPS, growing=BATCH_SIZES[-1])
        batches = list(row_batches(non_blank, lengths, max_rows))
        _ = self._begin, self._steps  # create the compiled functions before threads share them
        with ThreadPoolExecutor(CONCURRENT_BATCHES) as pool:
            scored = pool.map(lambda batch: self._batch(inputs, targets, batch), batches)
            for batch, values in zip(batches, scored, strict=True):
                log_probs[batch] = values
        normalize = self.model.signature.target.tokenizer.normalize
        return [
            PairScore(request.text, target, float(log_prob), int(length), len(normalize(target)) + 1)
            for (request, target), log_prob, length in zip(pairs, log_probs, targets.lengths, strict=True)
        ]

    def _batch(self, inputs: dict[str, Ragged], targets: Ragged, rows: np.ndarray) -> np.ndarray:
        """Return the log probabilities of a batch of targets in nats, float64 (n,).

        Source and target are padded to the same width, so that few shapes are compiled.

        Args:
            inputs: the inputs of all pairs, from `encode_requests`.
            targets: the target ids of all pairs, each with END.
            rows: int (n,), the indices of the pairs of the batch.
        """
        arrays = padded_inputs(inputs, rows, min_length=int(targets.lengths[rows].max()))
        height, width = arrays[self.model.signature.source.name].shape[:2]
        read = targets.padded(rows, width + 1, first=START, height=height)
        state = self._begin(arrays, max_steps=width)
        total = np.zeros(height, np.float64)
        impossible = np.zeros(height, bool)
        for start in range(0, width, STEPS):
            stop = min(width, start + STEPS)
            found, state = self._steps(read[:, start:stop], read[:, start + 1 : stop + 1], state)
            values = np.asarray(found, np.float64)
            total += values.sum(axis=1)
            impossible |= (values <= IMPOSSIBLE / 2).any(axis=1)
        return np.where(impossible, -np.inf, total)[: len(rows)]

    @cached_property
    def _begin(self) -> Any:
        return compiled(self.model.network.begin, self.model.network.variables)

    @cached_property
    def _steps(self) -> Any:
        network = self.model.network
        return compiled(lambda ids, labels, state: _label_scores(network, ids, labels, state), network.variables)


def _label_scores(network: Any, ids: Any, labels: Any, state: Any) -> tuple[Any, Any]:
    """Return the log probability of each label, by teacher forcing.

    Args:
        network: a `Stepper` or an `Ensemble`.
        ids: int (batch, T), the decoder inputs, START first.
        labels: int (batch, T), the token after each id.
        state: the state from `begin` or from the previous steps.

    Returns:
        The log probabilities in nats, float (batch, T), 0 for PAD; the state after the last step.
    """
    log_probs, state, _ = network.steps(ids, state)
    of_labels: Any = ops.take_along_axis(log_probs, ops.expand_dims(labels, -1), axis=-1)
    return ops.where(ops.equal(labels, PAD), 0.0, of_labels[..., 0]), state
