"""Training records in words."""

import math

from passerelle.cli.training_words import checkpoint_words, interval_words, kept_words

INTERVAL = {
    "number": 2, "epoch": 1, "updates": 12_000, "loss": 1.5, "validation_loss": 1.0, "validation_perplexity": math.e,
    "chrf": 30.0, "exact_match": 5.0, "weights": "raw", "skipped": 0, "tokens": 24_000.0, "seconds": 12.0,
}  # fmt: skip
FIRST = INTERVAL | {"number": 1, "updates": 6_000, "weights": "ema"}


def test_results_of_an_interval():
    assert interval_words(INTERVAL, limit="/9", updates=True, unit="tokens") == (
        "epoch 1/9  update 12,000  loss 1.5000  validation loss 1.0000 (perplexity 2.72)  chrF 30.0  exact 5.0 %  "
        "2,000 tokens/s  12.0 s"
    )
    numbers = INTERVAL | {"validation_perplexity": None, "chrf": None, "skipped": 3, "weights": "average"}
    assert interval_words(numbers, updates=False) == (
        "epoch 1  loss 1.5000  validation loss 1.0000  average of last weights  "
        "3 updates skipped (gradients not finite)  12.0 s"
    )
    assert "(perplexity inf)" in interval_words(INTERVAL | {"validation_perplexity": math.inf}, updates=False)


def test_a_record_of_an_earlier_version():
    earlier = {"number": 3, "loss": 1.5, "validation_loss": None, "seconds": 0.0}
    assert interval_words(earlier, updates=False) == "epoch 3  loss 1.5000  0.0 s"


def test_which_weights_were_kept():
    record = {"kept_interval": 1, "epochs": [FIRST, INTERVAL]}
    assert kept_words(record) == "epoch 1, update 6,000"
    assert checkpoint_words(record) == "epoch 1 of 1, update 6,000, moving average of weights"
    epochs = {"kept_interval": 2, "epochs": [FIRST, INTERVAL | {"epoch": 2}]}
    assert (kept_words(epochs), checkpoint_words(epochs)) == ("epoch 2", "epoch 2 of 2")
    assert checkpoint_words({"kept_interval": 0, "epochs": []}) == "the first epoch"
