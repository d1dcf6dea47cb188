"""Kinds of files of pairs: how each is told, and what reads it."""

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from passerelle.data.files import STANDARD_INPUT, inner_name, input_name
from passerelle.data.readers.json_lines import read_json_lines
from passerelle.data.readers.parallel import read_parallel
from passerelle.data.readers.parquet import read_parquet
from passerelle.data.readers.po import read_po
from passerelle.data.readers.row import Row
from passerelle.data.readers.csv_file import read_csv
from passerelle.data.readers.tsv import read_tsv
from passerelle.data.readers.tmx import read_tmx
from passerelle.errors import SettingsError, did_you_mean

__all__ = ["FORMATS", "Format", "PairFile", "PairPath", "choose_format"]

PairPath = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""One file of pairs, or two side by side: sources in the first, targets in the second."""

_DEFAULT_COLUMNS = ("source", "target", "tags")


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes:
        suffixes: ends of names that tell it.
        rows: what reads it.
        needs: what each of its rows must be, for messages.
        number: what its rows' numbers count.
        named: what `columns` name: `columns`, `languages`, or nothing.
        tagged: whether rows may bring tags.
    """

    suffixes: tuple[str, ...]
    rows: Callable[["PairFile"], Generator[Row, None, None]]
    needs: str
    number: str = "line"
    named: str = ""
    tagged: bool = False


@dataclass(frozen=True)
class PairFile:
    """A file of pairs whose kind is known.

    Attributes:
        paths: one, or two side by side.
        format: its kind.
        columns: what its columns or languages are called; empty where nothing was said and nothing need be.
        tag_column: the column of the tags, or None.
    """

    paths: tuple[str | os.PathLike[str], ...]
    format: Format
    columns: tuple[str, ...]
    tag_column: int | None

    @property
    def name(self) -> str:
        """For messages."""
        return " + ".join(map(input_name, self.paths))

    def rows(self) -> Generator[Row, None, None]:
        """All rows in order, each read when it is asked for."""
        return self.format.rows(self)


FORMATS: dict[str, Format] = {
    "tsv": Format(
        (".tsv",),
        lambda file: read_tsv(file.paths[0], file.tag_column),
        "Each line needs source, tab, target.",
        tagged=True,
    ),
    "moses": Format((), lambda file: read_parallel(*file.paths), "Line by line, one is the translation of the other."),
    "jsonl": Format(
        (".jsonl", ".ndjson"),
        lambda file: read_json_lines(file.paths[0], file.columns),
        "Each line needs an object with source and target.",
        named="columns",
        tagged=True,
    ),
    "csv": Format(
        (".csv",),
        lambda file: read_csv(file.paths[0], file.columns),
        "It needs a header and a row for each pair.",
        named="columns",
        tagged=True,
    ),
    "po": Format((".po",), lambda file: read_po(file.paths[0]), "Each message needs msgid and msgstr."),
    "tmx": Format(
        (".tmx",),
        lambda file: read_tmx(file.paths[0], file.columns),
        "Each unit needs a segment in both languages.",
        named="languages",
    ),
    "parquet": Format(
        (".parquet",),
        lambda file: read_parquet(file.paths[0], file.columns),
        "Each row needs source and target.",
        number="row",
        named="columns",
        tagged=True,
    ),
}
"""By name. What no name tells is tab-separated, or, where two files are named, side by side."""


def choose_format(
    path: PairPath,
    format: str | None = None,
    columns: str | Sequence[str] | None = None,
    tag_column: int | None = None,
) -> PairFile:
    """Decides how a file of pairs is read.

    Args:
        path: one file or two.
        format: one of `FORMATS`; None goes by the file's name, also inside `.gz` and `.zip`.
        columns: names of the columns of source, target and, if wanted, tags, or two languages; one text has commas
            between them. By default `source`, `target`, `tags`, or the first two languages.
        tag_column: the column, from 3 on, that holds tags; where columns have names, 3, the third one named.

    Raises:
        SettingsError: if these do not go together, or with the kind of file.
        DataError: if a `.zip` cannot be read.
    """
    paths = (path,) if isinstance(path, (str, os.PathLike)) else tuple(path)
    kind = _kind(paths, format)
    chosen = FORMATS[kind]
    if tag_column is not None and tag_column < 3:
        raise SettingsError(f"tags stand in column 3 or later, received: {tag_column}. Source and target come first.")
    if isinstance(columns, str):
        columns = [column.strip() for column in columns.split(",")]
    names = tuple(columns or ())
    if names and not chosen.named:
        others = ", ".join(name for name, other in FORMATS.items() if other.named)
        raise SettingsError(f"{kind} has no names to choose by, received: columns {', '.join(names)}. Others: {others}")
    if (tag_column is not None or len(names) == 3) and not chosen.tagged:
        others = ", ".join(name for name, other in FORMATS.items() if other.tagged)
        raise SettingsError(f"{kind} has no column for tags. Others have: {others}.")
    if chosen.named == "columns":
        names = names or _DEFAULT_COLUMNS[: 2 if tag_column is None else 3]
        if tag_column is not None and (tag_column > 3 or len(names) < 3):
            raise SettingsError(
                f"{kind} has its tags in the third column named, received: {', '.join(names)}, "
                f"tag_column={tag_column}. Name it in `columns`: source,target,tags"
            )
        tag_column = 3 if len(names) == 3 else None
    if names and (not all(names) or len(set(names)) != len(names) or len(names) not in (2, 3)):
        what = "two languages" if chosen.named == "languages" else "columns of source, target and, if wanted, tags"
        raise SettingsError(f"columns must name {what}, each another, received: {', '.join(names)}")
    return PairFile(paths, chosen, names, tag_column)


def _kind(paths: tuple[str | os.PathLike[str], ...], format: str | None) -> str:
    if format is not None and format not in FORMATS:
        raise SettingsError(f"unknown format {format!r}.{did_you_mean(format, FORMATS)}")
    if not 1 <= len(paths) <= 2:
        raise SettingsError(f"pairs stand in one file, or in two side by side, received: {len(paths)} files")
    if len(paths) == 1:
        if format == "moses":
            raise SettingsError("moses is two files, source and target, received: one. Name both: train.en train.fr")
        return format or _told(paths[0]) or "tsv"
    told = format or next(filter(None, map(_told, paths)), "moses")
    if told != "moses":
        raise SettingsError(f"two files side by side are lines of text, not {told}. Name one file, or format 'moses'")
    if os.fspath(paths[0]) == os.fspath(paths[1]):
        raise SettingsError(f"{input_name(paths[0])} is named twice. Name the file of the sources, then the targets'.")
    return told


def _told(path: str | os.PathLike[str]) -> str | None:
    """The kind that a file's name tells, or that of the file inside it."""
    if os.fspath(path) == STANDARD_INPUT:
        return None
    outer = Path(os.fspath(path).lower())
    names = [inner_name(path).lower(), *([outer.stem] if outer.suffix == ".zip" else [])]
    return next((kind for name in names for kind, format in FORMATS.items() if name.endswith(format.suffixes)), None)
