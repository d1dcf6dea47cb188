"""passerelle predict"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from passerelle.cli.display import note
from passerelle.cli.forecasting import Adapt, load_forecaster
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.output import Overwrite, require_absent, write_text

if TYPE_CHECKING:
    import numpy as np

    from passerelle.data.layout import Layout
    from passerelle.data.series import Series
    from passerelle.data.windows import Windows
    from passerelle.forecaster import Forecaster

__all__ = ["predict"]

LEVELS = "0.05,0.1,0.5,0.9,0.95"


def predict(
    model: str,
    file: str,
    /,
    *,
    quantiles: Annotated[str, Parameter(group=IN_GROUP["Search"])] = LEVELS,
    out: str | None = None,
    plot: str | None = None,
    truth: str | None = None,
    adapt: Adapt = True,
    overwrite: Overwrite = False,
) -> None:
    """Forecast the values that follow the end of each time series.

    Parameters
    ----------
    model
        Model file (.keras) of a forecaster.
    file
        Time series in the format of the training file: the forecast begins after the last row with targets. For a
        forecaster with known columns, rows with these and with empty targets must follow. For a forecaster that was
        trained on arrays, .npz with the array history, and known and static if it has them.
    quantiles
        Levels of the quantiles, separated by commas. Forecasters without quantiles write only the point.
    out
        Output file: .csv with the series, the time, the column, the point and the quantiles of each step; or .npz with
        arrays. Without it, CSV is written to standard output.
    plot
        Output file (.svg): history, forecast and interval of the first series and the first column.
    truth
        File of time series with the true numbers of the forecast, for --plot.
    adapt
        Make the intervals wider or narrower by the errors of the forecaster on the rows of FILE that are later than
        its training and validation, at most 500 windows of each series. Not for .npz.
    overwrite
        Replace existing files. Without it, an existing file is an error.
    """
    from passerelle.errors import OutputError

    require_absent([path for path in (out, plot) if path is not None], overwrite=overwrite)
    levels = _levels(quantiles)
    forecaster = load_forecaster(model)
    is_array = file.endswith(".npz")
    if is_array != (forecaster.bundle.layout is None):
        expected = (
            "arrays; give it a .npz file" if forecaster.bundle.layout is None else "time series; give it such a file"
        )
        raise OutputError(f"{model} was trained on {expected}.")
    if is_array:
        _predict_arrays(forecaster, file, levels, out, overwrite=overwrite)
    else:
        _predict_series(forecaster, file, levels, out, plot, truth, adapt=adapt, overwrite=overwrite)


def _levels(text: str) -> list[float]:
    from passerelle.errors import SettingsError

    try:
        levels = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        levels = [-1.0]
    if not all(0.0 < level < 1.0 for level in levels):
        raise SettingsError(f"--quantiles must be numbers between 0 and 1, such as {LEVELS}, received: {text!r:.60}")
    return levels


def _predict_arrays(
    forecaster: "Forecaster", file: str, levels: list[float], out: str | None, *, overwrite: bool
) -> None:
    import numpy as np

    from passerelle.data.window_files import read_arrays
    from passerelle.data.writing import write_atomically
    from passerelle.errors import OutputError

    if out is None or not out.endswith(".npz"):
        raise OutputError("the forecast of arrays is a .npz file. Add --out forecast.npz.")
    inputs = {name: array for name, array in read_arrays(file).items() if name != "future"}
    found: dict[str, Any] = {"point": forecaster.predict(**inputs)}
    if forecaster.has_quantiles:
        found |= {f"q{level:g}": array for level, array in forecaster.quantiles(levels=levels, **inputs).items()}
    write_atomically(out, lambda stream: np.savez(stream, **found), overwrite=overwrite)


def _predict_series(
    forecaster: "Forecaster",
    file: str,
    levels: list[float],
    out: str | None,
    plot: str | None,
    truth: str | None,
    *,
    adapt: bool,
    overwrite: bool,
) -> None:
    from passerelle.data.series import read_series
    from passerelle.data.series_windows import last_windows, past_of
    from passerelle.data.writing import write_atomically

    layout: Any = forecaster.bundle.layout
    series, layout = read_series(file, layout)
    past = [each for each in (past_of(one, layout) for one in series) if len(each.times)]
    inputs = last_windows(past, layout, series, name=file)
    points = _columns(forecaster.predict(**inputs))
    found = {}
    if forecaster.has_quantiles:
        recent = _recent(forecaster, past, layout, file) if adapt else None
        quantiles = forecaster.quantiles(levels=levels, recent=recent, **inputs)
        found = {level: _columns(values) for level, values in quantiles.items()}
    text = _table(past, layout, points, found)
    if out is None:
        write_text(text)
    else:
        write_atomically(out, lambda stream: stream.write(text.encode()), overwrite=overwrite)
    if plot is not None:
        svg = _picture(past[0], layout, points[0], {level: values[0] for level, values in found.items()}, truth)
        write_atomically(plot, lambda stream: stream.write(svg.encode()), overwrite=overwrite)


def _table(
    past: "list[Series]", layout: "Layout", points: "np.ndarray", quantiles: "Mapping[float, np.ndarray]"
) -> str:
    """Return forecasts as CSV: a row for each series, step and column.

    Args:
        past: the series until the forecast begins.
        layout: their layout.
        points: point forecasts, (series, H, G).
        quantiles: quantiles by level, (series, H, G).
    """
    import csv
    import io

    from passerelle.data.layout import time_label
    from passerelle.data.series_windows import next_times

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    named = [layout.series] if layout.series else []
    writer.writerow([*named, layout.time, "column", "forecast", *[f"q{level:g}" for level in quantiles]])
    for row, each in enumerate(past):
        for step, time in enumerate(next_times(each, layout)):
            for column, label in enumerate(layout.targets):
                numbers = [points[row, step, column], *[values[row, step, column] for values in quantiles.values()]]
                series_name = [each.name] if layout.series else []
                writer.writerow([*series_name, time_label(int(time), layout), label, *[f"{n:.8g}" for n in numbers]])
    return text.getvalue()


def _picture(
    past: "Series", layout: "Layout", points: "np.ndarray", quantiles: "Mapping[float, np.ndarray]", truth: str | None
) -> str:
    """Draw the first column of the forecast of one series, as SVG.

    Args:
        past: the series until the forecast begins.
        layout: its layout.
        points: point forecasts, (H, G).
        quantiles: quantiles by level, (H, G).
        truth: file with the true numbers; None for none.
    """
    from passerelle.data.series import read_series
    from passerelle.data.series_windows import next_times
    from passerelle.plots.forecast import draw_forecast

    true_numbers = None
    if truth is not None:
        by_time = {
            int(time): values[0]
            for each in read_series(truth, layout)[0]
            if each.name == past.name
            for time, values in zip(each.times, each.values, strict=True)
        }
        true_numbers = [by_time.get(int(time), float("nan")) for time in next_times(past, layout)]
    outer = sorted(quantiles)
    low, *_, high = outer if len(outer) > 1 else (None, None)
    return draw_forecast(
        past.values[-2 * max(layout.history, layout.horizon) :, 0],
        points[:, 0],
        low=None if low is None else quantiles[low][:, 0],
        high=None if high is None else quantiles[high][:, 0],
        interval=0.0 if low is None or high is None else high - low,
        truth=true_numbers,
        title=f"{layout.targets[0]} after {past.labels[-1]}",
    )


def _recent(forecaster: "Forecaster", past: "list[Series]", layout: "Layout", file: str) -> "Windows | None":
    """Return the windows by whose errors the intervals are adapted: those after all training and validation rows."""
    from passerelle.data.series_windows import recent_windows

    calibration = forecaster.bundle.calibration
    if calibration is None or calibration.end is None:
        return None
    recent = recent_windows(past, layout, calibration.end, name=file)
    if recent is not None:
        note(f"intervals adapted to the errors on {len(recent):,} windows after the training data")
    return recent


def _columns(values: Any) -> Any:
    """Return a forecast with its axis of columns."""
    return values[..., None] if values.ndim == 2 else values
