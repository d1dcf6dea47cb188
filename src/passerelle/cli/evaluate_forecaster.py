"""passerelle evaluate-forecaster"""

import dataclasses
import json
from typing import Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.forecasting import Adapt, load_forecaster
from passerelle.cli.groups import IN_GROUP

__all__ = ["evaluate_forecaster"]


def evaluate_forecaster(
    model: str,
    file: str,
    /,
    *,
    stride: Annotated[int, Parameter(group=IN_GROUP["Data"]), WHOLE_NUMBER] = 1,
    adapt: Adapt = True,
    as_json: Annotated[bool, Parameter(name="--json", negative=(), show_default=False)] = False,
) -> None:
    """Measure the quality of forecasts on a file of time series.

    Parameters
    ----------
    model
        Model file (.keras) of a forecaster.
    file
        Test set: time series in the format of the training file, or .npz with the arrays history and future.
    stride
        Steps from one window to the next.
    adapt
        Make the intervals of each window wider or narrower by the errors of the forecasts whose future was known when
        it began, as predict does. Not for .npz.
    as_json
        Print the scores as one JSON object.
    """
    from passerelle.data.window_files import read_windows

    forecaster = load_forecaster(model)
    windows, _ = read_windows(file, forecaster.bundle.layout, stride=stride)
    report = forecaster.evaluate(windows, adapt=adapt)
    print(json.dumps(dataclasses.asdict(report)) if as_json else report)
