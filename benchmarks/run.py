"""make bench: this project beside the tutorial program, on one split, one process each, resumable.

Splits the first 10,000 pairs of fra-eng by source sentence into training, validation and test files; trains the
program as published and our presets on the same training file; scores all on the same test file; times both decoders
with the same weights. Finished parts are not run again: remove the folder to begin anew.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from passerelle.data.pairs import read_pairs, references, split_by_source, write_pairs
from passerelle.evaluation.metrics import score

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "fra-eng.zip"
SEED = 2017
HELD_OUT = 0.1
PRESETS = ("tutorial", "compact")


def main() -> None:
    """Runs what is not finished yet, then writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    if not arguments.pairs.exists():
        sys.exit(
            f"{arguments.pairs}: no such file. Fetch it (passerelle download fra-eng) and name it: "
            f"python benchmarks/run.py --pairs fra-eng.zip"
        )
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    files = {name: out / f"{name}.tsv" for name in ("train", "validation", "test")}
    if not all(path.exists() for path in files.values()):
        _split(arguments.pairs, arguments.limit, files)

    epochs = str(arguments.epochs)
    program = out / "program"
    _run(program, "tutorial_program.py", "--train", files["train"], "--test", files["test"], "--epochs", epochs)
    for preset in PRESETS:
        names = [word for name, path in files.items() for word in (f"--{name}", path)]
        _run(out / preset, "contestant.py", "--preset", preset, *names, "--epochs", epochs)
    _run(out / "decoding", "decoding.py", "--program", program, "--test", files["test"])

    table, values = _table(out, files["test"])
    (out / "table.md").write_text(table, encoding="utf-8")
    (out / "table.json").write_text(json.dumps(values, indent=1), encoding="utf-8")
    print(table)


def _split(pairs: Path, limit: int, files: dict[str, Path]) -> None:
    rest, test = split_by_source(read_pairs(pairs, limit=limit), HELD_OUT, seed=SEED)
    training, validation = split_by_source(rest, HELD_OUT, seed=SEED + 1)
    for name, part in (("train", training), ("validation", validation), ("test", test)):
        write_pairs(files[name], part)


def _run(folder: Path, script: str, *arguments: object) -> None:
    """Runs one contestant in its own process, unless its result is there."""
    if (folder / "result.json").exists():
        print(f"{folder.name}: finished before", flush=True)
        return
    print(f"{folder.name}: running, see {folder / 'log.txt'}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(HERE / script), *map(str, arguments), "--out", str(folder)]
    with open(folder / "log.txt", "w", encoding="utf-8") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": str(HERE)})


def _table(out: Path, test: Path) -> tuple[str, dict]:
    program = json.loads((out / "program" / "result.json").read_text(encoding="utf-8"))
    answers = references(read_pairs(test))
    lines = (out / "program" / "hypotheses.tsv").read_text(encoding="utf-8").split("\n")
    hypotheses = dict(line.split("\t", 1) for line in lines if "\t" in line)
    report = score([hypotheses[source] for source in answers], list(answers.values()))
    rows = [
        {
            "name": "tutorial program",
            "parameters": program["parameters"],
            "epoch_seconds": program["median_epoch_seconds"],
            "peak_memory_mb": program["peak_memory_mb"],
            "exact_match": report.exact_match,
            "bleu": report.bleu,
            "chrf": report.chrf,
        }
    ]
    for preset in PRESETS:
        ours = json.loads((out / preset / "result.json").read_text(encoding="utf-8"))
        rows.append(
            {
                "name": f"passerelle, {preset}",
                "parameters": ours["parameters"],
                "epoch_seconds": ours["median_epoch_seconds"],
                "peak_memory_mb": ours["peak_memory_mb"],
                **{key: ours["report"][key] for key in ("exact_match", "bleu", "chrf")},
            }
        )
    decoding = json.loads((out / "decoding" / "result.json").read_text(encoding="utf-8"))
    rates = decoding["characters_per_second"]
    first = rows[0]["epoch_seconds"]
    lines = [
        "| | parameters | seconds an epoch | ratio | peak memory, MB | exact match, % | BLEU | chrF |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {row['name']} | {row['parameters']:,} | {row['epoch_seconds']:.1f} | "
            f"{first / row['epoch_seconds']:.1f}x | {row['peak_memory_mb']:.0f} | {row['exact_match']:.1f} | "
            f"{row['bleu']:.1f} | {row['chrf']:.1f} |"
            for row in rows
        ),
        "",
        f"Scores on {report.sources} sources that no contestant was trained on, each translated freely; "
        f"{report.bleu_signature}; {report.chrf_signature}.",
        "",
        "| decoder, the program's weights in both | characters a second | ratio |",
        "| --- | --- | --- |",
        f"| tutorial program, a `predict` a character | {rates['program']:,.0f} | 1x |",
        f"| passerelle, one sentence at a time | {rates['one_at_a_time']:,.0f} | "
        f"{decoding['ratio_one_at_a_time']:.0f}x |",
        f"| passerelle, {decoding['many']:,} sentences at once | {rates['many_at_once']:,.0f} | "
        f"{decoding['ratio_many_at_once']:.0f}x |",
        "",
        f"Both wrote the same text for {decoding['same_text']} of {decoding['sources']} sentences.",
        "",
    ]
    return "\n".join(lines), {"training": rows, "decoding": decoding}


if __name__ == "__main__":
    main()
