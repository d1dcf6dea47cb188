"""Train and evaluate one preset of this project in a separate process. Called by run.py."""

import argparse
import dataclasses
import json
import resource
import statistics
import time
from pathlib import Path

import passerelle
from passerelle.data.writing import write_atomically
from passerelle.experiment.candidates import prepare_candidates
from passerelle.experiment.prepared_training import train_prepared
from passerelle.settings import choose_settings
from passerelle.training.callbacks.callback import Callback, Run


class Log(Callback):
    """Print the results of each epoch."""

    def on_epoch_end(self, run: Run) -> None:
        print(run.state.history[-1], *run.samples[:1], flush=True)


def main() -> None:
    """Train, evaluate on the test file with greedy and with the stored search, and write `--out`/result.json."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--preset", required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--validation", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--epochs", type=int, help="default: the preset's")
    parser.add_argument("--minutes", type=float, help="time limit, from the start to the trained model")
    parser.add_argument("--settings", type=json.loads, default={}, help="nested settings as JSON")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    started = time.perf_counter()
    settings = choose_settings(
        preset=arguments.preset, epochs=arguments.epochs, minutes=arguments.minutes, settings=arguments.settings
    )
    tag_column = None if settings.tags.mode == "none" else 3
    pairs = passerelle.read_pairs(arguments.train, tag_column=tag_column)
    prepared = prepare_candidates(pairs, settings, validation=arguments.validation)
    print(*prepared.choices, sep="\n", flush=True)
    translator = train_prepared(prepared, [Log()], started=started)
    seconds = time.perf_counter() - started
    translator.save(arguments.out / "model.keras")
    test = passerelle.read_pairs(arguments.test, tag_column=tag_column)
    report, stored = translator.evaluate(test, beam=1), translator.evaluate(test)
    epochs = translator.record["epochs"]
    result = {
        "name": arguments.preset,
        "settings": translator.settings.model_dump(),
        "pairs": len(prepared.training),
        "parameters": translator.network.count_params(),
        "seconds_from_start_to_trained": seconds,
        "median_epoch_seconds": statistics.median(epoch["seconds"] for epoch in epochs),
        "padding_share": translator.record["padding_share"],
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "choices": prepared.choices,
        "report": dataclasses.asdict(report),
        "search": translator.record["search"],
        "stored_report": dataclasses.asdict(stored),
        "epochs": epochs,
    }
    write_atomically(arguments.out / "result.json", lambda stream: stream.write(json.dumps(result, indent=1).encode()))


if __name__ == "__main__":
    main()
