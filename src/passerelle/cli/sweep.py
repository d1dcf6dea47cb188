"""passerelle sweep"""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.display import note
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.new_training import share_or_files
from passerelle.cli.options import ReadingOptions, SettingsOptions
from passerelle.cli.output import Overwrite, write_text
from passerelle.cli.signals import exit_status, signal_words
from passerelle.cli.training import receive_signals
from passerelle.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.settings import Settings
    from passerelle.sweep.folder import SweepFolder
    from passerelle.sweep.study import Sweep, TrialResult

__all__ = ["sweep"]

TRIALS = 20
MAX_TRIALS = 100_000
COLUMNS = ("trial", "state", "value", "epochs", "seconds")


def sweep(
    space: str,
    /,
    *pairs: str,
    out: Annotated[str, Parameter(group=IN_GROUP["Output"])],
    reading: ReadingOptions | None = None,
    validation: Annotated[tuple[str, ...], Parameter(group=IN_GROUP["Data"], negative=(), show_default=False)] = (),
    options: SettingsOptions | None = None,
    source_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    target_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    objective: Annotated[Literal["auto", "chrf", "exact", "loss"], Parameter(group=IN_GROUP["Training"])] = "auto",
    trials: Annotated[int, Parameter(group=IN_GROUP["Training"]), WHOLE_NUMBER] = TRIALS,
    total_minutes: Annotated[float | None, Parameter(group=IN_GROUP["Training"])] = None,
    resume: Annotated[bool, Parameter(group=IN_GROUP["Training"], negative=(), show_default=False)] = False,
    overwrite: Overwrite = False,
) -> int:
    """Train with many different settings, and keep the best translator.

    Parameters
    ----------
    space
        Search space: a TOML file with one table per setting, named by its dotted name, such as
        [training.learning_rate], or by its option, such as [units]. A table contains low and high, and optionally
        log = true or a step; or choices = [...].
    pairs
        Training data, as for passerelle train. All trials use the same training and validation pairs.
    validation
        Validation set, as for passerelle train; the trials are compared on it.
    source_vectors
        Pretrained embeddings for the source, as for passerelle train.
    target_vectors
        Pretrained embeddings for the target, as for passerelle train.
    objective
        Value to optimize: chrf or exact (exact match), of translations of at most 512 validation pairs with the stored
        search; loss, the validation loss per character of the target; or auto, exact if most targets are single words
        or pretokenized, otherwise chrf. With several outputs, chrf and exact are means over them. Trials that are worse
        than most others at a validation end early; --metric is the metric of this comparison.
    trials
        Number of trials, those before an interruption included.
    total_minutes
        Time limit of the sweep in minutes; the trial in progress is then ended and does not count. --minutes is the
        limit of each trial.
    out
        Model file of the best trial. The folder next to it, with .sweep instead of .keras, contains the results of all
        trials.
    resume
        Continue the sweep of --out after an interruption, or with more --trials. A trial that was not finished is
        repeated.
    overwrite
        Replace an existing model and an earlier sweep. Without it, they are an error.
    """
    started = time.perf_counter()
    from passerelle.preparation import split
    from passerelle.sweep.folder import SUFFIX, SweepFolder
    from passerelle.sweep.objective import Objective
    from passerelle.sweep.space import read_space
    from passerelle.sweep.study import Sweep, require_optuna

    reading, options = reading or ReadingOptions(), options or SettingsOptions()
    _check_options(pairs, trials, total_minutes, resume=resume, overwrite=overwrite)
    require_optuna()
    tagged = reading.names_tag_column()

    def settings_of(values: Any) -> "Settings":
        return options.choose(tagged=tagged, changes=values)

    base = settings_of({})
    ranges = read_space(space)
    path = _model_path(out)
    folder = SweepFolder(path.with_suffix(SUFFIX))
    _check_files(path, folder, resume=resume, overwrite=overwrite)
    tagged = tagged or base.tags.mode != "none"
    held_out = share_or_files(validation)
    if isinstance(held_out, tuple):
        held_out = reading.read(held_out, tagged=tagged, limited=False)
    training, validation_pairs = split(reading.read(pairs, tagged=tagged), held_out, base)
    if not validation_pairs:
        raise SettingsError("a sweep compares its trials on validation pairs, and there are none. Add --validation.")
    metric = _metric(objective, base, training)
    pruning = "loss" if "training.metric" in ranges else base.training.metric  # one that all trials have
    vectors = {"source_vectors": source_vectors, "target_vectors": target_vectors}
    description = _description(ranges, base, training, validation_pairs, metric, vectors)
    interruption = receive_signals()
    with folder.locked():
        if overwrite:
            folder.discard()
        folder.begin(description)
        running = Sweep(
            ranges, settings_of, training, validation_pairs, Objective(metric, pruning), folder, base.training.seed,
            vectors=vectors, interruption=interruption,
            deadline=float("inf") if total_minutes is None else started + 60.0 * total_minutes,
        )  # fmt: skip
        note(
            f"{len(training):,} training pairs, {len(validation_pairs):,} validation pairs; objective: {metric}; "
            f"{len(running.results())} of {trials} trials are done"
        )
        ended = running.run(trials, lambda result: note(_progress(result, running, trials)))
        _finish(running, folder, path, metric)
    if ended:
        again = f"Continue with --resume{' and more --total-minutes' if ended == 'time limit' else ''}."
        words = signal_words(interruption.signal) if interruption.requested else f"{ended} of {total_minutes:g} minutes"
        note(f"{words}; {len(running.results())} of {trials} trials are done. {again}")
    return exit_status(interruption.signal) if interruption.requested else 0


def _description(
    ranges: Mapping[str, object],
    base: "Settings",
    training: "Pairs",
    validation: "Pairs",
    metric: str,
    vectors: Mapping[str, str | None],
) -> dict[str, Any]:
    """Return what must be the same when the sweep is continued, as JSON values by name."""
    return {
        "space": {name: repr(ranges[name]) for name in sorted(ranges)},
        "settings": base.model_dump() | {"explicit": base.explicit},
        "training pairs": training.fingerprint(),
        "validation pairs": validation.fingerprint(),
        "objective": metric,
        "vectors": {name: vector and os.path.abspath(vector) for name, vector in vectors.items()},
    }


def _check_options(
    pairs: tuple[str, ...], trials: int, total_minutes: float | None, *, resume: bool, overwrite: bool
) -> None:
    if not pairs:
        raise SettingsError("PAIRS is missing: name the search space, then a file of pairs.")
    if not 1 <= trials <= MAX_TRIALS:
        raise SettingsError(f"--trials must be from 1 to {MAX_TRIALS:,}, received: {trials}")
    if total_minutes is not None and not 0 < total_minutes < float("inf"):
        raise SettingsError(f"--total-minutes must be above 0, received: {total_minutes:g}")
    if resume and overwrite:
        raise SettingsError("--resume and --overwrite exclude each other. Use one of them.")


def _model_path(out: str) -> Path:
    from passerelle.bundle.model_file import require_model_path

    return require_model_path(Path(out))


def _check_files(path: Path, folder: "SweepFolder", *, resume: bool, overwrite: bool) -> None:
    if overwrite:
        return
    if folder.exists() and not resume:
        raise OutputError(
            f"{folder} exists: an earlier sweep. Add --resume to continue it, --overwrite to replace it and its model, "
            f"or name another output."
        )
    if os.path.lexists(path) and not (resume and folder.wrote(path)):
        raise OutputError(f"{path} exists. Add --overwrite to replace it, or name another output.")


def _metric(objective: str, settings: "Settings", training: "Pairs") -> Any:
    """Return the metric of the objective.

    `auto` is that by which training compares searches of the first output of text, or the loss without such an output.

    Raises:
        SettingsError: if the objective compares texts, and all outputs have numbers.
    """
    from passerelle.inference.search_choice import choose_metric

    if not training.main_has_texts:
        if objective not in ("auto", "loss"):
            raise SettingsError(f"--objective {objective} compares texts, and {training.name} has numbers only.")
        return "loss"
    if objective != "auto":
        return objective
    output = next(iter(training.text_outputs), "target")
    pairs = training.main
    pretokenized = settings.output(output).level == "pretokenized"
    return choose_metric(settings.training, pairs.targets, pretokenized=pretokenized)


def _progress(result: "TrialResult", running: "Sweep", trials: int) -> str:
    """Return the line for a finished trial."""
    values = "  ".join(f"{name}={_text(value)}" for name, value in result.values.items())
    if result.value is None:
        return f"trial {result.number} of {trials}: {result.state}, {result.reason}  {values}"
    best = running.best()
    place = "the best so far" if best is None or best[0].number == result.number else f"best: {_text(best[0].value)}"
    same = f", as {result.reason}" if result.reason else ""
    return f"trial {result.number} of {trials}: {_text(result.value)} ({place}{same})  {result.seconds:.1f} s  {values}"


def _finish(running: "Sweep", folder: "SweepFolder", path: Path, metric: str) -> None:
    """Write the table, print it, and save the best model."""
    from passerelle.data.writing import write_atomically

    results = running.results()
    names = list(running.space)
    rows = [[*COLUMNS, *names, "reason"], *(_row(result, names) for result in results)]
    table = "".join("\t".join(cells) + "\n" for cells in rows).encode()
    write_atomically(folder.table, lambda stream: stream.write(table))
    best = running.best()
    if best is None:
        failed = next((result.reason for result in results if result.state == "failed"), "")
        reason = f" The first one that failed: {failed}" if failed else ""
        note(f"no trial is complete, so there is no model; {folder.table} lists the trials.{reason}")
        return
    sign = -1 if running.objective.maximized else 1
    order = sorted(results, key=lambda result: (result.value is None, sign * (result.value or 0.0), result.number))
    write_text(_aligned([rows[0][:-1], *(_row(result, names)[:-1] for result in order)]))
    folder.save(best[1], path)
    note(f"saved {path}: trial {best[0].number}, {metric} {_text(best[0].value)}; {folder.table} lists all trials")


def _row(result: "TrialResult", names: Sequence[str]) -> list[str]:
    value = "" if result.value is None else _text(result.value)
    cells = [str(result.number), result.state, value, str(result.epochs), f"{result.seconds:.1f}"]
    cells += [_text(result.values.get(name, "")) for name in names]
    return [*cells, " ".join(result.reason.split())]


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines with columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)
