"""Transfer the weights of the tutorial program to a translator of preset `tutorial`, and back."""

from collections.abc import Mapping, Sequence

import numpy as np

from passerelle.bundle.bundle import Bundle
from passerelle.data.lengths import Lengths
from passerelle.fields.signature import Signature
from passerelle.fields.text import TextField
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.settings import PRESETS, NetworkSettings
from passerelle.text.level import make_tokenizer
from passerelle.translator import Translator

__all__ = ["ARRAYS", "to_program", "to_translator"]

START, END = "\t", "\n"

ARRAYS = tuple(
    f"{side}_{part}"
    for side, parts in (
        ("encoder", ("kernel", "recurrent_kernel", "bias")),
        ("decoder", ("kernel", "recurrent_kernel", "bias")),
        ("output", ("kernel", "bias")),
    )
    for part in parts
)
"""Names of the program's weights, in the order of the translator's weights."""


def to_translator(
    weights: Mapping[str, np.ndarray],
    source_characters: Sequence[str],
    target_characters: Sequence[str],
    lengths: Lengths,
) -> Translator:
    """Build a translator from the program's weights.

    The program sorts its characters. So START (a tab) and END (a line feed) come first, as in the columns of the
    translator, and all other columns have the same order in both.

    Args:
        weights: the program's eight weights by name.
        source_characters: source characters of the program, in the order of its one-hot columns.
        target_characters: target characters of the program, START and END included.
        lengths: lengths in training.

    Raises:
        ValueError: if START and END are not the first two target characters.
    """
    if tuple(target_characters[:2]) != (START, END):
        raise ValueError(
            f"the program's first two target characters must be tab and line feed, received: {target_characters[:2]}"
        )
    units = weights["encoder_recurrent_kernel"].shape[0]
    preset = PRESETS["tutorial"].settings
    values = preset.network.model_dump()
    values["encoder"]["units"] = values["decoder"]["units"] = units
    network_settings = NetworkSettings.model_validate(values)
    signature = Signature(
        {"source": TextField("source", make_tokenizer("character", None, tokens=source_characters))},
        {"target": TextField("target", make_tokenizer("character", None, tokens=target_characters[2:]))},
    )
    network = SequenceToSequence(network_settings, **signature.specs())
    network.set_weights([weights[name] for name in ARRAYS])
    return Translator(Bundle(network, signature, preset.model_copy(update={"network": network_settings}), lengths))


def to_program(translator: Translator) -> dict[str, np.ndarray]:
    """Return the translator's weights by the program's names, in the order of the translator's vocabularies."""
    return dict(zip(ARRAYS, translator.network.get_weights(), strict=True))
