"""Settings for reading files of pairs, shared by the commands train, evaluate and score."""

from typing import ClassVar

from passerelle.settings.schema import Section, setting

__all__ = ["MAX_LINE", "ReadingSettings"]

MAX_LINE = 100_000
"""Default of `max_line`; lines of texts are far shorter."""


class ReadingSettings(Section):
    """How a file of pairs is read."""

    group: ClassVar[str] = "Data"

    format: str | None = setting(
        None,
        "File format: tsv, moses (two parallel files), jsonl, json, csv, anki, po, tmx or parquet. Without it, the "
        "file name tells the format.",
        option=True,
    )
    columns: str | None = setting(
        None,
        "Comma-separated columns of the source, the target and, if there is one, the tags. Numbers, such as 2,4; or "
        "names, as in the first line (tsv, csv) or in the objects (jsonl, json, parquet). If not set: 1,2 for tsv and "
        "anki, source,target for the others. For tmx: two language codes (the first two in the file if not set).",
        option=True,
    )
    outputs: str | None = setting(
        None,
        "Several outputs, comma-separated: NAME=COLUMN of each, such as fr=2,de=3,es=4, or names of columns, such as "
        "fr,de,es. The model has one encoder, and a decoder for each output. :numbers at the end, as in "
        "fr=2,length=3:numbers, marks an output of numbers. Cells may be empty. --columns then names "
        "the source and, if there is one, the column of tags.",
        option=True,
    )
    limit: int | None = setting(None, "Maximum number of pairs to read, from the start of the file.", option=True, ge=1)
    swap: bool = setting(False, "Swap source and target.", option=True)
    max_line: int = setting(
        MAX_LINE,
        "Maximum number of characters of a line, or of a row of a file; a longer one is an error. It keeps a file that "
        "is not a text from filling the RAM.",
        option=True,
        ge=1,
    )
    tag_column: int | None = setting(
        None,
        "Number of the column of tags in a tab-separated file, 3 or higher; 3 if not set and the model has tags. In "
        "files with named columns, the third name in --columns is the column of tags.",
        option=True,
    )
