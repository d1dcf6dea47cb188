"""passerelle train-forecaster"""

import time as clock
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.forecaster_training import NewForecaster, resumed_forecaster, train_and_save
from passerelle.cli.forecasting import CommaSeparated, names_in, series_layout
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.new_training import require_run_options
from passerelle.cli.options import ForecasterOptions
from passerelle.cli.output import Overwrite
from passerelle.cli.runs import require_unused
from passerelle.errors import SettingsError

__all__ = ["train_forecaster"]

DATA, TRAINING, OUTPUT = IN_GROUP["Data"], IN_GROUP["Training"], IN_GROUP["Output"]


def train_forecaster(
    file: str | None = None,
    /,
    *,
    time: Annotated[str | None, Parameter(group=DATA, show_default=False)] = None,
    target: Annotated[CommaSeparated, Parameter(group=DATA)] = None,
    inputs: Annotated[CommaSeparated, Parameter(group=DATA)] = None,
    known: Annotated[CommaSeparated, Parameter(group=DATA)] = None,
    series: Annotated[str | None, Parameter(group=DATA)] = None,
    history: Annotated[int | None, Parameter(group=DATA), WHOLE_NUMBER] = None,
    horizon: Annotated[int | None, Parameter(group=DATA), WHOLE_NUMBER] = None,
    stride: Annotated[int | None, Parameter(group=DATA, show_default=False), WHOLE_NUMBER] = None,
    calendar: Annotated[bool | None, Parameter(group=DATA, show_default=False)] = None,
    validation: Annotated[float | None, Parameter(group=DATA, show_default=False)] = None,
    refit: Annotated[bool, Parameter(group=TRAINING, negative=(), show_default=False)] = False,
    resume: Annotated[str | None, Parameter(group=TRAINING)] = None,
    checkpoint_seconds: Annotated[float | None, Parameter(group=TRAINING, show_default=False)] = None,
    options: ForecasterOptions | None = None,
    out: Annotated[str | None, Parameter(group=OUTPUT)] = None,
    run: Annotated[str | None, Parameter(group=OUTPUT)] = None,
    no_run: Annotated[bool, Parameter(group=OUTPUT, negative=(), show_default=False)] = False,
    tensorboard: Annotated[str | None, Parameter(group=OUTPUT)] = None,
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
        [default: time]
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
        Steps from one training window to the next. [default: 1]
    calendar
        Use the time of day, the day of the week and the day of the year as inputs. [default: --calendar]
    validation
        Share of the time, at its end, to hold out; 0 turns validation and calibration off. [default: 0.1]
    refit
        Train the network once more at the end, on all windows and for as many epochs as were best by validation, so
        that it learns from the latest rows too. Intervals keep the calibration by the first network.
    resume
        Folder of an interrupted run, MODEL.run: continue it from its newest checkpoint, with its data and settings.
        Nothing else is needed; --epochs and --minutes make the run longer. FILE names the data if it was moved.
    checkpoint_seconds
        Seconds between two checkpoints; there is also one after each validation. They are less frequent where they
        would take more than 2 % of the time. [default: 60]
    out
        Model file to write. [default: the name of FILE, with .keras]
    run
        Folder of the run, for its settings, checkpoints, logs and loss curve. [default: the name of the model file,
        with .run instead of .keras]
    no_run
        Write no folder for the run, so that it cannot be resumed.
    tensorboard
        Folder for TensorBoard's logs; requires the package tensorboardX. With --resume, the default is that of the run.
    overwrite
        Replace existing files of the same names, and an earlier run. Without it, an existing file is an error.
    """
    started = clock.perf_counter()
    options = options or ForecasterOptions()
    require_run_options(checkpoint_seconds, run, no_run=no_run)
    if resume is not None:
        unused = {
            "--time": time, "--target": target, "--inputs": inputs, "--known": known, "--series": series,
            "--history": history, "--horizon": horizon, "--stride": stride, "--calendar": calendar,
            "--validation": validation, "--refit": refit or None, "--run": run, "--no-run": no_run or None,
        }  # fmt: skip
        require_unused(unused, "--resume: the run continues as it began")
        training = resumed_forecaster(
            resume, file, options, out=out, checkpoint_seconds=checkpoint_seconds, tensorboard=tensorboard
        )
        return train_and_save(training, overwrite=overwrite, started=started)
    if file is None:
        raise SettingsError("FILE is missing: name a file of time series, or continue a run with --resume MODEL.run.")
    layout = series_layout(
        file,
        time=time or "time",
        targets=names_in(target),
        inputs=names_in(inputs),
        known=names_in(known),
        series=series,
        history=history,
        horizon=horizon,
        calendar=calendar is not False,
    )
    new = NewForecaster(
        file=file, layout=layout, stride=1 if stride is None else stride, validation=validation, refit=refit,
        options=options, out=out if out is not None else f"{Path(file).name.split('.')[0]}.keras", run=run,
        no_run=no_run, checkpoint_seconds=checkpoint_seconds, tensorboard=tensorboard,
    )  # fmt: skip
    return train_and_save(new.begun(overwrite=overwrite), overwrite=overwrite, started=started)
