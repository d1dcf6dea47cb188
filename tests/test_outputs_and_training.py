"""Several outputs with the other options of training: accumulation, averages, metrics, sweeps, fine-tuning."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle.data.batches import Batches
from passerelle.data.checking import check_pairs
from passerelle.data.mixing import Mixture
from passerelle.experiment.building import build
from passerelle.experiment.rate_sweep import find_learning_rate
from passerelle.preparation import Prepared, prepare
from passerelle.ragged import Ragged
from passerelle.settings import make_settings
from passerelle.special_tokens import END
from passerelle.sweep.objective import Objective, per_character
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.loss import output_weights
from passerelle.training.optimizer import make_optimizer
from passerelle.training.state import TrainingState
from passerelle.training.update import make_update

ROWS: Any = [
    (f"{first} {second}", {"up": f"{second} {first}", "tag": first} if second != "z" else {"up": f"z {first}"})
    for first in "abcde"
    for second in "vwxyz"
]
HELD_OUT: Any = [("a v", {"up": "v a", "tag": "a"}), ("b w", {"up": "w b", "tag": "a"}), ("c z", {"up": "c z"})]
SMALL: dict[str, Any] = {"preset": "compact", "level": "word", "units": 8, "batch_size": 8, "dropout": 0.0}
EVERYTHING: dict[str, Any] = {
    "accumulation": 2, "ema": 0.9, "average": 2, "metric": "chrf", "schedule": "plateau", "search": "greedy",
}  # fmt: skip


def prepared(training: dict[str, Any] | None = None, **options: Any) -> Prepared:
    values = {**SMALL, "epochs": 2, **options}
    settings = make_settings(values.pop("preset"), {"training": training or {}}, values)
    return prepare(ROWS, settings, validation=HELD_OUT)


class Samples(Callback):
    """The samples of the last epoch."""

    def on_epoch_end(self, run: Run) -> None:
        self.found = run.samples


def test_the_metric_is_the_mean_over_the_outputs() -> None:
    samples = Samples()
    options = {**SMALL, "epochs": 6, "learning_rate": 0.02, "settings": {"training": EVERYTHING}}
    translator = passerelle.train(ROWS, validation=HELD_OUT, callbacks=[samples], **options)
    held_out = check_pairs(HELD_OUT).by_output
    assert [len(pairs) for pairs in held_out.values()] == [3, 2]
    reports = [output.evaluate(held_out[name], beam=1) for name, output in translator.outputs.items()]
    kept = next(each for each in translator.record["epochs"] if each["number"] == translator.record["kept_epoch"])
    assert kept["chrf"] == pytest.approx(np.mean([report.chrf for report in reports]))
    assert kept["exact_match"] == pytest.approx(np.mean([report.exact_match for report in reports]))
    assert kept["chrf"] == max(each["chrf"] for each in translator.record["epochs"])
    assert {sample.reference for sample in samples.found} <= {"v a", "w b", "c z"}


def test_accumulated_batches_of_several_outputs_equal_one_batch() -> None:
    data = prepared()
    batches = data.training_batches
    whole = Batches(batches.inputs, batches.targets, 24, seed=None)
    halves = [
        Batches(
            *(
                {name: Ragged.from_lists([ids[row].tolist() for row in rows]) for name, ids in arrays.items()}
                for arrays in (whole.inputs, whole.targets)
            ),
            12,
            seed=None,
        )
        for rows in (range(12), range(12, 24))
    ]  # fmt: skip
    own = output_weights(batches.tokens_per_target, {"tag": 0.5})
    found = []
    for parts in ([whole], halves):
        network = build(data).network
        update = make_update(network, make_optimizer(data.settings.training), tokens=10.0, weights=own)
        state = TrainingState.from_seed(1)
        update.begin(state)
        state.sums = np.zeros(3, np.float32)
        for number, part in enumerate(parts, start=1):
            batch = next(iter(part.epoch(0)))
            update(state, batch, complete=number == len(parts))
        found.append([np.array(array) for array in (*state.trainable, state.sums)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_tokens_of_missing_targets_and_of_old_rows() -> None:
    """A missing target counts like the mean of the others; only rows of the epoch count."""
    sources = Ragged.from_lists([[4]] * 6)
    first = Ragged.from_lists([[4, END], [], [4, 5, 6, END], [], [4, 5, 6, 7, 8, 9, 9, END], []])
    second = Ragged.from_lists([[4, END]] * 6)
    targets = {"first": first, "second": second}
    batches = Batches({"source": sources}, targets, 2, seed=1)
    assert batches.target_tokens == pytest.approx(6 * 14 / 3)
    assert batches.tokens_per_target == {"first": pytest.approx(14 / 3), "second": 2.0}
    mixed = Batches({"source": sources}, targets, 2, seed=1, mixture=Mixture(4, 2, 0.2))
    (old,) = set(mixed.mixture.rows(1, 0)) - set(range(4))  # pyright: ignore[reportOptionalMemberAccess]
    mean = (2 + 4 + 8) / 3 if old == 4 else (2 + 4) / 2
    assert mixed.target_tokens == pytest.approx(5 * mean)
    assert mixed.tokens_per_target == {"first": pytest.approx(mean), "second": 2.0}


def test_pairs_are_the_same_in_any_order_of_their_outputs() -> None:
    one = check_pairs([("a", {"fr": "b", "de": "c"}), ("d", {"de": "e", "fr": "f"}), ("g", {"de": "h"})])
    other = check_pairs([("a", {"fr": "b", "de": "c"}), ("d", {"fr": "f", "de": "e"}), ("g", {"fr": "", "de": "h"})])
    assert one.fingerprint() == other.fingerprint()
    assert one.fingerprint() != check_pairs([("a", {"fr": "b", "de": "c"}), ("d", {"fr": "e"})]).fingerprint()


def test_the_objective_of_a_sweep_is_the_mean_over_the_outputs() -> None:
    from passerelle.experiment.prepared_training import train_prepared

    data = prepared(epochs=3, learning_rate=0.02)
    translator = train_prepared(data)
    held_out = data.validation.by_output
    reports = [output.evaluate(held_out[name]) for name, output in translator.outputs.items()]
    assert Objective("chrf").value(translator, data) == pytest.approx(np.mean([each.chrf for each in reports]))
    assert Objective("exact").value(translator, data) == pytest.approx(np.mean([each.exact_match for each in reports]))
    # Tokens of up: 3 for each of 3 texts; of tag: 2 for each of 2. Characters: 4 and 2, END included.
    assert per_character(1.0, data) == pytest.approx((3 * 3 + 2 * 2) / (3 * 4 + 2 * 2))


@pytest.mark.slow
def test_a_learning_rate_sweep_of_several_outputs() -> None:
    sweep = find_learning_rate(prepared({"accumulation": 2}), report=lambda *_: None, stopped=lambda: False)
    assert sweep.suggested is not None
    assert min(sweep.smoothed) < 0.9 * sweep.smoothed[0]


@pytest.mark.slow
def test_a_resumed_run_with_every_option_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    mixed: Any = [(source, dict(reversed(texts.items())) if "w" in source else texts) for source, texts in ROWS]
    options = {**SMALL, "validation": 0.2, "settings": {"training": EVERYTHING}}
    whole = passerelle.train(mixed, **options, epochs=4)
    passerelle.train(mixed, **options, epochs=2, run=tmp_path / "some.run")
    resumed = passerelle.resume(tmp_path / "some.run", epochs=4)
    for mine, other in zip(whole.network.get_weights(), resumed.network.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    results = [
        [(each["chrf"], each["validation_loss"], each["weights"]) for each in translator.record["epochs"]]
        for translator in (whole, resumed)
    ]
    assert results[0] == results[1]
    assert None not in {chrf for chrf, *_ in results[0]}
