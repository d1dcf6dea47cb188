"""Texts of the command line: names of files among them, and tags after a tab."""

import os

from passerelle.cli.display import note
from passerelle.errors import DataError

__all__ = ["note_file_names", "split_tags"]

MAX_NAME = 1000
"""Texts with this many characters are not looked for as names of files."""


def note_file_names(texts: tuple[str, ...], advice: str) -> None:
    """Report a text that is the name of a file; `advice` is the option that reads the lines of a file."""
    for text in texts:
        # A long text is no name, and the system would refuse to look for it.
        if len(text) < MAX_NAME and os.path.isfile(text):
            note(f"passerelle: the text {text!r} is the name of a file. To read the lines of the file: {advice}")
            return


def split_tags(lines: list[str]) -> tuple[list[str], list[str]]:
    """Split lines into texts and their tags, which follow a tab; blank lines may have no tags.

    Raises:
        DataError: if a line that is not blank has no tab, or more than one.
    """
    for line in lines:
        if (columns := line.count("\t") + 1) > 2:
            raise DataError(
                f"{columns} columns, but this model requires two, text and tags: {line[:40]!r}. Remove the others; for "
                f"source, target and tags: cut -f1,3"
            )
        if line.strip() and "\t" not in line:
            raise DataError(
                f"no tab between text and tags, which this model requires: {line[:40]!r}. Write text, tab, tags; or "
                f"set the tags of all texts with --tags."
            )
    rows = [line.split("\t", 1) if "\t" in line else [line, ""] for line in lines]
    return [row[0] for row in rows], [row[1] for row in rows]
