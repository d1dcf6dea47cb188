"""Train a translator from pairs: prepare the data, build the network, train it, and write the training record."""

import importlib.metadata
import math
import os
import platform
import random
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from numbers import Real
from typing import Any

import numpy as np

from passerelle.backend import backend_name
from passerelle.bundle.bundle import Bundle, save_bundle
from passerelle.data.pairs import Pairs, check_pairs
from passerelle.data.rows import padded_width
from passerelle.errors import SettingsError
from passerelle.inference.search_choice import (
    MAX_SECONDS,
    MIN_SECONDS,
    SearchChoice,
    Trial,
    choose_metric,
    choose_search,
)
from passerelle.models.ids import first_source_column, first_target_column
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.preparation import Prepared, Validation, prepare
from passerelle.preset_choice import choose_candidates
from passerelle.runs.data_source import DataSource, PairSource
from passerelle.runs.description import Description
from passerelle.runs.folder import RunFolder
from passerelle.runs.recording import Recording
from passerelle.settings import AUTO_PRESET, Settings, accepts_options, choose_settings, make_settings, validated
from passerelle.special_tokens import FIRST_ORDINARY
from passerelle.training.callbacks.callback import Callback
from passerelle.training.callbacks.interruption import Interruption
from passerelle.training.callbacks.samples import Samples
from passerelle.training.history import History, Sample
from passerelle.training.trainer import fit
from passerelle.translator import Translator

__all__ = ["build", "prepare_candidates", "resume", "train", "train_pairs", "train_prepared"]

TRIAL_SHARE = 0.1
"""Share of the minutes for which each candidate of the preset `auto` is trained."""

MIN_TRIAL_SECONDS = 60.0
"""Time below which a trial says nothing, since the first epoch compiles programs."""

MAX_TRIAL_SOURCES = 256
"""Maximum number of validation sources that a trial translates."""


@accepts_options(Settings)
def train(
    pairs: Iterable[tuple[str, ...]],
    *,
    validation: Validation = None,
    source_vectors: str | os.PathLike[str] | None = None,
    target_vectors: str | os.PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    run: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    settings: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    **options: Any,
) -> Translator:
    """Train a translator.

    Args:
        pairs: (source, target) texts, for example from `read_pairs`; (source, target, tags) if `tags.mode` is not
            `none`.
        validation: validation data: the share of sources to hold out, a file, a tuple of two parallel files, or pairs.
            0 holds out nothing, None a tenth.
        source_vectors: file of pretrained word vectors for the source embeddings; see `data.vectors`.
        target_vectors: the same for the target.
        callbacks: called at the events of training, for example to write logs or to stop early. With any callback, a
            validation source is translated after each epoch. See `training.callbacks.callback.Callback`.
        run: folder in which the run is recorded: settings, a copy of the pairs, logs, and checkpoints about every
            minute, from which `resume` continues after a crash. None records nothing. A name that exists is an error.
        preset: name of the preset; None means the preset of the settings file, or else `auto`, which chooses preset and
            token level from the pairs.
        settings: nested settings, or the path of a TOML file; they override the preset.
        **options: single settings by their names in docs/settings.md, such as `epochs=10`; they override `settings`.

    Returns:
        The translator. Ctrl-C, SIGTERM and SIGHUP end training early: the translator then has the weights of a finished
        epoch, if there is one, and `interrupted` is true in its record.

    Raises:
        DataError: if the pairs or the word vectors cannot be used.
        OutputError: if `run` exists or cannot be written.
        SettingsError: if an option or a setting is unknown or invalid, or training diverges in its first epoch.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> translator = passerelle.train(
        ...     pairs, level="word", units=32, dropout=0.0, epochs=100, batch_size=8, validation=0
        ... )
        >>> translator.translate(["He is tired.", "She is young."])
        ['Il est fatigué.', 'Elle est jeune.']
        >>> translator.save("model.keras")
    """
    started = time.perf_counter()
    return train_pairs(
        pairs,
        choose_settings(preset=preset, settings=settings, **options),
        validation=validation,
        source_vectors=source_vectors,
        target_vectors=target_vectors,
        callbacks=callbacks,
        run=run,
        started=started,
        command="passerelle.train",
    )


def train_pairs(
    pairs: Iterable[tuple[str, ...]],
    chosen: Settings,
    *,
    validation: Validation,
    source_vectors: str | os.PathLike[str] | None,
    target_vectors: str | os.PathLike[str] | None,
    callbacks: Sequence[Callback],
    run: str | os.PathLike[str] | None,
    started: float,
    command: str,
) -> Translator:
    """Train a translator with these settings, and record its run if `run` is set; see `train`.

    Args:
        pairs, validation, source_vectors, target_vectors, callbacks, run: see `train`.
        chosen: the settings.
        started: value of `time.perf_counter()` from which the time limit counts.
        command: name of the public function that trains, for the description of the run.
    """
    vectors: dict[str, Any] = {"source_vectors": source_vectors, "target_vectors": target_vectors}
    if run is None:
        prepared = prepare_candidates(pairs, chosen, validation=validation, **vectors)
        return train_prepared(prepared, callbacks, started=started)
    folder = RunFolder(run)
    folder.require_creatable()
    tagged = chosen.tags.mode != "none"
    pairs = check_pairs(pairs, tagged=tagged)
    validation, validation_source = _validation_source(validation, tagged=tagged)
    prepared = prepare_candidates(pairs, chosen, validation=validation, **vectors)
    chosen = prepared.settings if chosen.preset == AUTO_PRESET else chosen
    paths = {"source": source_vectors, "target": target_vectors}
    data = DataSource(
        PairSource.copy(pairs),
        validation_source,
        {side: os.path.abspath(path) for side, path in paths.items() if path is not None},
    )
    held_out = validation if isinstance(validation, Pairs) else None
    description = Description(chosen, data, ((command,),))
    recording = Recording(folder, description, _warn, pairs=pairs, validation=held_out)
    with recording:
        return train_prepared(prepared, callbacks, started=started, recording=recording)


def resume(
    run: str | os.PathLike[str],
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    callbacks: Sequence[Callback] = (),
) -> Translator:
    """Continue a run in its folder, after Ctrl-C, a crash or a full disk, or to make it longer.

    Training continues from the newest undamaged checkpoint, also within an epoch, with the data and the settings of the
    run. On the same machine, the weights are those of a run that was never interrupted, bit for bit. A run that has
    ended gives its translator again.

    Args:
        run: the folder that `train(run=...)` or `passerelle train` wrote.
        epochs: new maximum number of epochs, not less than before; None changes nothing. The learning rate schedule is
            then that of the longer run, from the next update on.
        minutes: new time limit in minutes, not less than before; the time before the interruption counts.
        callbacks: see `train`; callbacks are not part of the run's folder.

    Raises:
        DataError: if the data of the run cannot be read.
        RunError: if the folder is damaged, in use or not a run folder, or if the data changed.
        SettingsError: if the run would become shorter.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> translator = passerelle.train(pairs, level="word", epochs=2, run="short.run")
        >>> translator = passerelle.resume("short.run", epochs=3)
        >>> len(translator.record["epochs"])
        3
    """

    started = time.perf_counter()

    def change(before: Settings) -> Settings:
        return make_settings(before.preset, before.model_dump(), {"epochs": epochs, "minutes": minutes})

    with Recording.resume(run, _warn, command=["passerelle.resume"], change=change) as recording:
        return train_prepared(recording.prepare(), callbacks, started=started, recording=recording)


def _validation_source(validation: Validation, *, tagged: bool) -> tuple[Validation, PairSource | float | None]:
    """Return an argument `validation`, as pairs if it consists of pairs, and the source that describes it."""
    if validation is None or isinstance(validation, Real):
        return validation, None if validation is None else float(validation)
    paths = validation if isinstance(validation, tuple) else (validation,)
    if paths and all(isinstance(path, (str, os.PathLike)) for path in paths):
        return validation, PairSource.files(paths, {"tag_column": 3 if tagged else None})  # pyright: ignore[reportArgumentType]
    pairs = check_pairs(validation, name="validation", tagged=tagged)  # pyright: ignore[reportArgumentType]
    return pairs, PairSource.copy(pairs)


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def train_prepared(
    prepared: Prepared,
    callbacks: Sequence[Callback] = (),
    *,
    interruption: Interruption | None = None,
    out: str | os.PathLike[str] | None = None,
    report: Callable[[Trial], None] = lambda trial: None,
    started: float | None = None,
    recording: Recording | None = None,
) -> Translator:
    """Build a network and train it on prepared data; see `train`.

    Args:
        prepared: prepared data.
        callbacks: see `train`.
        interruption: see `training.trainer.fit`.
        out: path of a model file. Before training, the untrained translator is saved next to it and removed again, so
            that no training is lost because its end cannot be written.
        report: receives each search that is compared after training; see `choose_search`.
        started: value of `time.perf_counter()` from which the time limit counts; None for the time of this call.
        recording: writes logs and checkpoints of the run, and restores a run that goes on. The caller has entered it.

    Raises:
        OutputError: if no file can be saved at `out`, or the run's folder cannot be written.
        RunError: if the run that goes on has other data.
    """
    if not isinstance(callbacks, Iterable) or not all(isinstance(each, Callback) for each in callbacks):
        raise SettingsError(f"callbacks must be a list of passerelle.Callback objects, received: {callbacks!r:.80}")
    clock = _Clock(prepared, time.perf_counter() if started is None else started)
    translator, vectors = _build(prepared)
    if out is not None:
        record = _record(prepared, History((), 0, interrupted=False, diverged=False), None)
        with clock.measure_saving():
            save_bundle(replace(translator.bundle, record=record), out, dry_run=True)
    state = None
    if recording is not None:
        state = recording.begin(prepared, translator.network)
        callbacks = [*callbacks, *recording.callbacks()]
    # Without callbacks nothing reads the samples, and the first sample compiles a search.
    samples = [Samples(_sample_rows(prepared), _sampler(prepared, translator))] if callbacks else []
    history = fit(
        translator.network,
        prepared.training_batches,
        prepared.validation_batches,
        prepared.settings.training,
        frozen=vectors,
        callbacks=[*samples, *callbacks],
        state=state,
        interruption=interruption,
        before=clock.elapsed(),
        after=clock.saving + clock.comparison,
    )
    choice = _choose_search(prepared, translator, history, clock, interruption, report)
    translator.bundle = replace(translator.bundle, search=choice.search)
    translator.record = _record(prepared, history, choice)
    return translator


def _choose_search(
    prepared: Prepared,
    translator: Translator,
    history: History,
    clock: "_Clock",
    interruption: Interruption | None,
    report: Callable[[Trial], None],
) -> SearchChoice:
    """Choose the search to store. Whoever interrupts training does not wait for it."""
    settings = prepared.settings.training
    pretokenized = translator.target.level == "pretokenized"
    return choose_search(
        translator._search,
        prepared.validation,
        settings,
        choose_metric(settings, prepared.training.targets, pretokenized=pretokenized),
        seconds=0.0 if history.interrupted else clock.seconds_to_compare(),
        report=report,
        stopped=lambda: interruption is not None and interruption.requested,
        clock=time.perf_counter,
    )


class _Clock:
    """Time of a training from its start to the saved model.

    Args:
        prepared: prepared data.
        started: value of `time.perf_counter()` from which the time limit counts.

    Attributes:
        saving: expected seconds for saving the translator.
        comparison: seconds to reserve for the comparison of searches.
    """

    def __init__(self, prepared: Prepared, started: float):
        settings = prepared.settings.training
        self._settings, self._started = settings, started
        reserved = min(settings.search_share * 60.0 * settings.minutes, MAX_SECONDS)
        compared = settings.search == "auto" and len(prepared.validation) > 0 and reserved >= MIN_SECONDS
        self.comparison = reserved if compared else 0.0
        self.saving = 0.0

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self._started

    def seconds_to_compare(self) -> float:
        """Return the seconds for the comparison of searches: their share of the whole time, within the time limit."""
        share, elapsed = self._settings.search_share, self.elapsed()
        left = 60.0 * self._settings.minutes - self.saving - elapsed if self._settings.minutes else math.inf
        return min(share / (1.0 - share) * elapsed, MAX_SECONDS, left)

    @contextmanager
    def measure_saving(self) -> Iterator[None]:
        """Expect that saving takes as long as this context."""
        began = time.perf_counter()
        yield
        self.saving = time.perf_counter() - began


def prepare_candidates(
    pairs: Iterable[tuple[str, ...]],
    settings: Settings,
    *,
    validation: Validation = None,
    source_vectors: str | os.PathLike[str] | None = None,
    target_vectors: str | os.PathLike[str] | None = None,
    interruption: Interruption | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Prepared:
    """Prepare pairs as `prepare` does; with the preset `auto` and enough minutes, compare its candidates first.

    If there are several candidates, each is trained for a tenth of the minutes, and the one with the best greedy
    translations of validation sources remains.

    Args:
        pairs: see `train`.
        settings: the settings.
        validation: see `train`.
        source_vectors: see `train`.
        target_vectors: see `train`.
        interruption: see `training.trainer.fit`.
        report: receives one line for each trial.
    """
    options: dict[str, Any] = {"source_vectors": source_vectors, "target_vectors": target_vectors}
    pairs = check_pairs(pairs, tagged=settings.tags.mode != "none")
    if isinstance(validation, Iterator):
        validation = list(validation)  # each candidate reads it
    seconds = TRIAL_SHARE * 60.0 * settings.training.minutes
    candidates = choose_candidates(settings, pairs.sources, pairs.targets) if pairs else []
    if not candidates:
        return prepare(pairs, settings, validation=validation, **options)  # says what is missing
    trials: list[tuple[float, Prepared]] = []
    for candidate in candidates:
        prepared = prepare(pairs, candidate.settings, validation=validation, **options)
        prepared = replace(prepared, choices=(*candidate.reasons, *prepared.choices))
        if len(candidates) < 2 or seconds < MIN_TRIAL_SECONDS or not prepared.validation:
            return prepared
        score = _trial_score(prepared, seconds, interruption)
        report(f"{candidate.reasons[0]}: {score:.1f} after {seconds:.0f} s")
        trials.append((score, prepared))
    return max(trials, key=lambda trial: trial[0])[1]


def _trial_score(prepared: Prepared, seconds: float, interruption: Interruption | None) -> float:
    """Train for a short time, and return the score of greedy translations of validation sources, 0 to 100."""
    values = prepared.settings.model_dump()
    values["training"] |= {"minutes": seconds / 60.0, "epochs": None, "search": "greedy"}
    trial = replace(prepared, settings=validated(Settings, values))
    translator = train_prepared(trial, interruption=interruption)
    pretokenized = translator.target.level == "pretokenized"
    metric = choose_metric(trial.settings.training, prepared.training.targets, pretokenized=pretokenized)
    found = translator.evaluate(islice(prepared.validation, MAX_TRIAL_SOURCES), beam=1)
    return found.exact_match if metric == "exact" else found.chrf


def build(prepared: Prepared) -> Translator:
    """Build an untrained translator; its initial weights depend only on the seed."""
    return _build(prepared)[0]


def _build(prepared: Prepared) -> tuple[Translator, dict[str, np.ndarray]]:
    """Return an untrained translator and the rows of its pretrained vectors; see `_assign_vectors`."""
    with _seeded(prepared.settings.training.seed):
        network = SequenceToSequence(prepared.settings.network, **prepared.signature.specs())
    pretrained_rows = _assign_vectors(network, prepared)
    bundle = Bundle(network, prepared.signature, prepared.settings, prepared.lengths)
    return Translator(bundle), pretrained_rows


def _assign_vectors(network: SequenceToSequence, prepared: Prepared) -> dict[str, np.ndarray]:
    """Copy the pretrained vectors into the network.

    Returns:
        Path of each variable with pretrained vectors -> bool (rows,), True where a row has one.
    """
    pretrained_rows = {}
    for name, vectors in prepared.vectors.items():
        rows, extra = prepared.vector_rows(name)
        first = first_source_column if name in prepared.signature.inputs else first_target_column
        table, begin = network.table(name), FIRST_ORDINARY - first(network.settings)
        values, pretrained = np.array(table.value), np.zeros(table.shape[0], bool)
        pretrained[begin : begin + len(rows)] = rows >= 0
        values[pretrained] = vectors.values[rows[rows >= 0]]
        table.assign(values)
        pretrained_rows[table.path] = pretrained
        if len(extra):
            network.table(name, "fixed_table").assign(vectors.values[extra])
    return pretrained_rows


def _sampler(prepared: Prepared, translator: Translator) -> Any:
    """Return a function that translates the validation pair at an index."""
    pairs = prepared.validation

    def sample(row: int) -> Sample:
        tags = pairs.tags[row] if pairs.tags else None
        return Sample(pairs.sources[row], translator.translate(pairs.sources[row], tags=tags), pairs.targets[row])

    return sample


def _sample_rows(prepared: Prepared) -> list[int]:
    """Return indices of validation pairs for samples, in random order.

    Their sources have the same padded width, so that all samples share one compiled search.
    """
    if prepared.validation_batches is None:
        return []
    widths = [padded_width(int(length)) for length in prepared.validation_batches.source_lengths]
    most_frequent = max(set(widths), key=widths.count)
    rows = [row for row, width in enumerate(widths) if width == most_frequent]
    return random.Random(prepared.settings.training.seed).sample(rows, len(rows))


def _record(prepared: Prepared, history: History, choice: SearchChoice | None) -> dict[str, Any]:
    """Return the training record as JSON values; without a choice of the search before training."""
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", backend_name())}
    training, validation = prepared.training, prepared.validation
    data = {
        "name": training.name,
        "training_pairs": len(training),
        "validation_pairs": len(validation),
        "training_sha256": training.fingerprint(),
        "validation_sha256": validation.fingerprint(),
        "unknown_validation_tokens": prepared.unknown_validation_tokens,
        "validation_sources_used_for_training": prepared.overlap,
        "training_pairs_skipped": dict(training.skipped),
        "validation_pairs_skipped": dict(validation.skipped),
    }
    if training.synthetic:
        data["synthetic"] = dict(training.synthetic)
    if prepared.vectors:
        data |= {"vectors": prepared.vector_coverage, "extra_source_words": prepared.extra_words}
    return {
        "data": data,
        "versions": {"python": platform.python_version()} | versions,
        "padding_share": round(prepared.training_batches.padding_share(), 4),
        "kept_epoch": history.kept_epoch,
        "interrupted": history.interrupted,
        "diverged": history.diverged,
        "stopped": history.stopped,
        "search": None if choice is None else choice.to_json(),
        "epochs": [asdict(epoch) for epoch in history.epochs],
    }


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed Python's `random`, from which Keras takes the seeds of weights and dropout; restore its state afterwards."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
