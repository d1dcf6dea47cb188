"""The tutorial program's eight arrays in a `tutorial` translator, and back: the same network, the same text."""

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
"""The program's names, in the order of the translator's weights."""


def to_translator(
    weights: Mapping[str, np.ndarray],
    source_characters: Sequence[str],
    target_characters: Sequence[str],
    lengths: Lengths,
) -> Translator:
    """Makes a translator of the program's arrays.

    The program sorts its characters, so START (a tab) and END (a line feed) come first, as they do in the
    translator's columns; all other columns are in the same order too.

    Args:
        weights: the eight arrays by name.
        source_characters: of the program, in the order of its one-hot columns.
        target_characters: likewise, START and END included.
        lengths: seen in training.

    Raises:
        ValueError: if START and END are not the first two target characters.
    """
    if tuple(target_characters[:2]) != (START, END):
        raise ValueError("the program's first two target characters must be tab and line feed")
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
    """The translator's weights by the program's names; the program's characters are the tokenizers' tokens."""
    return dict(zip(ARRAYS, translator.network.get_weights(), strict=True))
