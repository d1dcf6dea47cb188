"""Fine-tuning on the command line: options, and the model and the pairs that they name."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.groups import IN_GROUP
from passerelle.cli.options import FineTuningFlags, ReadingOptions
from passerelle.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.data.storage import Storage
    from passerelle.fine_tuning.origin import Origin
    from passerelle.fine_tuning.plan import FineTuning
    from passerelle.runs.data_source import FineTuningSource, PairSource

__all__ = ["FineTuningOptions"]


@Parameter(name="*", group=IN_GROUP["Data"])
@dataclass(frozen=True, kw_only=True)
class FineTuningOptions:
    """Options of fine-tuning that name files.

    Parameters
    ----------
    from_
        Model file (.keras) to start from: fine-tuning. Its tokenizers, its network and its weights are taken over, and
        the training settings of its preset, with a quarter of the learning rate unless --learning-rate is set. It does
        not change.
    mix
        With --from: old pairs and their share of the pairs of each epoch, such as old.tsv:0.5, so that less is
        forgotten. A tenth of their sources, at most 1,000, is held out to measure what is forgotten. Two parallel
        files: --mix=old.en --mix=old.fr:0.5
    old_validation
        With --from: old pairs that measure what is forgotten, instead of those held out of --mix. Two parallel files:
        --old-validation=dev.en --old-validation=dev.fr
    corrections
        With --from: translations that people corrected, which join PAIRS. A line has a source, the corrected target
        and, if known, what the model had written, the output or the tags, and the date, separated by tabs. In a
        text, \\t and \\n are a tab and a line end, and a backslash is doubled.
    """

    from_: Annotated[str | None, Parameter(name="--from", group=IN_GROUP["Model"], show_default=False)] = None
    mix: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    old_validation: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    corrections: Annotated[str | None, Parameter(show_default=False)] = None

    def check(self, flags: FineTuningFlags, vectors: dict[str, str], out: str) -> None:
        """Raise an error if options contradict each other.

        Args:
            flags: the settings of fine-tuning.
            vectors: files of pretrained word vectors by side.
            out: the model file to write.

        Raises:
            OutputError: if the model file to write is the one to start from.
            SettingsError: if options require or exclude each other.
        """
        if self.from_ is None:
            for name in (*self.used(), *flags.used()):
                raise SettingsError(f"{name} requires --from MODEL.keras, the model to start from.")
            return
        for side in vectors:
            raise SettingsError(
                f"--{side}-vectors cannot be used with --from, which keeps the embeddings of the model. Leave it out."
            )
        if self.corrections is None and flags.corrections_weight is not None:  # pyright: ignore[reportAttributeAccessIssue]
            raise SettingsError("--corrections-weight requires --corrections.")
        if os.path.exists(out) and os.path.exists(self.from_) and os.path.samefile(out, self.from_):
            raise OutputError(
                f"{out} is the model to start from, and it does not change. Name another file with --out."
            )

    def used(self) -> list[str]:
        """Return the names of the flags that are used, except --from."""
        values = {"--mix": self.mix, "--old-validation": self.old_validation, "--corrections": self.corrections}
        return [name for name, value in values.items() if value]

    def files(self) -> list[str]:
        """Return the paths of pairs and corrections.

        Raises:
            SettingsError: if --mix has no share.
        """
        return [*_mixed(self.mix)[0], *self.old_validation, *filter(None, [self.corrections])]

    def plan(
        self, origin: "Origin", flags: FineTuningFlags, reading: ReadingOptions, storage: "Storage", *, tagged: bool
    ) -> "tuple[FineTuning, FineTuningSource]":
        """Read the pairs and the corrections; return the fine-tuning, and where a run finds its data again.

        Args:
            origin: the model to start from.
            flags: the settings of fine-tuning.
            reading: how files are read; --limit is for PAIRS only.
            storage: place of the files for large pairs.
            tagged: whether the model has tags.

        Raises:
            DataError: if a file cannot be read.
            SettingsError: if a setting is invalid.
        """
        from passerelle.data.corrections import corrections_as_pairs, read_corrections
        from passerelle.fine_tuning.plan import FineTuning
        from passerelle.runs.data_source import FineTuningSource, PairSource

        settings = flags.choose()
        paths, share = _mixed(self.mix)
        arguments = reading.arguments(tagged=tagged, limited=False)
        old, old_source = _read(paths, reading, arguments, storage.part("old"), tagged=tagged)
        place = storage.part("old_validation")
        validation, validation_source = _read(self.old_validation, reading, arguments, place, tagged=tagged)
        corrections = None
        if self.corrections is not None:
            rows = read_corrections(self.corrections)
            outputs = origin.text_outputs
            corrections = corrections_as_pairs(rows, tagged=tagged, outputs=outputs, name=self.corrections)
        source = FineTuningSource(
            str(origin.path),
            str(origin.sha256),
            settings,
            None if corrections is None else PairSource.copy(corrections),
            old_source,
            share,
            validation_source,
        )
        return FineTuning(origin, settings, corrections, old, share, validation), source

    def moved(self, source: "FineTuningSource | None") -> "FineTuningSource | None":
        """Return the source of a resumed run's fine-tuning, in which the files that are named replace those of the run.

        Raises:
            SettingsError: if the run is no fine-tuning, or more would change.
        """
        if self.from_ is None and not self.used():
            return source
        if source is None or self.corrections is not None:
            name = "--from" if source is None and self.from_ is not None else self.used()[-1]
            raise SettingsError(f"{name} cannot be used with --resume: the run continues as it began. Leave it out.")
        paths, share = _mixed(self.mix)
        if self.mix and share != source.old_share:
            raise SettingsError(
                f"the share of old pairs is {source.old_share:g} in this run and cannot be changed to {share:g}."
            )
        changes = {
            name: replace(before, paths=tuple(map(os.path.abspath, files)))
            for name, files, before in (
                ("old", paths, source.old),
                ("old_validation", self.old_validation, source.old_validation),
            )
            if files and before is not None
        }
        model = source.model if self.from_ is None else os.path.abspath(self.from_)
        return replace(source, model=model, **changes)


def _mixed(mix: Sequence[str]) -> tuple[tuple[str, ...], float]:
    """Return the paths and the share of --mix, such as `old.tsv:0.5`; no paths and 0 if it is not used."""
    if not mix:
        return (), 0.0
    *first, last = mix
    path, colon, share = last.rpartition(":")
    try:
        value = float(share)
    except ValueError:
        value = 0.0
    if not (colon and path and 0.0 < value < 1.0):
        raise SettingsError(
            f"--mix must be a file and the share of old pairs, above 0 and below 1, such as old.tsv:0.5, received: "
            f"{last!r:.80}"
        )
    return (*first, path), value


def _read(
    paths: tuple[str, ...],
    reading: ReadingOptions,
    arguments: dict[str, object],
    storage: "Storage",
    *,
    tagged: bool,
) -> "tuple[Pairs | None, PairSource | None]":
    """Read one file of pairs or two parallel files; return the pairs and their source, None for no paths."""
    from passerelle.runs.data_source import PairSource, can_be_read_again

    if not paths:
        return None, None
    pairs = reading.read(paths, tagged=tagged, limited=False, storage=storage)
    return pairs, PairSource.files(paths, arguments) if can_be_read_again(paths) else PairSource.copy(pairs)
