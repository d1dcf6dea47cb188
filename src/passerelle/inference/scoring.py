"""Scoring: the log probability of given targets, teacher-forced, many pairs at once."""

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from keras import ops

from passerelle.data.pairs import Pairs, check_pairs
from passerelle.data.rows import BATCH_SIZES, padded_inputs, row_batches
from passerelle.fields.signature import Signature
from passerelle.inference.memory_limits import rows_at_once
from passerelle.inference.model import InferenceModel
from passerelle.inference.request import Request, encoded, encoded_targets
from passerelle.inference.search import AT_ONCE
from passerelle.models.compiled import compiled
from passerelle.ragged import Ragged
from passerelle.special_tokens import IMPOSSIBLE, PAD, START
from passerelle.text.tokenizer import normalize

__all__ = ["STEPS", "PairScore", "Scorer", "character_perplexity", "requests_and_targets"]

STEPS = 128
"""Steps of one call of the decoder: longer targets take several calls, so that memory does not grow with them."""


@dataclass(frozen=True)
class PairScore:
    """The score of one pair.

    Attributes:
        source: the text as it was given.
        target: the text as it was given.
        log_probability: of the target and the END after it, given the source, in nats; minus infinity where the
            translator cannot write the target.
        tokens: number of tokens of the target, END included.
        characters: number of characters of the target in NFC, plus one for END.

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
        """Mean log probability of a token, in nats."""
        return self.log_probability / self.tokens

    @property
    def character_perplexity(self) -> float:
        """Perplexity per character, at least 1, which is comparable across token levels."""
        return character_perplexity(self.log_probability, self.characters)


def character_perplexity(log_probability: float, characters: int) -> float:
    """Return the perplexity per character of a log probability in nats; infinite where that is minus infinity."""
    mean = -log_probability / max(1, characters)
    return math.exp(mean) if mean < 700 else math.inf


def requests_and_targets(pairs: Iterable[tuple[str, ...]], signature: Signature) -> list[tuple[Request, str]]:
    """Return a request and a target for each row (source, target), or (source, target, tags) for a signature with tags.

    Tags of `Pairs` are ignored where the signature has none.

    Raises:
        DataError: if `pairs` are no such rows.
    """
    tagged = signature.tagged
    rows = [row[: 2 + tagged] for row in pairs.rows()] if isinstance(pairs, Pairs) else list(pairs)
    check_pairs(rows, tagged=tagged)
    return [(Request(source, tags[0] if tagged else None), target) for source, target, *tags in rows]


class Scorer:
    """Scores pairs.

    Args:
        model: the networks and their signature.
    """

    def __init__(self, model: InferenceModel):
        self.model = model

    def __call__(self, pairs: Sequence[tuple[Request, str]]) -> list[PairScore]:
        """Return the score of each pair of a request and a target.

        A blank source has a blank target and no other, as in a search.

        Raises:
            LongTextError: if a pair would need more than a gigabyte.
        """
        inputs = encoded([request for request, _ in pairs], self.model.signature)
        targets = encoded_targets(pairs, self.model.signature)
        log_probs = np.array([-math.inf if target.strip() else 0.0 for _, target in pairs])
        wanted = [row for row, (request, _) in enumerate(pairs) if request.text.strip()]
        lengths = np.maximum(inputs[self.model.signature.source.name].lengths, targets.lengths)
        most = rows_at_once(self.model.steppers, wanted, lengths, steps=STEPS, growing=BATCH_SIZES[-1])
        batches = list(row_batches(wanted, lengths, most))
        _ = self._begin, self._steps  # made before the threads that share them
        with ThreadPoolExecutor(AT_ONCE) as pool:
            scored = pool.map(lambda batch: self._batch(inputs, targets, batch), batches)
            for batch, values in zip(batches, scored, strict=True):
                log_probs[batch] = values
        return [
            PairScore(request.text, target, float(log_prob), int(length), len(normalize(target)) + 1)
            for (request, target), log_prob, length in zip(pairs, log_probs, targets.lengths, strict=True)
        ]

    def _batch(self, inputs: dict[str, Ragged], targets: Ragged, rows: np.ndarray) -> np.ndarray:
        """Return the log probabilities of some targets, float64 (n,), in nats.

        Source and target are padded to one width, so that shapes are few.

        Args:
            inputs: of all pairs, as `encoded` gives them.
            targets: of all pairs, END after each.
            rows: int (n,), the pairs of the batch.
        """
        arrays = padded_inputs(inputs, rows, least=int(targets.lengths[rows].max()))
        height, width = arrays[self.model.signature.source.name].shape
        read = targets.padded(rows, width + 1, first=START, height=height)
        state = self._begin(arrays)
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
    """Read T target tokens and return the log probability of each label.

    Args:
        network: a `Stepper` or an `Ensemble`.
        ids: int (batch, T), START first.
        labels: int (batch, T), the token after each.
        state: from `begin` or the steps before.

    Returns:
        log_probs: float (batch, T), nats; 0 where the label is PAD.
        state: after the last step.
    """
    log_probs, state, _ = network.steps(ids, state)
    own: Any = ops.take_along_axis(log_probs, ops.expand_dims(labels, -1), axis=-1)
    return ops.where(ops.equal(labels, PAD), 0.0, own[..., 0]), state
