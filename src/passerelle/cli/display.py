"""What people see on standard error while they wait."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.callbacks.progress import Progress, ProgressReport

if TYPE_CHECKING:
    from passerelle.preparation import Prepared
    from passerelle.translator import Translator

__all__ = ["LinesDisplay", "TrainingDisplay", "note", "train_with_display"]


def note(message: str) -> None:
    """Says something on standard error."""
    print(message, file=sys.stderr, flush=True)


def train_with_display(prepared: "Prepared", number: int = 1, count: int = 1) -> "Translator":
    """Train and show the progress; the translator is `number` of `count` trained on the same pairs."""
    from passerelle.experiment import train_prepared

    if number == 1:
        _introduce(prepared)
    if count > 1:
        note(f"translator {number} of {count}, seed {prepared.settings.training.seed}")
    with TrainingDisplay.open(prepared.settings.training.epochs) as display:
        translator = train_prepared(prepared, [display])
    if translator.record["diverged"]:
        note(
            f"the loss of epoch {len(translator.record['epochs']) + 1} is not a number: training ended there, and the "
            f"best epoch so far is kept. Lower the learning rate (now {prepared.settings.training.learning_rate:g})."
        )
    return translator


def _introduce(prepared: "Prepared") -> None:
    batches, signature = prepared.training_batches, prepared.signature
    source, target = (len(field.tokenizer.vocabulary.tokens) for field in (signature.source, signature.target))
    if prepared.level_chosen:
        note(prepared.level_chosen)
    note(
        f"{len(prepared.training):,} pairs to train on, {len(prepared.validation):,} held out; {source:,} source and "
        f"{target:,} target tokens; {len(batches):,} batches in {len(batches.buckets)} shapes, "
        f"{100 * batches.padding_share():.0f} % padding"
    )
    for side, told in prepared.vector_coverage.items():
        extra = f", and for {prepared.extra_words:,} more" if side == "source" and prepared.extra_words else ""
        covered, tokens = told["with_vectors"], told["tokens"]
        note(f"vectors for {covered:,} of {tokens:,} {side} words ({100 * covered / tokens:.1f} %){extra}")
    if prepared.training.blank:
        note(f"{prepared.training.blank:,} rows skipped: source or target is blank")
    for reason, count in prepared.training.skipped.items():
        note(f"{count:,} rows skipped: {reason}")
    for reason, count in prepared.validation.skipped.items():
        note(f"{count:,} held-out rows skipped: {reason}")
    for side, count in prepared.unknown_validation_tokens.items():
        if count:
            weight = "" if prepared.settings.network.unknown else "; they weigh nothing"
            note(f"{count:,} {side} tokens of the held-out pairs are unknown{weight}")
    if prepared.overlap:
        note(f"{prepared.overlap:,} held-out sources are also trained on: their figures will be too good")
    note("the first epoch takes longer: programs are compiled")


class TrainingDisplay(Callback):
    """A line for each epoch, and on a terminal a progress bar with the time left."""

    def __init__(self, epochs: int, bar: "_Bar | None"):
        self._epochs = epochs
        self._bar = bar
        self._progress = Progress(self._show)

    @classmethod
    @contextmanager
    def open(cls, epochs: int) -> Iterator["TrainingDisplay"]:
        """Shows the bar where standard error is a terminal, and clears it at the end, whatever happens."""
        if not sys.stderr.isatty():
            yield cls(epochs, None)
            return
        with _Bar() as bar:
            yield cls(epochs, bar)

    def on_epoch_begin(self, run: Run) -> None:
        self._progress.on_epoch_begin(run)

    def on_update_end(self, run: Run) -> None:
        self._progress.on_update_end(run)

    def _show(self, report: ProgressReport) -> None:
        """Move the bar."""
        if self._bar is not None:
            left = "" if report.seconds_left is None else f"  left {_clock(report.seconds_left)}"
            text = f"epoch {report.epoch}/{report.epochs}  loss {report.loss:.3f}{left}"
            self._bar.show(text, report.done / report.updates)

    def on_epoch_end(self, run: Run) -> None:
        """Write the epoch's line, and an unseen source with its translation."""
        epoch, sample = run.state.history[-1], run.sample
        parts = [f"epoch {epoch.number}/{self._epochs}", f"loss {epoch.loss:.4f}"]
        if epoch.validation_loss is not None:
            parts.append(f"held out {epoch.validation_loss:.4f}")
        parts.append(f"{epoch.seconds:.1f} s")
        # The first epoch compiles, so it says little about the others.
        left = (self._epochs - epoch.number) * epoch.seconds
        if left and epoch.number > 1:
            parts.append(f"left {_clock(left)}")
        lines = ["  ".join(parts)]
        if sample is not None:
            lines.append(f"    {sample.source}  ->  {sample.translation}    (right: {sample.reference})")
        for line in lines:
            if self._bar is None:
                note(line)
            else:
                self._bar.write(line)


class LinesDisplay:
    """Lines done so far, as a bar on a terminal, and at the end how fast it went."""

    def __init__(self, size: int | None, bar: "_Bar | None"):
        self._size = size
        self._bar = bar
        self._started = time.perf_counter()
        self._lines = 0

    @classmethod
    @contextmanager
    def open(cls, size: int | None, *, shown: bool) -> Iterator["LinesDisplay"]:
        """Shows the bar if `shown` and standard error is a terminal; `size` is the file's, in bytes, where known."""
        if not (shown and sys.stderr.isatty()):
            yield cls(size, None)
            return
        with _Bar() as bar:
            yield cls(size, bar)

    def progress(self, lines: int, place: int) -> None:
        """Moves the bar: so many lines more are done, and the file is read up to byte `place`."""
        self._lines += lines
        if self._bar is not None:
            self._bar.show(self._told(), place / self._size if self._size else None)

    def summary(self, least: int) -> None:
        """Says lines and seconds, if there were at least so many lines."""
        if self._lines >= least:
            note(f"passerelle: {self._told()}")

    def _told(self) -> str:
        seconds = time.perf_counter() - self._started
        return f"{self._lines:,} lines in {seconds:.1f} s, {self._lines / max(seconds, 1e-6):,.0f} lines a second"


class _Bar:
    """One bar of rich, on standard error."""

    def __enter__(self) -> "_Bar":
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("compiling", total=1.0)
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def show(self, text: str, share: float | None) -> None:
        """Without a share, the bar only shows that something moves."""
        if share is None:
            self._progress.reset(self._task, total=None, description=text)
        else:
            self._progress.update(self._task, description=text, completed=share)

    def write(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
