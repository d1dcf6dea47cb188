"""Corrections: pairs that people corrected, in a tab-separated file that a service appends to.

Each line has up to five columns: source, corrected target, the target that the model had written, output or tags, date.
The last three may be empty or missing. Inside a column, a tab is written as `\\t`, a line feed as `\\n`, a carriage
return as `\\r` and a backslash as `\\\\`. The first line may have the names of the columns.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields

from passerelle.data.files import input_name, read_lines
from passerelle.data.pairs import Pairs
from passerelle.data.writing import write_atomically
from passerelle.errors import DataError, SettingsError, listed
from passerelle.settings import MAX_LINE

__all__ = ["Correction", "correction_line", "corrections_as_pairs", "read_corrections", "write_corrections"]

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_CHARACTERS = {escape: character for character, escape in _ESCAPES.items()}
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_TABLE = str.maketrans(_ESCAPES)


@dataclass(frozen=True)
class Correction:
    """A translation that a person corrected.

    Attributes:
        source: the source text.
        target: the correct target.
        written: the target that the model had written; empty if unknown.
        tags: the tags of the source, for a model with tags, such as the target language; for a model with several
            outputs, the name of the output; otherwise any text, such as a language pair, which training ignores.
        date: date of the correction, such as `2026-11-27`; training ignores it.

    Example:
        >>> passerelle.Correction("He is tired.", "Il est épuisé.", written="Il est fatigué.").target
        'Il est épuisé.'
    """

    source: str
    target: str
    written: str = ""
    tags: str = ""
    date: str = ""


COLUMNS = tuple(field.name for field in fields(Correction))


def correction_line(correction: Correction) -> str:
    """Return a correction as one line, without a line end."""
    return "\t".join(text.translate(_TABLE) for text in astuple(correction))


def write_corrections(path: str | os.PathLike[str], corrections: Iterable[Correction], *, append: bool = False) -> None:
    """Write corrections to a tab-separated UTF-8 file.

    Args:
        path: path of the file.
        corrections: the corrections.
        append: whether to add them to an existing file, in one write. Otherwise the file is replaced, atomically, and
            begins with the names of the columns.

    Raises:
        DataError: if a text contains a lone surrogate, which UTF-8 cannot encode.
        OutputError: if the file cannot be replaced.
        OSError: if it cannot be appended to.

    Example:
        >>> correction = passerelle.Correction("He is tired.", "Il est épuisé.", date="2026-11-27")
        >>> passerelle.write_corrections("corrections.tsv", [correction])
        >>> passerelle.read_corrections("corrections.tsv") == [correction]
        True
    """
    content = "".join(f"{correction_line(correction)}\n" for correction in corrections)
    try:
        data = content.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{error.object[error.start]!r} is a lone surrogate, which UTF-8 cannot encode.") from None
    header = ("\t".join(COLUMNS) + "\n").encode()
    if not append:
        write_atomically(path, lambda stream: stream.write(header + data))
        return
    with open(path, "ab+") as stream:
        if not stream.tell():
            data = header + data
        else:
            stream.seek(-1, os.SEEK_END)
            if stream.read() != b"\n":  # the line of a process that was killed is not continued
                data = b"\n" + data
        stream.write(data)


def read_corrections(path: str | os.PathLike[str]) -> list[Correction]:
    """Read corrections from a tab-separated UTF-8 file, which may be compressed; empty lines are skipped.

    Args:
        path: path of the file.

    Raises:
        DataError: if the file cannot be read, contains no correction, or has malformed rows; the message lists them by
            number.

    Example:
        >>> passerelle.write_corrections("corrections.tsv", [passerelle.Correction("Go.", "Pars !")])
        >>> [correction.target for correction in passerelle.read_corrections("corrections.tsv")]
        ['Pars !']
    """
    name = input_name(path)
    corrections, problems = [], []
    for number, line in enumerate(read_lines(path, max_line=MAX_LINE), start=1):
        columns = line.split("\t")
        if not line.strip() or (number == 1 and tuple(columns) == COLUMNS[: len(columns)] and len(columns) > 1):
            continue
        problem = _problem(columns)
        if problem:
            problems.append(f"row {number}: {problem}")
        else:
            corrections.append(Correction(*map(_unescaped, columns)))
    if problems:
        raise DataError(
            f"{name}: {listed(problems)}. A row has source, corrected target, what the model wrote, output or tags, "
            f"date, separated by tabs; inside them \\t, \\n and \\\\ stand for a tab, a line end and a backslash."
        )
    if not corrections:
        raise DataError(f"{name} contains no corrections. Write source and corrected target, separated by a tab.")
    return corrections


def _problem(columns: list[str]) -> str:
    """Return what is wrong with the columns of a row; empty if nothing is."""
    if len(columns) < 2:
        return "no tab between source and corrected target"
    if len(columns) > len(COLUMNS):
        return f"{len(columns)} columns, and at most {len(COLUMNS)} are allowed"
    for name, text in zip(COLUMNS, columns, strict=False):
        for escape in _ESCAPE.finditer(text):
            if escape.group() not in _CHARACTERS:
                return f"unknown escape {escape.group()!r} in the {name}"
    for name, text in zip(COLUMNS[:2], columns, strict=False):
        if not _unescaped(text).strip():
            return f"the {name} is empty"
    return ""


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda escape: _CHARACTERS[escape.group()], text)


def corrections_as_pairs(
    corrections: Iterable[Correction], *, tagged: bool, outputs: Sequence[str] = (), name: str = "corrections"
) -> Pairs:
    """Return corrections as pairs of source and corrected target.

    Args:
        corrections: the corrections, at least one.
        tagged: whether the pairs have tags.
        outputs: the names of several outputs, each of text; the `tags` of each correction are then one of them.
        name: name of the data, for messages.

    Raises:
        DataError: if there is none, one is no correction, its source or target is empty, or it names no output.
        SettingsError: if the pairs have tags and several outputs, since a correction names one of both.
    """
    if tagged and outputs:
        raise SettingsError("corrections name tags or an output, and the model has both. Add them to the pairs.")
    listed_corrections = list(corrections)
    for number, correction in enumerate(listed_corrections, start=1):
        if not isinstance(correction, Correction) or not all(isinstance(text, str) for text in astuple(correction)):
            raise DataError(f"{name}, row {number}: expected a Correction of texts, received: {correction!r:.80}")
        if not (correction.source.strip() and correction.target.strip()):
            raise DataError(f"{name}, row {number}: source or target is empty")
        if outputs and correction.tags not in outputs:
            raise DataError(
                f"{name}, row {number}: expected the name of an output of text in the fourth column, one of "
                f"{', '.join(outputs)}; received: {correction.tags!r:.40}"
            )
    if not listed_corrections:
        raise DataError(f"{name} contains no corrections.")
    sources, targets, tags = zip(*((each.source, each.target, each.tags) for each in listed_corrections), strict=True)
    if outputs:
        values = [{output: target} for output, target in zip(tags, targets, strict=True)]
        return Pairs(list(sources), values, name, outputs=tuple(dict.fromkeys(tags)))
    return Pairs(list(sources), list(targets), name, tags=list(tags) if tagged else None)
