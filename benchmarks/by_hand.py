"""A simple beam search around Keras's `predict`: one call per step, hypotheses in Python lists."""

import numpy as np

from passerelle.decoding.beam import length_normalizer
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, START
from passerelle.translator import Translator

__all__ = ["beam_by_hand", "continuations"]


def beam_by_hand(translator: Translator, text: str, beam: int, length_penalty: float = 0.6) -> tuple[str, float]:
    """Translate one text with the same algorithm as `decoding.beam`, by the translator's two inference models.

    Args:
        translator: translator of one network without copying and tags; its length limits apply.
        text: text with at least one token, short enough not to be split.
        beam: beam size. A finished hypothesis keeps its slot.
        length_penalty: exponent of the length penalty.

    Returns:
        The translation and its normalized score: log probability divided by the length penalty, with END counted.
    """
    source = translator.source.encode([text])
    limit = int(translator.lengths.max_steps(int(source.lengths[0])))
    encoded = translator.inference_encoder.predict(
        {"source": source.padded(np.array([0]), int(source.lengths[0]))}, verbose=0
    )
    states = {name: np.repeat(values, beam, axis=0) for name, values in encoded.items()}
    first = translator.network.stepper.first
    unfinished: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[tuple[float, list[int]]] = []
    for _ in range(limit):
        last = np.full((beam, 1), START, np.int32)  # unused rows contain START, so that the shape stays the same
        for row, (_, ids) in enumerate(unfinished):
            last[row] = ids[-1] if ids else START
        outputs = translator.inference_decoder.predict({"target": last} | states, verbose=0)
        logits = outputs["logits"][: len(unfinished), 0].astype(np.float64)
        log_probs = logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))
        if first <= START:
            log_probs[:, START - first] = -np.inf
        scores = np.array([score for score, _ in unfinished])
        best = continuations(scores, log_probs, beam - len(finished))
        parents, extended = [], []
        for row, column, score in best:
            ids, token = unfinished[row][1], column + first
            if token == END:
                finished.append((score / length_normalizer(len(ids) + 1, length_penalty), ids))
            else:
                extended.append((score, [*ids, token]))
                parents.append(row)
        unfinished = extended
        if not unfinished:
            break
        # Early stopping: no unfinished hypothesis can still exceed the best finished one, whatever its length.
        if finished and unfinished[0][0] / length_normalizer(limit, length_penalty) <= max(finished)[0]:
            break
        rows = parents + [0] * (beam - len(parents))
        states |= {name: outputs[name][rows] for name in states if name in outputs}
    if finished:
        score, ids = max(finished)
    else:
        score, ids = unfinished[0][0] / length_normalizer(limit, length_penalty), unfinished[0][1]
    return translator.target.decode(Ragged.from_lists([ids]))[0], float(score)


def continuations(scores: np.ndarray, log_probs: np.ndarray, count: int) -> list[tuple[int, int, float]]:
    """Return the most probable one-token continuations of all hypotheses.

    Args:
        scores: float (hypotheses,), log probability of each hypothesis.
        log_probs: float (hypotheses, columns), log probability of each next token; -inf for impossible tokens.
        count: maximum number of continuations.

    Returns:
        (hypothesis, column, log probability of the continued hypothesis), best first; ties in order of position.
    """
    totals = scores[:, None] + log_probs
    order = np.argsort(-totals, axis=None, kind="stable")[:count].tolist()
    places = [divmod(place, totals.shape[1]) for place in order]
    return [(row, column, float(totals[row, column])) for row, column in places if np.isfinite(totals[row, column])]
