"""A beam search as it is written around Keras's `predict`: one call a step, hypotheses in Python lists."""

import numpy as np

from passerelle.decoding.beam import length_normalizer
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, START
from passerelle.translator import Translator

__all__ = ["beam_by_hand", "continuations"]


def beam_by_hand(translator: Translator, text: str, beam: int, length_penalty: float = 0.6) -> tuple[str, float]:
    """Translates one text by the rules of `decoding.beam`, with the translator's two inference models.

    Args:
        translator: of one network that neither copies nor takes tags; its limit of lengths holds.
        text: not blank, and not so long that it would be cut.
        beam: slots. A hypothesis that ends keeps its slot.
        length_penalty: of the length penalty.

    Returns:
        The translation, and its log probability over the length penalty, END counted.
    """
    source = translator.source.encode([text])
    limit = int(translator.lengths.max_steps(int(source.lengths[0])))
    read = translator.inference_encoder.predict(
        {"source": source.padded(np.array([0]), int(source.lengths[0]))}, verbose=0
    )
    states = {name: np.repeat(values, beam, axis=0) for name, values in read.items()}
    first = translator.network.stepper.first
    growing: list[tuple[float, list[int]]] = [(0.0, [])]
    ended: list[tuple[float, list[int]]] = []
    for _ in range(limit):
        last = np.full((beam, 1), START, np.int32)  # rows that are no hypothesis keep it: one shape, one program
        for row, (_, ids) in enumerate(growing):
            last[row] = ids[-1] if ids else START
        outputs = translator.inference_decoder.predict({"target": last} | states, verbose=0)
        logits = outputs["logits"][: len(growing), 0].astype(np.float64)
        log_probs = logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))
        if first <= START:
            log_probs[:, START - first] = -np.inf
        scores = np.array([score for score, _ in growing])
        chosen = continuations(scores, log_probs, beam - len(ended))
        parents, following = [], []
        for row, column, score in chosen:
            ids, token = growing[row][1], column + first
            if token == END:
                ended.append((score / length_normalizer(len(ids) + 1, length_penalty), ids))
            else:
                following.append((score, [*ids, token]))
                parents.append(row)
        growing = following
        # The best that has ended wins once no other can still pass it, however long it grows.
        if not growing or (ended and growing[0][0] / length_normalizer(limit, length_penalty) <= max(ended)[0]):
            break
        rows = parents + [0] * (beam - len(parents))
        states |= {name: outputs[name][rows] for name in states if name in outputs}
    score, ids = max(ended) if ended else (growing[0][0] / length_normalizer(limit, length_penalty), growing[0][1])
    return translator.target.decode(Ragged.from_lists([ids]))[0], float(score)


def continuations(scores: np.ndarray, log_probs: np.ndarray, count: int) -> list[tuple[int, int, float]]:
    """The likeliest ways to go on.

    Args:
        scores: float (hypotheses,), log probability of each.
        log_probs: float (hypotheses, columns), of what comes next; -inf for what may not.
        count: how many are wanted.

    Returns:
        At most so many (hypothesis, column, log probability of both), best first; of equals the first.
    """
    totals = scores[:, None] + log_probs
    order = np.argsort(-totals, axis=None, kind="stable")[:count].tolist()
    places = [divmod(place, totals.shape[1]) for place in order]
    return [(row, column, float(totals[row, column])) for row, column in places if np.isfinite(totals[row, column])]
