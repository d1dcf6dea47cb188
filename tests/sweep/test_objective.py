"""Values of translators and of epochs."""

import dataclasses

import pytest

from passerelle.experiment.prepared_training import train_prepared
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.sweep.objective import Objective, ReportEpochs, per_character

PAIRS = [(f"{noun} {verb}", f"{noun}s {verb}") for noun in ("cat", "dog", "cow") for verb in ("eats", "sits", "runs")]


@pytest.mark.slow
def test_values_are_those_of_the_kept_epoch_and_of_the_translations() -> None:
    prepared = prepare(PAIRS, choose_settings(units=8, epochs=3), validation=PAIRS[:4])
    reported: list[tuple[int, float]] = []
    updates = []
    callback = ReportEpochs(lambda *values: reported.append(values), lambda: updates.append(1))
    translator = train_prepared(prepared, [callback])
    losses = {epoch["number"]: epoch["validation_loss"] for epoch in translator.record["epochs"]}
    assert dict(reported) == losses
    assert len(updates) == 3 * len(prepared.training_batches)
    scored = translator.score(PAIRS[:4])
    characters = sum(len(target) + 1 for _, target in PAIRS[:4])
    value = Objective("loss").value(translator, prepared)
    assert value == pytest.approx(-sum(each.log_probability for each in scored) / characters, rel=1e-4)
    report = translator.evaluate(PAIRS[:4])
    assert Objective("chrf").value(translator, prepared) == report.chrf
    assert Objective("exact").value(translator, prepared) == report.exact_match
    best = min(losses.values())
    assert Objective("loss").epoch_value(best, prepared) == pytest.approx(value)
    assert Objective("chrf").epoch_value(best, prepared) == pytest.approx(-value)
    without = dataclasses.replace(prepared, validation_batches=None)
    assert per_character(2.0, without) == 2.0
