"""Numbers as an input or an output of a model: sequences, known future numbers, one vector per row, forecasts."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, Self, get_args

import numpy as np

from passerelle.errors import DataError
from passerelle.fields.field import Columns, Field, OutputField
from passerelle.fields.scaling import Scaling, Units
from passerelle.ragged import Ragged
from passerelle.settings import MAX_STEPS

__all__ = ["NumbersField", "Use", "number_rows"]

Use = Literal["sequence", "steps", "vector", "forecast"]
"""How a model uses numbers: `sequence`, an input that the encoder reads; `steps`, an input with an element for each
step of the decoder, such as known future holidays; `vector`, one vector for each row, which every step reads;
`forecast`, an output."""

MAX_COLUMNS = 2**14


class NumbersField(OutputField):
    """Numbers (length, width) for each row, in their own units; the field scales them.

    The arrays for the network have one more column. It is 1 at each element and 0 at padding, so a network can
    distinguish a vector of zeros from padding.

    Args:
        name: see `Field`.
        names: names of the columns, at least one.
        scaling: the scaling of the columns.
        use: see `Use`.
        length: number of elements of each row, for the uses `steps` and `forecast`; None for any number.
        relative_to: for a forecast, the input sequence that precedes it and the position of each of its columns in
            that input; None if the input does not contain them.
        segment: number of consecutive elements that form one vector for the network. A sequence loses its first
            elements if its length is not a multiple; a `length` must be one.
    """

    kind = "numbers"

    def __init__(
        self,
        name: str,
        names: Sequence[str],
        scaling: Scaling,
        *,
        use: Use = "sequence",
        length: int | None = None,
        relative_to: tuple[str, tuple[int, ...]] | None = None,
        segment: int = 1,
    ):
        super().__init__(name)
        self.names = tuple(names)
        self.scaling = scaling
        self.use: Use = use
        self.length = length
        self.relative_to = relative_to
        self.segment = segment

    @classmethod
    def fit(
        cls,
        name: str,
        columns: Columns,
        *,
        names: Sequence[str],
        use: Use = "sequence",
        mode: str = "column",
        season: int = 1,
        relative_to: tuple[str, tuple[int, ...]] | None = None,
        segment: int = 1,
    ) -> Self:
        """Fit a field to the training rows.

        Args:
            name: name of the field and of its column in `columns`.
            columns: the training rows.
            names: names of the columns of numbers.
            use: see `Use`.
            mode: the setting `numbers.scaling`; numbers of the uses `steps` and `vector` are always scaled by column,
                and so is a forecast without `relative_to`.
            season: the setting `numbers.season`.
            relative_to: see `NumbersField`.
            segment: the setting `numbers.segment`; not for the use `vector`.

        Raises:
            DataError: if there are no rows, the numbers have the wrong shape or are not finite, or an input is shorter
                than a season.
        """
        if not len(columns[name]):
            raise DataError(f"{name} has no rows.")
        length = np.shape(columns[name][0])[0] if use in ("steps", "forecast") else None
        if use in ("steps", "vector") or (use == "forecast" and relative_to is None):
            mode = "column"
        segment = 1 if use == "vector" else segment
        if length is not None and length % segment:
            raise DataError(
                f"{name}: {length} steps are not a multiple of the segment, {segment}. Set numbers.segment."
            )
        unscaled = Scaling.unfitted(mode, season, np.ones(len(names)))
        field = cls(name, names, unscaled, use=use, length=length, relative_to=relative_to, segment=segment)
        rows = field._rows(columns)
        if use == "forecast":
            field._check_windows(columns)
            forecasts = rows.values.reshape(len(rows), -1, len(names))
            field.scaling = Scaling.fit_forecasts(mode, season, forecasts, field.windows(columns))
        else:
            field.scaling = Scaling.fit_sequences(mode, season, rows)
        return field

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.names)

    def text(self, numbers: np.ndarray) -> str:
        """Return the numbers of a row, float (steps, columns), as a readable text; empty if there are none (NaN).

        Each number has three significant digits of the standard deviation of its column in the training rows. A blank
        separates columns, and a semicolon steps.
        """
        if np.isnan(numbers).any():
            return ""
        digits = [min(9, max(0, 2 - math.floor(math.log10(scale)))) for scale in self.scaling.scale.tolist()]
        return "; ".join(
            " ".join(f"{number:.{count}f}" for number, count in zip(step, digits, strict=True))
            for step in np.asarray(numbers).tolist()
        )

    def encode(self, columns: Columns) -> dict[str, Ragged]:
        rows = self._rows(columns)
        if len(rows) and rows.lengths.min() < self.segment:
            shortest = int(rows.lengths.argmin())
            raise DataError(
                f"{self.name}, row {shortest + 1}: expected at least a segment of {self.segment} steps, received: "
                f"{rows.lengths[shortest]}."
            )
        return {self.name: self._segments(self.scaling.of_sequences(rows).scale(rows.values), rows)}

    def encode_targets(self, columns: Columns) -> Ragged:
        """Encode the numbers as targets; the target of a row without numbers (None) is empty."""
        missing = np.array([row is None for row in columns[self.name]], bool)
        if missing.any():
            center = np.broadcast_to(self.scaling.center, (self.length or 1, self.width))
            columns = {**columns, self.name: [center if row is None else row for row in columns[self.name]]}
        rows = self._rows(columns)
        numbers = rows.values.reshape(len(rows), self.length or 1, self.width)
        encoded = self._segments(self.units(columns).scale(numbers).reshape(-1, self.width), rows)
        return encoded.without(missing) if missing.any() else encoded

    def _segments(self, scaled: np.ndarray, rows: Ragged) -> Ragged:
        """Return scaled numbers, (total, width), as segments with a column of ones; see `NumbersField`."""
        counts = rows.lengths // self.segment
        if self.segment > 1:
            place = np.arange(len(scaled)) - np.repeat(rows.offsets[:-1], rows.lengths)  # in its row
            scaled = scaled[place >= np.repeat(rows.lengths % self.segment, rows.lengths)]
        values = np.ones((int(counts.sum()), self.segment * self.width + 1), np.float32)
        values[:, :-1] = scaled.reshape(len(values), self.segment * self.width)
        return Ragged.from_lengths(values, counts)

    @property
    def steps(self) -> int:
        """Number of vectors of each row, for the uses `steps` and `forecast`."""
        return (self.length or 1) // self.segment

    def units(self, columns: Columns) -> Units:
        """Return the units of forecasts, (rows, steps, width), from the columns of the inputs.

        Raises:
            DataError: if an input is shorter than a season.
        """
        self._check_windows(columns)
        windows = self.windows(columns)
        rows = len(next(iter(columns.values()))) if windows is None else len(windows)
        return self.scaling.of_forecasts(windows, rows, self.length or 1)

    def lags(self, columns: Columns) -> np.ndarray | None:
        """Return the inputs of a linear regression of a forecast, float64 (rows, groups, inputs).

        There is a group for each column, with its own past; or one group with the whole input if the input does not
        contain the columns.

        Returns:
            None if the input is no sequence of numbers, or its rows have different lengths.
        """
        rows = self.windows(columns)
        grouped = rows is not None
        if rows is None:
            source = next(iter(columns.values()))
            if isinstance(source[0], str):
                return None
            width = np.shape(source[0])[-1] if np.ndim(source[0]) > 1 else 1
            rows = number_rows(source, self.name, [str(number) for number in range(1, width + 1)])
        if len(set(rows.lengths.tolist())) > 1:
            return None
        table = rows.values.reshape(len(rows), -1, rows.values.shape[1])
        return table.swapaxes(1, 2) if grouped else table.reshape(len(rows), 1, -1)

    def spec(self) -> dict[str, Any]:
        """Return `kind`, `width` (of the array), `use` and `length` (see `NumbersField`)."""
        length = None if self.length is None else self.steps
        return {"kind": self.kind, "width": self.width * self.segment + 1, "use": self.use, "length": length}

    def keys(self, columns: Columns) -> Sequence[Hashable]:
        rows = self._rows(columns)
        return [rows[row].tobytes() for row in range(len(rows))]

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "names": list(self.names),
            "scaling": self.scaling.to_json(),
            "use": self.use,
            "length": self.length,
            "segment": self.segment,
        }

    def links(self) -> dict[str, Any]:
        """Return `relative_to` as JSON, see `NumbersField`."""
        relative = self.relative_to
        return {"relative_to": None if relative is None else {"input": relative[0], "columns": list(relative[1])}}

    def link(self, inputs: Mapping[str, Field], content: Mapping[str, Any]) -> None:
        if self.use != "forecast":
            raise ValueError(f"output {self.name!r} must be a forecast")
        relative = content["relative_to"]
        if relative is None:
            return
        source, positions = inputs[relative["input"]], relative["columns"]
        if not isinstance(source, NumbersField) or source.use != "sequence":
            raise ValueError(f"output {self.name!r} must be relative to a sequence of numbers")
        if not isinstance(positions, list) or len(positions) != self.width:
            raise ValueError(f"output {self.name!r} must have a column of its input for each of its columns")
        if not all(type(position) is int and 0 <= position < source.width for position in positions):
            raise ValueError(f"output {self.name!r} is relative to columns that its input does not have")
        self.relative_to = relative["input"], tuple(positions)

    @classmethod
    def from_json(cls, name: str, content: Mapping[str, Any]) -> Self:
        names, use, length = content["names"], content["use"], content["length"]
        if not isinstance(names, list) or not 1 <= len(names) <= MAX_COLUMNS:
            raise ValueError(f"field {name!r} must have 1 to {MAX_COLUMNS:,} columns")
        if not all(isinstance(each, str) for each in names):
            raise ValueError(f"the names of the columns of field {name!r} must be strings")
        if use not in get_args(Use):
            raise ValueError(f"field {name!r} has an unknown use of numbers, received: {use!r:.40}")
        fixed = use in ("steps", "forecast")
        if fixed != (length is not None) or (fixed and (type(length) is not int or not 1 <= length <= MAX_STEPS)):
            raise ValueError(f"field {name!r} has an invalid length, received: {length!r:.40}")
        segment = content["segment"]
        if type(segment) is not int or not 1 <= segment <= MAX_STEPS or (length or 0) % segment:
            raise ValueError(f"field {name!r} has an invalid segment, received: {segment!r:.40}")
        scaling = Scaling.from_json(content["scaling"], len(names))
        return cls(name, names, scaling, use=use, length=length, segment=segment)

    def _rows(self, columns: Columns) -> Ragged:
        length = 1 if self.use == "vector" else self.length
        return number_rows(columns[self.name], self.name, self.names, length=length)

    def windows(self, columns: Columns) -> Ragged | None:
        """Return the columns of the input that a forecast is relative to, float64 (total, width), or None."""
        if self.relative_to is None:
            return None
        name, positions = self.relative_to
        width = np.shape(columns[name][0])[-1] if np.ndim(columns[name][0]) > 1 else 1
        rows = number_rows(columns[name], name, [str(number) for number in range(1, width + 1)])
        return Ragged(rows.values[:, list(positions)], rows.offsets)

    def _check_windows(self, columns: Columns) -> None:
        if self.scaling.mode != "season" or self.relative_to is None:
            return
        for row, window in enumerate(columns[self.relative_to[0]], 1):
            if len(window) < self.scaling.season:
                raise DataError(
                    f"{self.relative_to[0]}, row {row}: expected at least a season of {self.scaling.season} steps, "
                    f"received: {len(window)}. Use longer sequences, or another scaling."
                )


def number_rows(rows: Any, name: str, names: Sequence[str], *, length: int | None = None) -> Ragged:
    """Check numbers and convert them to one array.

    Args:
        rows: an array (rows, length, width), or a sequence of arrays (length, width) of any lengths. The last axis may
            be missing if the width is 1, and the axis `length` if the argument `length` is 1.
        name: name of the field, for messages.
        names: names of the columns.
        length: the required number of elements of each row; None for any number of at least 1.

    Returns:
        float64 (total, width).

    Raises:
        DataError: if a row has another shape, or a number is missing or infinite; the message names row and column.
    """
    arrays = []
    for number, row in enumerate(rows, 1):
        try:
            array = np.asarray(row, np.float64)
        except (TypeError, ValueError):
            raise DataError(f"{name}, row {number}: expected numbers, received: {row!r:.60}") from None
        if array.ndim < 2 and length == 1:
            array = array.reshape(1, -1)
        elif array.ndim == 1 and len(names) == 1:
            array = array[:, None]
        if array.ndim != 2 or array.shape[1] != len(names) or not len(array) or length not in (None, len(array)):
            steps = "length" if length is None else length
            raise DataError(
                f"{name}, row {number}: expected numbers of the shape ({steps}, {len(names)}), received: the shape "
                f"{array.shape}."
            )
        arrays.append(array)
    values = np.concatenate(arrays) if arrays else np.empty((0, len(names)))
    found = Ragged.from_lengths(values, np.array([len(array) for array in arrays], np.int64))
    if not (finite := np.isfinite(found.values)).all():
        element, column = np.argwhere(~finite)[0].tolist()
        row = int(np.searchsorted(found.offsets, element, side="right"))
        step = element - int(found.offsets[row - 1]) + 1
        raise DataError(
            f"{name}, row {row}, step {step}, column {names[column]!r}: expected a finite number, received: "
            f"{found.values[element, column]}. Fill missing numbers, or drop the row."
        )
    return found
