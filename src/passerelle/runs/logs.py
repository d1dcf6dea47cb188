"""Logs of a run: a line for each validation as JSON and CSV, the samples, and the loss curve."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from passerelle.data.writing import write_atomically
from passerelle.errors import OutputError
from passerelle.plots.curve import draw_loss_curve
from passerelle.runs.folder import RunFolder
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import Sample

__all__ = ["Logs"]

COLUMNS = (
    "epoch", "updates", "loss", "accuracy", "validation_loss", "validation_perplexity", "validation_accuracy", "chrf",
    "exact_match", "weights", "skipped", "tokens", "learning_rate", "seconds", "run_seconds",
)  # fmt: skip
"""Names of the values of an interval, see `Interval`; the learning rate is that of the next update, the last two are
the seconds of the interval and of the run. The updates identify the interval."""

SAMPLE_COLUMNS = ("epoch", "updates", "source", "translation", "reference")

_LINE_BREAKS = str.maketrans(dict.fromkeys("\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", " "))


class Logs(Callback):
    """Write `log.jsonl`, `log.csv` and `samples.tsv` after each validation; `draw_curve` writes `loss.svg`.

    A resumed run first removes the lines of intervals after its checkpoint, which it trains again. An error in
    writing is reported once and does not end training.

    Args:
        folder: the run's folder.
        report: receives one line when writing fails.
    """

    def __init__(self, folder: RunFolder, report: Callable[[str], object]):
        self._folder = folder
        self._report = report
        self._failed = False
        self._intervals: list[dict[str, Any]] = []

    def on_train_begin(self, run: Run) -> None:
        self._try(self._begin, {interval.updates for interval in run.state.history})

    def on_validation_end(self, run: Run) -> None:
        self._try(self._append, _values(run), run.samples)

    def on_train_end(self, run: Run) -> None:
        self._intervals = [asdict(interval) for interval in run.state.history]

    def draw_curve(self) -> None:
        """Draw the loss curve of a run that has ended. It takes a second, so the model is saved first."""
        if self._intervals:
            self._try(self._draw, self._intervals)

    def _begin(self, finished: set[int]) -> None:
        """Write the heads of the logs, and those of their lines that belong to intervals with these `updates`."""
        folder = self._folder
        _write(folder.log, "".join(line for line in _lines(folder.log) if _updates_in_json(line) in finished))
        for path, columns, separator in ((folder.table, COLUMNS, ","), (folder.samples, SAMPLE_COLUMNS, "\t")):
            kept = [line for line in _lines(path) if _updates_in_table(line, separator) in finished]
            _write(path, separator.join(columns) + "\n" + "".join(kept))

    def _append(self, values: Mapping[str, Any], samples: Sequence[Sample]) -> None:
        folder = self._folder
        extra = {"samples": [asdict(sample) for sample in samples]} if samples else {}
        _append(folder.log, json.dumps({name: _finite(value) for name, value in values.items()} | extra) + "\n")
        row = io.StringIO()
        csv.writer(row, lineterminator="\n").writerow("" if values[name] is None else values[name] for name in COLUMNS)
        _append(folder.table, row.getvalue())
        for sample in samples:
            texts = [text.translate(_LINE_BREAKS) for text in (sample.source, sample.translation, sample.reference)]
            _append(folder.samples, "\t".join([str(values["epoch"]), str(values["updates"]), *texts]) + "\n")

    def _draw(self, intervals: list[dict[str, Any]]) -> None:
        try:
            picture = draw_loss_curve(intervals, title="Loss").encode()
        except ValueError:  # no loss is finite
            return
        write_atomically(self._folder.curve, lambda stream: stream.write(picture))

    def _try(self, write: Callable[..., None], *arguments: Any) -> None:
        try:
            write(*arguments)
        except (OSError, OutputError) as error:
            if not self._failed:
                reason = str(error).rstrip(".")
                self._report(f"the logs in {self._folder} are not complete: {reason}")
            self._failed = True


def _values(run: Run) -> dict[str, Any]:
    """Return the values of the interval that has just ended, by `COLUMNS`."""
    state = run.state
    values = asdict(state.history[-1]) | {
        "learning_rate": run.schedule.rate(state),
        "run_seconds": state.seconds,
    }
    return {name: values[name] for name in COLUMNS}


def _finite(value: Any) -> Any:
    """Return a value that JSON has: infinity and NaN become strings."""
    return str(value) if isinstance(value, float) and value - value != 0 else value


def _updates_in_json(line: str) -> int | None:
    try:
        updates = json.loads(line)["updates"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return updates if type(updates) is int else None


def _updates_in_table(line: str, separator: str) -> int | None:
    cells = line.split(separator, 2)
    cell = cells[COLUMNS.index("updates")] if len(cells) > 2 else ""
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 16 else None


def _lines(path: Path) -> list[str]:
    """Return the complete lines of a file; none if it does not exist."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
            return [line for line in stream if line.endswith("\n")]
    except FileNotFoundError:
        return []


def _write(path: Path, text: str) -> None:
    write_atomically(path, lambda stream: stream.write(text.encode("utf-8", "surrogateescape")))


def _append(path: Path, text: str) -> None:
    with open(path, "ab") as stream:
        stream.write(text.encode("utf-8", "backslashreplace"))
