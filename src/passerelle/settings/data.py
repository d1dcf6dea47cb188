"""Settings of reading pairs, shared by the commands train, evaluate and score."""

from typing import ClassVar

from passerelle.settings.schema import Section, setting

__all__ = ["ReadingSettings"]


class ReadingSettings(Section):
    """The file of pairs. These are options of commands and of `read_pairs`, not part of a settings file."""

    group: ClassVar[str] = "Data"

    format: str | None = setting(
        None,
        "File format, if the file's name does not tell: tsv, moses, jsonl, csv, po, tmx or parquet.",
        option=True,
    )
    columns: str | None = setting(
        None,
        "For jsonl, csv and parquet, the names of the columns of sources, targets and, optionally, tags "
        "(source,target if not given); for tmx, two languages (the first two if not given).",
        option=True,
    )
    limit: int | None = setting(None, "Use only this many pairs from the beginning.", option=True, ge=1)
    swap: bool = setting(False, "Swap source and target.", option=True)
    tag_column: int | None = setting(
        None,
        "Column of tags in a tab-separated file, 3 or later. With named columns, tags are the third name of columns. "
        "A model with tags reads column 3 if not given.",
        option=True,
    )
