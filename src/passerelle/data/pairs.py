"""Pairs of texts: reading them, splitting them so that nothing leaks, and knowing them again."""

import hashlib
import itertools
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple, overload

from passerelle.data.files import input_name, prepare_folder, read_lines, write_atomically
from passerelle.errors import DataError, SettingsError

__all__ = [
    "Pair",
    "Pairs",
    "check_pairs",
    "read_pairs",
    "references",
    "split_by_source",
    "write_pairs",
    "write_split",
]

LARGEST_DEFAULT_VALIDATION = 1000
"""Sources held out where the user names no share: enough for a steady loss, few enough not to be missed."""


class Pair(NamedTuple):
    """One source text and one target text."""

    source: str
    target: str


@dataclass(frozen=True)
class Pairs(Sequence[Pair]):
    """Pairs in the order of their file.

    Attributes:
        sources: one text a pair.
        targets: as many.
        name: where they come from, for messages.
        blank: rows passed over because source or target was blank.
        features: the tags of each pair, one text a pair; None where pairs have none.
    """

    sources: Sequence[str]
    targets: Sequence[str]
    name: str = "pairs"
    blank: int = field(default=0, compare=False)
    features: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> "Pairs": ...
    def __getitem__(self, index: int | slice) -> "Pair | Pairs":
        if isinstance(index, slice):
            features = None if self.features is None else self.features[index]
            return Pairs(self.sources[index], self.targets[index], self.name, features=features)
        return Pair(self.sources[index], self.targets[index])

    def __iter__(self) -> Iterator[Pair]:
        return map(Pair._make, zip(self.sources, self.targets, strict=True))

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Source, target and, where there are any, tags of each pair."""
        columns = [self.sources, self.targets] + ([] if self.features is None else [self.features])
        return zip(*columns, strict=True)

    def questions(self) -> list[tuple[str, str]]:
        """Source and tags of each pair, which ask for its target; tags are empty where there are none."""
        return list(zip(self.sources, self.features or [""] * len(self), strict=True))

    def fingerprint(self) -> str:
        """SHA-256 over all texts in order: tells whether two trainings saw the same data."""
        digest = hashlib.sha256()
        for row in self.rows():
            digest.update(("\t".join(row) + "\n").encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def check_pairs(
    pairs: Iterable[tuple[str, ...]], *, swap: bool = False, name: str = "pairs", features: bool = False
) -> Pairs:
    """Makes `Pairs` of any rows of texts, without those whose source or target is blank.

    Args:
        pairs: rows (source, target), with `features` (source, target, tags).
        swap: take the target from the first place and the source from the second.
        name: for messages.
        features: whether rows bring tags.

    Raises:
        DataError: if a row is not that many texts (says which).
    """
    if isinstance(pairs, Pairs):
        if features and pairs.features is None:
            raise DataError(f"{pairs.name} has no tags, and features are asked for. Read them: features=3")
        if not swap:
            return pairs if features or pairs.features is None else replace(pairs, features=None)
        name, pairs = pairs.name, pairs.rows()
    wanted = 2 + features
    rows: list[tuple[str, ...]] = []
    blank = 0
    for number, row in enumerate(pairs, start=1):
        if not isinstance(row, (tuple, list)) or len(row) != wanted or not all(isinstance(text, str) for text in row):
            what = "(source, target, tags), three texts" if features else "(source, target), two texts"
            raise DataError(f"{name}, row {number}: expected {what}, received: {row!r:.80}")
        source, target, *tags = row
        if swap:
            source, target = target, source
        if source.strip() and target.strip():
            rows.append((source, target, *tags))
        else:
            blank += 1
    return _pairs(rows, name, blank, features=features)


def _pairs(rows: list[tuple[str, ...]], name: str, blank: int = 0, *, features: bool) -> Pairs:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(2 + features)]
    return Pairs(columns[0], columns[1], name, blank, columns[2] if features else None)


def read_pairs(
    path: str | os.PathLike[str], *, limit: int | None = None, swap: bool = False, features: int | None = None
) -> Pairs:
    """Reads tab-separated pairs.

    Args:
        path: UTF-8 text, source and target in the first two columns, further ones ignored (Anki's files have them).
            `.gz` and `.zip` are read as they are; `-` is standard input.
        limit: at most this many usable pairs, from the beginning.
        swap: take the target from the first column and the source from the second.
        features: the column, from 3 on, that holds the tags of each pair; None for pairs without.

    Returns:
        The pairs, in the file's order. Rows with a blank source or target are left out and counted.

    Raises:
        DataError: if the file cannot be read, a line has too few columns (says which), or fewer than two pairs are
            usable.
    """
    if features is not None and features < 3:
        raise SettingsError(f"tags stand in column 3 or later, received: {features}. Source and target come first.")
    name = input_name(path)
    blank = 0

    def usable() -> Iterator[tuple[str, ...]]:
        nonlocal blank
        for number, line in enumerate(read_lines(path), start=1):
            columns = line.split("\t", features or 2)
            if not line.strip():
                blank += 1
                continue
            if len(columns) < 2:
                raise DataError(
                    f"{name}, line {number}: no tab between source and target: {line[:40]!r}. "
                    f"Each line needs source, tab, target."
                )
            if features and len(columns) < features:
                raise DataError(
                    f"{name}, line {number}: {len(columns)} columns, and tags are to stand in column {features}: "
                    f"{line[:40]!r}."
                )
            source, target = (columns[1], columns[0]) if swap else columns[:2]
            if source.strip() and target.strip():
                yield (source, target, columns[features - 1]) if features else (source, target)
            else:
                blank += 1

    found = list(itertools.islice(usable(), limit))
    if len(found) < 2:
        reason = "it is empty" if not found and not blank else f"usable: {len(found)}, blank: {blank}"
        raise DataError(f"{name} holds fewer than two pairs ({reason}). Each line needs source, tab, target.")
    return _pairs(found, name, blank, features=features is not None)


def references(pairs: Pairs) -> dict[tuple[str, str], list[str]]:
    """All distinct right answers of each distinct source with its tags, both in order of appearance."""
    answers: dict[tuple[str, str], dict[str, None]] = {}
    for question, target in zip(pairs.questions(), pairs.targets, strict=True):
        answers.setdefault(question, {})[target] = None
    return {question: list(targets) for question, targets in answers.items()}


def split_by_source(pairs: Pairs, share: float | None, *, seed: int) -> tuple[Pairs, Pairs]:
    """Holds out some sources, with all their targets, so that no held-out source is seen in training.

    Args:
        pairs: what to split.
        share: part of the distinct sources to hold out, 0 to 1 (exclusive). None holds out a tenth, at most
            `LARGEST_DEFAULT_VALIDATION`.
        seed: of the choice.

    Returns:
        (training pairs, held-out pairs), each in the order of `pairs`; nothing is held out of fewer than ten
        sources unless `share` was given.

    Raises:
        DataError: if `share` leaves no source on one of the sides.
    """
    sources = list(dict.fromkeys(pairs.sources))
    if share is None:
        count = min(len(sources) // 10, LARGEST_DEFAULT_VALIDATION)
    else:
        count = round(share * len(sources))
        if share > 0 and not 0 < count < len(sources):
            raise DataError(
                f"{pairs.name}: a share of {share:g} of {len(sources)} distinct sources leaves one side of the split "
                f"empty. Give more pairs, another share, or --validation 0."
            )
    held_out = set(random.Random(seed).sample(sources, count))
    sides: tuple[list[tuple[str, ...]], list[tuple[str, ...]]] = ([], [])
    for row in pairs.rows():
        sides[row[0] in held_out].append(row)
    training, validation = (_pairs(side, pairs.name, features=pairs.features is not None) for side in sides)
    return training, validation


def write_pairs(path: str | os.PathLike[str], pairs: Iterable[tuple[str, ...]]) -> None:
    """Writes tab-separated pairs, with their tags where they have any, as UTF-8, whole or not at all.

    Raises:
        DataError: if a text holds a tab or a line end, which the file could not give back.
        OutputError: if the file cannot be written.
    """

    def write(stream: BinaryIO) -> None:
        for pair in pairs.rows() if isinstance(pairs, Pairs) else pairs:
            if any(mark in text for text in pair for mark in "\t\n\r"):
                raise DataError(f"a text with a tab or a line end cannot stand in a file of pairs: {pair!r:.80}")
            stream.write("\t".join(pair).encode() + b"\n")

    write_atomically(path, write)


def write_split(folder: str | os.PathLike[str], training: Pairs, validation: Pairs) -> tuple[Path, Path]:
    """Writes `train.tsv` and `validation.tsv` into `folder`, which is made if absent; returns their paths."""
    folder = prepare_folder(folder)
    paths = folder / "train.tsv", folder / "validation.tsv"
    write_pairs(paths[0], training)
    write_pairs(paths[1], validation)
    return paths
