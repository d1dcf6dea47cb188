"""Compare presets with the small Transformer of Keras's translation tutorial after the same minutes of training.

The split is that of run.py. Each training is a separate process, in turns; finished ones are not repeated. The time
counts from the start to the trained model. Passerelle's trainings end at the minute, with the choice of the search; the
tutorial's program ends with the last epoch that fits. The picture shows chrF against the minutes.
"""

import argparse
import itertools
import statistics
from pathlib import Path
from typing import Any

from passerelle.data.writing import write_atomically
from passerelle.plots.chart import draw_chart
from passerelle.plots.theme import ATTENTION, DENSE, EMBEDDING, INPUT, OTHER, RECURRENT
from run import DATA, HERE, run_once, split_files, spread

PROGRAM = "transformer program"
COLOURS = (INPUT, RECURRENT, DENSE, EMBEDDING, ATTENTION, OTHER)
METRICS = {"exact_match": "exact match, %", "bleu": "BLEU", "chrf": "chrF"}


def main() -> None:
    """Run the unfinished trainings, then print the table and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 2, 5])
    parser.add_argument("--presets", nargs="+", default=["auto", "transformer", "compact", "monotonic"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    files = split_files(arguments.pairs, arguments.limit, arguments.out)
    results: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for seed in range(1, arguments.seeds + 1):
        for minutes in arguments.minutes:
            for name in (PROGRAM, *arguments.presets):
                folder = arguments.out / f"minutes-{minutes:g}" / f"{name.replace(' ', '-')}-{seed}"
                results.setdefault((name, minutes), []).append(train(name, minutes, seed, files, folder))
    rows = [row for (name, minutes), runs in results.items() for row in lines(name, minutes, runs)]
    header = (
        f"| | minutes | search | seconds | {' | '.join(METRICS.values())} |\n| --- | --- | --- | --- |{' --- |' * 3}"
    )
    print("\n".join([header, *rows]))
    write_atomically(arguments.out / "minutes.svg", lambda stream: stream.write(picture(results)))


def train(name: str, minutes: float, seed: int, files: dict[str, Path], folder: Path) -> dict[str, Any]:
    """Train one contestant for some minutes, unless its result exists, and return the result."""
    words = [word for key, path in files.items() for word in (f"--{key}", path)]
    words += ["--minutes", minutes, "--out", folder]
    if name == PROGRAM:
        result = run_once(folder / "result.json", "transformer_program.py", *words, "--seed", seed)
    else:
        settings = f'{{"training": {{"seed": {seed}}}}}'
        result = run_once(folder / "result.json", "contestant.py", "--preset", name, *words, "--settings", settings)
    return result or {}


def lines(name: str, minutes: float, runs: list[dict[str, Any]]) -> list[str]:
    """Return the table rows of one contestant: greedy search and, for a preset, the stored search."""
    seconds = statistics.mean(run["seconds_from_start_to_trained"] for run in runs)
    rows = []
    for key, search in (("report", "greedy"), ("stored_report", "stored")):
        if key in runs[0]:
            cells = [spread([run[key][metric] for run in runs]) for metric in METRICS]
            rows.append(f"| {name} | {minutes:g} | {search} | {seconds:.0f} | {' | '.join(cells)} |")
    return rows


def picture(results: dict[tuple[str, float], list[dict[str, Any]]]) -> bytes:
    """Draw the mean chrF of each contestant against the minutes, as SVG; of presets, that of the stored search."""

    def draw(axes: Any) -> None:
        names = dict.fromkeys(name for name, _ in results)
        for name, colour in zip(names, itertools.cycle(COLOURS)):
            points = sorted((minutes, runs) for (other, minutes), runs in results.items() if other == name)
            chrf = [
                statistics.mean((run.get("stored_report") or run["report"])["chrf"] for run in runs)
                for _, runs in points
            ]
            axes.plot([minutes for minutes, _ in points], chrf, marker="o", label=name, color=colour)
        axes.set_xlabel("minutes of training")
        axes.set_ylabel("chrF")

    return draw_chart(draw, title="chrF on test sources after the same minutes of training").encode()


if __name__ == "__main__":
    main()
