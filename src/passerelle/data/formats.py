"""File formats of pairs: how each is recognized, and its reader."""

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from passerelle.data.files import STANDARD_INPUT, inner_name, input_name
from passerelle.data.outputs import OutputColumns, Outputs, output_columns
from passerelle.data.readers.anki import read_anki
from passerelle.data.readers.csv_file import read_csv
from passerelle.data.readers.json_array import read_json
from passerelle.data.readers.json_lines import read_json_lines
from passerelle.data.readers.parallel import read_parallel
from passerelle.data.readers.parquet import read_parquet
from passerelle.data.readers.po import read_po
from passerelle.data.readers.row import Row
from passerelle.data.readers.tmx import read_tmx
from passerelle.data.readers.tsv import read_tsv
from passerelle.errors import SettingsError, did_you_mean, require_path
from passerelle.settings import MAX_LINE

__all__ = ["FORMATS", "Format", "PairFile", "PairPath", "base_name", "choose_format"]

PairPath = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""One file of pairs, or two parallel files: the sources, then the targets."""

_NAMES = ("source", "target", "tags")
_NUMBERS = ("1", "2", "3")


@dataclass(frozen=True)
class Format:
    """A file format of pairs.

    Attributes:
        suffixes: file name suffixes by which it is recognized.
        read: reader; yields the rows of a `PairFile`.
        requirement: a sentence about the required content, for error messages.
        row_unit: the unit that row numbers count: `line` or `row`.
        column_names: the meaning of the setting `columns`: `columns`, `languages`, or empty if the format has none.
        default_columns: columns of source, target and tags if `columns` is not set.
        has_tags: whether rows may have tags.
        has_progress: whether the reader tells the position in the first file.
    """

    suffixes: tuple[str, ...]
    read: Callable[["PairFile"], Generator[Row, None, None]]
    requirement: str
    row_unit: str = "line"
    column_names: str = ""
    default_columns: tuple[str, ...] = ()
    has_tags: bool = False
    has_progress: bool = False


@dataclass(frozen=True)
class PairFile:
    """A file of pairs with its format.

    Attributes:
        paths: one path, or those of two parallel files.
        format: format of the file.
        columns: its columns or languages; empty if the format has none, or to use the first two languages.
        has_tags: whether tags are read.
        is_requested: whether the format was requested; else it was chosen by the file name.
        max_line: maximum number of characters of a row.
        outputs: names of several outputs, whose columns follow that of the source; empty for one output.
        numbers: names of the outputs that have numbers.
        progress: receives the position in the first file, in bytes, where the format can tell; None for nobody.
    """

    paths: tuple[str | os.PathLike[str], ...]
    format: Format
    columns: tuple[str, ...]
    has_tags: bool
    is_requested: bool
    max_line: int = MAX_LINE
    outputs: tuple[str, ...] = ()
    numbers: frozenset[str] = frozenset()
    progress: Callable[[int], object] | None = None

    @property
    def number_columns(self) -> frozenset[str]:
        """The columns of the outputs that have numbers."""
        columns = dict(zip(self.outputs, self.columns[1:], strict=False))
        return frozenset(columns[name] for name in self.numbers)

    @property
    def name(self) -> str:
        """The path or paths, for messages."""
        return " + ".join(map(input_name, self.paths))

    def rows(self) -> Generator[Row, None, None]:
        """Yield all rows in order, reading lazily."""
        return self.format.read(self)


FORMATS: dict[str, Format] = {
    "tsv": Format(
        (".tsv",),
        lambda file: read_tsv(
            file.paths[0], file.columns, file.max_line, several=bool(file.outputs), progress=file.progress
        ),
        "Each line must contain source, tab, target.",
        column_names="columns",
        default_columns=_NUMBERS,
        has_tags=True,
        has_progress=True,
    ),
    "moses": Format(
        (),
        lambda file: read_parallel(*file.paths, tabs=file.is_requested, max_line=file.max_line, progress=file.progress),
        "Line n of one file must translate line n of the other.",
        has_progress=True,
    ),
    "jsonl": Format(
        (".jsonl", ".ndjson"),
        lambda file: read_json_lines(
            file.paths[0], file.columns, file.max_line, several=bool(file.outputs), progress=file.progress
        ),
        "Each line must be an object with source and target.",
        column_names="columns",
        default_columns=_NAMES,
        has_tags=True,
        has_progress=True,
    ),
    "json": Format(
        (".json",),
        lambda file: read_json(file.paths[0], file.columns, file.max_line, several=bool(file.outputs)),
        "It must contain an array of objects or of pairs.",
        row_unit="row",
        column_names="columns",
        default_columns=_NAMES,
        has_tags=True,
    ),
    "csv": Format(
        (".csv",),
        lambda file: read_csv(file.paths[0], file.columns, file.max_line),
        "It must contain a header and a row for each pair.",
        column_names="columns",
        default_columns=_NAMES,
        has_tags=True,
    ),
    "anki": Format(
        (),
        lambda file: read_anki(file.paths[0], file.columns, max_line=file.max_line),
        "Each note needs two fields.",
        column_names="columns",
        default_columns=_NUMBERS,
        has_tags=True,
    ),
    "po": Format((".po",), lambda file: read_po(file.paths[0], file.max_line), "Each message needs msgid and msgstr."),
    "tmx": Format(
        (".tmx",),
        lambda file: read_tmx(file.paths[0], file.columns, file.max_line),
        "Each unit needs a segment in both languages.",
        column_names="languages",
    ),
    "parquet": Format(
        (".parquet",),
        lambda file: read_parquet(file.paths[0], file.columns, file.number_columns),
        "Each row needs source and target.",
        row_unit="row",
        column_names="columns",
        default_columns=_NAMES,
        has_tags=True,
    ),
}
"""All formats by name. The default is tsv for one file and moses for two."""

_PACKING = (".gz", ".bz2", ".xz", ".zst", ".zip")
_SUFFIXES = (".txt", *(suffix for format in FORMATS.values() for suffix in format.suffixes))


def choose_format(
    path: PairPath,
    format: str | None = None,
    columns: str | Sequence[str] | None = None,
    tag_column: int | None = None,
    max_line: int = MAX_LINE,
    outputs: Outputs = None,
) -> PairFile:
    """Choose the format of a file of pairs, and check the options that depend on it.

    Args:
        path: one file, or two parallel files.
        format: one of `FORMATS`; None recognizes it by the file name, also of a packed file.
        columns: names or numbers, from 1, of the columns of source, target and optionally tags, or two languages; a
            sequence, or a string with commas. By default the first columns (tsv, anki), the columns `source`, `target`
            and `tags`, or the first two languages.
        tag_column: number of the column with the tags, at least 3. With `columns`, and in formats with named columns,
            it must be 3, which means the third of `columns`.
        max_line: maximum number of characters of a row.
        outputs: several outputs, see `data.outputs.output_columns`; `columns` then names the source and optionally
            the tags.

    Raises:
        SettingsError: if an argument is invalid, or the format does not support it.
        DataError: if a `.zip` cannot be read.
    """
    paths = (path,) if isinstance(path, (str, os.PathLike)) or not isinstance(path, Iterable) else tuple(path)
    for each in paths:
        require_path("path", each)
    format_name = _format_name(paths, format)
    chosen = FORMATS[format_name]
    if tag_column is not None and tag_column < 3:
        raise SettingsError(f"tag_column must be at least 3 (after source and target), received: {tag_column}")
    if isinstance(columns, str):
        columns = [column.strip() for column in columns.split(",")]
    if columns is not None and not (
        isinstance(columns, Sequence) and all(isinstance(name, (str, int)) for name in columns)
    ):
        raise SettingsError(f"columns must be names or numbers, received: {columns!r:.80}")
    names = tuple(map(str, columns or ()))
    of_outputs = output_columns(outputs, numbered=chosen.default_columns == _NUMBERS)
    if of_outputs.columns:
        return _with_outputs(paths, chosen, format_name, names, of_outputs, tag_column, format is not None, max_line)
    if names and not chosen.column_names:
        others = ", ".join(name for name, other in FORMATS.items() if other.column_names)
        raise SettingsError(
            f"format {format_name} has no columns, received: columns {', '.join(names)}. Leave columns out, or use "
            f"another format: {others}."
        )
    if (tag_column is not None or len(names) == 3) and not chosen.has_tags:
        others = ", ".join(name for name, other in FORMATS.items() if other.has_tags)
        raise SettingsError(f"format {format_name} has no tags. Formats with tags: {others}.")
    if chosen.column_names == "columns":
        names = _with_tags(names, chosen, tag_column, format_name)
    if names and (not all(names) or len(set(names)) != len(names) or len(names) not in (2, 3)):
        expected = "two languages" if chosen.column_names == "languages" else "source, target and optionally tags"
        raise SettingsError(f"columns must be different names of {expected}, received: {', '.join(names)}")
    if "0" in names:
        raise SettingsError(f"columns are numbered from 1, received: {', '.join(names)}")
    return PairFile(paths, chosen, names, len(names) == 3, format is not None, max_line)


def _with_outputs(
    paths: tuple[str | os.PathLike[str], ...],
    format: Format,
    format_name: str,
    names: tuple[str, ...],
    of_outputs: OutputColumns,
    tag_column: int | None,
    is_requested: bool,
    max_line: int,
) -> PairFile:
    """Return the file with the columns of the source, of several outputs and of the tags, in this order."""
    outputs = of_outputs.columns
    if format.column_names != "columns":
        others = ", ".join(name for name, other in FORMATS.items() if other.column_names == "columns")
        raise SettingsError(f"format {format_name} has one output. Formats with several: {others}.")
    if len(names) > 2:
        raise SettingsError(
            f"with outputs, columns are those of the source and optionally the tags, received: {', '.join(names)}"
        )
    if format.default_columns != _NUMBERS and tag_column not in (None, 3):
        raise SettingsError(
            f"in format {format_name}, with outputs, tags are read from the second column in `columns`, received: "
            f"tag_column={tag_column}. Name two columns: source,tags"
        )
    source = names[0] if names else format.default_columns[0]
    tags = names[1:]
    if not tags and tag_column is not None:
        tags = (str(tag_column) if format.default_columns == _NUMBERS else format.default_columns[2],)
    columns = (source, *outputs.values(), *tags)
    if not all(columns) or "0" in columns:
        raise SettingsError(f"columns must be names, or numbers from 1, received: {', '.join(columns)}")
    for column in columns:
        if columns.count(column) > 1:
            raise SettingsError(
                f"the column {column!r} is named twice: source {source}, "
                f"{', '.join(f'{name} {own}' for name, own in outputs.items())}{', tags ' if tags else ''}"
                f"{', '.join(tags)}. Name each column once."
            )
    return PairFile(paths, format, columns, bool(tags), is_requested, max_line, tuple(outputs), of_outputs.numbers)


def _with_tags(names: tuple[str, ...], format: Format, tag_column: int | None, format_name: str) -> tuple[str, ...]:
    """Return the columns to read: the requested or the default ones, with that of the tags if `tag_column` is set."""
    if not names and format.default_columns == _NUMBERS:
        return _NUMBERS[:2] if tag_column is None else (*_NUMBERS[:2], str(tag_column))
    names = names or format.default_columns[: 2 if tag_column is None else 3]
    if tag_column is not None and (tag_column > 3 or len(names) < 3):
        place = "with columns" if format.default_columns == _NUMBERS else f"in format {format_name}"
        raise SettingsError(
            f"{place}, tags are read from the third column in `columns`, received: {', '.join(names)} and "
            f"tag_column={tag_column}. Name three columns: {','.join(format.default_columns)}"
        )
    return names


def base_name(paths: Sequence[str | os.PathLike[str]]) -> str:
    """Return a name for files that are made of a file of pairs: its own, without the suffixes of packing and format.

    For example `a.v2` for `a.v2.tsv.gz`, and `train.en-fr` for `train.en` and `train.fr`. It is `model` for standard
    input and for other paths that are no files, such as a named pipe.
    """
    special = (path for path in paths if os.path.exists(path) and not os.path.isfile(path))
    if next(special, None) or any(input_name(path) != os.fspath(path) for path in paths):
        return "model"
    first, *others = (_without(Path(path).name, _PACKING) for path in paths)
    if not others:
        return _without(first, _SUFFIXES)
    stem, suffix = os.path.splitext(first)
    same, other_suffix = os.path.splitext(others[0])
    return f"{stem}{suffix}-{other_suffix[1:]}" if stem == same and other_suffix else f"{first}-{others[0]}"


def _without(name: str, suffixes: Iterable[str]) -> str:
    ends = (suffix for suffix in suffixes if name.lower().endswith(suffix) and len(name) > len(suffix))
    return name[: len(name) - len(next(ends, ""))]


def _format_name(paths: tuple[str | os.PathLike[str], ...], format: str | None) -> str:
    if format is not None and format not in FORMATS:
        raise SettingsError(f"unknown format {format!r}.{did_you_mean(format, FORMATS)}")
    if not 1 <= len(paths) <= 2:
        raise SettingsError(f"pairs are read from one file or from two parallel files, received: {len(paths)} files")
    if len(paths) == 1:
        if format == "moses":
            raise SettingsError(
                "format moses requires two files, source and target, received: one. For example: a.en a.fr"
            )
        return format or _format_of_name(paths[0]) or "tsv"
    chosen = format or next(filter(None, map(_format_of_name, paths)), "moses")
    if chosen != "moses":
        raise SettingsError(f"two parallel files must be plain text, not {chosen}. Name one file, or format 'moses'")
    if os.fspath(paths[0]) == os.fspath(paths[1]):
        raise SettingsError(f"{input_name(paths[0])} is named twice. Name the source file, then the target file.")
    return chosen


def _format_of_name(path: str | os.PathLike[str]) -> str | None:
    """Return the format of a file name, or of the name inside a `.zip`; None if the suffix is unknown."""
    if os.fspath(path) == STANDARD_INPUT:
        return None
    name = inner_name(path)
    return next((key for key, format in FORMATS.items() if name.endswith(format.suffixes)), None)
