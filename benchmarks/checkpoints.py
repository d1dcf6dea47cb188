"""Measure the share of the training time that checkpoints take, for each preset with its own sizes.

python benchmarks/checkpoints.py --minutes 2
python benchmarks/checkpoints.py --presets compact deep --every 1    # more often than anyone needs
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import passerelle
from passerelle.runs import checkpoints
from passerelle.runs.recording import Recording


def measure(preset: str, minutes: float, every: float, folder: Path) -> tuple[int, float, list[float]]:
    """Train on the phrasebook; return bytes per checkpoint, seconds of the run, and seconds of each checkpoint."""
    seconds: list[float] = []
    original, write = Recording.callbacks, checkpoints.write_checkpoint

    def callbacks(self: Recording) -> Any:
        logs, _ = original(self)
        return [logs, checkpoints.Checkpoints(self.folder.checkpoints, seconds=every, report=print)]

    def timed(*arguments: Any) -> None:
        began = time.perf_counter()
        write(*arguments)
        seconds.append(time.perf_counter() - began)

    Recording.callbacks, checkpoints.write_checkpoint = callbacks, timed  # pyright: ignore[reportAttributeAccessIssue]
    try:
        began = time.perf_counter()
        passerelle.train(passerelle.phrasebook(), preset=preset, minutes=minutes, run=folder / f"{preset}.run")
        whole = time.perf_counter() - began
    finally:
        Recording.callbacks, checkpoints.write_checkpoint = original, write
    newest = checkpoints.checkpoint_files(folder / f"{preset}.run" / "checkpoints")[0]
    return newest.stat().st_size, whole, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["compact", "tutorial", "deep", "transformer"])
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two checkpoints")
    arguments = parser.parse_args()
    print("| preset | size | checkpoints | longest | share of the time |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for preset in arguments.presets:
            size, whole, seconds = measure(preset, arguments.minutes, arguments.every, Path(folder))
            share = 100.0 * sum(seconds) / whole
            print(
                f"| `{preset}` | {size / 1e6:.1f} MB | {len(seconds)} | {max(seconds):.3f} s | {share:.2f} % |",
                flush=True,
            )


if __name__ == "__main__":
    main()
