"""Windows of a series, and their split by time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.data.windows import Windows
from passerelle.errors import DataError, SettingsError

SERIES = np.arange(20.0)[:, None] + [0.0, 100.0]


def test_a_window_has_its_history_and_the_future_after_it() -> None:
    windows = Windows.sliding(SERIES, history=3, horizon=2, targets=[1], known=np.arange(20) * 10, stride=4)
    assert windows.history[1, :, 0].tolist() == [4, 5, 6]
    assert windows.future[1].ravel().tolist() == [107, 108]
    assert windows.known[1].ravel().tolist() == [70, 80]
    assert windows.positions.tolist() == [3, 7, 11, 15]
    assert windows.names == {"history": ["1", "2"], "future": ["2"]}


@settings(max_examples=60, deadline=None)
@given(
    steps=st.integers(30, 80),
    history=st.integers(1, 8),
    horizon=st.integers(1, 8),
    stride=st.integers(1, 4),
    share=st.floats(0.1, 0.6),
)
def test_no_number_that_validation_forecasts_is_in_a_training_window(
    steps: int, history: int, horizon: int, stride: int, share: float
) -> None:
    series = np.arange(float(steps))
    windows = Windows.sliding(series, history=history, horizon=horizon, stride=stride)
    try:
        training, validation = windows.split(share)
    except DataError:
        return
    seen = set(np.concatenate([training.history.ravel(), training.future.ravel()]).tolist())
    assert not seen & set(validation.future.ravel().tolist())
    assert max(seen) < validation.future.min()


def test_rows_without_positions_are_split_in_their_order() -> None:
    windows = Windows(np.zeros((10, 4, 1)), np.arange(20.0).reshape(10, 2))
    training, validation = windows.split(0.3)
    assert training.future.max() < validation.future.min()
    assert (len(training), len(validation)) == (7, 3)
    assert len(windows.split(0)[1]) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"history": 15, "horizon": 6}, DataError, "series has 20 steps; .* needs 21"),
        ({"history": 0, "horizon": 6}, SettingsError, "history must be a whole number of at least 1, received: 0"),
        ({"history": 3, "horizon": 2, "targets": [2]}, SettingsError, "targets must be columns from 0 to 1"),
        ({"history": 3, "horizon": 2, "known": np.zeros(19)}, DataError, r"known must have the shape \(20, columns\)"),
    ],
)
def test_impossible_windows_are_refused(arguments: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        Windows.sliding(SERIES, **arguments)


def test_columns_of_different_lengths_and_bad_shares_are_refused() -> None:
    with pytest.raises(DataError, match="equally many rows, received: 3 of history and 2 of future"):
        Windows(np.zeros((3, 4)), np.zeros((2, 4)))
    with pytest.raises(SettingsError, match="validation must be at least 0"):
        Windows(np.zeros((3, 4)), np.zeros((3, 4))).split(1.0)
    with pytest.raises(DataError, match="3 windows are too few"):
        Windows.sliding(np.arange(8.0), history=2, horizon=4).split(0.4)


def test_each_row_has_a_position() -> None:
    with pytest.raises(DataError, match=r"one whole number for each of 3 rows, received the shape \(2,\)"):
        Windows(np.zeros((3, 2)), np.zeros((3, 1)), positions=[1, 2])
