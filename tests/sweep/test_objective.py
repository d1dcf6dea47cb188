"""Values of translators and of intervals."""

import dataclasses

import pytest

from passerelle.experiment.prepared_training import train_prepared
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.sweep.objective import Metric, Objective, ReportValidations, per_character
from passerelle.training.history import Interval

PAIRS = [(f"{noun} {verb}", f"{noun}s {verb}") for noun in ("cat", "dog", "cow") for verb in ("eats", "sits", "runs")]


@pytest.mark.slow
def test_values_are_those_of_the_kept_epoch_and_of_the_translations() -> None:
    prepared = prepare(PAIRS, choose_settings(units=8, epochs=3), validation=PAIRS[:4])
    reported: list[Interval] = []
    updates = []
    callback = ReportValidations(reported.append, lambda: updates.append(1))
    translator = train_prepared(prepared, [callback])
    losses = {epoch["number"]: epoch["validation_loss"] for epoch in translator.record["epochs"]}
    assert {interval.number: interval.validation_loss for interval in reported} == losses
    assert len(updates) == 3 * len(prepared.training_batches)
    scored = translator.score(PAIRS[:4])
    characters = sum(len(target) + 1 for _, target in PAIRS[:4])
    value = Objective("loss").value(translator, prepared)
    assert value == pytest.approx(-sum(each.log_probability for each in scored) / characters, rel=1e-4)
    report = translator.evaluate(PAIRS[:4])
    assert Objective("chrf").value(translator, prepared) == report.chrf
    assert Objective("exact").value(translator, prepared) == report.exact_match
    best = min(reported, key=lambda interval: interval.validation_loss or 0.0)
    assert Objective("loss").interval_value(best, prepared) == pytest.approx(value)
    assert Objective("chrf").interval_value(best, prepared) == pytest.approx(-value)
    without = dataclasses.replace(prepared, validation_batches=None)
    assert per_character(2.0, without) == 2.0


@pytest.mark.parametrize("metric", ["chrf", "exact", "loss"])
def test_trials_are_compared_by_the_metric_in_the_direction_of_the_objective(metric: Metric) -> None:
    prepared = prepare(PAIRS, choose_settings(units=8), validation=PAIRS[:4])
    bad, good = (
        Interval(1, 1.0, 0.5, loss, 0.5, 1.0, chrf=chrf, exact_match=exact)
        for loss, chrf, exact in ((1.0, 20.0, 10.0), (2.0, 30.0, 12.0))
    )
    by_chrf, by_loss = Objective(metric, "chrf"), Objective(metric, "loss")
    order = [each.interval_value(good, prepared) > each.interval_value(bad, prepared) for each in (by_chrf, by_loss)]
    assert order == ([True, False] if metric != "loss" else [False, True])
    assert Objective("chrf", "exact").interval_value(good, prepared) == -88.0
