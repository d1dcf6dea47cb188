"""passerelle train-forecaster"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.display import note
from passerelle.cli.forecasting import CommaSeparated, names_in, read_windows, series_layout
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.options import ForecasterOptions
from passerelle.cli.output import Overwrite, require_absent
from passerelle.cli.signals import exit_status, signal_words
from passerelle.cli.training_display import TrainingDisplay
from passerelle.cli.training_words import checkpoint_words
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.callbacks.interruption import Interruption

__all__ = ["train_forecaster"]

DATA = IN_GROUP["Data"]


def train_forecaster(
    file: str,
    /,
    *,
    time: Annotated[str, Parameter(group=DATA)] = "time",
    target: Annotated[CommaSeparated, Parameter(group=DATA)] = None,
    inputs: Annotated[CommaSeparated, Parameter(group=DATA)] = None,
    known: Annotated[CommaSeparated, Parameter(group=DATA)] = None,
    series: Annotated[str | None, Parameter(group=DATA)] = None,
    history: Annotated[int | None, Parameter(group=DATA), WHOLE_NUMBER] = None,
    horizon: Annotated[int | None, Parameter(group=DATA), WHOLE_NUMBER] = None,
    stride: Annotated[int, Parameter(group=DATA), WHOLE_NUMBER] = 1,
    calendar: Annotated[bool, Parameter(group=DATA, show_default=False)] = True,
    validation: Annotated[float | None, Parameter(group=DATA, show_default=False)] = None,
    refit: Annotated[bool, Parameter(group=IN_GROUP["Training"], negative=(), show_default=False)] = False,
    options: ForecasterOptions | None = None,
    out: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
    overwrite: Overwrite = False,
) -> int:
    """Train a forecaster on a file of time series.

    Parameters
    ----------
    file
        Time series: .csv with a header, or .parquet, with one row for each time; may be compressed. Or .npz with the
        arrays history, (rows, T, F), and future, (rows, H, G); and optionally known, (rows, H, K), and static,
        (rows, S).
    time
        Column of the time: dates or times such as 2024-01-31 or 2024-01-31 18:00, or whole numbers, at equal steps.
    target
        Columns to forecast, separated by commas.
    inputs
        Further columns that the forecaster reads, separated by commas; known until the forecast begins.
    known
        Columns that are known in advance, also for the time of the forecast, such as holidays; separated by commas.
    series
        Column with the name of the series of each row, for a file of several series.
    history
        Steps that the forecaster reads.
    horizon
        Steps to forecast.
    stride
        Steps from one training window to the next.
    calendar
        Use the time of day, the day of the week and the day of the year as inputs.
    validation
        Share of the time, at its end, to hold out; 0 turns validation and calibration off. [default: 0.1]
    refit
        Train the network once more at the end, on all windows and for as many epochs as were best by validation, so
        that it learns from the latest rows too. Intervals keep the calibration by the first network.
    out
        Model file to write. [default: the name of FILE, with .keras]
    overwrite
        Replace an existing file. Without it, an existing file is an error.
    """
    from passerelle.bundle.model_file import require_model_path
    from passerelle.errors import SettingsError
    from passerelle.forecasting import train_again, train_prepared_windows

    settings = (options or ForecasterOptions()).choose()
    path = require_model_path(out if out is not None else f"{Path(file).name.split('.')[0]}.keras")
    require_absent([path], overwrite=overwrite)
    layout = series_layout(
        file,
        time=time,
        targets=names_in(target),
        inputs=names_in(inputs),
        known=names_in(known),
        series=series,
        history=history,
        horizon=horizon,
        calendar=calendar,
    )
    windows, layout = read_windows(file, layout, stride=stride)
    training, held_out = windows.split(validation)
    if refit and not len(held_out):
        raise SettingsError(
            "--refit needs validation windows, which choose the number of epochs. Leave out one of both."
        )
    introduction = _Introduction(
        f"{len(training):,} training windows, {len(held_out):,} validation windows after them, "
        f"{windows.horizon} steps to forecast"
    )
    interruption = Interruption().__enter__()  # never left, as in passerelle train
    with TrainingDisplay.open(settings.training.epochs, unit="steps") as display:
        forecaster = train_prepared_windows(
            training, held_out, settings, callbacks=[introduction, display], interruption=interruption, layout=layout
        )
    if len(held_out):
        note(f"validation windows:\n{forecaster.evaluate(held_out, adapt=False)}")
    if refit and not interruption.requested:
        epochs = forecaster.record["kept_epoch"]
        again = _Introduction(f"training once more on all {len(windows):,} windows, {epochs} epochs")
        with TrainingDisplay.open(epochs, unit="steps") as display:
            forecaster = train_again(forecaster, windows, callbacks=[again, display], interruption=interruption)
    forecaster.save(path, overwrite=overwrite)
    checkpoint = checkpoint_words(forecaster.record)
    if interruption.requested:
        note(f"{signal_words(interruption.signal)}; saved {path} with the best checkpoint so far ({checkpoint})")
        return exit_status(interruption.signal)
    suffix = "npz" if file.endswith(".npz") else "csv"
    note(f"saved {path} ({checkpoint}). Try: passerelle predict {path} {file} --out forecast.{suffix}")
    return 0


class _Introduction(Callback):
    """Prints a line when training begins: not before the settings and the rows have been checked."""

    def __init__(self, line: str):
        self._line = line

    def on_train_begin(self, run: Run) -> None:
        note(self._line)
