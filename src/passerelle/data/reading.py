"""Reading pairs from a file of any format: limits, counts of skipped rows, and files that were read before."""

import importlib.metadata
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any

from passerelle.data.checking import require_values
from passerelle.data.checksum import quick_fingerprint
from passerelle.data.collector import Collected, Collector, stored_columns
from passerelle.data.doubts import doubts_about
from passerelle.data.formats import PairFile, PairPath, choose_format
from passerelle.data.line_limit import LineLimit
from passerelle.data.outputs import Outputs, OutputValues, cell_text
from passerelle.data.pairs import Pairs
from passerelle.data.storage import Storage, StoredArrays
from passerelle.errors import DataError, SettingsError
from passerelle.settings import MAX_LINE, ReadingSettings, validated

__all__ = ["read_pairs"]


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
    require_values(dict(zip(file.outputs, file.columns[1:], strict=False)), with_value, file.name)
    facts: dict[str, Any] = {"blank": blank, "skipped": dict(skipped), "first_row": first_row}
    return collector.finish(file.outputs, facts), facts


def _read_pairs(collected: Collected, file: PairFile, facts: Mapping[str, Any], *, swap: bool) -> Pairs:
    """Return the pairs of a file from its columns and the facts about its rows."""
    pairs = Pairs.of(collected, file.name, int(facts["blank"]), outputs=file.outputs)
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
        "numbers": sorted(file.numbers), "max_line": file.max_line, "limit": limit, "swap": swap,
        "version": importlib.metadata.version("passerelle"),
    }  # fmt: skip


def _size(file: PairFile) -> int | None:
    """Return the size of the first file in bytes; None if the position in it is unknown."""
    path = file.paths[0]
    return os.path.getsize(path) if file.format.has_progress and os.path.isfile(path) else None
