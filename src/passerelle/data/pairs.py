"""Pairs of texts: reading, checking, splitting by source, fingerprints and writing."""

import hashlib
import importlib.metadata
import os
import random
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, overload

import numpy as np

from passerelle.data.checksum import quick_fingerprint
from passerelle.data.collector import Collected, Collector, stored_columns
from passerelle.data.doubts import Doubt, doubts_about
from passerelle.data.formats import PairFile, PairPath, choose_format
from passerelle.data.line_limit import LineLimit
from passerelle.data.outputs import NUMBERS, Outputs, OutputValues, cell_text, check_output_names
from passerelle.data.row_keys import distinct_numbers, row_numbers
from passerelle.data.storage import BLOCK, Storage, StoredArrays
from passerelle.data.stored_texts import StoredRecords, selected
from passerelle.data.writing import prepare_folder, write_atomically
from passerelle.errors import DataError, SettingsError
from passerelle.settings import MAX_LINE, ReadingSettings, validated

__all__ = [
    "Pair",
    "Pairs",
    "check_pairs",
    "joined",
    "read_pairs",
    "references",
    "require_rows",
    "split_by_source",
    "split_paths",
    "write_pairs",
    "write_split",
]

LARGEST_DEFAULT_VALIDATION = 1000
"""Maximum number of sources held out by default: enough for a stable loss, and few compared to the training pairs."""


class Pair(NamedTuple):
    """One source text, or sequence of numbers, and one target text; or the value of each of several outputs by name.

    Example:
        >>> pair = passerelle.Pair("He is tired.", "Il est fatigué.")
        >>> pair.target
        'Il est fatigué.'
        >>> source, target = pair
    """

    source: Any
    target: Any


@dataclass(frozen=True)
class Pairs(Sequence[Pair]):
    """Pairs in the order of their file.

    The texts of large pairs lie in files, from which they are read when they are used; the columns are then sequences
    other than lists.

    Attributes:
        sources: source of each pair: a text, or numbers as a tuple with a tuple for each step.
        targets: target text of each pair; with several outputs, the text or the numbers of each output by its name,
            without those that a pair does not have. Numbers are a tuple with a tuple for each step.
        name: where the pairs come from, for messages.
        blank: number of rows skipped because the source or target was empty or only whitespace.
        tags: tags of each pair, one text each; None if pairs have no tags.
        skipped: number of other skipped rows by reason. The reasons are texts for the user: readers set `fuzzy`,
            `obsolete`, `untranslated` (gettext) and `not in both languages` (TMX), and `LengthLimits` sets "longer
            than ..." with the limits.
        doubts: signs that the file was not read as it was meant, see `data.doubts`.
        synthetic: facts about the synthetic pairs among them, as JSON values for the training record; empty if there
            are none.
        outputs: names of several outputs; empty for one output.
        storage: where the texts and their ids lie; None for memory.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> pairs[0].target
        'Il est fatigué.'
        >>> pairs[:2].sources
        ['He is tired.', 'She is young.']
    """

    sources: Sequence[Any]
    targets: Sequence[Any]
    name: str = "pairs"
    blank: int = field(default=0, compare=False)
    tags: Sequence[str] | None = None
    skipped: Mapping[str, int] = field(default_factory=dict, compare=False)
    doubts: Sequence[Doubt] = field(default=(), compare=False)
    synthetic: Mapping[str, Any] = field(default_factory=dict, compare=False)
    outputs: tuple[str, ...] = ()
    storage: Storage | None = field(default=None, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> "Pairs": ...
    def __getitem__(self, index: int | slice) -> "Pair | Pairs":
        if isinstance(index, slice):
            columns = (None if column is None else column[index] for column in self._columns)
            return self._with_columns(*columns)
        return Pair(self.sources[index], self.targets[index])

    def __iter__(self) -> Iterator[Pair]:
        return map(Pair._make, zip(self.sources, self.targets, strict=True))

    @property
    def has_number_sources(self) -> bool:
        """Whether the sources are sequences of numbers."""
        return len(self.sources) > 0 and not isinstance(self.sources[0], str)

    @cached_property
    def number_outputs(self) -> tuple[str, ...]:
        """The names of the outputs that have numbers."""
        kinds = {name: next((each[name] for each in self.targets if name in each), "") for name in self.outputs}
        return tuple(name for name, value in kinds.items() if not isinstance(value, str))

    @property
    def main_has_texts(self) -> bool:
        """Whether the targets, or those of one of several outputs, are texts."""
        return not self.outputs or bool(self.text_outputs)

    @property
    def text_outputs(self) -> tuple[str, ...]:
        """The names of several outputs that have texts."""
        return tuple(name for name in self.outputs if name not in self.number_outputs)

    @property
    def outputs_to_read(self) -> tuple[str, ...]:
        """The argument `outputs` of `read_pairs` with which another file of the same columns is read."""
        return tuple(name + (NUMBERS if name in self.number_outputs else "") for name in self.outputs)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield source, target and, if pairs have tags, tags of each pair."""
        return zip(*(column for column in self._columns if column is not None), strict=True)

    def select(self, rows: np.ndarray) -> "Pairs":
        """Return the pairs with these indices, int (n,), in their order; without counts of skipped rows and doubts."""
        return self._with_columns(*(None if column is None else selected(column, rows) for column in self._columns))

    def blocks(self) -> "Iterator[Pairs]":
        """Yield the pairs in memory, at most `BLOCK` at once, in order."""
        columns = [None if column is None else iter(column) for column in self._columns]
        for _ in range(0, len(self), BLOCK):
            yield self._with_columns(*(None if column is None else list(islice(column, BLOCK)) for column in columns))

    @property
    def digest(self) -> str:
        """A text that is the same only for the same texts in the same order; for pairs in files, see `storage`."""
        return " ".join("" if column is None else column.digest for column in self._columns)  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def _columns(self) -> tuple[Any, Any, Any]:
        return self.sources, self.targets, self.tags

    def _with_columns(self, sources: Any, targets: Any, tags: Any) -> "Pairs":
        """Return pairs of the same name with other rows."""
        storage = None if isinstance(sources, list) else self.storage
        return Pairs(sources, targets, self.name, tags=tags, outputs=self.outputs, storage=storage)

    @property
    def columns(self) -> dict[str, Sequence[Any]]:
        """The values by column: `source`, `target` or each of several outputs, and, if pairs have tags, `tags`.

        Texts and numbers that a pair does not have are None.
        """
        columns: dict[str, Sequence[Any]] = {"source": self.sources}
        if self.outputs:
            columns |= _columns_of(self.targets, self.outputs)
        else:
            columns["target"] = self.targets
        return columns if self.tags is None else columns | {"tags": self.tags}

    @property
    def main(self) -> "Pairs":
        """The pairs with their first output of text; without one, those with the first output."""
        return self.of_output((*self.text_outputs, *self.outputs)[0]) if self.outputs else self

    @property
    def by_output(self) -> dict[str, "Pairs"]:
        """The pairs of each output by name, without those that do not have it; one output has the name `target`."""
        return {name: self.of_output(name) for name in self.outputs} if self.outputs else {"target": self}

    def of_output(self, output: str) -> "Pairs":
        """Return the pairs with one of several outputs, without those that do not have it."""
        if isinstance(self.targets, StoredRecords):
            texts = self.targets.columns[output]
            rows = np.flatnonzero(texts.are_present())
        else:
            texts = [targets.get(output) for targets in self.targets]
            rows = np.flatnonzero([text is not None for text in texts])
        return replace(self, targets=texts, outputs=()).select(rows)

    def inputs(self) -> list[tuple[Any, str]]:
        """Return (source, tags) of each pair, the inputs of the model; tags are "" if pairs have none."""
        return list(zip(self.sources, self.tags or [""] * len(self), strict=True))

    def fingerprint(self) -> str:
        """Return the SHA-256 of all texts in order; the same data has the same fingerprint."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for block in self.blocks():
            rows = _flat(block) if self.outputs else block.rows()
            rows = (map(str, row) for row in rows) if self.has_number_sources else rows
            lines = [*map("\t".join, rows), ""]
            digest.update("\n".join(lines).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def check_pairs(
    pairs: Iterable[tuple[str, ...]],
    *,
    swap: bool = False,
    name: str = "pairs",
    tagged: bool = False,
    outputs: Sequence[str] = (),
    storage: Storage | None = None,
) -> Pairs:
    """Check rows of texts and return them as `Pairs`; rows with an empty source or target are skipped and counted.

    Args:
        pairs: rows (source, target), or (source, target, tags) if `tagged`. A source may be numbers (length, width).
            For several outputs, the target of each row is a mapping of their names to texts or numbers, of which some
            may be missing.
        swap: exchange source and target.
        name: name of the data, for messages.
        tagged: whether rows have tags.
        outputs: the names of several outputs, if they are known; rows may then lack some of them. By default they are
            those of the rows, in order of appearance, and each needs a text.
        storage: place of the files for large rows; None for the folder of temporary files.

    Raises:
        DataError: if a row is not a tuple or list of two (three if `tagged`) texts; the message names the row.
        SettingsError: if the names of several outputs are invalid, or `swap` is set.
    """
    require_rows(pairs, name)
    if isinstance(pairs, Pairs):
        if tagged and pairs.tags is None:
            raise DataError(f"{pairs.name} has no tags, but the settings require them. Read them with tag_column=3")
        if not swap:
            return pairs if tagged or pairs.tags is None else replace(pairs, tags=None)
        name, pairs = pairs.name, pairs.rows()
    with Collector(storage or Storage(), tagged=tagged, name=name) as collector:
        return _checked(pairs, collector, swap=swap, name=name, tagged=tagged, outputs=outputs)


def _checked(
    pairs: Iterable[tuple[str, ...]],
    collector: Collector,
    *,
    swap: bool,
    name: str,
    tagged: bool,
    outputs: Sequence[str],
) -> Pairs:
    """Check rows and collect them; see `check_pairs`."""
    columns = 2 + tagged
    blank, several = 0, False
    found: dict[str, None] = {}
    of_outputs = OutputValues()
    with_value: set[str] = set()
    for number, row in enumerate(pairs, start=1):
        is_row = isinstance(row, (tuple, list)) and len(row) == columns
        several = several or (number == 1 and is_row and isinstance(row[1], Mapping))
        numbers = _number_source(row[0]) if is_row and not swap else None
        texts = row[2:] if numbers is not None else (row[0], *row[2:]) if is_row else ()
        if not is_row or not isinstance(row[1], Mapping if several else str) or not _are_texts(texts):
            expected = "(source, target, tags), three texts" if tagged else "(source, target), two texts"
            if several:
                expected = f"(source, {{output: text or numbers}}{', tags' if tagged else ''})"
            raise DataError(f"{name}, row {number}: expected {expected}, received: {row!r:.80}")
        values: tuple[Any, ...] = tuple(row)
        source, target, *tags = values
        if several:
            found |= dict.fromkeys(target)
            target = of_outputs.checked(target, f"{name}, row {number}")
        elif swap:
            source, target = target, source
        if (numbers is not None or source.strip()) and (target if several else str(target).strip()):
            size = len(source) + (sum(map(_size_of, target.values())) if several else len(target))
            collector.add(source if numbers is None else numbers, target, *tags, size=size)
            with_value.update(target if several else ())
        else:
            blank += 1
    if several:
        if swap:
            raise SettingsError(f"{name} have several outputs, and swap exchanges one source and one target.")
        if outputs and not found.keys() <= set(outputs):
            raise DataError(f"{name} has the outputs {', '.join(found)}, and expected are {', '.join(outputs)}.")
        check_output_names(list(outputs or found), of_outputs.numbers)
        if collector.count:
            _require_values({} if outputs else dict.fromkeys(found, ""), with_value, name)
    names = tuple(outputs or found) if several else ()
    return _pairs(collector.finish(names), name, blank, outputs=names)


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _size_of(value: Any) -> int:
    return len(value) if isinstance(value, str) else 0


def _require_values(outputs: Mapping[str, str], with_value: Collection[str], name: str) -> None:
    """Raise DataError if an output, of which `outputs` has the column, has no text or numbers in any row."""
    for output, column in outputs.items():
        if output not in with_value:
            place = f" (column {column})" if column else ""
            raise DataError(f"{name}: no row has the output {output!r}{place}. Correct it, or leave it out.")


def _number_source(source: object) -> tuple[tuple[float, ...], ...] | None:
    """Return numbers (length, width) as tuples, which can be compared; None if the source has other content."""
    if isinstance(source, str) or not hasattr(source, "__len__"):
        return None
    try:
        numbers = np.asarray(source, np.float64)
    except (TypeError, ValueError):
        return None
    if numbers.ndim not in (1, 2) or not numbers.size:
        return None
    return tuple(map(tuple, numbers.reshape(len(numbers), -1).tolist()))


def require_rows(pairs: object, name: str = "pairs") -> None:
    """Check that an argument may be rows of texts; `check_pairs` checks the rows.

    Raises:
        DataError: if it is a path, or not iterable.
    """
    if isinstance(pairs, (str, os.PathLike)):
        path = os.fspath(pairs)
        raise DataError(
            f"{name} must be rows of texts, received: the path {path!r:.80}. Read the file first: "
            f"read_pairs({path!r:.80})"
        )
    if not isinstance(pairs, Iterable):
        raise DataError(f"{name} must be rows of texts, such as [('Go.', 'Va !')], received: {pairs!r:.80}")


def _pairs(collected: Collected, name: str, blank: int = 0, *, outputs: tuple[str, ...] = ()) -> Pairs:
    columns = collected.sources, collected.targets
    return Pairs(*columns, name, blank, collected.tags, outputs=outputs, storage=collected.storage)


def _columns_of(targets: Sequence[Any], outputs: Iterable[str]) -> dict[str, Sequence[Any]]:
    """Return the texts of each of several outputs, None where a pair does not have one."""
    if isinstance(targets, StoredRecords):
        missing = [None] * len(targets)
        return {name: targets.columns.get(name, missing) for name in outputs}
    return {name: [texts.get(name) for texts in targets] for name in outputs}


def joined(pairs: Pairs, rows: Iterable[tuple[Any, ...]], *, copies: int = 1) -> Pairs:
    """Return pairs, as often as `copies` says, and further rows (source, target, tags) after them."""
    tagged = pairs.tags is not None
    with Collector(pairs.storage or Storage(), tagged=tagged, name=pairs.name, files="joined") as collector:
        for source, target, *tags in chain(*(pairs.rows() for _ in range(copies)), rows):
            size = len(source) + (sum(map(_size_of, target.values())) if pairs.outputs else len(target))
            collector.add(source, target, *tags, size=size)
        collected = collector.finish(pairs.outputs)
    columns: dict[str, Any] = {"sources": collected.sources, "targets": collected.targets, "tags": collected.tags}
    return replace(pairs, **columns, storage=collected.storage)


def read_pairs(
    path: PairPath,
    *,
    limit: int | None = None,
    swap: bool = False,
    tag_column: int | None = None,
    format: str | None = None,
    columns: str | Sequence[str] | None = None,
    max_line: int = MAX_LINE,
    outputs: Outputs = None,
    storage: Storage | None = None,
) -> Pairs:
    """Read pairs from a file in any of the supported formats.

    If the texts are larger than some hundred megabytes, they are moved to temporary files while they are read, and so
    are their ids later; memory then grows by some bytes for each pair. The files are in the folder for temporary files
    (`TMPDIR`), and the system removes them when the process ends.

    Args:
        path: one file, or two parallel files. They may be packed (gzip, bzip2, xz, zstd, zip); `-` is standard input.
        limit: maximum number of pairs; reading stops there. Skipped rows do not count.
        swap: exchange source and target.
        tag_column: number of the column with the tags, at least 3; None reads no tags.
        format: one of `tsv`, `moses`, `jsonl`, `json`, `csv`, `anki`, `po`, `tmx`, `parquet`; None recognizes it by the
            file name.
        columns: names or numbers of the columns of source, target and optionally tags, or the two languages; see
            `choose_format`.
        max_line: maximum number of characters of a line, or of a row of another format.
        outputs: several outputs: `"fr=2,de=3"` or a mapping of names to columns, or names of columns. `:numbers` after
            the column, as in `"fr=2,length=3:numbers"`, marks an output of numbers. `columns` then names the source and
            optionally the tags. Cells may be empty. None for one output.
        storage: another place for the files, which may keep them for a later process; it also reports the progress.

    Returns:
        The pairs in the order of the file, with counts of the skipped rows, for example those with an empty source or
        target.

    Raises:
        DataError: if the file cannot be read, a row is invalid (the message names it), or there are no pairs.
        OutputError: if the texts are large and cannot be written.
        SettingsError: if an argument is invalid, or the format does not support `columns` or `tag_column`.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv", limit=2)
        >>> list(pairs)
        [Pair(source='He is tired.', target='Il est fatigué.'), Pair(source='She is young.', target='Elle est jeune.')]
    """
    values = {"limit": limit, "swap": swap, "tag_column": tag_column, "format": format, "max_line": max_line}
    validated(ReadingSettings, values)
    file = choose_format(path, format, columns, tag_column, max_line, outputs)
    if swap and file.outputs:
        raise SettingsError("swap exchanges one source and one target, and there are several outputs. Leave it out.")
    storage = storage or Storage()
    key = _reading_key(file, limit, swap=swap)
    stored = None if key is None else storage.find("pairs", key)
    if stored is not None:
        with suppress(KeyError, TypeError, ValueError):  # files that another program changed
            return _kept_pairs(stored, storage, file, swap=swap)
    with (
        storage.step("reading", _size(file)),
        Collector(storage, tagged=file.has_tags, name=file.name, key=key) as collector,
    ):
        collected, facts = _read(replace(file, progress=storage.reached), limit, collector, swap=swap)
    return _read_pairs(collected, file, facts, swap=swap)


def _read(file: PairFile, limit: int | None, collector: Collector, *, swap: bool) -> tuple[Collected, dict[str, Any]]:
    """Read the rows of a file and collect them; return them and facts about them. See `read_pairs`."""
    line_limit = LineLimit(file.name, file.max_line, file.format.row_unit)
    skipped = Counter(blank=0)
    first_row = 0
    names = file.outputs or ("target",)
    of_outputs = OutputValues(file.numbers)
    with_value: set[str] = set()
    with closing(file.rows()) as rows:
        for row in rows:
            number = row.number
            first, *values, third = row.values(2 + len(names))
            where = f"{file.name}, {file.format.row_unit} {number}"
            for text in (first, third):
                if text is not None and not isinstance(text, str):
                    raise DataError(f"{where}: expected a text, received: {text!r:.40}. Write it as a string.")
            written = of_outputs.checked(dict(zip(names, values, strict=True)), where)
            if row.skipped or not written or not first or first.isspace():
                skipped[row.skipped or "blank"] += 1
                continue
            size = len(first) + sum(map(len, map(cell_text, written.values())))
            line_limit.check(size, number)
            first_row = first_row or number
            with_value.update(written)
            target = written if file.outputs else written["target"]
            source, target = (target, first) if swap else (first, target)
            collector.add(source, target, third or "", size=size)
            if limit is not None and collector.count >= limit:
                break
    if not collector.count:
        listed = ", ".join(f"{name}: {count}" for name, count in skipped.items() if count)
        raise DataError(f"{file.name} contains no pairs ({listed or 'it is empty'}). {file.format.requirement}")
    blank = skipped.pop("blank")
    _require_values(dict(zip(file.outputs, file.columns[1:], strict=False)), with_value, file.name)
    facts: dict[str, Any] = {"blank": blank, "skipped": dict(skipped), "first_row": first_row}
    return collector.finish(file.outputs, facts), facts


def _read_pairs(collected: Collected, file: PairFile, facts: Mapping[str, Any], *, swap: bool) -> Pairs:
    """Return the pairs of a file from its columns and the facts about its rows."""
    pairs = _pairs(collected, file.name, int(facts["blank"]), outputs=file.outputs)
    first, second = (pairs.targets, pairs.sources) if swap else (pairs.sources, pairs.targets)
    columns = file.columns if file.format.column_names == "columns" else ()
    if file.outputs:
        second = _FirstTexts(second)
    doubts = []
    if not (file.outputs and pairs.storage is None and None in second):  # rows with numbers only are in memory
        doubts = doubts_about(first, second, columns=columns, first=int(facts["first_row"]))
    skipped = {str(reason): int(count) for reason, count in facts["skipped"].items()}
    return replace(pairs, skipped=skipped, doubts=doubts)


@dataclass(frozen=True)
class _FirstTexts(Collection[Any]):
    """The first text of each record of several outputs; None for a record that has none."""

    records: Collection[Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[str | None]:
        return (next((value for value in each.values() if isinstance(value, str)), None) for each in self.records)

    def __contains__(self, text: object) -> bool:
        return any(text == other for other in self)


def _kept_pairs(stored: StoredArrays, storage: Storage, file: PairFile, *, swap: bool) -> Pairs:
    """Return the pairs that an earlier process read."""
    collected = stored_columns(stored, storage)
    return _read_pairs(collected, file, stored.facts["facts"], swap=swap)


def _reading_key(file: PairFile, limit: int | None, *, swap: bool) -> dict[str, Any] | None:
    """Return what the pairs of a file depend on; None if it is no regular file."""
    if not all(os.path.isfile(path) for path in file.paths):
        return None
    try:
        files = [[os.path.abspath(path), *quick_fingerprint(path)] for path in file.paths]
    except OSError:  # reading says what is wrong
        return None
    formats = [file.format.suffixes, file.format.requirement, file.is_requested]
    return {
        "files": files, "format": formats, "columns": file.columns, "tags": file.has_tags, "outputs": file.outputs,
        "numbers": sorted(file.numbers),        "max_line": file.max_line, "limit": limit, "swap": swap,
        "version": importlib.metadata.version("passerelle"),
    }  # fmt: skip


def _size(file: PairFile) -> int | None:
    """Return the size of the first file in bytes; None if the position in it is unknown."""
    path = file.paths[0]
    return os.path.getsize(path) if file.format.has_progress and os.path.isfile(path) else None


def references(
    pairs: Pairs,
    *,
    keys: Sequence[Hashable] | None = None,
    normalize: Callable[[str], str] | None = None,
) -> dict[tuple[Any, str], list[str]]:
    """Return the distinct targets of each distinct (source, tags), all in order of first appearance.

    Args:
        pairs: any pairs.
        keys: a value for each pair, which is equal for pairs whose inputs are the same to a model; None compares the
            texts themselves. Of several equal inputs, the first one is returned.
        normalize: target -> the target as a model reads it; None for no change.
    """
    first: dict[Hashable, tuple[Any, str]] = {}
    targets_by_input: dict[tuple[Any, str], dict[str, None]] = {}
    inputs = pairs.inputs()
    for key, own_input, target in zip(keys or inputs, inputs, pairs.targets, strict=True):
        targets = targets_by_input.setdefault(first.setdefault(key, own_input), {})
        targets[target if normalize is None else normalize(target)] = None
    return {own_input: list(targets) for own_input, targets in targets_by_input.items()}


def split_by_source(
    pairs: Pairs,
    share: float | None,
    *,
    seed: int,
    keys: Iterable[Hashable] | None = None,
    rule: Mapping[str, Any] | None = None,
) -> tuple[Pairs, Pairs]:
    """Hold out random sources, each with all its targets, so that training and held-out pairs share no source.

    Args:
        pairs: pairs to split.
        share: fraction of the distinct sources to hold out, from 0 up to but excluding 1. None holds out a tenth, at
            most `LARGEST_DEFAULT_VALIDATION`; of fewer than ten sources, none.
        seed: seed of the random choice.
        keys: a value for each pair, which is equal for pairs whose sources are the same to a model; None compares the
            texts themselves.
        rule: what the keys depend on, as JSON values. Then the choice is kept with pairs that are in files.

    Returns:
        (training pairs, held-out pairs), each in the order of `pairs`. The training pairs keep the counts of skipped
        rows and the facts about synthetic pairs.

    Raises:
        DataError: if `share` is above 0 and would leave no source for training or none for validation.
    """
    if pairs.storage is None or rule is None:
        held_out = _held_out(pairs, share, seed, keys)
    else:
        key = {"pairs": pairs.digest, "share": share, "seed": seed, "rule": rule}
        stored = pairs.storage.find("split", key)
        if stored is None or stored.arrays["held_out"].shape != (len(pairs),):
            with pairs.storage.write("split", key) as writing:
                writing.array("held_out", np.uint8).write(_held_out(pairs, share, seed, keys))
                stored = writing.finish()
        held_out = stored.arrays["held_out"].astype(bool)
    training, validation = (pairs.select(row_numbers(side)) for side in (~held_out, held_out))
    return replace(training, blank=pairs.blank, skipped=pairs.skipped, synthetic=pairs.synthetic), validation


def _held_out(pairs: Pairs, share: float | None, seed: int, keys: Iterable[Hashable] | None) -> np.ndarray:
    """Return bool (pairs,), True for the pairs to hold out; see `split_by_source`."""
    distinct = distinct_numbers(pairs.sources if keys is None else keys, stored=pairs.storage is not None)
    sources = int(distinct.max(initial=-1)) + 1
    if share is None:
        count = min(sources // 10, LARGEST_DEFAULT_VALIDATION)
    else:
        count = round(share * sources)
        if share > 0 and not 0 < count < sources:
            raise DataError(
                f"{pairs.name}: a share of {share:g} of {sources} distinct sources leaves one side of the split "
                f"empty. Use more pairs, another share, or validation=0."
            )
    is_held_out = np.zeros(sources, bool)
    is_held_out[random.Random(seed).sample(range(sources), count)] = True
    return is_held_out[distinct]


def write_pairs(path: str | os.PathLike[str], pairs: Iterable[tuple[str, ...]]) -> None:
    """Write pairs, with their tags if they have any, to a tab-separated UTF-8 file, atomically.

    Several outputs have a column each, which is empty where a pair does not have the output.

    Raises:
        DataError: if a text contains a tab, a line end or NUL, which the format cannot represent.
        OutputError: if the file cannot be written.
    """

    def write(stream: BinaryIO) -> None:
        for pair in _flat(pairs) if isinstance(pairs, Pairs) else pairs:
            if any(character in text for text in pair for character in "\t\n\r\0"):
                raise DataError(
                    f"texts with a tab, a line end or NUL cannot be written as tab-separated pairs, received: "
                    f"{pair!r:.80}"
                )
            stream.write("\t".join(pair).encode() + b"\n")

    write_atomically(path, write)


def _flat(pairs: Pairs) -> Iterator[tuple[Any, ...]]:
    """Yield the texts of each pair, with a text for each of several outputs."""
    for source, target, *tags in pairs.rows():
        targets = [cell_text(target.get(name, "")) for name in pairs.outputs] if pairs.outputs else [target]
        yield source, *targets, *tags


def write_split(folder: str | os.PathLike[str], training: Pairs, validation: Pairs) -> tuple[Path, Path]:
    """Write `train.tsv` and `validation.tsv` into `folder`, which is created if necessary, and return their paths."""
    paths = split_paths(prepare_folder(folder))
    write_pairs(paths[0], training)
    write_pairs(paths[1], validation)
    return paths


def split_paths(folder: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Return the paths that `write_split` writes."""
    return Path(folder, "train.tsv"), Path(folder, "validation.tsv")
