"""Pairs of texts: reading them, splitting them so that nothing leaks, and knowing them again."""

import hashlib
import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple, overload

from passerelle.data.files import prepare_folder, write_atomically
from passerelle.data.formats import PairPath, choose_format
from passerelle.errors import DataError

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
    """One source text and one target text.

    Example:
        >>> pair = passerelle.Pair("He is tired.", "Il est fatigué.")
        >>> pair.target
        'Il est fatigué.'
        >>> source, target = pair
    """

    source: str
    target: str


@dataclass(frozen=True)
class Pairs(Sequence[Pair]):
    """Pairs in the order of their file.

    Attributes:
        sources: one text a pair.
        targets: as many.
        name: where they come from, for messages.
        blank: rows skipped because source or target was blank.
        tags: the tags of each pair, one text a pair; None where pairs have none.
        skipped: further rows skipped, by reason: `fuzzy`, `obsolete`, `untranslated`, `not in both languages`.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> pairs[0].target
        'Il est fatigué.'
        >>> pairs[:2].sources
        ['He is tired.', 'She is young.']
    """

    sources: Sequence[str]
    targets: Sequence[str]
    name: str = "pairs"
    blank: int = field(default=0, compare=False)
    tags: Sequence[str] | None = None
    skipped: Mapping[str, int] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> "Pairs": ...
    def __getitem__(self, index: int | slice) -> "Pair | Pairs":
        if isinstance(index, slice):
            tags = None if self.tags is None else self.tags[index]
            return Pairs(self.sources[index], self.targets[index], self.name, tags=tags)
        return Pair(self.sources[index], self.targets[index])

    def __iter__(self) -> Iterator[Pair]:
        return map(Pair._make, zip(self.sources, self.targets, strict=True))

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Source, target and, where there are any, tags of each pair."""
        columns = [self.sources, self.targets] + ([] if self.tags is None else [self.tags])
        return zip(*columns, strict=True)

    @property
    def columns(self) -> dict[str, Sequence[str]]:
        """The rows by column: `source`, `target` and, where there are any, `tags`."""
        columns = {"source": self.sources, "target": self.targets}
        return columns if self.tags is None else columns | {"tags": self.tags}

    def questions(self) -> list[tuple[str, str]]:
        """Source and tags of each pair, which ask for its target; tags are empty where there are none."""
        return list(zip(self.sources, self.tags or [""] * len(self), strict=True))

    def fingerprint(self) -> str:
        """SHA-256 over all texts in order: tells whether two trainings saw the same data."""
        digest = hashlib.sha256()
        for row in self.rows():
            digest.update(("\t".join(row) + "\n").encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def check_pairs(
    pairs: Iterable[tuple[str, ...]], *, swap: bool = False, name: str = "pairs", tagged: bool = False
) -> Pairs:
    """Makes `Pairs` of any rows of texts, without those whose source or target is blank.

    Args:
        pairs: rows (source, target), with `tagged` (source, target, tags).
        swap: take the target from the first place and the source from the second.
        name: for messages.
        tagged: whether rows bring tags.

    Raises:
        DataError: if a row is not that many texts (says which).
    """
    if isinstance(pairs, Pairs):
        if tagged and pairs.tags is None:
            raise DataError(f"{pairs.name} has no tags, and the settings ask for them. Read them: tag_column=3")
        if not swap:
            return pairs if tagged or pairs.tags is None else replace(pairs, tags=None)
        name, pairs = pairs.name, pairs.rows()
    wanted = 2 + tagged
    rows: list[tuple[str, ...]] = []
    blank = 0
    for number, row in enumerate(pairs, start=1):
        if not isinstance(row, (tuple, list)) or len(row) != wanted or not all(isinstance(text, str) for text in row):
            what = "(source, target, tags), three texts" if tagged else "(source, target), two texts"
            raise DataError(f"{name}, row {number}: expected {what}, received: {row!r:.80}")
        source, target, *tags = row
        if swap:
            source, target = target, source
        if source.strip() and target.strip():
            rows.append((source, target, *tags))
        else:
            blank += 1
    return _pairs(rows, name, blank, tagged=tagged)


def _pairs(rows: list[tuple[str, ...]], name: str, blank: int = 0, *, tagged: bool) -> Pairs:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(2 + tagged)]
    return Pairs(columns[0], columns[1], name, blank, columns[2] if tagged else None)


def read_pairs(
    path: PairPath,
    *,
    limit: int | None = None,
    swap: bool = False,
    tag_column: int | None = None,
    format: str | None = None,
    columns: str | Sequence[str] | None = None,
) -> Pairs:
    """Reads pairs from a file of any kind that `formats` knows.

    Args:
        path: the file, or two side by side. `.gz` and `.zip` are read as they are; `-` is standard input.
        limit: at most this many usable pairs, from the beginning.
        swap: take the target from where the source stands, and the source from where the target does.
        tag_column: the column, from 3 on, that holds the tags of each pair; None for pairs without.
        format: what kind of file it is; None goes by its name.
        columns: what source, target and, if wanted, tags are called, or the two languages; see `choose_format`.

    Returns:
        The pairs, in the file's order. Rows with a blank source or target are left out and counted.

    Raises:
        DataError: if the file cannot be read, a row is wrong (says which), or no pair is usable.
        SettingsError: if `format`, `columns` and `tag_column` do not go together.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv", limit=2)
        >>> list(pairs)
        [Pair(source='He is tired.', target='Il est fatigué.'), Pair(source='She is young.', target='Elle est jeune.')]
    """
    file = choose_format(path, format, columns, tag_column)
    sources, targets, tags = [], [], []
    skipped = Counter(blank=0)
    with closing(file.rows()) as rows:
        for number, first, second, third, reason in rows:
            for text in (first, second, third):
                if text is not None and not isinstance(text, str):
                    where = f"{file.name}, {file.format.number} {number}"
                    raise DataError(f"{where}: expected a text, received: {text!r:.40}. Write it as a string.")
            if reason or not (first and second) or first.isspace() or second.isspace():
                skipped[reason or "blank"] += 1
                continue
            sources.append(second if swap else first)
            targets.append(first if swap else second)
            tags.append(third or "")
            if limit is not None and len(sources) >= limit:
                break
    if not sources:
        listed = ", ".join(f"{name}: {count}" for name, count in skipped.items() if count)
        raise DataError(f"{file.name} holds no pairs ({listed or 'it is empty'}). {file.format.needs}")
    blank = skipped.pop("blank")
    return Pairs(sources, targets, file.name, blank, None if file.tag_column is None else tags, skipped)


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
        (training pairs, held-out pairs), each in the order of `pairs`; the training pairs have its counts of rows
        passed over. Nothing is held out of fewer than ten sources unless `share` was given.

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
                f"empty. Give more pairs, another share, or validation 0."
            )
    held_out = set(random.Random(seed).sample(sources, count))
    sides: tuple[list[tuple[str, ...]], list[tuple[str, ...]]] = ([], [])
    for row in pairs.rows():
        sides[row[0] in held_out].append(row)
    training, validation = (_pairs(side, pairs.name, tagged=pairs.tags is not None) for side in sides)
    return replace(training, blank=pairs.blank, skipped=pairs.skipped), validation


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
