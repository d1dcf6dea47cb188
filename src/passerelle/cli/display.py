"""Messages and progress bars on standard error."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from passerelle.errors import escape_controls
from passerelle.parallel.group import current
from passerelle.training.callbacks.interruption import Interrupted, Interruption

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.fields.signature import Signature
    from passerelle.synthetic.block_translation import Progress as TranslationProgress

__all__ = [
    "Bar", "LinesDisplay", "PreparationDisplay", "SweepDisplay", "TranslationDisplay", "clock", "note", "note_trimmed",
    "note_trimmed_in",
]  # fmt: skip


TRIMMED_SHARE = 0.01
"""Share of the pairs with whitespace that means nothing above which this is reported."""


def note(message: str) -> None:
    """Print a message on standard error; control characters of texts and files in it are escaped.

    Of processes that train together, only the first one prints.
    """
    if current().is_first:
        print(escape_controls(message), file=sys.stderr, flush=True)


def note_trimmed(trimmed: int, pairs: int) -> None:
    """Report whitespace that is ignored, if many of the pairs have some."""
    if trimmed > TRIMMED_SHARE * pairs:
        note(
            f"{trimmed:,} of {pairs:,} pairs have whitespace at the ends of texts or tags, or needless separators; "
            f"both are ignored. To keep them, train with --exact-whitespace"
        )


def note_trimmed_in(pairs: "Pairs", signature: "Signature") -> None:
    """Report whitespace that is ignored in pairs that a model translates or scores, if many of them have some."""
    columns = pairs.columns if pairs.outputs else {**pairs.columns, signature.target.name: pairs.targets}
    note_trimmed(signature.trimmed(columns), len(pairs))


class Bar:
    """A progress bar of the library rich, on standard error."""

    def __enter__(self) -> "Bar":
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
        """Update the bar; without a share, it only shows activity."""
        if share is None:
            self._progress.reset(self._task, total=None, description=text)
        else:
            self._progress.update(self._task, description=text, completed=share)

    def write(self, line: str) -> None:
        self._progress.console.print(escape_controls(line), markup=False, highlight=False)


class LinesDisplay:
    """Shows the number of finished lines in a progress bar on a terminal, and prints the speed at the end."""

    def __init__(self, size: int | None, bar: "Bar | None"):
        self._size = size
        self._bar = bar
        self._started = time.perf_counter()
        self._lines = 0

    @classmethod
    @contextmanager
    def open(cls, size: int | None, *, shown: bool) -> Iterator["LinesDisplay"]:
        """Show the progress bar if `shown` and standard error is a terminal.

        Args:
            size: size of the input file in bytes; None if unknown.
            shown: whether a bar may be shown.
        """
        if not (shown and sys.stderr.isatty()):
            yield cls(size, None)
            return
        with Bar() as bar:
            yield cls(size, bar)

    def progress(self, lines: int, position: int) -> None:
        """Count more finished lines and update the progress bar; `position` is the part of the input that is read."""
        self._lines += lines
        if self._bar is not None:
            self._bar.show(self._summary(), position / self._size if self._size else None)

    def summary(self, minimum: int) -> None:
        """Print the number of lines and the speed, if there were at least `minimum` lines."""
        if self._lines >= minimum:
            note(f"passerelle: {self._summary()}")

    def _summary(self) -> str:
        seconds = time.perf_counter() - self._started
        return f"{self._lines:,} lines in {seconds:.1f} s, {self._lines / max(seconds, 1e-6):,.0f} lines per second"


class PreparationDisplay:
    """Shows the steps of reading and preparing large pairs: in a progress bar, or in a line now and then.

    Attributes:
        interruption: receives the signals that end training; one of them ends the preparation too.
    """

    DELAY = 1.0
    """Seconds until the bar is shown; small pairs need less."""

    SECONDS = 30.0
    """Minimum number of seconds between two lines."""

    def __init__(self, stack: ExitStack):
        self.interruption: Interruption | None = None
        self._stack = stack
        self._bar: Bar | None = None
        self._began = self._shown = time.perf_counter()
        self._step, self._step_began = "", self._began

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["PreparationDisplay"]:
        """Remove the bar at the end, also after an error."""
        with ExitStack() as stack:
            yield cls(stack)

    def show(self, step: str, done: int, total: int | None) -> None:
        """Show the progress of a step; see `data.storage.Report`.

        Raises:
            Interrupted: if a signal arrived.
        """
        if not step:
            return
        if self.interruption is not None and self.interruption.requested:
            raise Interrupted(self.interruption.signal)
        now = time.perf_counter()
        if step != self._step:
            self._step, self._step_began = step, now
        if now - self._began < self.DELAY or (not sys.stderr.isatty() and now - self._shown < self.SECONDS):
            return
        share = min(1.0, done / total) if total else None
        text = step
        if share:
            left = (now - self._step_began) * (1.0 / share - 1.0)
            text = f"{step}  {100 * share:.0f} %  remaining {clock(left)}"
        self._shown = now
        if not sys.stderr.isatty():
            note(text)
            return
        if self._bar is None:
            self._bar = self._stack.enter_context(Bar())
        self._bar.show(text, share)


class TranslationDisplay:
    """Shows how many texts are translated, and the remaining time: in a progress bar, or in a line now and then."""

    SECONDS = 30.0
    """Minimum number of seconds between two lines."""

    def __init__(self, bar: "Bar | None"):
        self._bar = bar
        self._shown = time.perf_counter()

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["TranslationDisplay"]:
        """Show the progress bar if standard error is a terminal; remove it at the end, also after an error."""
        if not sys.stderr.isatty():
            yield cls(None)
            return
        with Bar() as bar:
            yield cls(bar)

    def show(self, progress: "TranslationProgress") -> None:
        """Show the progress."""
        left = "" if progress.seconds_left is None else f"  remaining {clock(progress.seconds_left)}"
        text = f"translated {progress.done:,} of {progress.total:,} texts{left}"
        if self._bar is not None:
            self._bar.show(text, progress.done / progress.total)
        elif time.perf_counter() - self._shown >= self.SECONDS:
            note(text)
            self._shown = time.perf_counter()


class SweepDisplay:
    """Shows the number of updates of a learning rate sweep in a progress bar on a terminal."""

    def __init__(self, bar: "Bar | None"):
        self._bar = bar

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["SweepDisplay"]:
        """Show the progress bar if standard error is a terminal; remove it at the end, also after an error."""
        if not sys.stderr.isatty():
            yield cls(None)
            return
        with Bar() as bar:
            yield cls(bar)

    def show(self, done: int, updates: int, loss: float) -> None:
        """Show the number of completed updates, of at most `updates`, and the last loss."""
        if self._bar is not None:
            self._bar.show(f"update {done}/{updates}  loss {loss:.3f}", done / updates)


def clock(seconds: float) -> str:
    """Return a duration as minutes and seconds, and hours if there are any."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
