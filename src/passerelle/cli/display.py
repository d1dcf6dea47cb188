"""Progress and messages on standard error."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerelle.errors import escape_controls
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.callbacks.interruption import Interruption
from passerelle.training.callbacks.progress import Progress, ProgressReport, seconds_left

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.fields.signature import Signature
    from passerelle.inference.search_choice import Trial
    from passerelle.preparation import Prepared
    from passerelle.runs.recording import Recording
    from passerelle.synthetic.block_translation import Progress as TranslationProgress
    from passerelle.training.history import Epoch
    from passerelle.translator import Translator

__all__ = [
    "LinesDisplay", "SweepDisplay", "TrainingDisplay", "TranslationDisplay", "choice_words", "comparison_words",
    "explain_end", "kept_average", "note", "note_trimmed_in", "search_words", "train_with_display", "tuning_words",
]  # fmt: skip


WEIGHTS_WORDS = {
    "raw": "weights of the last update",
    "ema": "moving average of weights",
    "average": "average of last epochs",
}
"""The kinds of weights in words, see `training.history.WEIGHTS`."""

TRIMMED_SHARE = 0.01
"""Share of the pairs with whitespace that means nothing above which this is reported."""


def note(message: str) -> None:
    """Print a message on standard error; control characters of texts and files in it are escaped."""
    print(escape_controls(message), file=sys.stderr, flush=True)


def _note_trimmed(trimmed: int, pairs: int) -> None:
    """Report whitespace that is ignored, if many of the pairs have some."""
    if trimmed > TRIMMED_SHARE * pairs:
        note(
            f"{trimmed:,} of {pairs:,} pairs have whitespace at the ends of texts or tags, or needless separators; "
            f"both are ignored. To keep them, train with --exact-whitespace"
        )


def note_trimmed_in(pairs: "Pairs", signature: "Signature") -> None:
    """Report whitespace that is ignored in pairs that a model translates or scores, if many of them have some."""
    columns = pairs.columns if pairs.outputs else {**pairs.columns, signature.target.name: pairs.targets}
    _note_trimmed(signature.trimmed(columns), len(pairs))


def train_with_display(
    prepared: "Prepared",
    out: Path,
    interruption: Interruption,
    number: int = 1,
    count: int = 1,
    *,
    started: float | None = None,
    recording: "Recording | None" = None,
    callbacks: Sequence[Callback] = (),
) -> "Translator":
    """Train a translator and show the progress.

    Args:
        prepared: prepared data.
        out: model file that will be written; checked before training.
        interruption: receives the signals that end training.
        number: number of this translator.
        count: number of translators trained on the same pairs.
        started: see `train_prepared`.
        recording: the run's folder; None without one.
        callbacks: called after the display.
    """
    from passerelle.experiment.prepared_training import train_prepared

    if number == 1:
        _introduce(prepared)
    if count > 1:
        note(f"translator {number} of {count}, seed {prepared.settings.training.seed}")
    with TrainingDisplay.open(prepared.settings.training.epochs) as display:
        translator = train_prepared(
            prepared,
            [display, *callbacks],
            interruption=interruption,
            out=out,
            report=display.show_trial,
            started=started,
            recording=recording,
        )
    if translator.record["diverged"]:
        note(
            f"training diverged: {translator.record['stopped']}. The weights of epoch "
            f"{translator.record['kept_epoch']} are used. Lower the learning rate (now "
            f"{prepared.settings.training.learning_rate:g}) or set training.clip."
        )
    searches = translator.record.get("searches", {})
    for name, choice in searches.items():
        note(f"stored search of {name}: {choice_words(choice)}")
    if not searches and translator.record["search"] is not None:
        note(f"stored search: {choice_words(translator.record['search'])}")
    for scores in translator.record.get("fine_tuning", {}).get("scores", ()):
        note(comparison_words(scores))
    return translator


def explain_end(translator: "Translator") -> None:
    """Say why training ended before its last epoch, if nobody interrupted it; the translator is saved."""
    record, settings = translator.record, translator.settings.training
    if record["interrupted"] or record["diverged"] or not record["stopped"]:
        return
    early = record["stopped"].startswith("no better ")  # the reason of EarlyStopping
    limit = "" if settings.epochs is None else f" of {settings.epochs}"
    note(
        f"stopped {'after' if early else 'in'} epoch {len(record['epochs'])}{limit}: "
        f"{record['stopped']}; the weights of epoch {record['kept_epoch']} are saved"
        f"{'; --set training.patience=0 trains all epochs' if early else ''}"
    )


def kept_average(translator: "Translator") -> str:
    """Return which average of weights was kept, to be added to the kept epoch; empty if it is none."""
    record = translator.record
    kinds = [epoch["weights"] for epoch in record["epochs"] if epoch["number"] == record["kept_epoch"]]
    return "".join(f", {WEIGHTS_WORDS[kind]}" for kind in kinds if kind != "raw")


def comparison_words(scores: dict[str, Any]) -> str:
    """Return a comparison of a training record in words: the scores before and after fine-tuning."""
    metric = "chrF" if scores["metric"] == "chrf" else "exact match"
    return (
        f"{scores['count']:,} {scores['pairs']} validation pairs: {metric} {scores['before']:.1f} before fine-tuning, "
        f"{scores['after']:.1f} after"
    )


def choice_words(choice: dict[str, Any]) -> str:
    """Return the stored search of a training record in words, with the reason and the scores that were compared."""
    words = search_words(choice["beam"], choice["length_penalty"])
    if not choice["trials"]:
        return f"{words} ({choice['reason']})"
    metric = "chrF" if choice["metric"] == "chrf" else "exact match"
    scores = ", ".join(
        f"{search_words(trial['beam'], trial['length_penalty'])} {trial['score']:.2f}" for trial in choice["trials"]
    )
    return f"{words} ({choice['reason']}; {metric} on {choice['sources']:,} sources: {scores})"


def search_words(beam: int, length_penalty: float) -> str:
    """Return a search in words."""
    return "greedy" if beam == 1 else f"beam {beam}, length penalty {length_penalty:g}"


def _introduce(prepared: "Prepared") -> None:
    batches, signature = prepared.training_batches, prepared.signature
    fields: list[Any] = [signature.source, *signature.outputs.values()]
    texts = [field for field in fields if field.kind == "text"]
    tokens = [f"{len(field.tokenizer.vocabulary.tokens):,} {field.name}" for field in texts]
    tokens = [*tokens[:-2], " and ".join(tokens[-2:])]
    for choice in prepared.choices:
        note(choice)
    note(
        f"{len(prepared.training):,} training pairs, {len(prepared.validation):,} validation pairs; "
        f"{', '.join(tokens)} tokens; {len(batches):,} batches in {len(batches.buckets)} shapes, "
        f"{100 * batches.padding_share():.0f} % padding"
    )
    if prepared.fine_tuning is not None:
        _introduce_fine_tuning(prepared)
    for side, coverage in prepared.vector_coverage.items():
        extra = f", and {prepared.extra_words:,} extra words" if side == "source" and prepared.extra_words else ""
        covered, tokens = coverage["with_vectors"], coverage["tokens"]
        note(f"vectors for {covered:,} of {tokens:,} {side} words ({100 * covered / tokens:.1f} %){extra}")
    if prepared.training.blank:
        note(f"{prepared.training.blank:,} rows skipped: source or target is empty or whitespace")
    for reason, count in prepared.training.skipped.items():
        note(f"{count:,} rows skipped: {reason}")
    for reason, count in prepared.validation.skipped.items():
        note(f"{count:,} validation rows skipped: {reason}")
    for side, count in prepared.unknown_validation_tokens.items():
        if count:
            effect = "" if prepared.settings.network.unknown else "; the loss ignores them"
            note(f"{count:,} {side} tokens of the validation pairs are unknown{effect}")
    _note_trimmed(prepared.trimmed, len(prepared.training) + len(prepared.validation))
    for side in prepared.sides_without_spaces:
        own = (
            f"--set outputs.{side}.level=character"
            if side in prepared.training.outputs
            else f"--{side}-level character"
        )
        note(
            f"{side} texts are written without spaces, so at level word a token is a whole phrase. Use "
            f"--level character, or {own} for this side only"
        )
    for output in prepared.training.outputs:
        kind = ", numbers" if output in prepared.training.number_outputs else ""
        note(f"{len(prepared.training.of_output(output)):,} training pairs have the output {output}{kind}")
    if prepared.overlap:
        note(f"{prepared.overlap:,} validation sources are also training sources: validation results will be too good")
    note("the first epoch takes longer, since it compiles programs")


def _introduce_fine_tuning(prepared: "Prepared") -> None:
    """Print from which model training starts, and which tokens of the pairs it does not know."""
    tuning = prepared.fine_tuning
    if tuning is None:
        return
    note(f"tuned from {tuning_words(tuning.to_json(prepared.signature))}")
    for side, count in prepared.unknown_training_tokens.items():
        if count:
            advice = " in spite of --new-tokens" if tuning.settings.new_tokens else "; --new-tokens adds them"
            note(f"{count:,} {side} tokens of the training pairs are unknown to the model{advice}")


def tuning_words(facts: dict[str, Any]) -> str:
    """Return the facts of a training record about fine-tuning in words, the scores left out."""
    words = [str(facts["model"])]
    words += [f"{count:,} new {field} tokens" for field, count in facts.get("new_tokens", {}).items()]
    if frozen := facts.get("frozen"):
        words.append(f"frozen: {', '.join(frozen)}")
    if corrections := facts.get("corrections"):
        words.append(f"{corrections:,} corrections, each {facts['corrections_weight']} times per epoch")
    if old := facts.get("old_pairs"):
        words.append(f"{100 * old['share']:g} % of each epoch from the {old['pairs']:,} pairs of {old['name']}")
    return "; ".join(words)


class TrainingDisplay(Callback):
    """Prints a line for each epoch and, on a terminal, shows a progress bar with the remaining time."""

    def __init__(self, epochs: int | None, bar: "_Bar | None"):
        self._limit = "" if epochs is None else f"/{epochs}"
        self._bar = bar
        self._progress = Progress(self._show)

    @classmethod
    @contextmanager
    def open(cls, epochs: int | None) -> Iterator["TrainingDisplay"]:
        """Show the progress bar if standard error is a terminal; remove it at the end, also after an error."""
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
        """Update the progress bar."""
        if self._bar is not None:
            remaining = "" if report.seconds_left is None else f"  remaining {_clock(report.seconds_left)}"
            text = f"epoch {report.epoch}{self._limit}  loss {report.loss:.3f}{remaining}"
            self._bar.show(text, report.done / report.updates)

    def on_epoch_end(self, run: Run) -> None:
        """Print the results of the epoch, and some validation sources with their translations."""
        epoch = run.state.history[-1]
        lines = ["  ".join([f"epoch {epoch.number}{self._limit}", *_results(epoch)])]
        # The first epoch compiles programs, so its time says little about the others.
        remaining = 0.0 if run.state.stopped else seconds_left(run)
        if remaining and epoch.number > 1:
            lines[0] += f"  remaining {_clock(remaining)}"
        lines += [
            f"    {sample.source}  ->  {sample.translation}    (reference: {sample.reference})"
            for sample in run.samples
        ]
        for line in lines:
            self._write(line)

    def on_train_end(self, run: Run) -> None:
        if self._bar is not None:
            self._bar.show("comparing searches on validation sources", None)

    def show_trial(self, trial: "Trial") -> None:
        """Print the score of a search that was compared after training."""
        self._write(f"{search_words(trial.beam, trial.length_penalty)}: {trial.score:.2f}  {trial.seconds:.1f} s")

    def _write(self, line: str) -> None:
        if self._bar is None:
            note(line)
        else:
            self._bar.write(line)


def _results(epoch: "Epoch") -> list[str]:
    """Return the results of an epoch in words."""
    parts = [f"loss {epoch.loss:.4f}"]
    if epoch.validation_loss is not None:
        parts.append(f"validation loss {epoch.validation_loss:.4f}")
    if epoch.chrf is not None and epoch.exact_match is not None:
        parts.append(f"chrF {epoch.chrf:.1f}  exact {epoch.exact_match:.1f} %")
    if epoch.weights != "raw":
        parts.append(WEIGHTS_WORDS[epoch.weights])
    if epoch.skipped:
        parts.append(f"{epoch.skipped:,} updates skipped (gradients not finite)")
    return [*parts, f"{epoch.seconds:.1f} s"]


class LinesDisplay:
    """Shows the number of finished lines in a progress bar on a terminal, and prints the speed at the end."""

    def __init__(self, size: int | None, bar: "_Bar | None"):
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
        with _Bar() as bar:
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


class TranslationDisplay:
    """Shows how many texts are translated, and the remaining time: in a progress bar, or in a line now and then."""

    SECONDS = 30.0
    """Minimum number of seconds between two lines."""

    def __init__(self, bar: "_Bar | None"):
        self._bar = bar
        self._shown = time.perf_counter()

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["TranslationDisplay"]:
        """Show the progress bar if standard error is a terminal; remove it at the end, also after an error."""
        if not sys.stderr.isatty():
            yield cls(None)
            return
        with _Bar() as bar:
            yield cls(bar)

    def show(self, progress: "TranslationProgress") -> None:
        """Show the progress."""
        left = "" if progress.seconds_left is None else f"  remaining {_clock(progress.seconds_left)}"
        text = f"translated {progress.done:,} of {progress.total:,} texts{left}"
        if self._bar is not None:
            self._bar.show(text, progress.done / progress.total)
        elif time.perf_counter() - self._shown >= self.SECONDS:
            note(text)
            self._shown = time.perf_counter()


class SweepDisplay:
    """Shows the number of updates of a learning rate sweep in a progress bar on a terminal."""

    def __init__(self, bar: "_Bar | None"):
        self._bar = bar

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["SweepDisplay"]:
        """Show the progress bar if standard error is a terminal; remove it at the end, also after an error."""
        if not sys.stderr.isatty():
            yield cls(None)
            return
        with _Bar() as bar:
            yield cls(bar)

    def show(self, done: int, updates: int, loss: float) -> None:
        """Show the number of completed updates, of at most `updates`, and the last loss."""
        if self._bar is not None:
            self._bar.show(f"update {done}/{updates}  loss {loss:.3f}", done / updates)


class _Bar:
    """A progress bar of the library rich, on standard error."""

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
        """Update the bar; without a share, it only shows activity."""
        if share is None:
            self._progress.reset(self._task, total=None, description=text)
        else:
            self._progress.update(self._task, description=text, completed=share)

    def write(self, line: str) -> None:
        self._progress.console.print(escape_controls(line), markup=False, highlight=False)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
