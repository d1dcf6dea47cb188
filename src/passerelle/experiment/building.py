"""Build the translator to train: the network, with initial weights and pretrained vectors, or those of a model."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from passerelle.bundle.bundle import Bundle, OutputFacts
from passerelle.models.ids import first_source_column, first_target_column
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.preparation import Prepared
from passerelle.special_tokens import FIRST_ORDINARY
from passerelle.translator import Translator

__all__ = ["build", "build_with_vectors"]


def build(prepared: Prepared) -> Translator:
    """Build the translator to train; new initial weights depend only on the seed."""
    return build_with_vectors(prepared)[0]


def build_with_vectors(prepared: Prepared) -> tuple[Translator, dict[str, np.ndarray]]:
    """Return the translator to train and the rows of its pretrained vectors.

    With fine-tuning, its weights are those of the model, and there are no pretrained vectors.

    Returns:
        The translator; path of each variable with pretrained vectors -> bool (rows,), True where a row has one.
    """
    with _seeded(prepared.settings.training.seed):
        network = SequenceToSequence(prepared.settings.network, **prepared.signature.specs())
    if prepared.fine_tuning is not None:
        prepared.fine_tuning.initialize(network, prepared.signature)
    pretrained_rows = _assign_vectors(network, prepared)
    outputs = {name: OutputFacts(lengths) for name, lengths in prepared.output_lengths.items()}
    bundle = Bundle(network, prepared.signature, prepared.settings, prepared.lengths, outputs=outputs)
    return Translator(bundle), pretrained_rows


def _assign_vectors(network: SequenceToSequence, prepared: Prepared) -> dict[str, np.ndarray]:
    """Copy the pretrained vectors into the network.

    Returns:
        Path of each variable with pretrained vectors -> bool (rows,), True where a row has one.
    """
    pretrained_rows = {}
    for name, vectors in prepared.vectors.items():
        rows, extra = prepared.vector_rows(name)
        first = first_source_column if name in prepared.signature.inputs else first_target_column
        table, begin = network.table(name), FIRST_ORDINARY - first(network.settings)
        values, pretrained = np.array(table.value), np.zeros(table.shape[0], bool)
        pretrained[begin : begin + len(rows)] = rows >= 0
        values[pretrained] = vectors.values[rows[rows >= 0]]
        table.assign(values)
        pretrained_rows[table.path] = pretrained
        if len(extra):
            network.table(name, "fixed_table").assign(vectors.values[extra])
    return pretrained_rows


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed Python's `random`, from which Keras takes the seeds of weights and dropout; restore its state afterwards."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
