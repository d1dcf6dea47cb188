"""Pairs with the ids of their fields and the lengths of these."""

from dataclasses import dataclass

import numpy as np

from passerelle.data.batches import longest
from passerelle.data.encoded import encode
from passerelle.data.lengths import LengthLimits, Lengths
from passerelle.data.pairs import Pairs
from passerelle.fields.signature import Signature
from passerelle.ragged import Ragged
from passerelle.settings import Settings
from passerelle.text.sentence_statistics import SentenceStatistics

__all__ = ["EncodedPairs"]


@dataclass(frozen=True)
class EncodedPairs:
    """Pairs and their ids.

    Attributes:
        pairs: the pairs.
        inputs: ids of the source and of separate tags, by field.
        targets: ids or numbers of each output by its name.
    """

    pairs: Pairs
    inputs: dict[str, Ragged]
    targets: dict[str, Ragged]

    @classmethod
    def of(cls, pairs: Pairs, signature: Signature, name: str) -> "EncodedPairs":
        """Encode pairs; `name` is that of the files, see `data.encoded.encode`."""
        return cls(pairs, *encode(pairs, signature, name))

    @classmethod
    def within(cls, limits: LengthLimits, pairs: Pairs, signature: Signature, name: str) -> "EncodedPairs":
        """Encode pairs without those that are too long; `name` is that of the files, see `data.encoded.encode`."""
        encoded = cls.of(pairs, signature, name)
        shorter = encoded.pairs_within(limits)
        return encoded if shorter is pairs else cls.of(shorter, signature, f"{name}-within")

    @property
    def source_lengths(self) -> np.ndarray:
        """Source lengths, int (pairs,)."""
        return next(iter(self.inputs.values())).lengths

    @property
    def target_lengths(self) -> np.ndarray:
        """Target lengths without END, int (pairs,); of several outputs, those of the longest."""
        return longest([_lengths_without_end(target) for target in self.targets.values()])

    def lengths(self, settings: Settings) -> Lengths:
        """Return the lengths of all pairs."""
        return Lengths.of(self.source_lengths, self.target_lengths, _sentences(self.pairs, settings))

    def output_lengths(self, settings: Settings) -> dict[str, Lengths]:
        """Return the lengths of the pairs of each of several outputs that has any; empty for one output."""
        sentences = _sentences(self.pairs, settings)
        targets = self.targets if self.pairs.outputs else {}
        found = {}
        for name, target in targets.items():
            present = target.lengths > 0
            if not present.any():  # in fine-tuning, the model knows the lengths
                continue
            lengths = _lengths_without_end(target)[present]
            found[name] = Lengths.of(self.source_lengths[present], lengths, sentences)
        return found

    def pairs_within(self, limits: LengthLimits) -> Pairs:
        """Return the pairs that are not too long; the same object if none is too long."""
        return limits.filter(self.pairs, self.source_lengths, self.target_lengths)


def _lengths_without_end(target: Ragged) -> np.ndarray:
    """Return the length of each target, int (rows,): tokens without END, or steps of numbers; 0 for a missing one."""
    return target.lengths if target.values.ndim > 1 else np.maximum(target.lengths - 1, 0)


def _sentences(pairs: Pairs, settings: Settings) -> SentenceStatistics | None:
    has_no_sentences = settings.source.level == "pretokenized" or pairs.has_number_sources
    return None if has_no_sentences else SentenceStatistics.of(pairs.sources)
