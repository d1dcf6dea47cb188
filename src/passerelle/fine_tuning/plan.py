"""Everything about a fine-tuning: the model, new tokens, frozen parts, corrections, and pairs against forgetting."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from passerelle.data.batches import Batches
from passerelle.data.lengths import Lengths
from passerelle.data.pairs import Pairs, joined
from passerelle.data.row_keys import row_numbers
from passerelle.data.splitting import split_by_source
from passerelle.errors import DataError, SettingsError
from passerelle.fields.field import Columns, Field
from passerelle.fields.new_tokens import former_ids, with_new_tokens
from passerelle.fields.signature import Signature
from passerelle.fine_tuning.biases import fit_biases
from passerelle.fine_tuning.origin import Origin
from passerelle.models.parts import OUTPUT, find_parts
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.models.transfer import former_rows, transfer_weights
from passerelle.settings import FineTuningSettings, Settings

__all__ = ["FineTuning"]


@dataclass(frozen=True)
class FineTuning:
    """A fine-tuning, except for the new pairs and the settings of training.

    Attributes:
        origin: the model from whose weights training starts.
        settings: settings of fine-tuning.
        corrections: pairs that people corrected; None without any.
        old: old pairs to mix into each epoch; None without any.
        old_share: share of the pairs of an epoch that are old, above 0 and below 1; 0 without old pairs.
        old_validation: pairs that measure what is forgotten; None holds them out of `old`.
    """

    origin: Origin
    settings: FineTuningSettings = field(default_factory=FineTuningSettings)
    corrections: Pairs | None = None
    old: Pairs | None = None
    old_share: float = 0.0
    old_validation: Pairs | None = None

    def __post_init__(self) -> None:
        find_parts(self.origin.bundle.network, self.settings.freeze)
        if self.old is not None and not 0.0 < self.old_share < 1.0:
            raise SettingsError(
                f"the share of old pairs in an epoch must be above 0 and below 1, received: {self.old_share:g}"
            )

    def with_outputs(self, pairs: Pairs) -> Pairs:
        """Return pairs with the outputs of the model, some of which may be missing in all of them.

        Raises:
            DataError: if they have other outputs.
        """
        origin = self.origin
        return pairs.with_outputs_of(origin.name, origin.outputs, set(origin.outputs) - set(origin.text_outputs))

    def with_former_lengths(
        self, lengths: Lengths, output_lengths: Mapping[str, Lengths]
    ) -> tuple[Lengths, dict[str, Lengths]]:
        """Return lengths that also cover the training pairs of the model, and the same of each of several outputs."""
        bundle = self.origin.bundle
        found = {}
        for name in self.origin.outputs:
            own = [output_lengths[name]] if name in output_lengths else []
            found[name] = Lengths.of_ensemble([bundle.output(name).lengths, *own])
        return Lengths.of_ensemble([bundle.lengths, lengths]), found

    def signature(self, settings: Settings, columns: Columns) -> Signature:
        """Return the signature of the model, with the tokens of new pairs if the settings require it.

        Args:
            settings: settings of the text.
            columns: the columns of the new training pairs.

        Raises:
            SettingsError: if new tokens could never be written, because their output weights would be frozen.
        """
        before = self.origin.bundle.signature
        if not self.settings.new_tokens:
            return before
        after = with_new_tokens(before, settings, columns)
        grown = any(field.spec() != after.outputs[name].spec() for name, field in before.outputs.items())
        if OUTPUT in self.settings.freeze and grown:
            raise SettingsError(
                f"freeze {OUTPUT!r} excludes new_tokens: the output weights of new tokens would never be trained. "
                f"Leave one of them out."
            )
        return after

    def with_corrections(self, training: Pairs) -> Pairs:
        """Return training pairs and, after them, each correction as often as the settings say."""
        if self.corrections is None:
            return training
        corrections = self.with_outputs(self.corrections)
        return joined(training, self.settings.corrections_weight * list(corrections.rows()))

    def split_old(self, key: Callable[[str], str]) -> tuple[Pairs | None, Pairs | None]:
        """Return the old pairs to mix in, and the old validation pairs.

        They share no source. Without `old_validation`, sources are held out as `train` does by default, with the seed
        of the model: they are its own validation pairs, if the old pairs are those on which it was trained.

        Args:
            key: returns the same string for sources that are the same to the tokenizer.

        Raises:
            DataError: if no old pair is left to mix in, or they have other outputs than the model.
        """
        old, held_out = (None if own is None else self.with_outputs(own) for own in (self.old, self.old_validation))
        if old is None:
            return None, held_out
        if held_out is None:
            seed = self.origin.bundle.settings.training.seed
            mixed, held_out = split_by_source(old, None, seed=seed, keys=map(key, old.sources))
            return mixed, held_out or None
        held_out_keys = set(map(key, held_out.sources))
        kept = row_numbers(np.fromiter((key(source) not in held_out_keys for source in old.sources), bool))
        if not len(kept):
            raise DataError(
                f"{old.name}: every source is in the old validation pairs too, so no old pair is left to mix in."
            )
        return replace(old.select(kept), blank=old.blank, skipped=old.skipped), held_out

    def new_tokens(self, signature: Signature) -> dict[str, int]:
        """Return the number of new tokens of each field that has some, by its name."""
        return {name: int((ids < 0).sum()) for name, ids in self._former_ids(signature).items()}

    def initialize(self, network: SequenceToSequence, signature: Signature) -> None:
        """Copy the weights of the model into a network that is built from the signature; see `transfer_weights`."""
        transfer_weights(self.origin.bundle.network, network, self._former_ids(signature))

    def begin(self, network: SequenceToSequence, signature: Signature, batches: Batches) -> None:
        """Make the first step of training: set the output biases of new tokens; see `fit_biases`."""
        former = former_rows(network, self.origin.bundle.network, self._former_ids(signature))
        dimensions = {variable.path: variable.ndim for variable in network.weights}
        fit_biases(network, {path: known for path, (_, known) in former.items() if dimensions[path] == 1}, batches)

    @contextmanager
    def frozen(self, network: SequenceToSequence, signature: Signature) -> Iterator[dict[str, np.ndarray]]:
        """Freeze the parts of a network that the settings name, in this context.

        Most variables are frozen as a whole: they are not trainable, and need no gradients.

        Args:
            network: the network to train.
            signature: its signature.

        Yields:
            Rows to freeze in variables that also have rows of new tokens, which are trained: path -> bool (rows,).
        """
        former = former_rows(network, self.origin.bundle.network, self._former_ids(signature))
        whole, rows = [], {}
        for variables in find_parts(network, self.settings.freeze).values():
            for variable in variables:
                if variable.path in former:
                    _, rows[variable.path] = former[variable.path]
                elif variable.trainable:
                    whole.append(variable)
        for variable in whole:
            variable.trainable = False
        try:
            yield rows
        finally:
            for variable in whole:
                variable.trainable = True

    def to_json(self, signature: Signature) -> dict[str, Any]:
        """Return the facts about the fine-tuning as JSON values, for the training record."""
        facts: dict[str, Any] = {"model": self.origin.name, "sha256": self.origin.sha256}
        if new_tokens := self.new_tokens(signature):
            facts["new_tokens"] = new_tokens
        if self.settings.freeze:
            facts["frozen"] = list(self.settings.freeze)
        if self.corrections is not None:
            facts["corrections"] = len(self.corrections)
            facts["corrections_weight"] = self.settings.corrections_weight
        if self.old is not None:
            facts["old_pairs"] = {"name": self.old.name, "pairs": len(self.old), "share": self.old_share}
        return facts

    def _former_ids(self, signature: Signature) -> dict[str, np.ndarray]:
        """Return the former id of each id, by the name of each field with new tokens; see `former_ids`."""
        before = self.origin.bundle.signature
        fields: Mapping[str, Field] = {**before.inputs, **before.outputs}
        found = {
            name: former_ids(after, fields[name]) for name, after in {**signature.inputs, **signature.outputs}.items()
        }
        return {name: ids for name, ids in found.items() if ids is not None}
