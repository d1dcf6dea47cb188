"""Checking rows of texts or numbers from Python, which become pairs."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from passerelle.data.collector import Collector, row_size
from passerelle.data.outputs import OutputValues, check_output_names
from passerelle.data.pairs import Pairs
from passerelle.data.storage import Storage
from passerelle.errors import DataError, SettingsError

__all__ = ["check_pairs", "require_rows", "require_values"]


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
    blank, several = 0, False
    found: dict[str, None] = {}
    of_outputs = OutputValues()
    with_value: set[str] = set()
    for number, row in enumerate(pairs, start=1):
        if number == 1:
            several = _is_row(row, tagged=tagged) and isinstance(row[1], Mapping)
        source, target, *tags = _checked_row(row, number, name, several=several, swap=swap, tagged=tagged)
        if several:
            found |= dict.fromkeys(target)
            target = of_outputs.checked(target, f"{name}, row {number}")
        elif swap:
            source, target = target, source
        has_source = source.strip() if isinstance(source, str) else True
        if has_source and (target if several else str(target).strip()):
            collector.add(source, target, *tags, size=row_size(source, target))
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
            require_values({} if outputs else dict.fromkeys(found, ""), with_value, name)
    names = tuple(outputs or found) if several else ()
    return Pairs.of(collector.finish(names), name, blank, outputs=names)


def _checked_row(
    row: tuple[Any, ...], number: int, name: str, *, several: bool, swap: bool, tagged: bool
) -> tuple[Any, ...]:
    """Return a row with a source of numbers as tuples.

    Args:
        row: any object.
        number: its number, for messages.
        name: name of the data, for messages.
        several: whether its target must be a mapping of the names of several outputs.
        swap: whether source and target will be exchanged; numbers are then not allowed.
        tagged: whether it must have tags.

    Raises:
        DataError: if it has another form.
    """
    is_row = _is_row(row, tagged=tagged)
    numbers = _number_source(row[0]) if is_row and not swap else None
    texts = row[2:] if numbers is not None else (row[0], *row[2:]) if is_row else ()
    if not is_row or not isinstance(row[1], Mapping if several else str) or not _are_texts(texts):
        expected = "(source, target, tags), three texts" if tagged else "(source, target), two texts"
        if several:
            expected = f"(source, {{output: text or numbers}}{', tags' if tagged else ''})"
        raise DataError(f"{name}, row {number}: expected {expected}, received: {row!r:.80}")
    return row if numbers is None else (numbers, *row[1:])


def _is_row(row: object, *, tagged: bool) -> bool:
    return isinstance(row, (tuple, list)) and len(row) == 2 + tagged


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


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


def require_values(outputs: Mapping[str, str], with_value: Collection[str], name: str) -> None:
    """Check that each of several outputs has a text or numbers in some row.

    Args:
        outputs: the column of each output by its name, for messages; "" for none.
        with_value: the names of the outputs that have a value in some row.
        name: name of the data, for messages.

    Raises:
        DataError: if an output has no value.
    """
    for output, column in outputs.items():
        if output not in with_value:
            place = f" (column {column})" if column else ""
            raise DataError(f"{name}: no row has the output {output!r}{place}. Correct it, or leave it out.")
