"""Copy the weights of a network to one with larger vocabularies, such that all its results stay the same."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from passerelle.models.ids import first_source_column, first_target_column
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.special_tokens import END, UNK

__all__ = ["NEW_TOKENS_PROBABILITY", "former_rows", "transfer_weights", "vocabulary_field"]

NEW_TOKENS_PROBABILITY = 1e-6
"""Maximum probability of all new tokens together, in any step, before the first update. A log probability of a known
token changes by as much, in nats, which is about the rounding error of a step."""


def transfer_weights(before: SequenceToSequence, after: SequenceToSequence, ids: Mapping[str, np.ndarray]) -> None:
    """Copy all weights of a network to another one, which has the same settings and new tokens in its vocabularies.

    **Inputs.** A new token starts with the vector of UNK, which the network read in its place, or with zeros if UNK has
    no vector. So texts with new tokens are encoded as before.

    **Outputs.** The column of a new token is the mean of all columns that can be written, and its bias is lower than
    their mean by a margin. The mean of logits is at most their log-sum-exp minus log(columns) (Jensen's inequality).
    So the margin bounds the probability of the new tokens in every step, whatever the decoder's state is: by
    `NEW_TOKENS_PROBABILITY`. In practice it is far lower. The mean of existing vectors follows Hewitt 2021
    (https://nlp.stanford.edu/~johnhew/vocab-expansion.html); the margin is a deviation. A margin that is no larger
    than necessary is learned in fewer updates.

    A table that is tied is both; its new rows are those of an output. Then only texts without new tokens are encoded
    as before.

    Args:
        before: the network whose weights are copied.
        after: the network that receives them.
        ids: for each field with new tokens, the former id of each id, int (size,), -1 for a new token.
    """
    for old, new in zip(before.weights, after.weights, strict=True):
        values = np.array(old.value)
        if tuple(new.shape) != values.shape:
            name, axis, rows = _changed(new, old, after, ids)
            kept = np.take(values, np.maximum(rows, 0), axis)
            added = rows < 0
            index = (added,) if axis == 0 else (slice(None), added)
            kept[index] = _initial(new, values, axis, name, int(added.sum()), after)
            if any(step.endswith("_projection") for step in new.path.split("/")):
                # A Transformer multiplies one-hot vectors, like embeddings, by the square root of their width.
                width = len(ids[name]) - _first_column(name, after)
                kept[:width] *= math.sqrt((width - added.sum()) / width)
            values = kept
        new.assign(values)


def former_rows(after: SequenceToSequence, before: SequenceToSequence, ids: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return which entries of the larger weights existed before, by path.

    Returns:
        Path of each weight of `after` that has another shape in `before` -> (axis of the vocabulary, bool (size of this
        axis,), False for those of new tokens).
    """
    found = {}
    for old, new in zip(before.weights, after.weights, strict=True):
        if tuple(new.shape) != tuple(old.shape):
            _, axis, rows = _changed(new, old, after, ids)
            found[new.path] = axis, rows >= 0
    return found


def _changed(new: Any, old: Any, network: SequenceToSequence, ids: Mapping[str, np.ndarray]) -> tuple[str, int, Any]:
    """Return the field of a weight that depends on its vocabulary, the axis, and the former index of each index."""
    axis = next(number for number, (a, b) in enumerate(zip(new.shape, old.shape, strict=True)) if a != b)
    name = vocabulary_field(new.path, network)
    first = _first_column(name, network)
    former = np.where(ids[name] < 0, -1, ids[name] - first)[first:]
    # A table has no rows for extra words; below the one-hot columns, a kernel has rows for vectors that follow them.
    size, growth = new.shape[axis], new.shape[axis] - old.shape[axis]
    return name, axis, np.concatenate([former[:size], np.arange(len(former), size) - growth])


def vocabulary_field(path: str, network: SequenceToSequence) -> str:
    """Return the name of the field on whose vocabulary a weight depends, by the path of the weight."""
    steps = path.split("/")
    for name in (*network.inputs_spec, *network.outputs_spec):
        if f"{name}_embedding" in steps:
            return name
    if any(step.startswith("encoder_") for step in steps):
        return next(iter(network.inputs_spec))
    first, *_ = network.outputs_spec
    return next(filter(None, map(network.output_of, steps)), first)


def _first_column(name: str, network: SequenceToSequence) -> int:
    """Return the id of the first row or column of a field's weights."""
    if name in network.outputs_spec:
        return first_target_column(network.settings)
    return first_source_column(network.settings) if name == next(iter(network.inputs_spec)) else UNK


def _initial(new: Any, values: np.ndarray, axis: int, name: str, count: int, network: SequenceToSequence) -> np.ndarray:
    """Return the initial values of new tokens in a weight: (units, 1), (width,) or (), for rows, columns or biases."""
    first, tie = _first_column(name, network), network.settings.tie
    is_source = name == next(iter(network.inputs_spec))
    tied = (name in network.outputs_spec and tie != "none") or (is_source and tie == "all")
    if axis == 0 and new.ndim > 1 and not tied:
        return values[0] if first == UNK else np.zeros_like(values[0])
    columns = np.moveaxis(values, axis, 0)[max(0, END - first) :]
    mean = columns.mean(0)
    if new.ndim > 1:
        return mean if axis == 0 else mean[:, None]
    return mean - max(0.0, math.log(count / len(columns) / NEW_TOKENS_PROBABILITY))
