"""Forecasters: trained, saved and loaded; the same forecast alone and among others; what can go wrong."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
from hostile_models import ASSET, members_of, packed
from passerelle import DataError, Forecaster, ModelFileError, SettingsError, Windows

SMALL = {"units": 8, "epochs": 4, "season": 7}


def weekly(days: int = 160, *, noise: float = 0.1) -> np.ndarray:
    """Two columns with a weekly pattern; the second one is random."""
    random = np.random.default_rng(0)
    day = np.arange(days)
    return np.stack([10.0 + 3.0 * np.sin(2 * np.pi * day / 7) + noise * random.normal(size=days), day % 3.0], axis=1)


def windows() -> Windows:
    day = np.arange(160)
    return Windows.sliding(weekly(), history=14, horizon=7, targets=[0], known=day % 7 == 0)


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    return passerelle.train_forecaster(windows(), **SMALL)


def test_a_saved_forecaster_forecasts_the_same_and_alone_as_among_others(
    forecaster: Forecaster, tmp_path: Path
) -> None:
    rows = windows()
    expected = forecaster.predict(rows.history, known=rows.known)
    assert (expected.shape, expected.dtype) == ((len(rows), 7), np.float64)
    forecaster.save(tmp_path / "weekly.keras")
    again = passerelle.load(tmp_path / "weekly.keras")
    assert isinstance(again, Forecaster)
    np.testing.assert_array_equal(again.predict(rows.history, known=rows.known), expected)
    alone = [again.predict(rows.history[row : row + 1], known=rows.known[row : row + 1])[0] for row in (0, 9)]
    np.testing.assert_allclose(alone, expected[[0, 9]], rtol=1e-4)
    assert str(again.evaluate(rows)) == str(forecaster.evaluate(rows))
    assert again.record["data"]["training_windows"] == forecaster.record["data"]["training_windows"]
    with pytest.raises(SettingsError, match="the output of this model has numbers"):
        passerelle.Translator.load(tmp_path / "weekly.keras")


def test_quantiles_do_not_cross_and_cover_the_validation_rows(forecaster: Forecaster) -> None:
    _, validation = windows().split()
    levels = [0.01, 0.05, 0.1, 0.5, 0.9, 0.95, 0.99]
    found = forecaster.quantiles(validation.history, levels, known=validation.known)
    assert (np.diff([found[level] for level in levels], axis=0) >= 0).all()
    report = forecaster.evaluate(validation)
    assert set(report.scores) == {"model", "naive", "seasonal naive", "ridge"}
    coverage = report.scores["model"].coverage or {}
    assert coverage[0.9] >= 0.85
    with pytest.raises(SettingsError, match="levels must be numbers between 0 and 1"):
        forecaster.quantiles(validation.history, [5], known=validation.known)


def test_recent_windows_give_the_intervals_that_evaluate_scores(forecaster: Forecaster) -> None:
    """Forecasts one by one, each with the windows whose future is then known, are those of the evaluation."""
    rows = Windows.sliding(weekly(60, noise=8.0), history=14, horizon=7, targets=[0], known=np.arange(60) % 7 == 0)
    inside = []
    for row, origin in enumerate(rows.positions):
        recent = rows.rows(np.flatnonzero(rows.positions + 7 <= origin))
        low, high = forecaster.quantiles(
            rows.history[row : row + 1], [0.1, 0.9], known=rows.known[row : row + 1], recent=recent
        ).values()
        inside.append((low <= rows.future[row, :, 0]) & (rows.future[row, :, 0] <= high))
    adapted, fixed = forecaster.evaluate(rows), forecaster.evaluate(rows, adapt=False)
    assert (adapted.adapted, fixed.adapted) == (True, False)
    assert (adapted.scores["model"].coverage or {})[0.8] == pytest.approx(np.mean(inside), abs=0.01)
    # The noise is far stronger than that of the training rows.
    assert (fixed.scores["model"].coverage or {})[0.8] < (adapted.scores["model"].coverage or {})[0.8]
    assert adapted.scores["model"].rmse == fixed.scores["model"].rmse
    with pytest.raises(DataError, match="the order in time is unknown"):
        forecaster.quantiles(rows.history, known=rows.known, recent=Windows(rows.history, rows.future, rows.known))


def test_p_values_are_the_rates_at_which_intervals_lose_a_number() -> None:
    settings = {"network": {"decoder": {"head": "student-t"}}}
    rows = Windows.sliding(weekly(90), history=10, horizon=3)
    trained = passerelle.train_forecaster(rows, settings=settings, **SMALL | {"epochs": 2})
    found = trained._distribution(rows.history, None, None)
    truth = np.asarray(rows.future)
    p_values = found.p_values(truth)
    assert p_values.min() >= 0.0
    for rate in (0.1, 0.2, 0.5):
        inside = (found.quantile(rate / 2) <= truth) & (truth <= found.quantile(1 - rate / 2))
        assert (inside == (p_values >= rate)).mean() > 0.98
    each = np.full((len(rows), 1, 2), 0.1)
    np.testing.assert_allclose(found.quantile(each), found.quantile(0.1))


def test_lists_of_unequal_length_give_the_forecasts_of_each_alone(forecaster: Forecaster) -> None:
    rows = windows()
    ragged = [rows.history[row][-length:] for row, length in enumerate((14, 9, 11))]
    together = forecaster.predict(ragged, known=rows.known[:3])
    for row, history in enumerate(ragged):
        np.testing.assert_allclose(
            forecaster.predict([history], known=rows.known[row : row + 1])[0], together[row], rtol=1e-4
        )


def test_a_forecast_needs_no_columns_of_its_history() -> None:
    """(n, 12, 20) -> (n, 7): the numbers to forecast are none of the 20 columns."""
    random = np.random.default_rng(0)
    history = random.normal(size=(80, 12, 20))
    future = history[:, -7:, :2].sum(axis=2)
    trained = passerelle.train_forecaster(Windows(history, future, static=random.normal(size=(80, 3))), **SMALL)
    assert trained.predict(history[:5], static=np.zeros((5, 3))).shape == (5, 7)
    assert set(trained.evaluate(Windows(history, future, static=np.zeros((80, 3)))).scores) == {"model", "ridge"}


def test_texts_in_and_numbers_out() -> None:
    texts = [f"{'ab'[number % 2]}{'c' * (number % 5)}" for number in range(60)]
    lengths = np.array([[len(text), text.count("a")] for text in texts], float)[:, None, :]
    trained = passerelle.train_forecaster(
        Windows(texts, lengths), units=16, epochs=40, validation=0, learning_rate=0.02, dropout=0.0
    )
    found = trained.predict(["a", "bccc"])
    np.testing.assert_allclose(found[:, 0], [[1, 1], [4, 0]], atol=0.5)


@pytest.mark.parametrize(
    "settings",
    [
        {"numbers": {"segment": 3, "scaling": "last"}},
        {"network": {"decoder": {"feedback": True, "context": False, "head": "student-t"}}},
        {"network": {"attention": "general", "decoder": {"feedback": True, "head": "mean"}},
         "training": {"decoder_inputs": "scheduled_sampling"}, "numbers": {"scaling": "last"}},
        {"network": {"attention": "multi-head", "heads": 2,
                     "encoder": {"kind": "transformer", "feed_forward": 8},
                     "decoder": {"kind": "transformer", "feed_forward": 8, "head": "median"}},
         "numbers": {"scaling": "season"}},
    ],
    ids=["segments", "fed back, student-t", "attention, scheduled sampling", "transformer, season"],
)  # fmt: skip
def test_every_decoder_is_trained_saved_and_loaded(settings: dict[str, Any], tmp_path: Path) -> None:
    rows = Windows.sliding(weekly(90), history=10, horizon=3)
    trained = passerelle.train_forecaster(rows, settings=settings, **SMALL | {"epochs": 2})
    expected = trained.predict(rows.history[:4])
    assert expected.shape == (4, 3, 2)
    trained.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(Forecaster.load(tmp_path / "model.keras").predict(rows.history[:4]), expected)
    assert np.isfinite(trained.quantiles(rows.history[:4], [0.1])[0.1]).all()


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("calibration", {"rows": 0}),
        ("calibration", {"margins": [0.0]}),
        ("ridge", {"shape": [1, 10**6, 7]}),
        ("ridge", {"weights": ["x"]}),
        ("layout", {"time": "date"}),
        ("lengths", {"source": 0}),
    ],
)
def test_a_manipulated_file_is_refused(
    forecaster: Forecaster, tmp_path: Path, part: str, change: dict[str, Any]
) -> None:
    forecaster.save(tmp_path / "sound.keras")
    members = members_of((tmp_path / "sound.keras").read_bytes())
    content = json.loads(members[ASSET])
    content[part] = content.get(part, {}) | change
    path = tmp_path / "hostile.keras"
    path.write_bytes(packed(members | {ASSET: json.dumps(content).encode()}))
    with pytest.raises(ModelFileError, match="is damaged"):
        passerelle.load(path)


def test_training_is_reproducible() -> None:
    rows = Windows.sliding(weekly(60), history=6, horizon=2)
    first, second = (passerelle.train_forecaster(rows, **SMALL | {"epochs": 1}) for _ in range(2))
    np.testing.assert_array_equal(first.predict(rows.history), second.predict(rows.history))


def test_a_refit_forecaster_is_trained_on_all_windows_for_the_epochs_of_the_first(tmp_path: Path) -> None:
    rows = Windows.sliding(weekly(60), history=6, horizon=2)
    first = passerelle.train_forecaster(rows, **SMALL | {"epochs": 2})
    found = passerelle.train_forecaster(rows, refit=True, **SMALL | {"epochs": 2})
    assert found.record["refit"]["windows"] == len(rows) > found.record["data"]["training_windows"]
    assert len(found.record["refit"]["epochs"]) == found.record["kept_epoch"]
    assert found.bundle.calibration is not None
    assert first.bundle.calibration is not None
    np.testing.assert_array_equal(found.bundle.calibration.margins, first.bundle.calibration.margins)
    assert found.signature.to_json() == first.signature.to_json()  # the same scaling, so margins have the same units
    assert (found.predict(rows.history) != first.predict(rows.history)).any()
    found.save(tmp_path / "refit.keras")
    np.testing.assert_array_equal(
        passerelle.load(tmp_path / "refit.keras").predict(rows.history), found.predict(rows.history)
    )
    for validation in (0, rows):
        with pytest.raises(SettingsError, match="refit needs a share of the time as validation"):
            passerelle.train_forecaster(rows, validation=validation, refit=True, **SMALL)


def test_a_copy_forecasts_the_same(forecaster: Forecaster) -> None:
    rows = windows().rows([0, 1])
    copy = pickle.loads(pickle.dumps(forecaster))
    np.testing.assert_array_equal(
        copy.predict(rows.history, known=rows.known), forecaster.predict(rows.history, known=rows.known)
    )


def test_the_validation_loss_of_numbers_is_that_of_the_forecast() -> None:
    settings = {"network": {"decoder": {"feedback": True, "context": False, "head": "mean"}}}
    training, validation = Windows.sliding(weekly(90), history=10, horizon=4).split(0.2)
    trained = passerelle.train_forecaster(training, validation=validation, settings=settings, **SMALL | {"epochs": 1})
    scaled = trained.target.encode_targets({"history": validation.history, "future": validation.future})
    found = trained._distribution(validation.history, None, None).parameters[..., 0]
    errors = (found - scaled.values[:, :-1].reshape(found.shape)) ** 2
    assert errors.mean() == pytest.approx(trained.record["epochs"][0]["validation_loss"], rel=1e-4)


def test_wrong_inputs_are_named(forecaster: Forecaster, tmp_path: Path) -> None:
    rows = windows()
    with pytest.raises(DataError, match="history has no rows"):
        forecaster.predict(rows.history[:0], known=rows.known[:0])
    with pytest.raises(DataError, match="this model has the inputs history, known, received: history"):
        forecaster.predict(rows.history)
    with pytest.raises(DataError, match=r"known, row 1: expected numbers of the shape \(7, 1\)"):
        forecaster.predict(rows.history[:1], known=rows.known[:1, :6])
    with pytest.raises(DataError, match=r"history, row 1: expected numbers of the shape \(length, 2\)"):
        forecaster.predict(rows.history[:1, :, :1], known=rows.known[:1])
    with pytest.raises(DataError, match="known must have one entry for each of 2 rows, received: 1"):
        forecaster.predict(rows.history[:2], known=rows.known[:1])
    with pytest.raises(DataError, match="windows must be passerelle.Windows"):
        passerelle.train_forecaster(rows.history)  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingsError, match="preset 'auto' chooses from pairs of texts"):
        passerelle.train_forecaster(rows, preset="auto")
    holes = weekly()
    holes[20, 0] = np.nan
    with pytest.raises(DataError, match="history, row 8, step 14, column '1': expected a finite number"):
        passerelle.train_forecaster(Windows.sliding(holes, history=14, horizon=7), **SMALL)
    pairs = [("ab", "ba"), ("b", "b")]
    translator = passerelle.train(pairs, validation=0, units=4, epochs=1)
    translator.save(tmp_path / "text.keras")
    with pytest.raises(ModelFileError, match="is a translator"):
        Forecaster.load(tmp_path / "text.keras")
