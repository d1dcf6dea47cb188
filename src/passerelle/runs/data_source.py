"""Where the pairs of a run can be read again: files with the arguments of their reading, or a copy in the run's folder.

Pairs from standard input, from a pipe or from Python have no place of their own, so they are copied.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self

from passerelle.data.checking import check_pairs
from passerelle.data.pairs import Pairs
from passerelle.data.reading import read_pairs
from passerelle.data.storage import Storage
from passerelle.data.writing import write_atomically
from passerelle.errors import DataError
from passerelle.settings import FineTuningSettings, validated

__all__ = ["DataSource", "FineTuningSource", "PairSource", "can_be_read_again", "read_copy", "write_copy"]


@dataclass(frozen=True)
class PairSource:
    """Files of pairs.

    Attributes:
        paths: one file, or two parallel files, as absolute paths; empty for a copy in the run's folder.
        reading: keyword arguments of `read_pairs`; for a copy, the attributes of `Pairs` that are no columns.
    """

    paths: tuple[str, ...] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def files(cls, paths: Sequence[str | os.PathLike[str]], reading: Mapping[str, Any]) -> Self:
        """Return the source of pairs that `read_pairs(paths, **reading)` reads."""
        return cls(tuple(os.path.abspath(path) for path in paths), dict(reading))

    @classmethod
    def copy(cls, pairs: Pairs) -> Self:
        """Return the source of pairs that `write_copy` writes."""
        attributes = {"name": pairs.name, "blank": pairs.blank, "skipped": dict(pairs.skipped)}
        attributes |= {"synthetic": dict(pairs.synthetic)} if pairs.synthetic else {}
        return cls((), attributes | ({"outputs": list(pairs.outputs)} if pairs.outputs else {}))

    def read(self, copy: Path, storage: Storage | None = None) -> Pairs:
        """Read the pairs.

        Args:
            copy: path of the copy, used if there are no files.
            storage: place of the files for large pairs.

        Raises:
            DataError: if they cannot be read.
        """
        if not self.paths:
            return read_copy(copy, self.reading, storage)
        return read_pairs(self.paths, **self.reading, storage=storage)

    def to_json(self) -> dict[str, Any]:
        """Return the source as JSON values."""
        return {"paths": list(self.paths), "reading": dict(self.reading)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the source that `to_json` converted."""
        return cls(tuple(map(str, values["paths"])), dict(values["reading"]))


@dataclass(frozen=True)
class FineTuningSource:
    """The model from which a run starts, and the settings and data of its fine-tuning.

    Attributes:
        model: absolute path of the model file.
        sha256: SHA-256 of the model file when the run began.
        settings: settings of fine-tuning.
        corrections: source of the corrections, always a copy: people append to their file; None without any.
        old: source of the old pairs; None without any.
        old_share: share of the pairs of an epoch that are old.
        old_validation: source of the old validation pairs; None if they are held out of the old pairs.
    """

    model: str
    sha256: str
    settings: FineTuningSettings = field(default_factory=FineTuningSettings)
    corrections: PairSource | None = None
    old: PairSource | None = None
    old_share: float = 0.0
    old_validation: PairSource | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the source as JSON values."""
        sources = {name: getattr(self, name) for name in ("corrections", "old", "old_validation")}
        return {
            "model": self.model,
            "sha256": self.sha256,
            "settings": self.settings.model_dump(),
            "old_share": self.old_share,
            **{name: None if source is None else source.to_json() for name, source in sources.items()},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the source that `to_json` converted."""
        settings = dict(values["settings"])
        settings["freeze"] = tuple(settings["freeze"])
        sources = {name: values[name] for name in ("corrections", "old", "old_validation")}
        return cls(
            str(values["model"]),
            str(values["sha256"]),
            validated(FineTuningSettings, settings),
            old_share=float(values["old_share"]),
            **{name: None if source is None else PairSource.from_json(source) for name, source in sources.items()},
        )


@dataclass(frozen=True)
class DataSource:
    """The data of a run.

    Attributes:
        pairs: source of the pairs.
        validation: source of the validation pairs, or the share of sources to hold out; None holds out a tenth.
        vectors: absolute path of the word vectors by side.
        fine_tuning: the model from which the run starts, with its data; None to start from new weights.
    """

    trains: ClassVar[str] = "translator"
    resume_words: ClassVar[str] = "passerelle train --resume, or passerelle.resume"

    pairs: PairSource
    validation: PairSource | float | None = None
    vectors: Mapping[str, str] = field(default_factory=dict)
    fine_tuning: FineTuningSource | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """The files of the pairs; none for a copy."""
        return self.pairs.paths

    def to_json(self) -> dict[str, Any]:
        """Return the data source as JSON values."""
        validation = self.validation.to_json() if isinstance(self.validation, PairSource) else self.validation
        return {
            "pairs": self.pairs.to_json(),
            "validation": validation,
            "vectors": dict(self.vectors),
            "fine_tuning": None if self.fine_tuning is None else self.fine_tuning.to_json(),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the data source that `to_json` converted."""
        validation = values["validation"]
        if isinstance(validation, dict):
            validation = PairSource.from_json(validation)
        vectors = {str(side): str(path) for side, path in values["vectors"].items()}
        tuning = values.get("fine_tuning")  # missing in descriptions of an earlier version
        return cls(
            PairSource.from_json(values["pairs"]), validation, vectors,
            None if tuning is None else FineTuningSource.from_json(tuning),
        )  # fmt: skip


def can_be_read_again(paths: Sequence[str | os.PathLike[str]]) -> bool:
    """Return whether all paths are regular files, unlike `-`, a pipe, or `/dev/stdin`, which is another file later."""
    return all(os.path.isfile(path) and not os.path.abspath(path).startswith(("/dev/", "/proc/")) for path in paths)


def write_copy(path: Path, pairs: Pairs) -> None:
    """Write all pairs to a file of JSON lines; every text is kept exactly.

    Raises:
        OutputError: if the file cannot be written.
    """

    def write(stream: BinaryIO) -> None:
        for row in pairs.rows():
            stream.write(json.dumps(row).encode() + b"\n")

    write_atomically(path, write)


def read_copy(path: Path, attributes: Mapping[str, Any], storage: Storage | None = None) -> Pairs:
    """Read the pairs that `write_copy` wrote.

    Raises:
        DataError: if the file cannot be read or is damaged.
    """
    outputs = tuple(map(str, attributes.get("outputs", ())))
    try:
        with open(path, encoding="ascii") as stream:
            rows = (tuple(json.loads(line)) for line in stream)
            first = next(rows, ())
            all_rows = chain([first], rows) if first else rows
            pairs = check_pairs(all_rows, tagged=len(first) == 3, name=str(path), outputs=outputs, storage=storage)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{path}, the copy of the run's pairs, cannot be read: {error}.") from None
    skipped = {str(reason): int(count) for reason, count in dict(attributes.get("skipped", {})).items()}
    return Pairs(
        pairs.sources, pairs.targets, str(attributes.get("name", "pairs")), int(attributes.get("blank", 0)),
        pairs.tags, skipped, synthetic=dict(attributes.get("synthetic", {})),
        outputs=outputs, storage=pairs.storage,
    )  # fmt: skip
