"""Run a benchmark of forecasts with several seeds; finished seeds are stored in `--out` and not repeated."""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from passerelle.data.writing import write_atomically

__all__ = ["coverage_cells", "run_seeds"]


def run_seeds(
    description: str | None,
    data: Path,
    settings: dict[str, Any],
    out: Path,
    run: Callable[[Path, dict[str, Any], int], dict[str, Any]],
    table: Callable[[list[dict[str, Any]]], str],
) -> None:
    """Train the missing seeds, then print the table and write it to `--out`.

    Args:
        description: text of `--help`.
        data: default of `--data`.
        settings: default of `--settings`.
        out: default of `--out`; the table has the name of this folder.
        run: receives the data, the settings and a seed; returns a result as JSON values.
        table: receives the results of all seeds.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=data, help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--settings", type=json.loads, default=settings, help="nested settings as JSON")
    parser.add_argument("--out", type=Path, default=out)
    arguments = parser.parse_args()
    if not arguments.data.exists():
        print(f"skipped: {arguments.data} is absent")
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in range(1, arguments.seeds + 1):
        result = arguments.out / f"seed-{seed}.json"
        if not result.exists():
            print(f"seed {seed}: training", flush=True)
            text = json.dumps(run(arguments.data, arguments.settings, seed))
            write_atomically(result, lambda stream, text=text: stream.write(text.encode()))
        rows.append(json.loads(result.read_text(encoding="utf-8")))
    text = table(rows)
    (arguments.out / f"{out.name}.md").write_text(text, encoding="utf-8")
    print(text)


def coverage_cells(scores: list[dict[str, Any]]) -> str:
    """Return two cells of a table: the coverage of each interval in %, with and without adaptation; mean over seeds."""
    cells = []
    for name in ("coverage", "fixed_coverage"):
        found = [one[name] for one in scores if one.get(name)]
        nominal = sorted(found[0]) if found else []
        cells.append(", ".join(f"{100 * statistics.mean(one[share] for one in found):.1f}" for share in nominal))
    return " | ".join(cells)
