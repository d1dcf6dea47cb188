"""Fields of numbers: scaling and back, checks with row and column, and distrust of what a file contains."""

import json
from typing import Any

import numpy as np
import pytest

from passerelle.errors import DataError
from passerelle.fields.numbers import NumbersField, number_rows
from passerelle.fields.scaling import Scaling
from passerelle.fields.signature import Signature

MODES = ("column", "window", "last", "season")


def rows_of(count: int = 6) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        "history": [random.normal(1000.0, 5.0, (int(random.integers(3, 7)), 2)) for _ in range(count)],
        "known": random.normal(size=(count, 4, 1)),
        "static": random.normal(size=(count, 3)),
        "future": random.normal(1000.0, 5.0, (count, 4, 2)),
    }


def signature_of(columns: dict[str, Any], mode: str) -> Signature:
    inputs = {
        "history": NumbersField.fit("history", columns, names=["a", "b"], mode=mode, season=2),
        "known": NumbersField.fit("known", columns, names=["k"], use="steps"),
        "static": NumbersField.fit("static", columns, names=["x", "y", "z"], use="vector"),
    }
    options: dict[str, Any] = {"mode": mode, "season": 2, "relative_to": ("history", (1, 0))}
    future = NumbersField.fit("future", columns, names=["b", "a"], use="forecast", **options)
    return Signature(inputs, {"future": future})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("mode", MODES)
def test_scaled_numbers_have_unit_variance_and_return_to_their_units(mode: str) -> None:
    columns = rows_of()
    signature = signature_of(columns, mode)
    scaled = signature.encode_targets(columns)["future"].values
    assert (scaled[:, -1] == 1.0).all()
    np.testing.assert_allclose(scaled[:, :-1].std(axis=0), 1.0, rtol=1e-5)
    restored = signature.target.units(columns).restore(scaled[:, :-1].reshape(6, 4, 2).astype(float))
    np.testing.assert_allclose(restored, columns["future"], atol=1e-4)


def test_the_offset_of_each_mode() -> None:
    history = np.array([[1.0, 2.0, 3.0, 5.0]])[..., None]
    windows = number_rows(history, "history", ["a"])
    offsets = {}
    for mode in MODES:
        scaling = Scaling.unfitted(mode, 3, np.array([0.01]))
        offsets[mode] = np.broadcast_to(scaling.of_forecasts(windows, 1, 4).offset, (1, 4, 1)).ravel().tolist()
    assert offsets == {
        "column": [0.0] * 4,
        "window": [2.75] * 4,
        "last": [5.0] * 4,
        "season": [2.0, 3.0, 5.0, 2.0],
    }


@pytest.mark.parametrize("mode", ["window", "last", "season"])
def test_a_shift_of_the_history_shifts_the_forecast(mode: str) -> None:
    """The network reads and writes the same scaled numbers, so only the units differ."""
    columns = rows_of()
    signature = signature_of(columns, mode)
    shifted = columns | {"history": [row + 100.0 for row in columns["history"]]}
    offsets = [signature.target.units(each).offset for each in (columns, shifted)]
    np.testing.assert_allclose(offsets[1] - offsets[0], 100.0, rtol=1e-9)


def test_a_constant_column_and_a_constant_window_are_scaled() -> None:
    columns = {"history": np.full((3, 5, 1), 7.0), "future": np.full((3, 2, 1), 7.0)}
    for mode in MODES:
        field = NumbersField.fit("history", columns, names=["a"], mode=mode)
        assert np.isfinite(field.encode(columns)["history"].values).all()


def test_a_constant_column_does_not_depend_on_rounding() -> None:
    columns = {"history": np.full((3, 7, 1), 0.1)}
    field = NumbersField.fit("history", columns, names=["a"])
    assert np.abs(field.encode(columns)["history"].values[:, 0]).max() < 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((2, 1, 0, np.nan), "history, row 3, step 2, column 'a': expected a finite number, received: nan"),
        ((0, 0, 1, np.inf), "history, row 1, step 1, column 'b': expected a finite number, received: inf"),
    ],
)
def test_missing_and_infinite_numbers_are_named(change: Any, message: str) -> None:
    columns = rows_of()
    row, step, column, value = change
    columns["history"][row][step, column] = value
    with pytest.raises(DataError, match=message):
        NumbersField.fit("history", columns, names=["a", "b"])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[[1.0, 2.0]], [[1.0]]], r"row 2: expected numbers of the shape \(length, 2\), received: the shape \(1, 1\)"),
        ([[["Monday", 2.0]]], "row 1: expected numbers, received"),
        ([np.zeros((0, 2))], r"row 1: expected numbers of the shape \(length, 2\), received: the shape \(0, 2\)"),
    ],
)
def test_wrong_shapes_are_named(rows: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        number_rows(rows, "history", ["a", "b"])


def test_segments_are_consecutive_elements_from_the_end() -> None:
    columns = {"history": [np.arange(10.0).reshape(5, 2), np.arange(8.0).reshape(4, 2)]}
    field = NumbersField.fit("history", columns, names=["a", "b"], segment=2)
    whole = NumbersField.fit("history", columns, names=["a", "b"])
    segments, elements = (each.encode(columns)["history"] for each in (field, whole))
    assert segments.lengths.tolist() == [2, 2]
    np.testing.assert_array_equal(segments[0][:, :-1].reshape(4, 2), elements[0][1:, :-1])
    assert (segments.values[:, -1] == 1.0).all()
    with pytest.raises(DataError, match="row 2: expected at least a segment of 2 steps, received: 1"):
        field.encode({"history": [columns["history"][0], [[1.0, 2.0]]]})
    with pytest.raises(DataError, match="future: 3 steps are not a multiple of the segment, 2"):
        NumbersField.fit("future", {"future": np.ones((4, 3, 1))}, names=["a"], use="forecast", segment=2)


def test_no_rows_are_encoded_but_not_fitted() -> None:
    columns = rows_of()
    for mode in MODES:
        field = NumbersField.fit("history", columns, names=["a", "b"], mode=mode)
        assert field.encode({"history": []})["history"].values.shape == (0, 3)
    with pytest.raises(DataError, match="history has no rows"):
        NumbersField.fit("history", {"history": []}, names=["a"])


def test_a_history_shorter_than_a_season_is_named() -> None:
    columns = rows_of()
    columns["history"][3] = columns["history"][3][:1]
    with pytest.raises(DataError, match="history, row 4: expected at least a season of 2 steps, received: 1"):
        signature_of(columns, "season")


def test_a_signature_of_numbers_round_trips_through_json() -> None:
    columns = rows_of()
    signature = signature_of(columns, "season")
    again = Signature.from_json(json.loads(json.dumps(signature.to_json())))
    assert again.to_json() == signature.to_json()
    for name, array in signature.encode_inputs(columns).items():
        np.testing.assert_array_equal(again.encode_inputs(columns)[name].values, array.values)
    assert signature.differences(again) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("names",), []),
        (("names",), ["b", 1]),
        (("use",), "other"),
        (("use",), "sequence"),
        (("length",), 0),
        (("length",), 2.0),
        (("length",), 10**9),
        (("segment",), 0),
        (("segment",), 3),
        (("scaling", "mode"), "other"),
        (("scaling", "season"), 0),
        (("scaling", "scale"), [0.0, 1.0]),
        (("scaling", "scale"), [1.0]),
        (("scaling", "center"), [float("inf"), 1.0]),
        (("scaling", "floor"), [1.0, "1"]),
        (("relative_to",), {"input": "history", "columns": [0, 2]}),
        (("relative_to",), {"input": "history", "columns": [0]}),
        (("relative_to",), {"input": "known", "columns": [0, 0]}),
        (("relative_to",), {"input": "none", "columns": [0, 0]}),
    ],
)
def test_a_manipulated_field_is_refused(path: tuple[str, ...], value: Any) -> None:
    content = json.loads(json.dumps(signature_of(rows_of(), "season").to_json()))
    inside = content["outputs"]["future"]
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    with pytest.raises((ValueError, KeyError, TypeError)):
        Signature.from_json(content)
