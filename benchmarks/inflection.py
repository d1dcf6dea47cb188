"""Morphological inflection in three languages, compared with Yoyodyne's pointer-generator LSTM with a tag encoder.

CoNLL-SIGMORPHON 2018 task 1, medium (../shared/data/inflection): 1,000 rows each for training, development and testing.
Each contestant is trained on the same files in a separate process, timed from its start to the trained model. Yoyodyne
(PyPI) is included if `--yoyodyne` names its command, which may be in another virtual environment. Finished rows are
stored in `--out`, and an interrupted run continues from there; remove the folder to start over.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.writing import write_atomically

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "shared" / "data" / "inflection"
LANGUAGES = ("finnish", "french", "german")
PARTS = ("dev", "test")
SETTINGS = {
    "network": {"copying": True, "embedding_init_range": 0.05, "dropout": 0.3},
    "training": {"copy_masking": 0.0, "epochs": 70},
}
"""Changes to the preset: copying without copy masking, because stems are copied and all their characters are known."""

Row = dict[str, Any]


def main() -> None:
    """Run the missing trainings, then print the table and write it to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--preset", default="monotonic", help="default: %(default)s")
    parser.add_argument("--tag-mode", default="separate", choices=("separate", "inline"), help="default: %(default)s")
    parser.add_argument("--settings", type=json.loads, default=SETTINGS, help="nested settings as JSON")
    parser.add_argument("--languages", nargs="+", default=LANGUAGES, choices=LANGUAGES)
    parser.add_argument("--seeds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--yoyodyne", help="path of Yoyodyne's command, for example /path/to/venv/bin/yoyodyne")
    parser.add_argument("--yoyodyne-seeds", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "inflection")
    arguments = parser.parse_args()
    arguments.data, arguments.out = arguments.data.resolve(), arguments.out.resolve()
    contestants: dict[str, tuple[Callable[..., Row], int]] = {"passerelle": (_passerelle, arguments.seeds)}
    if arguments.yoyodyne:
        contestants["yoyodyne"] = (_yoyodyne, arguments.yoyodyne_seeds)
    rows: dict[str, dict[str, list[Row]]] = {language: {} for language in arguments.languages}
    for language in arguments.languages:
        for name, (contestant, seeds) in contestants.items():
            for seed in range(1, seeds + 1):
                folder = arguments.out / f"{name}-{language}-{seed}"
                result = folder / "result.json"
                if not result.exists():
                    print(f"{folder}: training", flush=True)
                    folder.mkdir(parents=True, exist_ok=True)
                    text = json.dumps(contestant(arguments, language, seed, folder))
                    write_atomically(result, lambda stream, text=text: stream.write(text.encode()))
                rows[language].setdefault(name, []).append(json.loads(result.read_text(encoding="utf-8")))
    table = _table(rows, arguments)
    print(table)
    write_atomically(arguments.out / "inflection.md", lambda stream: stream.write(table.encode()))


def _passerelle(arguments: argparse.Namespace, language: str, seed: int, folder: Path) -> Row:
    files = {part: arguments.data / f"{language}_{part}.tsv" for part in ("train", *PARTS)}
    settings, model = folder / "settings.json", folder / "model.keras"
    settings.write_text(json.dumps(arguments.settings), encoding="utf-8")
    program = (
        "import json, sys, passerelle\n"
        "train, dev, settings, preset, tag_mode, seed, out = sys.argv[1:]\n"
        "pairs = [passerelle.read_pairs(path, tag_column=3) for path in (train, dev)]\n"
        "translator = passerelle.train(pairs[0], validation=pairs[1], preset=preset, tag_mode=tag_mode,\n"
        "                              seed=int(seed), settings=json.load(open(settings)))\n"
        "translator.save(out)\n"
    )
    words = (files["train"], files["dev"], settings, arguments.preset, arguments.tag_mode, seed, model)
    cost = _timed([sys.executable, "-c", program, *map(str, words)], folder / "log")
    translator, exact_match = passerelle.load(model), {}
    for part in PARTS:
        pairs = passerelle.read_pairs(files[part], tag_column=3)
        exact_match[part] = _exact_match(translator.translate(pairs.sources, tags=pairs.tags), pairs.targets)
    return {**cost, "exact_match": exact_match}


def _yoyodyne(arguments: argparse.Namespace, language: str, seed: int, folder: Path) -> Row:
    """Train Yoyodyne: embedding 64, 256 units, dropout 0.2, label smoothing 0.1, Adam (0.01), batch size 100, clip 3.

    At most 50 epochs, with a patience of 10 on the dev loss; the weights of the epoch with the best dev accuracy.
    """
    files = {part: str(arguments.data / f"{language}_{part}.tsv") for part in ("train", *PARTS)}

    encoder = {
        "class_path": "yoyodyne.models.modules.LSTMEncoder",
        "init_args": {"dropout": 0.2, "embedding_size": 64, "hidden_size": 256},  # in each direction
    }
    common: Row = {
        "model": {
            "class_path": "yoyodyne.models.PointerGeneratorLSTMModel",
            "init_args": {
                "source_encoder": encoder,
                "tags_encoder": encoder,
                "decoder_dropout": 0.2,
                "decoder_hidden_size": 256,
                "embedding_size": 64,
                "label_smoothing": 0.1,
                "optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.01}},
            },
        },
    }
    data = {"model_dir": str(folder / "model"), "tags_col": 3, "batch_size": 100}
    trainer = {"accelerator": "cpu", "enable_progress_bar": False}
    stop = {
        "class_path": "lightning.pytorch.callbacks.EarlyStopping",
        "init_args": {"monitor": "val_loss", "patience": 10},
    }
    fit = common | {
        "seed_everything": seed,
        "trainer": trainer | {"max_epochs": 50, "gradient_clip_val": 3, "callbacks": [stop]},
        "data": data | {"train": files["train"], "val": files["dev"]},
        "checkpoint": {"monitor": "val_accuracy", "mode": "max", "filename": "best", "dirpath": str(folder)},
    }
    (folder / "best.ckpt").unlink(missing_ok=True)  # otherwise a new checkpoint would get another name
    cost = _timed([arguments.yoyodyne, "fit", "--config", _config(folder / "fit.yaml", fit)], folder / "log")
    exact_match = {}
    for part in PARTS:
        out = folder / f"{part}.txt"
        config = common | {
            "trainer": trainer,
            "data": data | {"predict": files[part], "target_col": 0},
            "prediction": {"path": str(out)},
        }
        words = ["predict", "--config", _config(folder / f"{part}.yaml", config)]
        _timed([arguments.yoyodyne, *words, "--ckpt_path", str(folder / "best.ckpt")], folder / f"log-{part}")
        predictions = out.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        exact_match[part] = _exact_match(predictions, passerelle.read_pairs(files[part]).targets)
    return {**cost, "exact_match": exact_match}


def _exact_match(predictions: Sequence[str], targets: Sequence[str]) -> float:
    """Return the percentage of predictions that equal their targets."""
    return 100 * statistics.mean(one == other for one, other in zip(predictions, targets, strict=True))


def _config(path: Path, values: Row) -> str:
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")  # JSON is valid YAML
    return str(path)


def _timed(command: list[str], log: Path) -> Row:
    """Run a command and return its wall-clock seconds and its processor seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with open(log, "w", encoding="utf-8") as stream:
        status = subprocess.run(command, stdout=stream, stderr=stream, cwd=log.parent).returncode
    if status:
        sys.exit(f"{command[0]} failed with status {status}, see {log}")
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": seconds,
        "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }


def _table(rows: dict[str, dict[str, list[Row]]], arguments: argparse.Namespace) -> str:
    def spread(values: list[float]) -> str:
        return f"{statistics.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"

    lines = [
        f"Exact match, %, preset `{arguments.preset}`, tag mode {arguments.tag_mode}: mean (lowest to highest). Wall-"
        "clock and processor seconds from the start of the process to the trained model: medians.",
        "",
        "| language | contestant | seeds | dev | test | seconds | processor seconds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for language, contestants in rows.items():
        for name, results in contestants.items():
            dev, test = ([result["exact_match"][part] for result in results] for part in PARTS)
            cost = [statistics.median(result[name] for result in results) for name in ("seconds", "processor")]
            lines.append(
                f"| {language} | {name} | {len(results)} | {spread(dev)} | {spread(test)} | "
                f"{cost[0]:.0f} | {cost[1]:.0f} |"
            )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
