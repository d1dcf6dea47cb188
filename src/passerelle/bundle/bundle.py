"""The bundle: everything that a trained model consists of, in memory and in the model file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from passerelle.bundle.model_file import load_network, save_network
from passerelle.data.layout import Layout
from passerelle.data.lengths import Lengths
from passerelle.errors import DataError, ModelFileError
from passerelle.evaluation.baselines import Ridge
from passerelle.evaluation.calibration import Calibration
from passerelle.fields.numbers import NumbersField
from passerelle.fields.signature import Signature
from passerelle.fields.text import TextField
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.settings import SearchSettings, Settings, stored_search, validated

__all__ = ["Bundle", "OutputFacts", "load_bundle", "save_bundle"]


@dataclass(frozen=True)
class OutputFacts:
    """Facts about one of several outputs, which a search needs.

    Attributes:
        lengths: the lengths of the training pairs that have this output.
        search: the stored search of this output.
        calibration: the calibration of the quantiles of an output of numbers; None without validation pairs.
    """

    lengths: Lengths
    search: SearchSettings = field(default_factory=SearchSettings)
    calibration: Calibration | None = None

    def to_json(self) -> dict[str, Any]:
        """Return JSON values from which `from_json` restores the facts."""
        content = {"lengths": self.lengths.to_json(), "search": self.search.model_dump(exclude_defaults=True)}
        return content if self.calibration is None else content | {"calibration": self.calibration.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], output: Any) -> Self:
        """Restore the facts about an output field; raise a ValueError or similar if they are out of bounds."""
        calibration = None
        if values.get("calibration") is not None and isinstance(output, NumbersField):
            calibration = Calibration.from_json(values["calibration"], output.length or 1, output.width)
        return cls(Lengths.from_json(values["lengths"]), stored_search(values["search"]), calibration)


@dataclass(frozen=True)
class Bundle:
    """A trained model.

    Attributes:
        network: the Keras models.
        signature: the named inputs and outputs of the model.
        settings: the settings that the model was trained with.
        lengths: the lengths of the training pairs; with several outputs, those of the longest target of each pair.
        record: the training record: data, versions, epochs and metrics as JSON values.
        search: the stored search, from which a search takes the settings that are not explicit; see `stored_search`.
        calibration: the calibration of the quantiles of a forecast; None without validation rows, and for a translator.
        ridge: ridge regression on the training rows, the simple forecast to compare with; None for a translator, and
            where it is not possible.
        layout: the layout of the file of time series on which a forecaster was trained; None for arrays.
        outputs: facts about each of several outputs by name; empty for one output, whose are `lengths` and `search`.
    """

    network: SequenceToSequence
    signature: Signature
    settings: Settings
    lengths: Lengths
    record: Mapping[str, Any] = field(default_factory=dict)
    search: SearchSettings = field(default_factory=SearchSettings)
    calibration: Calibration | None = None
    ridge: Ridge | None = None
    layout: Layout | None = None
    outputs: Mapping[str, OutputFacts] = field(default_factory=dict)

    def output(self, name: str) -> OutputFacts:
        """Return the facts about an output."""
        return self.outputs.get(name) or OutputFacts(self.lengths, self.search)

    def with_calibration(self, name: str, calibration: Calibration | None) -> "Bundle":
        """Return the same bundle with another calibration of an output of numbers among several outputs."""
        return replace(self, outputs={**self.outputs, name: replace(self.outputs[name], calibration=calibration)})

    def with_search(self, name: str, search: SearchSettings) -> "Bundle":
        """Return the same bundle with another stored search of an output."""
        if name not in self.outputs:
            return replace(self, search=search)
        return replace(self, outputs={**self.outputs, name: replace(self.outputs[name], search=search)})


def save_bundle(bundle: Bundle, path: str | os.PathLike[str], *, overwrite: bool = True, dry_run: bool = False) -> None:
    """Write a bundle to one self-contained `.keras` file, load the file and compare it with the bundle.

    Args:
        bundle: the trained model.
        path: path of the file; it must end in `.keras`.
        overwrite: whether an existing file may be replaced.
        dry_run: only check that the file can be saved, for example before a long training; `path` does not change.

    Raises:
        OutputError: if the file cannot be written, differs from the bundle when loaded, or exists and must not be
            replaced. An existing file is unchanged then.
    """
    content = {
        "signature": bundle.signature.to_json(),
        "settings": bundle.settings.model_dump(),
        "lengths": bundle.lengths.to_json(),
        "record": dict(bundle.record),
        "search": bundle.search.model_dump(exclude_defaults=True),
    }
    if bundle.outputs:
        content["outputs"] = {name: facts.to_json() for name, facts in bundle.outputs.items()}
    for name, part in (("calibration", bundle.calibration), ("ridge", bundle.ridge), ("layout", bundle.layout)):
        if part is not None:
            content[name] = part.to_json()
    save_network(bundle.network, content, path, check=_assemble, overwrite=overwrite, dry_run=dry_run)


def load_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Load a bundle from a file that `save_bundle` wrote. The file is checked and cannot execute code.

    Raises:
        ModelFileError: if the file is missing, damaged, no model file, from another version, or unsafe.
    """
    network, content = load_network(path)
    try:
        return _assemble(network, content)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, DataError) as error:
        raise ModelFileError(f"{os.fspath(path)} is damaged: {error}. Copy or train it again.") from None


def _assemble(network: SequenceToSequence, content: Mapping[str, Any]) -> Bundle:
    """Create a bundle from the content of a file; raise a ValueError or similar if its parts contradict each other."""
    settings = validated(Settings, content["settings"])
    if settings.network != network.settings:
        raise ValueError("the settings of the translator and of its network differ")
    _check_vocabulary_sizes(content["signature"], network)
    signature = Signature.from_json(content["signature"])
    if signature.specs() != {"inputs": network.inputs_spec, "outputs": network.outputs_spec}:
        raise ValueError("the vocabularies do not match the network")
    texts_settings = {name: settings.output(name) for name in ("target", *settings.outputs)}
    for side, side_settings in ({"source": settings.source} | texts_settings).items():
        level = side_settings.level
        field_ = signature.source if side == "source" else signature.outputs.get(side)
        if isinstance(field_, TextField) and level != field_.tokenizer.level:
            raise ValueError(
                f"the {side} level is {level!r} in the settings and {field_.tokenizer.level!r} in the vocabulary"
            )
    texts = [output for output in signature.outputs.values() if isinstance(output, TextField)]
    if any((output.copies is not None) != settings.network.copying for output in texts):
        raise ValueError("the outputs and the network differ in copying")
    search = stored_search(content.get("search", {}))  # models of earlier versions store none
    lengths, record = Lengths.from_json(content["lengths"]), dict(content["record"])
    facts = content.get("outputs", {})
    if facts and list(facts) != list(signature.outputs):
        raise ValueError("the outputs of the translator and of its vocabularies differ")
    outputs = {name: OutputFacts.from_json(each, signature.outputs[name]) for name, each in facts.items()}
    parts = _forecast_parts(content, signature)
    return Bundle(network, signature, settings, lengths, record, search, outputs=outputs, **parts)


def _forecast_parts(content: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    """Return the parts of a bundle that only a forecaster has; a translator's file has none."""
    target = signature.target
    if not isinstance(target, NumbersField) or content.get("outputs"):
        return {}
    steps = target.length or 1
    parts: dict[str, Any] = {}
    if content.get("calibration") is not None:
        parts["calibration"] = Calibration.from_json(content["calibration"], steps, target.width)
    if content.get("ridge") is not None:
        parts["ridge"] = Ridge.from_json(content["ridge"], steps * target.width)
    if content.get("layout") is not None:
        parts["layout"] = Layout.from_json(content["layout"])
        if parts["layout"].horizon != steps or parts["layout"].targets != target.names:
            raise ValueError("the layout of the time series and the output differ")
    return parts


def _check_vocabulary_sizes(content: Mapping[str, Any], network: SequenceToSequence) -> None:
    """Compare the fields and their numbers of tokens with the network, before vocabularies are built."""
    for group, specs in (("inputs", network.inputs_spec), ("outputs", network.outputs_spec)):
        if list(content[group]) != list(specs):
            raise ValueError(f"the {group} of the vocabularies and of the network differ")
        for name, spec in specs.items():
            tokens = content[group][name].get("tokens") or ()
            if len(tokens) > spec.get("size", 0):
                raise ValueError(f"the vocabularies do not match the network: {name} has {len(tokens):,} tokens")
