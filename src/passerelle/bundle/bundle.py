"""A bundle: everything that makes a trained model, in memory as in its file."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from passerelle.bundle.model_file import load_network, save_network
from passerelle.data.lengths import Lengths
from passerelle.errors import DataError, ModelFileError
from passerelle.fields.signature import Signature
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.settings import MAX_TEXT_LENGTH, Settings, validated

__all__ = ["Bundle", "load_bundle", "save_bundle"]


@dataclass(frozen=True)
class Bundle:
    """A trained model.

    Attributes:
        network: the Keras models.
        signature: its named inputs and outputs.
        settings: that made it.
        lengths: of the training rows.
        record: of the training: data, versions, epochs, metrics; JSON values.
    """

    network: SequenceToSequence
    signature: Signature
    settings: Settings
    lengths: Lengths
    record: Mapping[str, Any] = field(default_factory=dict)


def save_bundle(bundle: Bundle, path: str | os.PathLike[str]) -> None:
    """Writes one self-contained `.keras` file, reads it back, and checks that nothing in it changed.

    Raises:
        OutputError: if it cannot be written or does not read back the same; what was there before is whole.
    """
    content = {
        "signature": bundle.signature.to_json(),
        "settings": bundle.settings.model_dump(),
        "lengths": asdict(bundle.lengths),
        "record": dict(bundle.record),
    }
    save_network(bundle.network, content, path, check=_assemble)


def load_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Reads the file that `save_bundle` wrote, without trust.

    Raises:
        ModelFileError: saying in one line what is wrong with the file.
    """
    network, content = load_network(path)
    try:
        return _assemble(network, content)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, DataError) as error:
        raise ModelFileError(f"{os.fspath(path)} is damaged: {error}. Copy or train it again.") from None


def _assemble(network: SequenceToSequence, content: Mapping[str, Any]) -> Bundle:
    """Raises a ValueError or the like if the parts do not fit each other."""
    settings = validated(Settings, content["settings"])
    if settings.network != network.settings:
        raise ValueError("the translator's settings are not its network's")
    signature = Signature.from_json(content["signature"])
    if signature.specs() != {"inputs": network.inputs_spec, "outputs": network.outputs_spec}:
        raise ValueError("the vocabularies do not fit the network")
    for side, own in (("source", signature.source), ("target", signature.outputs.get("target"))):
        level = getattr(settings, side).level
        if own is not None and level != own.tokenizer.level:
            raise ValueError(
                f"the settings have level {level!r} for the {side}, and its vocabulary level {own.tokenizer.level!r}"
            )
    if any((own.copies is not None) != settings.network.copying for own in signature.outputs.values()):
        raise ValueError("the outputs do not copy as the network does")
    return Bundle(network, signature, settings, _lengths(content["lengths"]), dict(content["record"]))


def _lengths(found: Mapping[str, Any]) -> Lengths:
    lengths = Lengths(int(found["source"]), int(found["target"]), float(found["ratio"]))
    if not all(1 <= length <= MAX_TEXT_LENGTH for length in (lengths.source, lengths.target)):
        raise ValueError(f"the longest pair must have 1 to {MAX_TEXT_LENGTH:,} tokens a side")
    if not 0 < lengths.ratio <= MAX_TEXT_LENGTH:
        raise ValueError("the ratio of lengths is out of bounds")
    return lengths
