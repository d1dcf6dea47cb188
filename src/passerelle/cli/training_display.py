"""The display of `train`: the prepared data, the results of each validation, the end of training."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerelle.cli.display import Bar, clock, note, note_trimmed
from passerelle.cli.training_words import (
    choice_words,
    comparison_words,
    interval_words,
    kept_words,
    place_words,
    search_words,
    tuning_words,
)
from passerelle.parallel.group import current
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.callbacks.interruption import Interruption
from passerelle.training.callbacks.progress import Progress, ProgressReport, seconds_left

if TYPE_CHECKING:
    from passerelle.inference.search_choice import Trial
    from passerelle.preparation import Prepared
    from passerelle.runs.translator_recording import TranslatorRecording
    from passerelle.translator import Translator

__all__ = ["TrainingDisplay", "explain_end", "train_with_display"]


def train_with_display(
    prepared: "Prepared",
    out: Path,
    interruption: Interruption,
    number: int = 1,
    count: int = 1,
    *,
    started: float | None = None,
    recording: "TranslatorRecording | None" = None,
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
            out=out if current().is_first else None,
            report=display.show_trial,
            started=started,
            recording=recording,
        )
    if not current().is_first:
        return translator
    if translator.record["diverged"]:
        note(
            f"training diverged: {translator.record['stopped']}. The weights of "
            f"{kept_words(translator.record)} are used. Lower the learning rate (now "
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
    intervals = record["epochs"]
    if record["interrupted"] or record["diverged"] or not record["stopped"] or not intervals:
        return
    early = record["stopped"].startswith("no better ")  # the reason of EarlyStopping
    limit = "" if settings.epochs is None else f" of {settings.epochs}"
    end = place_words(intervals[-1], intervals, limit=limit)
    note(
        f"stopped {'after' if early else 'in'} {end}: {record['stopped']}; "
        f"the weights of {kept_words(record)} are saved"
        f"{'; --set training.patience=0 trains all epochs' if early else ''}"
    )


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
    note_trimmed(prepared.trimmed, len(prepared.training) + len(prepared.validation))
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


class TrainingDisplay(Callback):
    """Prints a line for each validation. Between them, it shows a progress bar, or a line now and then in a log file.

    Args:
        epochs: maximum number of epochs; None if only the time is limited.
        bar: the progress bar; None for none.
        unit: name of the target tokens.
    """

    SECONDS = 60.0
    """Minimum number of seconds from one line to a line that only tells the progress."""

    def __init__(self, epochs: int | None, bar: "Bar | None", unit: str):
        self._limit = "" if epochs is None else f"/{epochs}"
        self._bar = bar
        self._unit = unit
        self._progress = Progress(self._show)
        self._wrote = time.perf_counter()

    @classmethod
    @contextmanager
    def open(cls, epochs: int | None, *, unit: str = "tokens") -> Iterator["TrainingDisplay"]:
        """Show the progress bar if standard error is a terminal; remove it at the end, also after an error."""
        if not (sys.stderr.isatty() and current().is_first):
            yield cls(epochs, None, unit)
            return
        with Bar() as bar:
            yield cls(epochs, bar, unit)

    def on_epoch_begin(self, run: Run) -> None:
        self._progress.on_epoch_begin(run)

    def on_update_end(self, run: Run) -> None:
        self._progress.on_update_end(run)

    def _show(self, report: ProgressReport) -> None:
        """Update the progress bar; without one, print the progress if there was no line for some time."""
        if self._bar is None and time.perf_counter() - self._wrote < self.SECONDS:
            return
        epoch, speed = f"epoch {report.epoch}{self._limit}", f"{report.tokens_per_second:,.0f} {self._unit}/s"
        remaining = "" if report.seconds_left is None else f"  remaining {clock(report.seconds_left)}"
        results = f"loss {report.loss:.3f}  {speed}{remaining}"
        if self._bar is None:
            self._write(f"update {report.done:,} of {report.updates:,} in {epoch}  {results}")
        else:
            done = report.done / report.updates
            self._bar.show(f"{epoch}  update {report.done:,}/{report.updates:,}  {results}", done)

    def on_validation_end(self, run: Run) -> None:
        """Print the results of the interval, and some validation sources with their translations."""
        interval = run.state.history[-1]
        lines = [interval_words(asdict(interval), limit=self._limit, updates=True, unit=self._unit)]
        # The first interval compiles programs, so its time says little about the others.
        remaining = 0.0 if run.state.stopped else seconds_left(run)
        if remaining and interval.number > 1:
            lines[0] += f"  remaining {clock(remaining)}"
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
        self._wrote = time.perf_counter()
        if self._bar is None:
            note(line)
        else:
            self._bar.write(line)
