"""Train a translator on prepared data: build the network, train it, choose its search, write the training record."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace

from passerelle.bundle.bundle import save_bundle
from passerelle.experiment.building import build_with_vectors
from passerelle.experiment.clock import Clock
from passerelle.experiment.forgetting import Forgetting
from passerelle.experiment.record import training_record
from passerelle.experiment.validation_sample import validation_sampler
from passerelle.inference.search_choice import SearchChoice, Trial, choose_metric, choose_search
from passerelle.parallel.group import current
from passerelle.preparation import Prepared
from passerelle.runs.description import current_versions
from passerelle.runs.translator_recording import TranslatorRecording
from passerelle.training.callbacks.callback import Callback, require_callbacks
from passerelle.training.callbacks.interruption import Interruption
from passerelle.training.history import History
from passerelle.training.trainer import fit
from passerelle.translator import Translator

__all__ = ["train_prepared"]


def train_prepared(
    prepared: Prepared,
    callbacks: Sequence[Callback] = (),
    *,
    interruption: Interruption | None = None,
    out: str | os.PathLike[str] | None = None,
    report: Callable[[Trial], None] = lambda trial: None,
    started: float | None = None,
    recording: TranslatorRecording | None = None,
) -> Translator:
    """Build a network and train it on prepared data; see `train`.

    If processes train together, all of them call this. The first one alone has `out` and `recording`, and chooses the
    search; the others return a translator without a stored search.

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
        Interrupted: if a signal arrives before the first update of this process.
    """
    require_callbacks(callbacks)
    group = current()
    group.require_equal(_fingerprint(prepared) if group.count > 1 else "", "pairs, settings or versions")
    clock = Clock(prepared, time.perf_counter() if started is None else started)
    translator, vectors = build_with_vectors(prepared)
    if out is not None:
        record = training_record(prepared, History((), 0, interrupted=False, diverged=False), None)
        with clock.measure_saving():
            save_bundle(replace(translator.bundle, record=record), out, dry_run=True)
    outputs = translator.outputs  # once, since each translator compiles its own searches
    state = None
    if recording is not None:
        state = recording.begin(prepared, translator.network)
        callbacks = [*callbacks, *recording.callbacks()]
    tuned, frozen, forgetting = prepared.fine_tuning, nullcontext(vectors), None
    if tuned is not None:
        if group.is_first:
            forgetting = Forgetting(prepared, interruption)
            clock.forgetting = forgetting.seconds
        frozen = tuned.frozen(translator.network, prepared.signature)
        if state is None:
            tuned.begin(translator.network, prepared.signature, prepared.training_batches)
    # Without callbacks only the metric may read the translations, and the first ones compile a search.
    translated = group.first(bool(callbacks) or prepared.settings.training.metric != "loss")
    with frozen as rows:
        history = fit(
            translator.network,
            prepared.training_batches,
            prepared.validation_batches,
            prepared.settings.training,
            frozen=rows,
            weights=prepared.output_weights,
            translate=validation_sampler(prepared, outputs) if translated else None,
            callbacks=callbacks,
            state=state,
            interruption=interruption,
            before=clock.elapsed(),
            after=clock.reserved(),
        )
    if not group.is_first:
        translator.record = training_record(prepared, history, None)
        return translator
    for name, regressor in translator.number_outputs.items():
        calibration = regressor.fit_calibration(prepared.validation) if len(prepared.validation) else None
        translator.bundle = translator.bundle.with_calibration(name, calibration)
    if translator.number_outputs:
        translator = Translator(translator.bundle)  # its regressors have the calibrations
    choices = _choose_searches(prepared, outputs, history, clock, interruption, report)
    for name, choice in choices.items():
        translator.bundle = translator.bundle.with_search(name, choice.search)
    comparisons = [] if forgetting is None or history.interrupted else forgetting.compare(translator)
    translator.record = training_record(prepared, history, choices, comparisons)
    return translator


def _fingerprint(prepared: Prepared) -> str:
    """Return the SHA-256 of everything that must be the same in all processes."""
    parts = [prepared.training.fingerprint(), prepared.validation.fingerprint(), prepared.settings.model_dump_json()]
    parts += [json.dumps(prepared.signature.to_json(), sort_keys=True), json.dumps(current_versions())]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _choose_searches(
    prepared: Prepared,
    outputs: Mapping[str, Translator],
    history: History,
    clock: Clock,
    interruption: Interruption | None,
    report: Callable[[Trial], None],
) -> dict[str, SearchChoice]:
    """Choose the search to store for each output. Whoever interrupts training does not wait for it."""
    settings, training = prepared.settings.training, prepared.training.by_output
    choices: dict[str, SearchChoice] = {}
    seconds = 0.0 if history.interrupted else clock.seconds_to_compare()
    began = time.perf_counter()
    for name, output in outputs.items():
        left = seconds - (time.perf_counter() - began)
        choices[name] = choose_search(
            output._search,
            prepared.validation,
            settings,
            choose_metric(settings, training[name].targets, pretokenized=output.target.level == "pretokenized"),
            seconds=left / (len(outputs) - len(choices)),
            report=report,
            stopped=lambda: interruption is not None and interruption.requested,
            clock=time.perf_counter,
        )
    return choices
